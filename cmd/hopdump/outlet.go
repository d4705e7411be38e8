// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"os/signal"
	"syscall"

	"hopdump/cmd/hopdump/internal/names"
	"hopdump/cmd/hopdump/internal/output"
	"hopdump/cmd/hopdump/internal/text"
	"hopdump/pcapng"
)

// outlet is where packets go: text, a file, both, or, with --count, nowhere.
type outlet struct {
	text    *output.Text
	printer *text.Printer
	file    *output.File
}

// outlet opens what the flags ask for. failed, which may be nil, is told when
// handing on fails between two packets.
func (c *command) outlet(opts *options, format pcapng.FileOptions, columns bool, failed func(error)) (outlet, error) {
	var o outlet
	if opts.write != "" {
		f, isNew, err := c.writeTo(opts)
		if err != nil {
			return o, err
		}
		o.file = output.NewFile(f, opts.write, output.FileOptions{
			Each:  opts.packetBuffered || opts.lineBuffered && opts.write == "-",
			IsNew: isNew, Failed: failed, Format: format,
		})
	}
	if opts.printsText() {
		o.text = output.NewText(c.stdout, output.TextOptions{
			Each:  opts.lineBuffered || opts.packetBuffered && opts.write == "",
			Delay: output.Delay(c.stdout), Failed: failed,
		})
		o.printer = text.New(c.textOptions(opts, columns))
	}
	return o, nil
}

// textOptions completes the options of the printer with what the machine says.
func (c *command) textOptions(opts *options, columns bool) text.Options {
	t := opts.text()
	t.Columns = columns
	t.Color = output.IsTerminal(c.stdout) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	if !t.Numeric {
		t.Names = names.Load("/")
	}
	return t
}

// put hands one packet on.
func (o *outlet) put(r *pcapng.Record, link text.LinkType) error {
	if o.file != nil {
		if err := o.file.Write(r); err != nil {
			return err
		}
	}
	if o.text == nil {
		return nil
	}
	return o.text.Append(func(b []byte) []byte { return o.printer.Append(b, r, link) })
}

// flush hands on what was collected.
func (o *outlet) flush() error {
	var errs []error
	if o.file != nil {
		errs = append(errs, o.file.Flush())
	}
	if o.text != nil {
		errs = append(errs, o.text.Flush())
	}
	return errors.Join(errs...)
}

// close finishes the file, if there is one, and flushes the text.
func (o *outlet) close(stats ...pcapng.Statistics) error {
	var err error
	if o.file != nil {
		err = o.file.Close(stats...)
	}
	if o.text != nil {
		if e := o.text.Flush(); err == nil {
			err = e
		}
	}
	return err
}

// abandon leaves nothing behind of a capture that did not begin.
func (o *outlet) abandon() {
	if o.file != nil {
		o.file.Abandon()
	}
}

// ignoreSIGPIPE makes a write to a pipe that nobody reads an error instead of
// the end of the process.
func ignoreSIGPIPE() (restore func()) {
	signal.Ignore(syscall.SIGPIPE)
	return func() { signal.Reset(syscall.SIGPIPE) }
}
