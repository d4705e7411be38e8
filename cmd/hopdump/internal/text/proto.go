// SPDX-License-Identifier: Apache-2.0

package text

import (
	"encoding/binary"
	"fmt"
)

const (
	protoHopByHop = 0
	protoICMP     = 1
	protoIGMP     = 2
	protoIPv4     = 4
	protoTCP      = 6
	protoUDP      = 17
	protoDCCP     = 33
	protoIPv6     = 41
	protoRouting  = 43
	protoFragment = 44
	protoGRE      = 47
	protoESP      = 50
	protoAH       = 51
	protoICMPv6   = 58
	protoNone     = 59
	protoDstOpts  = 60
	protoSCTP     = 132
)

// protoTitles are the names in the header line of -v.
var protoTitles = map[uint8]string{
	protoHopByHop: "Options", protoICMP: "ICMP", protoIGMP: "IGMP", protoIPv4: "IPIP",
	protoTCP: "TCP", 8: "EGP", 9: "IGRP", protoUDP: "UDP", protoDCCP: "DCCP",
	protoIPv6: "IPv6", protoRouting: "Routing", protoFragment: "Fragment (IPv6)",
	46: "RSVP", protoGRE: "GRE", protoESP: "ESP", protoAH: "AH", 55: "Mobile IP",
	protoICMPv6: "ICMPv6", protoNone: "IPv6 No Next Header", protoDstOpts: "Options",
	89: "OSPF", 103: "PIM", 108: "IPComp", 112: "VRRP", 113: "PGM", protoSCTP: "SCTP",
	135: "Mobility",
}

func protoTitle(proto uint8) string {
	if name, ok := protoTitles[proto]; ok {
		return name
	}
	return "unknown"
}

// protoNames are the names of /etc/protocols, which every host has alike.
var protoNames = map[uint8]string{
	protoHopByHop: "ip", protoICMP: "icmp", protoIGMP: "igmp", protoIPv4: "ipencap", protoTCP: "tcp",
	8: "egp", 9: "igp", protoUDP: "udp", protoDCCP: "dccp", protoIPv6: "ipv6",
	protoRouting: "ipv6-route", protoFragment: "ipv6-frag", 46: "rsvp", protoGRE: "gre",
	protoESP: "esp", protoAH: "ah", protoICMPv6: "ipv6-icmp", protoNone: "ipv6-nonxt",
	protoDstOpts: "ipv6-opts", 88: "eigrp", 89: "ospf", 103: "pim", 108: "ipcomp", 112: "vrrp",
	115: "l2tp", protoSCTP: "sctp", 136: "udplite",
}

// protoName prints a protocol nobody here decodes.
func (p *Printer) protoName(proto uint8) string {
	if name, ok := protoNames[proto]; ok && !p.opt.Numeric {
		return name
	}
	return fmt.Sprintf("ip-proto-%d", proto)
}

// transport prints what IP carries: n bytes by the headers above, b captured.
func (p *Printer) transport(ctx *ipContext, proto uint8, b []byte, n int) {
	switch proto {
	case protoTCP:
		p.tcp(ctx, b, n)
	case protoUDP:
		p.udp(ctx, b, n)
	case protoICMP:
		p.icmp(ctx, b, n)
	case protoICMPv6:
		p.icmp6(ctx, b, n)
	case protoSCTP:
		p.sctp(ctx, b, n)
	case protoIPv4, protoIPv6:
		p.tunnel(proto, b, n)
	case protoGRE:
		p.gre(b, n)
	case protoIGMP:
		p.igmp(b, n)
	case protoESP:
		p.esp(b, n)
	case protoAH:
		p.authenticated(ctx, b, n)
	case protoNone:
		p.s("no next header")
	default:
		p.f(" %s %d", p.protoName(proto), n)
	}
}

// authenticated prints an authentication header and what follows it.
func (p *Printer) authenticated(ctx *ipContext, b []byte, n int) {
	if len(b) < 12 {
		p.truncated("ah")
		return
	}
	if size, more := p.ah(b); more && size > 0 {
		p.nested(func() { p.transport(ctx, b[0], b[size:], n-size) })
	}
}

// nested runs print for a packet in a packet, unless a hostile one nests too
// deep.
func (p *Printer) nested(print func()) {
	if p.depth++; p.depth > maxDepth {
		p.s("[nested too deep]")
	} else {
		print()
	}
	p.depth--
}

func (p *Printer) tunnel(proto uint8, b []byte, n int) {
	p.nested(func() {
		if proto == protoIPv4 {
			p.ipv4(b, n)
		} else {
			p.ipv6(b, n)
		}
	})
}

// gre prints the GRE header and what it carries.
func (p *Printer) gre(b []byte, n int) {
	if len(b) < 4 {
		p.truncated("gre")
		return
	}
	flags, kind := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	version := flags & 7
	p.f("GREv%d", version)
	if version > 1 {
		p.f(", unknown-version")
		return
	}
	if p.opt.Verbose > 0 {
		p.f(", Flags [%s]", greFlags(flags))
	}
	at := 4
	if version == 0 && flags&0xc000 != 0 {
		at += 4 // checksum and offset
	}
	at, ok := p.greFields(b, at, flags)
	if !ok {
		p.truncated("gre")
		return
	}
	if p.opt.Link {
		p.f(", proto %s", etherName(kind))
	}
	p.f(", length %d", n)
	if version == 1 || len(b) <= at {
		return
	}
	p.s(": ")
	p.nested(func() {
		if kind == 0x6558 {
			p.ethernet(b[at:], n-at)
		} else if !p.ethertype(kind, b[at:], n-at) {
			p.f("gre-proto-0x%x", kind)
		}
	})
}

// greFields prints key and sequence number and returns where the payload is.
func (p *Printer) greFields(b []byte, at int, flags uint16) (int, bool) {
	for _, bit := range []uint16{0x2000, 0x1000} { // key, sequence number
		if flags&bit == 0 {
			continue
		}
		if len(b) < at+4 {
			return at, false
		}
		switch v := binary.BigEndian.Uint32(b[at:]); {
		case bit == 0x2000 && flags&7 == 1: // in version 1 the key is length and call
			p.f(", call %d", v&0xffff)
		case bit == 0x2000:
			p.f(", key=0x%x", v)
		default:
			p.f(", seq %d", v)
		}
		at += 4
	}
	return at, true
}

func greFlags(flags uint16) string {
	text := ""
	for i, name := range []string{"checksum present", "routing present", "key present", "sequence# present"} {
		if flags&(0x8000>>i) == 0 {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += name
	}
	if text == "" {
		return "none"
	}
	return text
}

// igmp prints the short form of the group messages.
func (p *Printer) igmp(b []byte, n int) {
	if len(b) < 8 {
		p.s("igmp")
		p.truncated("igmp")
		return
	}
	group := p.host(addr(b[4:8]))
	switch b[0] {
	case 0x11:
		p.igmpQuery(b, n, group)
	case 0x12:
		p.f("igmp v1 report %s", group)
	case 0x16:
		p.f("igmp v2 report %s", group)
	case 0x17:
		p.f("igmp leave %s", group)
	case 0x22:
		p.f("igmp v3 report, %d group record(s)", binary.BigEndian.Uint16(b[6:]))
	default:
		p.f("igmp-%d", b[0])
	}
}

func (p *Printer) igmpQuery(b []byte, n int, group string) {
	switch {
	case n >= 12:
		p.s("igmp query v3")
	case b[1] != 0:
		p.s("igmp query v2")
		if b[1] != 100 {
			p.f(" [max resp time %d]", b[1])
		}
	default:
		p.s("igmp query v1")
	}
	if binary.BigEndian.Uint32(b[4:]) != 0 {
		p.f(" [gaddr %s]", group)
	}
}

// esp prints the clear part of an encrypted packet; hopdump does not decrypt.
func (p *Printer) esp(b []byte, n int) {
	if len(b) < 8 {
		p.truncated("esp")
		return
	}
	p.f("ESP(spi=0x%08x,seq=0x%x), length %d", binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:]), n)
}
