// SPDX-License-Identifier: Apache-2.0

package text

import (
	"encoding/binary"
	"fmt"
)

const (
	icmpEchoReply   = 0
	icmpUnreachable = 3
	icmpQuench      = 4
	icmpRedirect    = 5
	icmpEcho        = 8
	icmpAdvert      = 9
	icmpSolicit     = 10
	icmpExceeded    = 11
	icmpProblem     = 12
	icmpStamp       = 13
	icmpStampReply  = 14
	icmpMask        = 17
	icmpMaskReply   = 18
)

// icmp prints a message of n bytes of which b was captured.
func (p *Printer) icmp(ctx *ipContext, b []byte, n int) {
	if len(b) < 2 {
		p.truncated("icmp")
		return
	}
	what, ok := p.icmpWhat(b)
	if !ok {
		p.truncated("icmp")
		return
	}
	p.f("ICMP %s, length %d", what, n)
	if p.opt.Verbose == 0 || p.opt.Quiet {
		return
	}
	if !ctx.fragment && !p.opt.NoChecksum && len(b) >= n {
		if sum := checksum(0, b[:n]); sum != 0 && n >= 4 {
			got := binary.BigEndian.Uint16(b[2:])
			p.f(" (wrong icmp cksum %x (->%x)!)", got, wantChecksum(got, sum))
		}
	}
	if icmpIsError(b[0]) && len(b) > 8 {
		p.s("\n\t")
		p.nested(func() { p.ipv4(b[8:], n-8) })
	}
}

// icmpIsError reports whether a message carries the packet it is about.
func icmpIsError(kind uint8) bool {
	return kind == icmpUnreachable || kind == icmpQuench || kind == icmpRedirect ||
		kind == icmpExceeded || kind == icmpProblem
}

// icmpWhat describes a message; false means that its end was not captured.
func (p *Printer) icmpWhat(b []byte) (string, bool) {
	switch kind := b[0]; kind {
	case icmpEcho, icmpEchoReply:
		if len(b) < 8 {
			return "", false
		}
		name := "reply"
		if kind == icmpEcho {
			name = "request"
		}
		return fmt.Sprintf("echo %s, id %d, seq %d", name,
			binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[6:])), true
	case icmpUnreachable:
		return p.icmpUnreachable(b)
	case icmpRedirect:
		return p.icmpRedirect(b)
	case icmpExceeded:
		switch b[1] {
		case 0:
			return "time exceeded in-transit", true
		case 1:
			return "ip reassembly time exceeded", true
		}
		return fmt.Sprintf("time exceeded-#%d", b[1]), true
	case icmpQuench:
		return "source quench", true
	case icmpSolicit:
		return "router solicitation", true
	}
	return icmpOther(b)
}

// icmpOther describes the messages that are seldom seen.
func icmpOther(b []byte) (string, bool) {
	switch kind := b[0]; kind {
	case icmpAdvert:
		if len(b) < 8 {
			return "", false
		}
		return fmt.Sprintf("router advertisement lifetime %s %d:", routerLifetime(binary.BigEndian.Uint16(b[6:])), b[4]), true
	case icmpProblem:
		if b[1] != 0 {
			return fmt.Sprintf("parameter problem - code %d", b[1]), true
		}
		if len(b) < 5 {
			return "", false
		}
		return fmt.Sprintf("parameter problem - octet %d", b[4]), true
	case icmpStamp, icmpStampReply:
		if len(b) < 8 {
			return "", false
		}
		name := "query"
		if kind == icmpStampReply {
			name = "reply"
		}
		return fmt.Sprintf("time stamp %s id %d seq %d", name,
			binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[6:])), true
	case icmpMask:
		return "address mask request", true
	case icmpMaskReply:
		if len(b) < 12 {
			return "", false
		}
		return fmt.Sprintf("address mask is 0x%08x", binary.BigEndian.Uint32(b[8:])), true
	}
	return fmt.Sprintf("type-#%d", b[0]), true
}

// routerLifetime prints seconds as minutes or hours where they are whole.
func routerLifetime(s uint16) string {
	switch {
	case s < 60:
		return fmt.Sprint(s)
	case s < 3600:
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// icmpUnreachableForms are the messages about a host or net by code; %s is the
// destination of the packet that did not arrive.
var icmpUnreachableForms = map[uint8]string{
	0:  "net %s unreachable",
	1:  "host %s unreachable",
	5:  "%s unreachable - source route failed",
	6:  "net %s unreachable - unknown",
	7:  "host %s unreachable - unknown",
	8:  "%s unreachable - source host isolated",
	9:  "net %s unreachable - admin prohibited",
	10: "host %s unreachable - admin prohibited",
	11: "net %s unreachable - tos prohibited",
	12: "host %s unreachable - tos prohibited",
	13: "host %s unreachable - admin prohibited filter",
	14: "host %s unreachable - host precedence violation",
	15: "host %s unreachable - precedence cutoff",
}

func (p *Printer) icmpUnreachable(b []byte) (string, bool) {
	inner, ok := p.innerIPv4(b)
	if !ok {
		return "", false
	}
	dst := p.host(inner.dst)
	switch b[1] {
	case 2:
		return fmt.Sprintf("%s protocol %d unreachable", dst, inner.proto), true
	case 3:
		return p.icmpPort(b, inner)
	case 4:
		if mtu := binary.BigEndian.Uint16(b[6:]); mtu != 0 {
			return fmt.Sprintf("%s unreachable - need to frag (mtu %d)", dst, mtu), true
		}
		return fmt.Sprintf("%s unreachable - need to frag", dst), true
	}
	if form, ok := icmpUnreachableForms[b[1]]; ok {
		return fmt.Sprintf(form, dst), true
	}
	return fmt.Sprintf("%s unreachable - #%d", dst, b[1]), true
}

// innerIPv4 decodes the header of the packet an error is about.
func (p *Printer) innerIPv4(b []byte) (ip4Header, bool) {
	if len(b) < 8 {
		return ip4Header{}, false
	}
	return p.dec.ipv4(b[8:])
}

func (p *Printer) icmpPort(b []byte, inner ip4Header) (string, bool) {
	at := 8 + inner.hlen
	if inner.hlen < ip4HeaderLen || len(b) < at+4 {
		return "", false
	}
	port := binary.BigEndian.Uint16(b[at+2:])
	switch inner.proto {
	case protoTCP:
		return fmt.Sprintf("%s tcp port %s unreachable", p.host(inner.dst), p.port("tcp", port)), true
	case protoUDP:
		return fmt.Sprintf("%s udp port %s unreachable", p.host(inner.dst), p.port("udp", port)), true
	}
	return fmt.Sprintf("%s protocol %d port %d unreachable", p.host(inner.dst), inner.proto, port), true
}

func (p *Printer) icmpRedirect(b []byte) (string, bool) {
	inner, ok := p.innerIPv4(b)
	if !ok {
		return "", false
	}
	dst, gateway := p.host(inner.dst), p.host(addr(b[4:8]))
	forms := []string{"redirect %s to net %s", "redirect %s to host %s",
		"redirect-tos %s to net %s", "redirect-tos %s to host %s"}
	if int(b[1]) < len(forms) {
		return fmt.Sprintf(forms[b[1]], dst, gateway), true
	}
	return fmt.Sprintf("redirect-#%d %s to %s", b[1], dst, gateway), true
}
