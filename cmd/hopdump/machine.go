// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"hopdump/capture"
	"hopdump/cmd/hopdump/internal/session"
)

// engine is a live capture that has begun, as package capture has it.
type engine interface {
	// Run delivers packets until ctx is done or h returns capture.ErrStop.
	Run(ctx context.Context, h capture.Handler) error
	// Stats may be called at any time and from any goroutine.
	Stats() capture.Stats
	// Describe is the first line people see: what is recorded where.
	Describe() string
	// LinkText names the link type as tcpdump does, "EN10MB (Ethernet)".
	LinkText() string
	// Close detaches, which may take a second.
	Close() error
}

// machine is what the command needs of the host; tests have one of their own.
type machine struct {
	start    func(context.Context, capture.Options) (engine, error)
	listHops func(capture.Options) (rows []hopRow, header string, err error)
	session  func() (session.Flow, bool)
}

// capture are the options of the capture as far as the command line decides.
func (o *options) capture() capture.Options {
	return capture.Options{
		Netns: o.netns, Filter: o.expression, Hops: o.hops, SnapLen: o.snapLen,
		Linger: o.linger, BufferKiB: o.buffer, Ordered: o.write != "",
	}
}

// kernel names the running kernel, "Linux 6.12.0"; empty if unknown.
func kernel() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
}

// processor names the CPU; empty if unknown.
func processor() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// ownNetns is the inode of the network namespace of this process, 0 if unknown.
func ownNetns() uint32 {
	info, err := os.Stat("/proc/self/ns/net")
	if err != nil {
		return 0
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint32(st.Ino)
	}
	return 0
}
