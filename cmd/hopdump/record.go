// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"hopdump/capture"
	"hopdump/cmd/hopdump/internal/output"
	"hopdump/cmd/hopdump/internal/session"
	"hopdump/cmd/hopdump/internal/text"
	"hopdump/filter"
	"hopdump/pcapng"
)

// recording is one live capture.
type recording struct {
	*command
	opts    *options
	devices []string // none means any
	engine  engine
	out     outlet
	begun   time.Time

	captured atomic.Uint64 // packets written or printed
	notKept  atomic.Uint64 // packets that a condition of the command left out
}

// record captures live.
func (c *command) record(opts *options) int {
	restore := ignoreSIGPIPE()
	defer restore()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := watchSignals(cancel)
	defer signals.stop()

	r := &recording{command: c, opts: opts}
	if err := r.begin(ctx, cancel); err != nil {
		r.out.abandon()
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return statusDone
		}
		return c.fail(err)
	}
	done := make(chan int, 1)
	go func() { done <- r.run(ctx) }()
	for {
		select {
		case status := <-done:
			return status
		case <-signals.again:
			return statusFailed
		case <-signals.counters:
			r.printCounters()
		case <-signals.flush:
			// Not here: it waits for a write that a reader holds up, and the
			// signals behind it must be heard. An error is kept and ends the
			// capture by itself.
			go r.out.flush()
		}
	}
}

// begin checks what can be checked, opens the output and attaches.
func (r *recording) begin(ctx context.Context, cancel func()) error {
	if err := r.opts.readExpression(); err != nil {
		return err
	}
	if _, err := filter.Compile(r.opts.expression, filter.LinkSKBL2, filter.Options{Names: filter.SystemNames()}); err != nil {
		return err
	}
	devices, err := deviceNames(r.opts.interfaces)
	if err != nil {
		return err
	}
	r.devices = devices
	want := r.opts.capture()
	want.Interfaces, want.Notice = devices, r.say
	format := r.format()
	if flow, ok := r.ownSession(); ok {
		want.Exclude = []capture.Flow{{Client: flow.Client, Server: flow.Server}}
		line := fmt.Sprintf("the own ssh session %v > %v is left out (--own-session keeps it)", flow.Client, flow.Server)
		r.say(line)
		format.Notes = append(format.Notes, line)
	}
	if r.out, err = r.outlet(r.opts, format, r.manyDevices(), func(error) { cancel() }); err != nil {
		return err
	}
	if r.engine, err = r.machine.start(ctx, want); err != nil {
		return err
	}
	r.begun = time.Now()
	r.say(r.engine.Describe())
	return r.listen()
}

// manyDevices reports whether packets of several devices may come.
func (r *recording) manyDevices() bool { return len(r.devices) != 1 || r.opts.netns == "all" }

// listen writes the header of the file and the line scripts wait for.
func (r *recording) listen() error {
	if r.out.file != nil {
		if err := r.out.file.Flush(); err != nil {
			r.engine.Close()
			return err
		}
	}
	where := "any"
	if len(r.devices) > 0 {
		where = strings.Join(r.devices, ", ")
	}
	fmt.Fprintf(r.stderr, "listening on %s, link-type %s, snapshot length %d bytes\n",
		visible(where), r.engine.LinkText(), r.opts.snapLen)
	return nil
}

// ownSession finds the connection that output would travel through and that
// would therefore feed itself.
func (r *recording) ownSession() (session.Flow, bool) {
	if r.opts.ownSession || r.machine.session == nil {
		return session.Flow{}, false
	}
	toStdout := r.opts.write == "-" || r.opts.printsText()
	if !toStdout || !output.IsLive(r.stdout) {
		return session.Flow{}, false
	}
	return r.machine.session()
}

// run delivers packets until the end and accounts for them.
func (r *recording) run(ctx context.Context) int {
	if r.opts.duration > 0 {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, r.opts.duration)
		defer cancel()
	}
	stop := r.progress()
	err := r.engine.Run(ctx, r.handle)
	stop()
	stats := r.engine.Stats()
	if e := r.out.close(output.Statistics(r.begun, stats.Received, stats.Dropped)); e != nil {
		err = e
	}
	if errors.Is(err, syscall.EPIPE) { // the reader has seen enough
		r.engine.Close()
		return statusDone
	}
	status := statusDone
	if err != nil {
		status = r.fail(err)
	}
	r.printCounters()
	if e := r.engine.Close(); e != nil && status == statusDone {
		status = r.fail(e)
	}
	if r.opts.strict && stats.Dropped+stats.HopsLost > 0 {
		status = max(status, statusFailed)
	}
	return status
}

// handle takes one packet.
func (r *recording) handle(rec *pcapng.Record) error {
	if d := r.opts.direction; d != pcapng.DirUnknown && rec.Dir != d {
		r.notKept.Add(1)
		return nil
	}
	if err := r.out.put(rec, text.Ethernet); err != nil {
		return err
	}
	if n := r.captured.Add(1); r.opts.count > 0 && n >= uint64(r.opts.count) {
		return capture.ErrStop
	}
	return nil
}

// progress shows the counters once a second, with -w and -v on a terminal. The
// function it returns ends that.
func (r *recording) progress() (stop func()) {
	if r.opts.write == "" || r.opts.verbose == 0 || !isTerminal(r.stderr) {
		return func() {}
	}
	quit, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				fmt.Fprintln(r.stderr)
				return
			case <-tick.C:
				fmt.Fprintf(r.stderr, "Got %d, lost %d\r", r.captured.Load(), r.engine.Stats().Dropped)
			}
		}
	}()
	return func() { close(quit); <-over }
}

// format describes the capture for the file.
func (r *recording) format() pcapng.FileOptions {
	f := pcapng.FileOptions{
		Hardware: processor(), OS: kernel(), Application: application(),
		Filter: r.opts.expression, SnapLen: uint32(r.opts.snapLen),
		Netns: ownNetns(), Comments: r.opts.comments,
	}
	if !r.manyDevices() {
		f.Keys = []pcapng.KV{{Key: keyDevice, Value: r.devices[0]}}
	}
	return f
}
