// SPDX-License-Identifier: Apache-2.0

package text

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
)

// ipContext is what the protocols above IP need to know of it.
type ipContext struct {
	src, dst netip.Addr
	hopLimit uint8
	fragment bool // only a part of the datagram is in this packet
	named    bool // the addresses are printed already
}

// ipv4 prints a packet of n bytes of which b was captured.
func (p *Printer) ipv4(b []byte, n int) {
	if n < ip4HeaderLen {
		p.prefix("IP ")
		p.f("truncated-ip %d", n)
		return
	}
	h, ok := p.dec.ipv4(b)
	if !ok {
		p.prefix("IP")
		p.truncated("ip")
		return
	}
	if version := b[0] >> 4; version != 4 {
		p.wrongVersion(version)
		return
	}
	p.prefix("IP ")
	if h.hlen < ip4HeaderLen {
		p.f("bad-hlen %d", h.hlen)
		return
	}
	total := h.total
	switch {
	case total > n:
		p.f("truncated-ip - %d bytes missing! ", total-n)
	case total == 0 && h.proto == protoTCP: // the NIC makes segments of it
		total = n
	case total < h.hlen:
		p.f("bad-len %d", total)
		return
	}
	if len(b) > total {
		b = b[:total]
	}
	if p.opt.Verbose > 0 {
		p.ipv4Header(h, b, total)
	}
	p.ipv4Payload(h, b[min(h.hlen, len(b)):], total-h.hlen)
}

// wrongVersion prints a packet whose ethertype says one IP and whose header
// says another.
func (p *Printer) wrongVersion(version uint8) {
	if version == 6 {
		p.s("IP6, wrong link-layer encapsulation (invalid)")
	} else {
		p.f("IP%d (invalid)", version)
	}
}

// ipv4Header prints the part in parentheses of -v.
func (p *Printer) ipv4Header(h ip4Header, b []byte, total int) {
	p.f("(tos 0x%x", h.tos)
	switch h.tos & 3 {
	case 1:
		p.s(",ECT(1)")
	case 2:
		p.s(",ECT(0)")
	case 3:
		p.s(",CE")
	}
	if h.ttl >= 1 {
		p.f(", ttl %d", h.ttl)
	}
	p.f(", id %d, offset %d, flags [%s], proto %s (%d), length %d",
		h.id, h.offset, ip4Flags(h.flags), protoTitle(h.proto), h.proto, total)
	if h.hlen > ip4HeaderLen {
		p.s(", options (")
		p.ipOptions(b[ip4HeaderLen:min(h.hlen, len(b))], h.hlen-ip4HeaderLen)
		p.s(")")
	}
	if !p.opt.NoChecksum && len(b) >= h.hlen {
		if sum := checksum(0, b[:h.hlen]); sum != 0 {
			p.f(", bad cksum %x (->%x)!", h.checksum, wantChecksum(h.checksum, sum))
		}
	}
	p.s(")\n    ")
}

func ip4Flags(flags uint8) string {
	var names []string
	for i, name := range []string{"+", "DF", "rsvd"} {
		if flags&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}

// ipv4Payload prints what the packet carries, n bytes by its header.
func (p *Printer) ipv4Payload(h ip4Header, b []byte, n int) {
	ctx := ipContext{src: h.src, dst: h.dst, hopLimit: h.ttl, fragment: h.flags&1 != 0 || h.offset > 0}
	if h.offset == 0 {
		if !hasPorts(h.proto) {
			p.addresses(&ctx)
		}
		p.transport(&ctx, h.proto, b, n)
		return
	}
	p.f("%s > %s: %s", p.host(h.src), p.host(h.dst), p.protoName(h.proto))
}

// hasPorts reports whether the printer of proto writes the addresses itself.
func hasPorts(proto uint8) bool {
	return proto == protoTCP || proto == protoUDP || proto == protoSCTP
}

// host prints an address by name, if it has one and names are wanted.
func (p *Printer) host(a netip.Addr) string {
	if p.opt.Numeric {
		return a.String()
	}
	name, ok := p.opt.Names.Host(a)
	if !ok {
		return a.String()
	}
	if p.opt.ShortHosts {
		name, _, _ = strings.Cut(name, ".")
	}
	return clean(name)
}

// port prints a port by name, if it has one and names are wanted.
func (p *Printer) port(proto string, port uint16) string {
	if !p.opt.Numeric {
		if name, ok := p.opt.Names.Service(proto, port); ok {
			return clean(name)
		}
	}
	return fmt.Sprint(port)
}

// addresses prints both ends of a packet without ports.
func (p *Printer) addresses(ctx *ipContext) {
	if !ctx.named {
		p.f("%s > %s: ", p.host(ctx.src), p.host(ctx.dst))
		ctx.named = true
	}
}

// ports prints both ends of a flow and the colon behind them.
func (p *Printer) ports(ctx *ipContext, proto string, b []byte) (src, dst uint16) {
	src, dst = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	if ctx.named {
		p.f("%s > %s: ", p.port(proto, src), p.port(proto, dst))
		return src, dst
	}
	p.f("%s.%s > %s.%s: ", p.host(ctx.src), p.port(proto, src), p.host(ctx.dst), p.port(proto, dst))
	return src, dst
}

// ipOptions prints the options of an IPv4 header, n bytes by its length field.
func (p *Printer) ipOptions(b []byte, n int) {
	for i := 0; i < n; {
		if i > 0 {
			p.s(",")
		}
		if i >= len(b) {
			p.s("[|ip]")
			return
		}
		kind := b[i]
		size := 1
		if kind > 1 {
			if i+1 >= len(b) {
				p.s("[|ip]")
				return
			}
			size = int(b[i+1])
		}
		p.s(ipOptionName(kind))
		if kind > 1 && (size < 2 || i+size > n) {
			p.s(" [bad length]")
			return
		}
		if kind > 1 {
			p.ipOption(kind, b[min(i+2, len(b)):min(i+size, len(b))])
		}
		if i += size; kind == 0 {
			return
		}
	}
}

func ipOptionName(kind uint8) string {
	names := map[uint8]string{
		0: "EOL", 1: "NOP", 7: "RR", 68: "timestamp", 130: "security",
		131: "LSRR", 137: "SSRR", 148: "RA", 152: "upstream",
	}
	if name, ok := names[kind]; ok {
		return name
	}
	return fmt.Sprintf("unknown %d", kind)
}

// ipOption prints the body of a route option.
func (p *Printer) ipOption(kind uint8, body []byte) {
	switch kind {
	case 7, 131, 137:
		for i := 1; i+4 <= len(body); i += 4 {
			mark := ""
			if i+3 == int(body[0]) {
				mark = "^"
			}
			p.f(" %s%s", p.host(addr(body[i:i+4])), mark)
		}
	case 148:
		if len(body) == 2 && binary.BigEndian.Uint16(body) != 0 {
			p.f(" value %d", binary.BigEndian.Uint16(body))
		}
	}
}
