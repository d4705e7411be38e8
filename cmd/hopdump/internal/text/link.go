// SPDX-License-Identifier: Apache-2.0

package text

import (
	"encoding/binary"
	"fmt"

	"hopdump/pcapng"
)

// LinkType is the number of a link type as capture files have it.
type LinkType uint16

// Link types that are printed. Loopback without a header (NULL) is number 0
// in files and therefore has a number of its own here.
const (
	Null     LinkType = 0xffff
	Ethernet LinkType = 1
	rawBSD   LinkType = 12
	rawBSD2  LinkType = 14
	Raw      LinkType = 101
	Loop     LinkType = 108
	Cooked   LinkType = 113
	RawIPv4  LinkType = 228
	RawIPv6  LinkType = 229
	Cooked2  LinkType = 276
)

var linkNames = map[LinkType]string{
	Null:     "NULL (BSD loopback)",
	Ethernet: "EN10MB (Ethernet)",
	rawBSD:   "RAW (Raw IP)",
	rawBSD2:  "RAW (Raw IP)",
	Raw:      "RAW (Raw IP)",
	Loop:     "LOOP (OpenBSD loopback)",
	Cooked:   "LINUX_SLL (Linux cooked v1)",
	RawIPv4:  "IPV4 (Raw IPv4)",
	RawIPv6:  "IPV6 (Raw IPv6)",
	Cooked2:  "LINUX_SLL2 (Linux cooked v2)",
}

// LinkFromFile is the link type with number n in a file.
func LinkFromFile(n uint16) LinkType {
	if n == 0 {
		return Null
	}
	return LinkType(n)
}

// String names the type as tcpdump does, "EN10MB (Ethernet)".
func (l LinkType) String() string {
	if name, ok := linkNames[l]; ok {
		return name
	}
	return fmt.Sprint(uint16(l))
}

// Known reports whether packets of this type can be printed.
func (l LinkType) Known() bool { return linkNames[l] != "" }

// packet prints r from its link header on and returns that header's length,
// which -x leaves out.
func (p *Printer) packet(r *pcapng.Record, link LinkType) int {
	b, n := r.Data, max(r.Len, len(r.Data))
	switch link {
	case Ethernet:
		return p.ethernet(b, n)
	case Cooked:
		return p.cooked(b, n)
	case Cooked2:
		return p.cooked2(b, n)
	case Null, Loop:
		return p.loopback(b, n)
	}
	if p.opt.Link {
		p.s("ip: ")
	}
	p.ipVersion(b, n)
	return 0
}

// ethernet prints a frame of n bytes of which b was captured.
func (p *Printer) ethernet(b []byte, n int) int {
	eth, ok := p.dec.ethernet(b)
	if !ok {
		p.truncated("ether")
		return len(b)
	}
	frame := n
	if p.opt.Link {
		p.etherAddresses(eth)
		p.etherKind(eth.kind, frame)
	}
	kind, rest, n := eth.kind, eth.payload, n-etherHeaderLen
	for kind == kindVLAN || kind == kindQinQ || kind == kindOldQinQ {
		tci, next, inner, ok := p.dec.tag(rest)
		if !ok {
			p.truncated("vlan")
			return etherHeaderLen
		}
		if p.opt.Link {
			p.vlan(tci)
		}
		kind, rest, n = next, inner, n-4
		if p.opt.Link && kind > maxFrameLength {
			p.f("ethertype %s, ", etherName(kind))
		}
	}
	p.etherPayload(eth, kind, rest, frame, n)
	return etherHeaderLen
}

// etherPayload prints what a frame carries.
func (p *Printer) etherPayload(eth etherHeader, kind uint16, rest []byte, frame, n int) {
	if kind <= maxFrameLength {
		if !p.opt.Link {
			p.etherAddresses(eth)
			p.etherKind(kind, frame)
		}
		p.llc(rest[:min(len(rest), int(kind))], min(n, int(kind)))
		return
	}
	if p.ethertype(kind, rest, n) {
		return
	}
	if !p.opt.Link {
		p.etherAddresses(eth)
		p.etherKind(kind, frame)
	}
	p.rest = rest
}

// etherAddresses prints source and destination of a frame.
func (p *Printer) etherAddresses(eth etherHeader) {
	p.f("%s > %s", p.mac(eth.src), p.mac(eth.dst))
}

// etherKind prints the ethertype, or that there is none, and the length.
func (p *Printer) etherKind(kind uint16, frame int) {
	switch {
	case kind <= maxFrameLength:
		p.f(", 802.3, length %d: ", frame)
	case p.opt.Quiet && etherNames[kind] != "":
		p.f(", %s, length %d: ", etherNames[kind], frame)
	case p.opt.Quiet:
		p.f(", Unknown Ethertype (0x%04x), length %d: ", kind, frame)
	default:
		p.f(", ethertype %s, length %d: ", etherName(kind), frame)
	}
}

// vlan prints a tag: its number, priority and drop eligibility.
func (p *Printer) vlan(tci uint16) {
	p.f("vlan %d, p %d", tci&0x0fff, tci>>13)
	if tci&0x1000 != 0 {
		p.s(", DEI")
	}
	p.s(", ")
}

// llc prints the header of an 802.2 frame; what it carries stays bytes.
func (p *Printer) llc(b []byte, n int) {
	if len(b) < 3 {
		p.truncated("llc")
		return
	}
	if b[0] == 0xaa && b[1] == 0xaa && len(b) >= 8 {
		oui := uint32(b[3])<<16 | uint32(b[4])<<8 | uint32(b[5])
		pid := binary.BigEndian.Uint16(b[6:])
		if oui == 0 && p.ethertype(pid, b[8:], n-8) {
			return
		}
		p.f("SNAP, oui 0x%06x, pid 0x%04x, length %d", oui, pid, n-8)
	} else {
		p.f("LLC, dsap 0x%02x, ssap 0x%02x, ctrl 0x%02x, length %d", b[0], b[1], b[2], n)
	}
	p.rest = b
}

// mac prints a hardware address.
func (p *Printer) mac(a []byte) string {
	if !p.opt.Numeric && len(a) == 6 && string(a) == "\xff\xff\xff\xff\xff\xff" {
		return "Broadcast"
	}
	return hexColon(a)
}

// hexColon writes bytes as pairs of hexadecimal digits with colons between.
func hexColon(a []byte) string {
	b := make([]byte, 0, 3*len(a))
	for i, c := range a {
		if i > 0 {
			b = append(b, ':')
		}
		b = fmt.Appendf(b, "%02x", c)
	}
	return string(b)
}

// cooked prints a packet of Linux' "any" device in its first form.
func (p *Printer) cooked(b []byte, n int) int {
	const size = 16
	if len(b) < size {
		p.truncated("sll")
		return len(b)
	}
	kind := binary.BigEndian.Uint16(b[14:])
	if p.opt.Link {
		p.f("%3s ", cookedKind(binary.BigEndian.Uint16(b)))
		if l := binary.BigEndian.Uint16(b[4:]); l > 0 && l <= 8 {
			p.f("%s ", hexColon(b[6:6+l]))
		}
		if !p.opt.Quiet {
			p.f("ethertype %s, ", etherName(kind))
		}
		p.f("length %d: ", n)
	}
	p.cookedPayload(kind, b[size:], n-size)
	return size
}

// cooked2 prints a packet of Linux' "any" device in its second form. The file
// has only the device's index, and what it meant is not known here.
func (p *Printer) cooked2(b []byte, n int) int {
	const size = 20
	if len(b) < size {
		p.truncated("sll2")
		return len(b)
	}
	kind := binary.BigEndian.Uint16(b)
	p.f("%-5s %-3s ", fmt.Sprintf("if%d", binary.BigEndian.Uint32(b[4:])), cookedKind(uint16(b[10])))
	if p.opt.Link {
		p.f("ifindex %d ", binary.BigEndian.Uint32(b[4:]))
		if l := b[11]; l > 0 && l <= 8 {
			p.f("%s ", hexColon(b[12:12+l]))
		}
		if !p.opt.Quiet {
			p.f("ethertype %s, ", etherName(kind))
		}
		p.f("length %d: ", n)
	}
	p.cookedPayload(kind, b[size:], n-size)
	return size
}

func (p *Printer) cookedPayload(kind uint16, b []byte, n int) {
	if kind <= maxFrameLength {
		p.llc(b, n)
		return
	}
	if p.ethertype(kind, b, n) {
		return
	}
	if !p.opt.Link {
		p.f("ethertype %s, length %d: ", etherName(kind), n)
	}
	p.rest = b
}

// cookedKind names how a packet came to the host.
func cookedKind(n uint16) string {
	kinds := []string{"In", "B", "M", "P", "Out"}
	if int(n) < len(kinds) {
		return kinds[n]
	}
	return "?"
}

// loopback prints a packet of a BSD loopback device: an address family in the
// byte order of whoever wrote it.
func (p *Printer) loopback(b []byte, n int) int {
	const size = 4
	if len(b) < size {
		p.truncated("null")
		return len(b)
	}
	family := binary.LittleEndian.Uint32(b)
	if family > 0xffff {
		family = binary.BigEndian.Uint32(b)
	}
	name, ip6 := "", false
	switch family {
	case 2:
		name = "IPv4"
	case 10, 24, 28, 30:
		name, ip6 = "IPv6", true
	default:
		p.f("AF %d, length %d: ", family, n)
		p.rest = b[size:]
		return size
	}
	if p.opt.Link {
		p.f("AF %s (%d), length %d: ", name, family, n)
	}
	if ip6 {
		p.ipv6(b[size:], n-size)
	} else {
		p.ipv4(b[size:], n-size)
	}
	return size
}
