// SPDX-License-Identifier: Apache-2.0

// Package output is where packets go: text to a stream, records to a file. Both
// are collected and handed on in time by themselves, so that a slow hour on the
// network does not keep the last packet back.
package output

import (
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Delays after which what was collected is handed on at the latest.
const (
	FileDelay = time.Second
	LiveDelay = 100 * time.Millisecond // terminals, pipes, sockets
)

// bufferSize is how many bytes are collected.
const bufferSize = 64 << 10

// Delay returns the delay that is right for f.
func Delay(f *os.File) time.Duration {
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		return FileDelay
	}
	return LiveDelay
}

// IsTerminal reports whether f is a terminal.
func IsTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// IsLive reports whether somebody or something reads f while it is written: a
// terminal, a pipe or a socket.
func IsLive(f *os.File) bool {
	info, err := f.Stat()
	if err != nil {
		return false
	}
	return info.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0 || IsTerminal(f)
}

// deadline calls flush at the latest delay after it was armed, once.
type deadline struct {
	delay time.Duration
	timer *time.Timer
	armed bool
	flush func()
}

// arm starts the delay unless it runs already. The caller holds the lock that
// flush takes.
func (d *deadline) arm() {
	if d.armed {
		return
	}
	d.armed = true
	if d.timer == nil {
		d.timer = time.AfterFunc(d.delay, d.flush)
		return
	}
	d.timer.Reset(d.delay)
}

// disarm notes that there is nothing to be handed on any more.
func (d *deadline) disarm() {
	if d.armed {
		d.timer.Stop()
		d.armed = false
	}
}

// Text collects lines for a stream. It is safe for concurrent use.
type Text struct {
	mu     sync.Mutex // guards everything below
	w      io.Writer
	buf    []byte
	each   bool
	err    error // the first one, kept
	due    deadline
	failed func(error)
}

// TextOptions say how a [Text] hands on. The zero value hands on after
// FileDelay.
type TextOptions struct {
	Each   bool          // after every call of Append
	Delay  time.Duration // at the latest after this; 0 means FileDelay
	Failed func(error)   // called once, when handing on by delay fails; may be nil
}

// NewText returns a Text on w.
func NewText(w io.Writer, opts TextOptions) *Text {
	if opts.Delay == 0 {
		opts.Delay = FileDelay
	}
	t := &Text{w: w, each: opts.Each, failed: opts.Failed}
	t.due = deadline{delay: opts.Delay, flush: t.expire}
	return t
}

// Append adds what add appends to the slice it is given.
func (t *Text) Append(add func(b []byte) []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		return t.err
	}
	t.buf = add(t.buf)
	if t.each || len(t.buf) >= bufferSize {
		return t.flush()
	}
	t.due.arm()
	return nil
}

// Flush hands on what was collected.
func (t *Text) Flush() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.flush()
}

func (t *Text) flush() error {
	t.due.disarm()
	if t.err == nil && len(t.buf) > 0 {
		_, t.err = t.w.Write(t.buf)
		t.buf = t.buf[:0]
	}
	return t.err
}

// expire runs when the delay is over.
func (t *Text) expire() {
	t.mu.Lock()
	before := t.err
	t.due.armed = false
	err := t.flush()
	t.mu.Unlock()
	if before == nil && err != nil && t.failed != nil {
		t.failed(err)
	}
}
