// SPDX-License-Identifier: Apache-2.0

// Package capture records packets and their way through a live kernel: it plans
// which hops can be had (pure), attaches the programs, reads the ring, joins the
// two records of each journey and accounts for everything that was lost.
package capture

import (
	"errors"
	"net/netip"
	"time"

	"hopdump/pcapng"
)

// ErrStop ends [Capture.Run] without an error when the handler returns it.
var ErrStop = errors.New("capture: stop")

// Options control a live capture. The zero value records every packet that
// passes a device of the current network namespace, with the default profile.
type Options struct {
	Interfaces []string      // device names; none means any
	Netns      string        // --netns: name, path, pid, "all"; empty means the current one
	Filter     string        // pcap-filter expression; empty matches everything
	Numeric    bool          // do not look anything up for the expression's names
	Hops       string        // --hops list; empty means "default"
	SnapLen    int           // bytes kept of each packet; 0 means 262144
	Linger     time.Duration // how long a journey may stay open; 0 means 1 s
	BufferKiB  int           // ring size; 0 chooses
	Ordered    bool          // deliver in the order of tap time (for files)
	Exclude    []Flow        // TCP flows left out: the own ssh session

	// Notice receives what the user should know (one line, without prefix).
	// nil discards it.
	Notice func(line string)
}

// Flow is a TCP connection; both directions of it are meant.
type Flow struct{ Client, Server netip.AddrPort }

// Stats is the account of a capture so far.
type Stats struct {
	Captured uint64 // packets delivered to the handler
	Received uint64 // packets that matched
	Dropped  uint64 // packets that matched and were not delivered
	Hops     uint64 // hops recorded
	HopsLost uint64 // hops that should have been recorded and were not
	Open     int    // journeys that have not ended yet

	// Lost lists every reason with a count other than zero, packets
	// first, worded for the line "lost: …" ("26 hops of 3 packets with the ring full").
	Lost []string
	// Late is the number of packets delivered out of order.
	Late uint64
	// IfDropped lists devices that dropped packets themselves meanwhile.
	IfDropped []InterfaceDrops
}

// InterfaceDrops counts what a device dropped before the kernel saw it.
type InterfaceDrops struct {
	Dev     string
	Counter string // for instance rx_missed_errors
	N       uint64
}

// Handler receives each packet. The record and its data are valid until it
// returns.
type Handler func(*pcapng.Record) error
