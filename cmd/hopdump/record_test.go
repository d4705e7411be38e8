// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hopdump/capture"
)

// buffer is a standard error that can be looked at while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// waitFor waits until text appears n times.
func (b *buffer) waitFor(t *testing.T, text string, n int) {
	t.Helper()
	for range 2000 {
		if strings.Count(b.String(), text) >= n {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%q did not appear %d times in %q", text, n, b.String())
}

// start runs the command in the background.
func start(t *testing.T, stdout *os.File, m machine, args ...string) (*buffer, <-chan int) {
	t.Helper()
	stderr, done := &buffer{}, make(chan int, 1)
	c := &command{stdin: os.Stdin, stdout: stdout, stderr: stderr, machine: m}
	go func() { done <- c.run(args) }()
	return stderr, done
}

func wait(t *testing.T, done <-chan int) int {
	t.Helper()
	select {
	case status := <-done:
		return status
	case <-time.After(5 * time.Second):
		t.Fatal("the command does not end")
		return -1
	}
}

func devNull(t *testing.T) *os.File {
	t.Helper()
	f, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func kill(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), sig); err != nil {
		t.Fatal(err)
	}
}

func TestSignals(t *testing.T) {
	for name, sig := range map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP} {
		t.Run(name, func(t *testing.T) {
			if signal.Ignored(sig) {
				t.Skip("ignored here, as under nohup")
			}
			stderr, done := start(t, devNull(t), fakeMachine())
			stderr.waitFor(t, "listening on", 1)
			kill(t, syscall.SIGUSR1)
			stderr.waitFor(t, "hops recorded", 1)
			kill(t, sig)
			if status := wait(t, done); status != statusDone {
				t.Errorf("status %d", status)
			}
			stderr.waitFor(t, "3 packets captured\n", 1)
			stderr.waitFor(t, "hops recorded", 2)
		})
	}
}

// stuckEngine does not end when it should.
type stuckEngine struct{ fakeEngine }

func (*stuckEngine) Run(context.Context, capture.Handler) error { select {} }

func TestSecondSignalEndsAtOnce(t *testing.T) {
	m := fakeMachine()
	m.start = func(context.Context, capture.Options) (engine, error) { return &stuckEngine{}, nil }
	stderr, done := start(t, devNull(t), m)
	stderr.waitFor(t, "listening on", 1)
	kill(t, syscall.SIGINT)
	time.Sleep(10 * time.Millisecond) // equal signals at once are one signal
	kill(t, syscall.SIGINT)
	if status := wait(t, done); status != statusFailed {
		t.Errorf("status %d", status)
	}
}

func TestFlushSignal(t *testing.T) {
	name := t.TempDir() + "/x.pcapng"
	stderr, done := start(t, devNull(t), fakeMachine(), "-w", name)
	stderr.waitFor(t, "listening on", 1)
	header := size(t, name)
	kill(t, syscall.SIGUSR2)
	for i := 0; size(t, name) == header; i++ {
		if i == 500 { // half the time after which it is flushed anyway
			t.Fatal("the file was not flushed")
		}
		time.Sleep(time.Millisecond)
	}
	kill(t, syscall.SIGINT)
	wait(t, done)
}

func size(t *testing.T, name string) int64 {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// The reader of a pipe that went away has seen enough: no message, status 0.
func TestReaderGone(t *testing.T) {
	file := t.TempDir() + "/x.pcapng"
	if _, done := start(t, devNull(t), fakeMachine(), "-c", "3", "-w", file); wait(t, done) != statusDone {
		t.Fatal("no file to read")
	}
	tests := map[string][]string{
		"file":          {"-n", "-r", file},
		"file to file":  {"-r", file, "-w", "-"},
		"live":          {"-n"},
		"live, by line": {"-n", "-l"},
		"live to file":  {"-w", "-"},
		"help":          {"-h"},
	}
	for name, args := range tests {
		t.Run(name, func(t *testing.T) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			r.Close()
			defer w.Close()
			stderr, done := start(t, w, fakeMachine(), args...)
			if status := wait(t, done); status != statusDone {
				t.Errorf("status %d", status)
			}
			if text := stderr.String(); strings.Contains(text, "pipe") || strings.Contains(text, "captured") {
				t.Errorf("standard error: %q", text)
			}
		})
	}
}

// What is printed reaches the reader of a pipe soon, without a flag.
func TestPipeIsFlushed(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_, done := start(t, w, fakeMachine(), "-nq")
	if err := r.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r, make([]byte, 100)); err != nil {
		t.Error(err)
	}
	kill(t, syscall.SIGINT)
	wait(t, done)
}
