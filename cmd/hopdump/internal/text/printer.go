// SPDX-License-Identifier: Apache-2.0

// Package text turns records into lines for people: tcpdump's line for the
// bytes, and behind it the way the packet took through the kernel.
package text

import (
	"fmt"
	"time"

	"hopdump/cmd/hopdump/internal/names"
	"hopdump/pcapng"
)

// PathStyle says how the path of a packet is shown.
type PathStyle uint8

const (
	PathLine  PathStyle = iota // summary behind the line
	PathTable                  // summary and one row per hop
	PathNone                   // nothing
)

// Options control the text. The zero value prints what tcpdump prints without
// flags, with the path summary behind it.
type Options struct {
	Numeric    bool // addresses and ports as numbers
	ShortHosts bool // host names without their domain
	Quiet      bool // less about the protocol
	Verbose    int  // how often -v was given
	Link       bool // show the link header
	AbsSeq     bool // TCP sequence numbers as they are on the wire
	NoChecksum bool // do not verify checksums
	Columns    bool // interface and direction in front of each line
	Number     bool // count the lines

	Time TimeStyle
	Nano bool           // nine digits instead of six
	Zone *time.Location // for times of day; nil means local time

	Dump  Dump
	Path  PathStyle
	Color bool // bold and red, for terminals that want it

	Names *names.Table // nil knows no names
}

// Printer formats records one after the other. It keeps what tcpdump keeps
// between packets: the first sequence numbers of each TCP connection and the
// time of the packet before. It is not safe for concurrent use.
type Printer struct {
	opt   Options
	clock clock
	seqs  seqTable
	dec   decoder
	count uint64

	b     []byte // the text so far
	depth int    // of nested packets

	// rest holds the bytes of a protocol nobody here knows. They are dumped
	// below the line unless a dump was asked for anyway.
	rest []byte
}

// maxDepth ends the recursion into tunnels of a hostile packet.
const maxDepth = 8

// New returns a printer with the given options.
func New(opt Options) *Printer {
	if opt.Zone == nil {
		opt.Zone = time.Local
	}
	return &Printer{opt: opt, clock: clock{style: opt.Time, nano: opt.Nano, zone: opt.Zone}}
}

// Append appends everything there is to say about r, whose bytes begin with the
// given link header. The text ends with a newline.
func (p *Printer) Append(b []byte, r *pcapng.Record, link LinkType) []byte {
	p.b, p.rest, p.depth = b, nil, 0
	p.count++
	if p.opt.Number {
		p.f("%5d  ", p.count)
	}
	p.b = p.clock.append(p.b, r.Time)
	if p.opt.Columns {
		p.columns(r)
	}
	body := len(p.b)
	skip := p.packet(r, link)
	p.b = sanitize(p.b, body)
	if r.Path != nil && p.opt.Path != PathNone {
		p.tail(r.Path)
	}
	p.s("\n")
	if r.Path != nil && p.opt.Path == PathTable {
		p.table(r.Path)
	}
	p.dump(r.Data, skip)
	out := p.b
	p.b = nil
	return out
}

// columns writes what tcpdump writes with -i any: device and direction.
func (p *Printer) columns(r *pcapng.Record) {
	dir := "?"
	switch r.Dir {
	case pcapng.In:
		dir = "In"
	case pcapng.Out:
		dir = "Out"
	}
	p.f("%-5s %-3s ", DeviceName(r.Dev), dir)
}

// DeviceName is the name of a device as people see it: netns:dev when it is in
// another namespace than hopdump's.
func DeviceName(d *pcapng.Device) string {
	switch {
	case d == nil || d.Name == "":
		return "?"
	case !d.Foreign:
		return clean(d.Name)
	case d.NetnsName != "":
		return clean(d.NetnsName + ":" + d.Name)
	default:
		return clean(fmt.Sprintf("%d:%s", d.Netns, d.Name))
	}
}

func (p *Printer) s(text string) { p.b = append(p.b, text...) }

func (p *Printer) f(format string, args ...any) { p.b = fmt.Appendf(p.b, format, args...) }

// prefix names the protocol of a packet, unless the link header before it did.
func (p *Printer) prefix(name string) {
	if !p.opt.Link || p.depth > 0 {
		p.s(name)
	}
}

// truncated marks that the bytes end in the middle of a protocol.
func (p *Printer) truncated(protocol string) { p.f(" [|%s]", protocol) }
