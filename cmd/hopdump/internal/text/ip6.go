// SPDX-License-Identifier: Apache-2.0

package text

import "encoding/binary"

// ipv6 prints a packet of n bytes of which b was captured.
func (p *Printer) ipv6(b []byte, n int) {
	if n < ip6HeaderLen {
		p.f("truncated-ip6 %d", n)
		return
	}
	p.prefix("IP6 ")
	h, ok := p.dec.ipv6(b)
	if !ok {
		p.truncated("ip6")
		return
	}
	if version := b[0] >> 4; version != 6 {
		p.f("IP%d (invalid)", version)
		return
	}
	total := h.length + ip6HeaderLen
	switch {
	case total > n:
		p.f("truncated-ip6 - %d bytes missing!", total-n)
	case h.length == 0 && (h.next == protoTCP || h.next == protoHopByHop): // the NIC makes segments of it
		total = n
	}
	if len(b) > total {
		b = b[:total]
	}
	if p.opt.Verbose > 0 {
		p.ipv6Header(h)
	}
	ctx := ipContext{src: h.src, dst: h.dst, hopLimit: h.hopLimit}
	p.ipv6Chain(&ctx, h.next, b[min(ip6HeaderLen, len(b)):], total-ip6HeaderLen)
}

// ipv6Header prints the part in parentheses of -v.
func (p *Printer) ipv6Header(h ip6Header) {
	p.s("(")
	if h.class != 0 {
		p.f("class 0x%02x, ", h.class)
	}
	if h.flow != 0 {
		p.f("flowlabel 0x%05x, ", h.flow)
	}
	p.f("hlim %d, next-header %s (%d) payload length: %d) ", h.hopLimit, protoTitle(h.next), h.next, h.length)
}

// ipv6Chain prints the extension headers and what comes after them.
func (p *Printer) ipv6Chain(ctx *ipContext, next uint8, b []byte, n int) {
	for {
		if !hasPorts(next) {
			p.addresses(ctx)
		}
		size, more := p.ipv6Extension(ctx, next, b, n)
		if size == 0 {
			break
		}
		if !more || len(b) < size {
			return
		}
		next, b, n = b[0], b[size:], n-size
	}
	p.transport(ctx, next, b, n)
}

// ipv6Extension prints one extension header and returns its size, 0 if next is
// none. more is false if nothing printable follows.
func (p *Printer) ipv6Extension(ctx *ipContext, next uint8, b []byte, n int) (size int, more bool) {
	switch next {
	case protoHopByHop, protoDstOpts, protoRouting, protoFragment, protoAH:
	default:
		return 0, false
	}
	if len(b) < 8 {
		p.truncated(protoTitle(next))
		return 8, false
	}
	size = (int(b[1]) + 1) * 8
	switch next {
	case protoHopByHop:
		p.s("HBH ")
	case protoDstOpts:
		p.s("DSTOPT ")
	case protoRouting:
		p.ipv6Route(b)
	case protoAH:
		return p.ah(b)
	case protoFragment:
		return 8, p.ipv6Fragment(ctx, b, n)
	}
	return size, true
}

// ipv6Route prints a routing header and the addresses in it.
func (p *Printer) ipv6Route(b []byte) {
	p.f("RT6 (len=%d, type=%d", b[1], b[2])
	if b[2] == 0 {
		p.s(" [Deprecated]")
	}
	p.f(", segleft=%d", b[3])
	if b[2] == 4 {
		p.f(", last-entry=%d, tag=%x", b[4], binary.BigEndian.Uint16(b[6:]))
	}
	for i := range int(b[1]) / 2 {
		if at := 8 + 16*i; at+16 <= len(b) {
			p.f(", [%d]%s", i, p.host(addr(b[at:at+16])))
		}
	}
	p.s(") ")
}

// ah prints an authentication header and returns its size.
func (p *Printer) ah(b []byte) (size int, more bool) {
	if size = (int(b[1]) + 2) * 4; len(b) < max(size, 12) {
		p.truncated("ah")
		return size, false
	}
	p.s("AH(")
	if p.opt.Verbose > 0 {
		p.f("length=%d(%d-bytes),", b[1], size)
	}
	p.f("spi=0x%08x,", binary.BigEndian.Uint32(b[4:]))
	if p.opt.Verbose > 0 {
		p.f("sumlen=%d,", size-12)
	}
	p.f("seq=0x%x,icv=0x%x): ", binary.BigEndian.Uint32(b[8:]), b[12:max(size, 12)])
	return size, true
}

// ipv6Fragment prints a fragment header; it returns whether this is the first
// fragment, which has the transport header.
func (p *Printer) ipv6Fragment(ctx *ipContext, b []byte, n int) bool {
	field := binary.BigEndian.Uint16(b[2:])
	offset := field &^ 7
	p.s("frag (")
	if p.opt.Verbose > 0 {
		p.f("0x%08x:", binary.BigEndian.Uint32(b[4:]))
	}
	p.f("%d|%d)", offset, n-8)
	ctx.fragment = field&^6 != 0
	if offset != 0 {
		return false
	}
	p.s(" ")
	return true
}
