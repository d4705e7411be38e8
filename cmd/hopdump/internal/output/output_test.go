// SPDX-License-Identifier: Apache-2.0

package output

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hopdump/pcapng"
)

// sink is a writer that can be looked at while it is written, and that fails
// with err if there is one.
type sink struct {
	mu  sync.Mutex
	b   bytes.Buffer
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	return s.b.Write(p)
}

func (s *sink) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Len()
}

func add(text string) func([]byte) []byte {
	return func(b []byte) []byte { return append(b, text...) }
}

func TestTextIsHandedOn(t *testing.T) {
	line := strings.Repeat("x", 99) + "\n"
	tests := map[string]struct {
		opts  TextOptions
		lines int
		want  bool // at once
	}{
		"by line":     {TextOptions{Each: true, Delay: time.Hour}, 1, true},
		"collected":   {TextOptions{Delay: time.Hour}, 1, false},
		"buffer full": {TextOptions{Delay: time.Hour}, bufferSize/100 + 1, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var s sink
			text := NewText(&s, test.opts)
			for range test.lines {
				if err := text.Append(add(line)); err != nil {
					t.Fatal(err)
				}
			}
			if got := s.len() > 0; got != test.want {
				t.Errorf("handed on: %v", got)
			}
			if err := text.Flush(); err != nil || s.len() != 100*test.lines {
				t.Errorf("after Flush: %d bytes, %v", s.len(), err)
			}
		})
	}
}

func TestTextIsHandedOnByDelay(t *testing.T) {
	var s sink
	text := NewText(&s, TextOptions{Delay: time.Millisecond})
	for i := 1; i <= 2; i++ { // the delay begins again
		if err := text.Append(add("x")); err != nil {
			t.Fatal(err)
		}
		for begun := time.Now(); s.len() < i; time.Sleep(time.Millisecond) {
			if time.Since(begun) > 5*time.Second {
				t.Fatal("not handed on")
			}
		}
	}
}

// An error of the stream is told once, and kept.
func TestTextFails(t *testing.T) {
	told := make(chan error, 2)
	text := NewText(&sink{err: syscall.EPIPE}, TextOptions{Delay: time.Millisecond, Failed: func(err error) { told <- err }})
	if err := text.Append(add("x")); err != nil {
		t.Fatal(err)
	}
	if err := <-told; !errors.Is(err, syscall.EPIPE) {
		t.Errorf("told: %v", err)
	}
	if err := text.Append(add("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("kept: %v", err)
	}
	if err := text.Flush(); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("kept: %v", err)
	}
}

func record() *pcapng.Record { return &pcapng.Record{Time: 1, Data: make([]byte, 60), Len: 60} }

func TestCreate(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.pcapng")
	f, isNew, err := Create(name)
	if err != nil || !isNew {
		t.Fatal(isNew, err)
	}
	info, err := f.Stat()
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	f.WriteString("old")
	f.Close()
	if err := os.Chmod(name, 0o640); err != nil {
		t.Fatal(err)
	}
	f, isNew, err = Create(name)
	if err != nil || isNew {
		t.Fatal(isNew, err)
	}
	if info, err = f.Stat(); err != nil || info.Size() != 3 || info.Mode().Perm() != 0o640 {
		t.Errorf("it is emptied before there is something to write: %v, %v", info, err)
	}
	file := NewFile(f, name, FileOptions{IsNew: isNew})
	if err := file.Write(record()); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(name); err != nil || !bytes.HasPrefix(b, []byte{0x0a, 0x0d, 0x0d, 0x0a}) {
		t.Errorf("% x, %v", b[:min(len(b), 16)], err)
	}
}

func TestCreateForSudo(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	t.Setenv("SUDO_UID", "12345")
	t.Setenv("SUDO_GID", "23456")
	f, _, err := Create(filepath.Join(t.TempDir(), "x.pcapng"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if st := info.Sys().(*syscall.Stat_t); st.Uid != 12345 || st.Gid != 23456 {
		t.Errorf("belongs to %d:%d", st.Uid, st.Gid)
	}
}

// A file that cannot grow is cut back to the last whole block.
func TestFullDisk(t *testing.T) {
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "x.pcapng")
	f, isNew, err := Create(name)
	if err != nil {
		t.Fatal(err)
	}
	limit := old
	limit.Cur = 1000 // bytes; what is longer fails with EFBIG
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	defer syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old)
	file := NewFile(f, name, FileOptions{Each: true, IsNew: isNew})
	for err == nil {
		err = file.Write(record())
	}
	var full *WriteError
	if !errors.As(err, &full) || full.Safe == 0 || full.Lost != 1 || !errors.Is(err, syscall.EFBIG) {
		t.Fatalf("%v", err)
	}
	if again := file.Close(); again != err {
		t.Errorf("Close: %v", again)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := pcapng.NewRecordReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var n int64
	for _, err := range r.All() {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != full.Safe {
		t.Errorf("%d packets, the message says %d", n, full.Safe)
	}
}

func TestWriteErrorText(t *testing.T) {
	tests := map[string]struct {
		safe, lost int64
		want       string
	}{
		"many": {48211, 96, "/data/x.pcapng: no space left on device; 48211 packets are safe, 96 not written"},
		"one":  {1, 0, "/data/x.pcapng: no space left on device; 1 packet is safe, 0 not written"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := &WriteError{Name: "/data/x.pcapng", Safe: test.safe, Lost: test.lost, Err: syscall.ENOSPC}
			if got := err.Error(); got != test.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestAbandon(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "new.pcapng")
	for _, there := range []bool{false, true} {
		if there {
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		f, isNew, err := Create(name)
		if err != nil {
			t.Fatal(err)
		}
		NewFile(f, name, FileOptions{IsNew: isNew}).Abandon()
		if _, err := os.Stat(name); (err == nil) != there {
			t.Errorf("was there %v: %v", there, err)
		}
	}
}
