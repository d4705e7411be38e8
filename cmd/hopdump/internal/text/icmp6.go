// SPDX-License-Identifier: Apache-2.0

package text

import (
	"encoding/binary"
	"fmt"
	"strings"
)

const (
	icmp6Unreachable = 1
	icmp6TooBig      = 2
	icmp6Exceeded    = 3
	icmp6Problem     = 4
	icmp6Echo        = 128
	icmp6EchoReply   = 129
	icmp6Query       = 130
	icmp6Report      = 131
	icmp6Done        = 132
	icmp6RouterSol   = 133
	icmp6RouterAdv   = 134
	icmp6NeighborSol = 135
	icmp6NeighborAdv = 136
	icmp6Redirect    = 137
	icmp6ReportV2    = 143
)

var icmp6Names = map[uint8]string{
	icmp6Unreachable: "destination unreachable", icmp6TooBig: "packet too big",
	icmp6Exceeded: "time exceeded in-transit", icmp6Problem: "parameter problem",
	icmp6Echo: "echo request", icmp6EchoReply: "echo reply",
	icmp6Query: "multicast listener query", icmp6Report: "multicast listener report",
	icmp6Done: "multicast listener done", icmp6RouterSol: "router solicitation",
	icmp6RouterAdv: "router advertisement", icmp6NeighborSol: "neighbor solicitation",
	icmp6NeighborAdv: "neighbor advertisement", icmp6Redirect: "redirect",
	138: "router renumbering", 139: "who-are-you request", 140: "who-are-you reply",
	141: "inverse neighbor solicitation", 142: "inverse neighbor advertisement",
	icmp6ReportV2: "multicast listener report v2", 144: "dhaad request", 145: "dhaad reply",
	146: "mobile router solicitation", 147: "mobile router advertisement",
	151: "multicast router advertisement", 152: "multicast router solicitation",
	153: "multicast router termination",
}

// icmp6 prints a message of n bytes of which b was captured.
func (p *Printer) icmp6(ctx *ipContext, b []byte, n int) {
	if p.opt.Verbose > 0 && !ctx.fragment && !p.opt.NoChecksum && len(b) >= n && n >= 4 {
		if sum := checksum(pseudo(ctx, protoICMPv6, n), b[:n]); sum != 0 {
			got := binary.BigEndian.Uint16(b[2:])
			p.f("[bad icmp6 cksum 0x%04x -> 0x%04x!] ", got, wantChecksum(got, sum))
		} else {
			p.s("[icmp6 sum ok] ")
		}
	}
	switch {
	case n == 0:
		p.s("ICMP6, length 0 (invalid)")
		return
	case len(b) < 1:
		p.s("ICMP6")
		p.truncated("icmp6")
		return
	}
	name, known := icmp6Names[b[0]]
	if !known {
		name = fmt.Sprintf("unknown icmp6 type (%d)", b[0])
	}
	p.f("ICMP6, %s", name)
	// Neighbour discovery has its length first when options follow.
	first := p.opt.Verbose > 0 && b[0] >= icmp6RouterSol && b[0] <= icmp6Redirect
	if first {
		p.f(", length %d", n)
	}
	if !p.icmp6Body(b) {
		p.truncated("icmp6")
		return
	}
	if !first {
		p.f(", length %d", n)
	}
}

// icmp6Body prints what belongs to a type; false means a message cut short.
func (p *Printer) icmp6Body(b []byte) bool {
	short := func(size int) bool { return len(b) < size }
	switch b[0] {
	case icmp6Unreachable:
		return p.icmp6Unreachable(b)
	case icmp6TooBig:
		if short(8) {
			return false
		}
		p.f(", mtu %d", binary.BigEndian.Uint32(b[4:]))
	case icmp6Exceeded:
		if short(2) {
			return false
		}
		if b[1] == 1 {
			p.s(" (reassembly)")
		}
	case icmp6Problem:
		return p.icmp6Problem(b)
	case icmp6Echo, icmp6EchoReply:
		if short(8) {
			return false
		}
		p.f(", id %d, seq %d", binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[6:]))
	case icmp6Query, icmp6Report, icmp6Done:
		return p.icmp6Listener(b)
	case icmp6RouterAdv:
		return p.icmp6Router(b)
	case icmp6NeighborSol, icmp6NeighborAdv:
		return p.icmp6Neighbor(b)
	case icmp6RouterSol:
		if p.opt.Verbose > 0 && len(b) > 8 {
			p.ndOptions(b[8:])
		}
	case icmp6Redirect:
		if short(40) {
			return false
		}
		p.f(", %s to %s", p.host(addr(b[24:40])), p.host(addr(b[8:24])))
	case icmp6ReportV2:
		if short(8) {
			return false
		}
		p.f(", %d group record(s)", binary.BigEndian.Uint16(b[6:]))
	}
	return true
}

func (p *Printer) icmp6Listener(b []byte) bool {
	if len(b) < 24 {
		return false
	}
	delay, group := binary.BigEndian.Uint16(b[4:]), p.host(addr(b[8:24]))
	if b[0] != icmp6Query || len(b) < 28 {
		p.f("max resp delay: %d addr: %s", delay, group)
		return true
	}
	p.s(" v2")
	if p.opt.Verbose > 0 {
		p.f(" [max resp delay=%d]", delay)
	}
	p.f(" [gaddr %s]", group)
	return true
}

func (p *Printer) icmp6Neighbor(b []byte) bool {
	if len(b) < 24 {
		return false
	}
	target := p.host(addr(b[8:24]))
	if b[0] == icmp6NeighborSol {
		p.f(", who has %s", target)
	} else {
		p.f(", tgt is %s", target)
		if p.opt.Verbose > 0 {
			p.f(", Flags [%s]", flagList(b[4], "router", "solicited", "override"))
		}
	}
	if p.opt.Verbose > 0 {
		p.ndOptions(b[24:])
	}
	return true
}

func (p *Printer) icmp6Router(b []byte) bool {
	if p.opt.Verbose == 0 {
		return true
	}
	if len(b) < 16 {
		return false
	}
	pref := []string{"medium", "high", "rsv", "low"}[b[5]>>3&3]
	p.f("\n\thop limit %d, Flags [%s], pref %s, router lifetime %ds, reachable time %dms, retrans timer %dms",
		b[4], flagList(b[5], "managed", "other stateful", "home agent"), pref,
		binary.BigEndian.Uint16(b[6:]), binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint32(b[12:]))
	p.ndOptions(b[16:])
	return true
}

// flagList names the topmost bits of v.
func flagList(v uint8, names ...string) string {
	var set []string
	for i, name := range names {
		if v&(0x80>>i) != 0 {
			set = append(set, name)
		}
	}
	if set == nil {
		return "none"
	}
	return strings.Join(set, ", ")
}

var icmp6UnreachableCodes = []string{
	"unreachable route", " unreachable prohibited", "beyond scope", "unreachable address", "unreachable port",
}

func (p *Printer) icmp6Unreachable(b []byte) bool {
	if len(b) < 8+ip6HeaderLen {
		return false
	}
	inner, _ := p.dec.ipv6(b[8:])
	if code := int(b[1]); code < len(icmp6UnreachableCodes) {
		p.f(", %s", icmp6UnreachableCodes[code])
	} else {
		p.f(", unknown unreach code (%d)", code)
	}
	dst := p.host(inner.dst)
	if b[1] != 4 {
		p.f(" %s", dst)
		return true
	}
	at := 8 + ip6HeaderLen
	if len(b) < at+4 {
		return false
	}
	port := binary.BigEndian.Uint16(b[at+2:])
	switch inner.next {
	case protoTCP:
		p.f(", %s tcp port %s", dst, p.port("tcp", port))
	case protoUDP:
		p.f(", %s udp port %s", dst, p.port("udp", port))
	default:
		p.f(", %s protocol %d port %d", dst, inner.next, port)
	}
	return true
}

func (p *Printer) icmp6Problem(b []byte) bool {
	if len(b) < 8 {
		return false
	}
	at := binary.BigEndian.Uint32(b[4:])
	forms := []string{"erroneous - octet %d", "next header - octet %d", "option - octet %d",
		"incomplete header chain - octet %d"}
	if int(b[1]) < len(forms) {
		p.f(", "+forms[b[1]], at)
	} else {
		p.f(", code-#%d", b[1])
	}
	return true
}
