// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"
)

// Guest and host talk over one virtio serial port, in frames: kind, length,
// payload. One port keeps output, status and files in order.
const (
	frameStarted = 's' // init is ready and starts the command
	frameOutput  = 'o' // a piece of the command's output
	frameStatus  = 'x' // exit status, four bytes
	frameFiles   = 't' // a piece of the archive of /out
	frameError   = 'e' // init's own failure, text
	frameEnd     = 'z' // nothing follows

	frameMax = 64 << 10 // largest payload
)

// portName is the name of the port in the guest's sysfs.
const portName = "hopdump.vm"

// configPath is where the image holds what init reads.
const configPath = "/vm/config.json"

// outDir is the guest directory whose content the host gets.
const outDir = "/out"

// config is what the host wants of the guest.
type config struct {
	Hostname string
	Modules  []moduleFile // in the order to load them
	Env      []string
	Dir      string // working directory
	Command  []string
	SendOut  bool // send /out at the end
	Shell    bool // the command talks to the console
}

// moduleFile is one module to load.
type moduleFile struct{ Path, Params string }

// frameWriter writes frames of one kind at a time; safe for concurrent use.
type frameWriter struct {
	mu sync.Mutex // keeps frames whole
	w  io.Writer
}

func (f *frameWriter) send(kind byte, payload []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var head [5]byte
	head[0] = kind
	binary.BigEndian.PutUint32(head[1:], uint32(len(payload)))
	_, err := f.w.Write(append(head[:], payload...))
	return err
}

// stream is a Writer whose bytes travel in frames of one kind.
type stream struct {
	f    *frameWriter
	kind byte
}

func (s stream) Write(p []byte) (int, error) {
	for sent := 0; sent < len(p); {
		n := min(len(p)-sent, frameMax)
		if err := s.f.send(s.kind, p[sent:sent+n]); err != nil {
			return sent, err
		}
		sent += n
	}
	return len(p), nil
}

// readFrame reads one frame into buf, which must hold frameMax bytes.
func readFrame(r io.Reader, buf []byte) (kind byte, payload []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > frameMax {
		return 0, nil, fmt.Errorf("frame %q of %d bytes: the port carries something else", head[0], n)
	}
	_, err = io.ReadFull(r, buf[:n])
	return head[0], buf[:n], err
}
