// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"hopdump/cmd/hopdump/internal/output"
	"hopdump/cmd/hopdump/internal/text"
	"hopdump/filter"
	"hopdump/pcapng"
)

// replay is -r: packets come from a file.
func (c *command) replay(opts *options) int {
	restore := ignoreSIGPIPE()
	defer restore()
	r := &replay{command: c, opts: opts, programs: map[uint16]*filter.Program{}}
	err := r.run()
	if e := r.out.close(r.statistics()...); err == nil {
		err = e
	}
	if err != nil {
		return c.fail(err)
	}
	if opts.onlyCount {
		return c.print(plural(uint64(r.kept), "packet") + "\n")
	}
	return statusDone
}

// replay is one reading of a file.
type replay struct {
	*command
	opts     *options
	file     *pcapng.RecordReader
	out      outlet
	programs map[uint16]*filter.Program // by link type
	read     int                        // packets read
	kept     int                        // packets that matched
}

func (r *replay) run() error {
	if err := r.opts.readExpression(); err != nil {
		return err
	}
	in, err := r.open()
	if err != nil {
		return err
	}
	defer in.Close()
	if r.file, err = pcapng.NewRecordReader(in); err != nil {
		return r.reading(err)
	}
	link := r.file.LinkType()
	if _, err := r.program(link); err != nil {
		return err
	}
	if err := r.printable(link); err != nil {
		return err
	}
	fmt.Fprintf(r.stderr, "reading from file %s, link-type %s, snapshot length %d\n",
		visible(r.opts.read), text.LinkFromFile(link), snapLen(r.file.SnapLen()))
	if r.out, err = r.command.outlet(r.opts, r.format(), r.columns(), nil); err != nil {
		return err
	}
	return r.packets(link)
}

// open opens the file or standard input, unpacking what gzip packed.
func (r *replay) open() (io.ReadCloser, error) {
	file := r.stdin
	if r.opts.read != "-" {
		f, err := os.Open(r.opts.read)
		if err != nil {
			return nil, err
		}
		file = f
	}
	in := bufio.NewReaderSize(file, 1<<16)
	if magic, _ := in.Peek(2); string(magic) != "\x1f\x8b" {
		return readCloser{in, file}, nil
	}
	unpacked, err := gzip.NewReader(in)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", r.opts.read, err)
	}
	return readCloser{unpacked, file}, nil
}

type readCloser struct {
	io.Reader
	io.Closer
}

// reading words an error of the reader. What was whole has been shown.
func (r *replay) reading(err error) error {
	var bad *pcapng.FormatError
	if !errors.As(err, &bad) {
		return fmt.Errorf("%s: %w", r.opts.read, err)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		were := "were"
		if r.read == 1 {
			were = "was"
		}
		return fmt.Errorf("%s: cut off in block at byte %d, %s before it %s read",
			r.opts.read, bad.Off, plural(r.read, "packet"), were)
	}
	if errors.Is(err, pcapng.ErrMagic) {
		return fmt.Errorf("%s: neither pcapng nor pcap", r.opts.read)
	}
	return fmt.Errorf("%s: damaged in block at byte %d: %s", r.opts.read, bad.Off, bad.Msg)
}

// program compiles the expression for a link type, once.
func (r *replay) program(link uint16) (*filter.Program, error) {
	if p, ok := r.programs[link]; ok || r.opts.expression == "" {
		return p, nil
	}
	p, err := filter.Compile(r.opts.expression, filter.Link(link), filter.Options{Names: filter.SystemNames()})
	if err != nil {
		return nil, err
	}
	r.programs[link] = p
	return p, nil
}

// printable refuses link types that cannot be printed, if they are to be.
func (r *replay) printable(link uint16) error {
	if r.opts.printsText() && !text.LinkFromFile(link).Known() {
		return fmt.Errorf("%s: packets of link-type %d cannot be printed; use -w", r.opts.read, link)
	}
	return nil
}

// packets passes on the packets that match.
func (r *replay) packets(first uint16) error {
	for rec, err := range r.file.All() {
		if err != nil {
			return r.reading(err)
		}
		r.read++
		link := r.file.LinkType()
		if link != first {
			if err := r.mixed(link); err != nil {
				return err
			}
		}
		match, err := r.matches(rec, link)
		if err != nil {
			return err
		}
		if !match {
			continue
		}
		r.kept++
		rec.Data = rec.Data[:min(len(rec.Data), r.opts.snapLen)]
		if err := r.out.put(rec, text.LinkFromFile(link)); err != nil {
			return err
		}
		if r.kept == r.opts.count {
			return nil
		}
	}
	return nil
}

// mixed decides about a packet of another link type than the first: it can be
// printed, but one file holds only one.
func (r *replay) mixed(link uint16) error {
	if r.opts.write != "" {
		return fmt.Errorf("%s: packet %d has link-type %d, and a file can hold only one; %s written",
			r.opts.read, r.read, link, wereWritten(r.kept))
	}
	return r.printable(link)
}

func wereWritten(n int) string {
	if n == 1 {
		return "1 packet was"
	}
	return fmt.Sprintf("%d packets were", n)
}

func (r *replay) matches(rec *pcapng.Record, link uint16) (bool, error) {
	if r.opts.direction != pcapng.DirUnknown && rec.Dir != r.opts.direction {
		return false, nil
	}
	p, err := r.program(link)
	if err != nil {
		return false, err
	}
	return p == nil || p.Match(rec.Data, filter.Meta{Len: rec.Len}), nil
}

// columns reports whether packets of several devices may be in the file: it is
// hopdump's, and not of a capture on one device.
func (r *replay) columns() bool {
	for _, kv := range r.file.Section().Keys {
		if kv.Key == keyDevice {
			return false
		}
	}
	return r.file.Section().Keys != nil
}

// keyDevice is the key of the section comment that names the one device of a
// capture.
const keyDevice = "dev"

// format describes the capture for a copy of the file.
func (r *replay) format() pcapng.FileOptions {
	s := r.file.Section()
	o := pcapng.FileOptions{
		Hardware: s.Hardware, OS: s.OS, Application: application(),
		LinkType: r.file.LinkType(), SnapLen: uint32(min(snapLen(r.file.SnapLen()), r.opts.snapLen)),
		Devices: r.file.Devices(), Notes: s.Notes, Comments: r.opts.comments,
		Filter: bothFilters(r.file.Filter(), r.opts.expression),
	}
	for _, kv := range s.Keys {
		switch kv.Key {
		case "ts":
			o.TS = kv.Value
		case "clock":
			o.Clock = kv.Value
		case "ns":
			if n, err := strconv.ParseUint(kv.Value, 10, 32); err == nil {
				o.Netns = uint32(n)
			}
		default:
			o.Keys = append(o.Keys, kv)
		}
	}
	return o
}

// statistics are those of the file, for a copy. What was delivered is counted
// anew.
func (r *replay) statistics() []pcapng.Statistics {
	if r.file == nil {
		return nil
	}
	var all []pcapng.Statistics
	for _, s := range r.file.Statistics() {
		s.Delivered = nil
		all = append(all, s)
	}
	return all
}

// bothFilters is the expression that both were: that of the capture and ours.
func bothFilters(capture, ours string) string {
	if capture == "" || ours == "" {
		return capture + ours
	}
	return fmt.Sprintf("(%s) and (%s)", capture, ours)
}

func snapLen(n uint32) int {
	if n == 0 {
		return maxSnapLen
	}
	return int(n)
}

// readExpression takes the expression from the file of -F, if there is one.
func (o *options) readExpression() error {
	if o.exprFile == "" {
		return nil
	}
	b, err := os.ReadFile(o.exprFile)
	if err != nil {
		return err
	}
	o.expression = strings.Join(strings.Fields(string(b)), " ")
	return nil
}

// printsText reports whether packets are printed.
func (o *options) printsText() bool {
	return (o.write == "" || o.print) && !o.onlyCount
}

// writeTo opens what -w names. The line about the suffix comes at once, since
// scripts that expect another format should see it.
func (c *command) writeTo(opts *options) (f *os.File, isNew bool, err error) {
	if opts.write == "-" {
		if output.IsTerminal(c.stdout) {
			return nil, false, usagef("-w -: standard output is a terminal, and packets are not text")
		}
		return c.stdout, false, nil
	}
	if strings.HasSuffix(opts.write, ".pcap") {
		c.sayf("%s: will be pcapng, whatever the suffix says", opts.write)
	}
	return output.Create(opts.write)
}
