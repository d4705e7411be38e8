// SPDX-License-Identifier: Apache-2.0

package text

import (
	"encoding/binary"
	"fmt"
)

// udp prints a datagram of n bytes of which b was captured.
func (p *Printer) udp(ctx *ipContext, b []byte, n int) {
	if len(b) < 4 {
		p.addresses(ctx)
		p.truncated("udp")
		return
	}
	src, dst := p.ports(ctx, "udp", b)
	if n < udpHeaderLen {
		p.f("truncated-udp %d", n)
		return
	}
	h, ok := p.dec.udpDatagram(b)
	if !ok {
		p.truncated("udp")
		return
	}
	size := h.length
	switch {
	case size == 0 && n > 0xffff: // jumbogram
		size = n
	case size < udpHeaderLen:
		p.f("truncated-udplength %d", size)
		return
	}
	data := min(size, n) - udpHeaderLen
	if p.opt.Quiet {
		p.f("UDP, length %d", size-udpHeaderLen)
		if size > n {
			p.f(" [bad length %d > %d]", size-udpHeaderLen, n-udpHeaderLen)
		}
		return
	}
	p.udpChecksum(ctx, h, b, size)
	body := b[udpHeaderLen:min(len(b), max(size, udpHeaderLen))]
	if p.udpPayload(ctx, src, dst, body, data) {
		return
	}
	if size > n && !ctx.fragment {
		p.f("UDP, bad length %d > %d", size-udpHeaderLen, n-udpHeaderLen)
		return
	}
	p.f("UDP, length %d", size-udpHeaderLen)
}

func (p *Printer) udpChecksum(ctx *ipContext, h udpHeader, b []byte, size int) {
	least := 2 // over IPv6 the checksum is mandatory, and shown by the first -v
	if ctx.src.Is6() {
		least = 1
	}
	if p.opt.NoChecksum || p.opt.Verbose < least || ctx.fragment {
		return
	}
	switch {
	case h.checksum == 0 && ctx.src.Is4():
		p.s("[no cksum] ")
	case len(b) < size:
	default:
		if sum := checksum(pseudo(ctx, protoUDP, size), b[:size]); sum != 0 {
			p.f("[bad udp cksum 0x%04x -> 0x%04x!] ", h.checksum, wantChecksum(h.checksum, sum))
		} else {
			p.s("[udp sum ok] ")
		}
	}
}

// udpPayload prints the protocols known by their port; false means that the
// datagram stays bytes.
func (p *Printer) udpPayload(ctx *ipContext, src, dst uint16, b []byte, n int) bool {
	on := func(port uint16) bool { return src == port || dst == port }
	switch {
	case on(53):
		p.dns(b, n, false)
	case on(5353):
		p.dns(b, n, true)
	case on(67) || on(68):
		p.dhcp(b, n)
	case on(123):
		p.ntp(b, n)
	case on(4789) || on(8472):
		p.vxlan(b, n)
	default:
		return false
	}
	return true
}

// dhcp prints the short form of BOOTP and DHCP.
func (p *Printer) dhcp(b []byte, n int) {
	p.s("BOOTP/DHCP")
	if len(b) < 34 {
		p.truncated("bootp")
		return
	}
	switch {
	case b[0] == 1 && b[1] == 1 && b[2] == 6:
		p.f(", Request from %s", p.mac(b[28:34]))
	case b[0] == 1:
		p.s(", Request")
	case b[0] == 2:
		p.s(", Reply")
	default:
		p.f(", unknown (0x%02x)", b[0])
	}
	p.f(", length %d", n)
}

// ntp prints the short form of NTP.
func (p *Printer) ntp(b []byte, n int) {
	if len(b) < 1 {
		p.truncated("ntp")
		return
	}
	modes := []string{"Reserved", "symmetric active", "symmetric passive", "Client", "Server",
		"Broadcast", "Control Message", "Reserved"}
	p.f("NTPv%d, %s, length %d", b[0]>>3&7, modes[b[0]&7], n)
}

// vxlan prints the tunnel header and the frame in it.
func (p *Printer) vxlan(b []byte, n int) {
	const size = 8
	p.s("VXLAN, ")
	if len(b) < size {
		p.truncated("vxlan")
		return
	}
	flag := "."
	if b[0]&8 != 0 {
		flag = "I"
	}
	p.f("flags [%s] (0x%02x), vni %d\n", flag, b[0], binary.BigEndian.Uint32(b[4:])>>8)
	p.nested(func() { p.ethernet(b[size:], n-size) })
}

// sctp prints the association's ports and its chunks in short form.
func (p *Printer) sctp(ctx *ipContext, b []byte, n int) {
	if len(b) < sctpHeaderLen {
		p.addresses(ctx)
		p.truncated("sctp")
		return
	}
	p.ports(ctx, "sctp", b)
	chunks, ok := p.dec.sctpPacket(b)
	if !ok {
		p.truncated("sctp")
		return
	}
	p.s("sctp")
	for count := 1; len(chunks) > 0; count++ {
		if len(chunks) < 4 {
			p.truncated("sctp")
			return
		}
		size := int(binary.BigEndian.Uint16(chunks[2:]))
		p.f(" (%d) [%s] ", count, sctpChunkName(chunks[0]))
		if size < 4 {
			p.f("[bad chunk length %d]", size)
			return
		}
		p.sctpChunk(chunks[:min(size, len(chunks))])
		chunks = chunks[min((size+3)&^3, len(chunks)):]
	}
}

func sctpChunkName(kind uint8) string {
	names := []string{"DATA", "INIT", "INIT ACK", "SACK", "HB REQ", "HB ACK", "ABORT", "SHUTDOWN",
		"SHUTDOWN ACK", "OP ERR", "COOKIE ECHO", "COOKIE ACK", "ECN ECHO", "CWR", "SHUTDOWN COMPLETE", "AUTH"}
	if int(kind) < len(names) {
		return names[kind]
	}
	return fmt.Sprintf("Unknown chunk type: 0x%x", kind)
}

// sctpChunk prints the numbers of the chunks that have some.
func (p *Printer) sctpChunk(b []byte) {
	be := binary.BigEndian
	switch {
	case b[0] == 0 && len(b) >= 16:
		for i, flag := range []string{"(U)", "(B)", "(E)"} {
			if b[1]&(4>>i) != 0 {
				p.s(flag)
			}
		}
		p.f(" [TSN: %d] [SID: %d] [SSEQ %d] [PPID 0x%x] ", be.Uint32(b[4:]), be.Uint16(b[8:]), be.Uint16(b[10:]), be.Uint32(b[12:]))
	case (b[0] == 1 || b[0] == 2) && len(b) >= 20:
		p.f("[init tag: %d] [rwnd: %d] [OS: %d] [MIS: %d] [init TSN: %d] ",
			be.Uint32(b[4:]), be.Uint32(b[8:]), be.Uint16(b[12:]), be.Uint16(b[14:]), be.Uint32(b[16:]))
	case b[0] == 3 && len(b) >= 16:
		p.f("[cum ack %d] [a_rwnd %d] [#gap acks %d] [#dup tsns %d] ",
			be.Uint32(b[4:]), be.Uint32(b[8:]), be.Uint16(b[12:]), be.Uint16(b[14:]))
	}
}
