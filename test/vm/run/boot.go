// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"hopdump/test/vm"
)

// consoleShown is how many lines of the kernel's console a failure shows.
const consoleShown = 60

var (
	errBoot        = errors.New("the machine did not come up")
	errTimeout     = errors.New("the run did not end in time")
	errNoStatus    = errors.New("the machine ended without an exit status")
	errInterrupted = errors.New("interrupted")
)

// boot runs the command in a machine and returns its exit status. An error is
// the rig's or the kernel's; the status may be 0 then.
func boot(o options, stdout, stderr io.Writer) (int, error) {
	cache, err := vm.Cache()
	if err != nil {
		return 0, err
	}
	kernel, err := vm.Fetch(o.kernel)
	if err != nil {
		return 0, err
	}
	img, err := newImage(o, kernel)
	if err != nil {
		return 0, err
	}
	tmp, err := os.MkdirTemp("", "hopdump-vm-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(tmp)
	files := bootFiles{kernel.Image, filepath.Join(tmp, "initrd"), filepath.Join(tmp, "console")}
	begun := time.Now()
	if err := img.write(files.initrd, cache); err != nil {
		return 0, err
	}
	accel, err := chooseAccel(o, cache, kernel, files.initrd)
	if err != nil {
		return 0, err
	}
	s := &session{opts: o, files: files, stderr: stderr, begun: begun}
	if !o.shell {
		s.limit = time.After(o.timeout)
	}
	s.say("%s, %s, image ready", kernel.Release, accel)
	status, err := s.run(accel, stdout)
	if errors.Is(err, errBoot) { // nothing was run yet
		fmt.Fprintf(stderr, "run: kernel %s: %v, trying again\n", o.kernel, err)
		status, err = s.run(accel, stdout)
	}
	return status, err
}

// session is one boot, or a second one if the first came to nothing.
type session struct {
	opts   options
	files  bootFiles
	stderr io.Writer
	begun  time.Time
	limit  <-chan time.Time // when the run must be over; nil: never
	up     chan struct{}    // closed when the command starts
	status int              // the command's, if ended
	ended  bool             // there is a status
	tests  testOutput       // between the guest and stdout, for test binaries
}

// say tells what is done, if asked for.
func (s *session) say(format string, args ...any) {
	if s.opts.verbose {
		fmt.Fprintf(s.stderr, "run: %6.2fs %s\n", time.Since(s.begun).Seconds(), fmt.Sprintf(format, args...))
	}
}

func (s *session) run(accel string, stdout io.Writer) (int, error) {
	m, err := start(s.opts, s.files, accel)
	if err != nil {
		return 0, err
	}
	defer m.stop()
	w := stdout
	if s.opts.noskip {
		s.tests = testOutput{w: stdout, hide: addsVerbose(s.opts)}
		w = &s.tests
	}
	s.up = make(chan struct{})
	err = s.wait(m, w)
	m.stop()
	if flushed := s.tests.flush(); err == nil {
		err = flushed
	}
	s.say("end of machine")
	return s.verdict(m, err)
}

// wait serves the guest until it ends, time is up or somebody wants us to end.
func (s *session) wait(m *machine, w io.Writer) error {
	served := make(chan error, 1)
	go func() { served <- s.serve(m, w) }()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGHUP)
	defer signal.Stop(signals)

	var cause error
	boot, up := time.After(s.opts.bootLimit), s.up
	for cause == nil {
		select {
		case err := <-served:
			return err
		case <-up:
			boot, up = nil, nil
		case <-boot:
			cause = fmt.Errorf("%w within %v", errBoot, s.opts.bootLimit)
		case <-signals:
			cause = errInterrupted
		case <-s.limit:
			cause = fmt.Errorf("%w (-timeout %v)", errTimeout, s.opts.timeout)
			if s.explain(m, served, signals) {
				return cause
			}
		}
	}
	m.stop()
	<-served
	return cause
}

// explain makes init ask the command what it is doing, and tells whether the
// machine has ended by itself meanwhile.
func (s *session) explain(m *machine, served <-chan error, signals <-chan os.Signal) bool {
	if err := m.port.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		return false
	}
	if _, err := m.port.Write([]byte{0}); err != nil {
		return false
	}
	select {
	case <-served:
		return true
	case <-time.After(5 * time.Second):
	case <-signals:
	}
	return false
}

// serve reads the guest's frames to the end.
func (s *session) serve(m *machine, w io.Writer) error {
	files := newReceiver(s.opts.out)
	err := s.frames(bufio.NewReaderSize(m.port, frameMax), w, files)
	if ferr := files.close(err == nil); err == nil {
		err = ferr
	}
	return err
}

func (s *session) frames(r io.Reader, w io.Writer, files *receiver) error {
	buf := make([]byte, frameMax)
	for {
		kind, payload, err := readFrame(r, buf)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
			return errNoStatus
		}
		if err != nil {
			return err
		}
		switch kind {
		case frameStarted:
			close(s.up)
			s.say("command started")
		case frameOutput:
			_, err = w.Write(payload)
		case frameFiles:
			_, err = files.Write(payload)
		case frameStatus:
			s.status, s.ended = int(binary.BigEndian.Uint32(payload)), true
			s.say("status %d", s.status)
		case frameError:
			return fmt.Errorf("init: %s", payload)
		case frameEnd:
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// verdict turns what happened into a status and an error, and shows the console
// if the kernel had a part in it.
func (s *session) verdict(m *machine, err error) (int, error) {
	console := s.console()
	crash := firstMatch(crashLine, console)
	warning := firstMatch(warningLine, console)
	status := s.status
	switch {
	case errors.Is(err, errInterrupted):
		return statusFailed, err
	case errors.Is(err, errTimeout), errors.Is(err, errBoot):
		status = statusTimeout
	case crash != "":
		status, err = statusFailed, fmt.Errorf("the kernel crashed: %s", crash)
	case errors.Is(err, errNoStatus) && m.stderr.Len() > 0:
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(m.stderr.String()))
	case err != nil:
	case !s.ended:
		err = errNoStatus
	case warning != "" && s.opts.strict:
		status, err = statusFailed, fmt.Errorf("kernel warning: %s", warning)
	case warning != "":
		fmt.Fprintf(s.stderr, "run: kernel %s: warning, not fatal without -strict: %s\n", s.opts.kernel, warning)
	}
	if err != nil && !s.opts.shell {
		fmt.Fprintf(s.stderr, "--- kernel console, last %d lines:\n%s\n---\n", consoleShown, tail(console, consoleShown))
	}
	if err == nil && len(s.tests.skipped) > 0 { // run adds a status if this is all
		err = fmt.Errorf("skipped in the machine, where nothing may be: %s", strings.Join(s.tests.skipped, " "))
	}
	return status, err
}

// console returns what the kernel wrote, and keeps it where -console says.
func (s *session) console() []byte {
	if s.opts.shell {
		return nil
	}
	b, err := os.ReadFile(s.files.console)
	if err != nil {
		return fmt.Appendf(nil, "no console: %v", err)
	}
	if s.opts.console != "" {
		if err := os.WriteFile(s.opts.console, b, 0o644); err != nil {
			fmt.Fprintf(s.stderr, "run: %v\n", err)
		}
	}
	return b
}
