// SPDX-License-Identifier: Apache-2.0

package text

import (
	"bytes"
	"fmt"
)

const (
	arpRequest        = 1
	arpReply          = 2
	arpReverseRequest = 3
	arpReverseReply   = 4
)

// arp prints an ARP or RARP packet.
func (p *Printer) arp(b []byte, n int) {
	if !p.opt.Link {
		p.s("ARP, ")
	}
	h, ok := p.dec.arpPacket(b)
	if !ok || h.addressesMissing {
		p.truncated("arp")
		return
	}
	ethernet := h.hw == 1 && h.proto == kindIPv4 && h.hwLen == 6 && h.protoLen == 4
	if !ethernet || p.opt.Verbose > 0 {
		p.f("%s (len %d), %s (len %d), ", arpHardware(h.hw), h.hwLen, arpProtocol(h.proto), h.protoLen)
	}
	p.arpOperation(h)
	p.f(", length %d", n)
}

func (p *Printer) arpOperation(h arpHeader) {
	switch h.op {
	case arpRequest:
		p.f("Request who-has %s ", p.arpAddress(h, h.dstProto))
		if len(bytes.Trim(h.dstHW, "\x00")) > 0 {
			p.f("(%s) ", p.mac(h.dstHW))
		}
		p.f("tell %s", p.arpAddress(h, h.srcProto))
	case arpReply:
		p.f("Reply %s is-at %s", p.arpAddress(h, h.srcProto), p.mac(h.srcHW))
	case arpReverseRequest:
		p.f("Reverse Request who-is %s tell %s", p.mac(h.dstHW), p.mac(h.srcHW))
	case arpReverseReply:
		p.f("Reverse Reply %s at %s", p.mac(h.dstHW), p.arpAddress(h, h.dstProto))
	default:
		p.f("Unknown (%d)", h.op)
	}
}

// arpAddress prints a protocol address, which may be of any kind and length.
func (p *Printer) arpAddress(h arpHeader, a []byte) string {
	if h.proto == kindIPv4 && len(a) == 4 {
		return p.host(addr(a))
	}
	return fmt.Sprintf("<wrong proto type> %s", hexColon(a))
}

func arpHardware(n uint16) string {
	switch n {
	case 1:
		return "Ethernet"
	case 6:
		return "TokenRing"
	case 7:
		return "ArcNet"
	case 15:
		return "FrameRelay"
	case 24:
		return "IEEE1394"
	case 32:
		return "InfiniBand"
	}
	return fmt.Sprintf("Unknown Hardware (%d)", n)
}

func arpProtocol(n uint16) string {
	if name, ok := etherNames[n]; ok {
		return name
	}
	return fmt.Sprintf("Unknown Protocol (0x%04x)", n)
}
