// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"slices"
)

// maxAddrs is how many addresses of one family a name may stand for.
const maxAddrs = 100

// address is host or net, or neither said.
func (g *generator) address(p *primitive) (*pred, error) {
	switch p.id.kind {
	case tokMAC:
		return g.hardware(p, parseMAC(p.id.text), "XX:XX:XX:XX:XX:XX")
	case tokIPv6:
		return g.addressIPv6(p)
	case tokName:
		if p.q.typ == "net" {
			return g.networkName(p)
		}
		return g.hostName(p)
	}
	if p.id.hasBits || p.id.mask != "" {
		return g.prefixIPv4(p)
	}
	return g.addressIPv4(p)
}

// wireless refuses the directions of 802.11.
func (g *generator) wireless(q *qualifier) error {
	if wirelessDirs[q.dir] {
		return g.errorf(q.dirAt, "'%s' is valid for 802.11 syntax only", q.dir)
	}
	return nil
}

// hardware tests MAC addresses; form is how libpcap's refusal writes the id.
func (g *generator) hardware(p *primitive, mac [6]byte, form string) (*pred, error) {
	if !g.hasMAC() {
		return nil, g.errorf(p.id.span, "'link host %s' not supported on %s", form, g.layout.name)
	}
	if err := g.wireless(p.q); err != nil {
		return nil, err
	}
	return g.linkTest(func() *pred { return g.mac(p.q.dir, mac) }), nil
}

// addressIPv4 is a number or a dotted number. A short dotted one means the
// bytes that are there, a plain number the whole address but for "net", where
// it means its bytes up to the last that is not zero.
func (g *generator) addressIPv4(p *primitive) (*pred, error) {
	addr, mask := p.id.num, uint32(0xffffffff)
	if p.id.kind == tokDotted {
		if p.q.proto == "decnet" {
			return nil, g.decnet(p)
		}
		a, n, ok := parseDotted(p.id.text)
		if !ok {
			return nil, g.errorf(p.id.span, "invalid IPv4 address '%s'", p.id.text)
		}
		addr, mask = a<<(32-n), mask<<(32-n)
	} else if p.q.typ == "net" {
		for addr != 0 && addr&0xff000000 == 0 {
			addr, mask = addr<<8, mask<<8
		}
	}
	if p.q.proto == "link" {
		return nil, g.errorf(p.id.span, "illegal link-layer address '%s'", p.id.source(g.expr))
	}
	return g.hostIPv4(p, addr, mask, p.q.typeName()+" <IPv4 address>")
}

// decnet is refused, in libpcap's words where it would refuse too.
func (g *generator) decnet(p *primitive) error {
	if p.q.typ == "net" || p.id.hasBits || p.id.mask != "" {
		return g.notValid(p.q.protoAt, "decnet", p.q.typeName())
	}
	return unsupported(g.expr, p.q.protoAt.to(p.id.span), "decnet host")
}

// prefixIPv4 is a dotted number with a prefix length or a mask.
func (g *generator) prefixIPv4(p *primitive) (*pred, error) {
	if p.q.proto == "decnet" {
		return nil, g.decnet(p)
	}
	addr, n, ok := parseDotted(p.id.text)
	if !ok {
		return nil, g.errorf(p.id.span, "invalid IPv4 address '%s'", p.id.text)
	}
	addr <<= 32 - n
	var mask uint32
	if p.id.mask != "" {
		m, n, ok := parseDotted(p.id.mask)
		if !ok {
			return nil, g.errorf(p.id.span, "invalid IPv4 address '%s'", p.id.mask)
		}
		mask = m << (32 - n)
	} else {
		if p.id.bits > 32 {
			return nil, g.errorf(p.id.span, "mask length must be <= 32")
		}
		mask = ^uint32(0) << (32 - p.id.bits)
	}
	if addr&^mask != 0 {
		return nil, g.errorf(p.id.span, "non-network bits set in \"%s\"", p.id.source(g.expr))
	}
	if p.q.typ != "net" {
		return nil, g.notValid(p.id.span, p.q.typeName(), p.id.source(g.expr))
	}
	return g.hostIPv4(p, addr, mask, "net <IPv4 prefix>")
}

// hostIPv4 tests IPv4 addresses in IP, ARP and RARP; what names the id in a
// refusal of the protocol.
func (g *generator) hostIPv4(p *primitive, addr, mask uint32, what string) (*pred, error) {
	q := p.q
	switch q.proto {
	case "", "ip", "arp", "rarp":
	default:
		return nil, g.notValid(q.protoAt, q.proto, what)
	}
	if err := g.wireless(q); err != nil {
		return nil, err
	}
	return g.inIPv4(q, addr, mask), nil
}

// inIPv4 tests the address in the protocols that q allows.
func (g *generator) inIPv4(q *qualifier, addr, mask uint32) *pred {
	in := func(t, src, dst uint32) *pred {
		at := func(off uint32) func() *pred {
			return func() *pred {
				return and(g.etherType(t), g.equalMasked(off, mask, addr))
			}
		}
		return directed(q.dir, at(src), at(dst))
	}
	switch q.proto {
	case "ip":
		return in(etherIPv4, 12, 16)
	case "arp":
		return in(etherARP, 14, 24)
	case "rarp":
		return in(etherRARP, 14, 24)
	}
	return or(in(etherIPv4, 12, 16), in(etherARP, 14, 24), in(etherRARP, 14, 24))
}

// addressIPv6 is an IPv6 address, with or without a prefix length.
func (g *generator) addressIPv6(p *primitive) (*pred, error) {
	addr, err := netip.ParseAddr(p.id.text)
	if err != nil { // the lexer has parsed it before
		return nil, g.errorf(p.id.span, "invalid IPv6 address %s", p.id.text)
	}
	n := uint32(128)
	if p.id.hasBits {
		n = p.id.bits
	}
	if n > 128 {
		return nil, g.errorf(p.id.span, "mask length must be <= 128")
	}
	prefix := netip.PrefixFrom(addr, int(n))
	if prefix.Masked().Addr() != addr {
		return nil, g.errorf(p.id.span, "non-network bits set in \"%s/%d\"", p.id.text, n)
	}
	what := "net <IPv6 prefix>"
	if p.q.typ != "net" {
		if n != 128 {
			return nil, g.notValid(p.id.span, p.q.typeName(), p.id.source(g.expr))
		}
		what = "host <IPv6 address>"
	}
	if p.q.proto != "" && p.q.proto != "ip6" {
		return nil, g.notValid(p.q.protoAt, p.q.proto, what)
	}
	if err := g.wireless(p.q); err != nil {
		return nil, err
	}
	return g.inIPv6(p.q.dir, prefix), nil
}

// inIPv6 tests the addresses of an IPv6 header, word by word.
func (g *generator) inIPv6(dir string, prefix netip.Prefix) *pred {
	addr := prefix.Addr().As16()
	at := func(off uint32) func() *pred {
		return func() *pred {
			p := g.etherType(etherIPv6)
			for i := range uint32(4) {
				n := min(max(prefix.Bits()-int(32*i), 0), 32)
				mask := ^uint32(0) << (32 - n)
				p = and(p, g.equalMasked(off+4*i, mask, binary.BigEndian.Uint32(addr[4*i:])))
			}
			return p
		}
	}
	return directed(dir, at(8), at(24))
}

// networkName is a name from the networks file.
func (g *generator) networkName(p *primitive) (*pred, error) {
	if p.q.proto == "decnet" {
		return nil, g.decnet(p)
	}
	addr, ok := g.opts.Names.Network(p.id.text)
	if !ok {
		return nil, g.errorf(p.id.span, "unknown network '%s'", p.id.text)
	}
	// The file may give the leading bytes only. A number with its zero bytes
	// written out is compared as a whole: so it is in libpcap.
	mask := ^uint32(0)
	if addr != 0 {
		shift := bits.LeadingZeros32(addr) &^ 7
		addr, mask = addr<<shift, mask<<shift
	}
	return g.hostIPv4(p, addr, mask, "net <IPv4 network name>")
}

// hostName is a name from the hosts or the ethers file.
func (g *generator) hostName(p *primitive) (*pred, error) {
	q, name := p.q, p.id.text
	switch q.proto {
	case "link":
		mac, ok := g.opts.Names.Ether(name)
		if !ok && g.hasMAC() {
			return nil, g.errorf(p.id.span, "unknown Ethernet-like host '%s'", name)
		}
		return g.hardware(p, mac, "NAME")
	case "", "ip", "ip6", "arp", "rarp":
	case "decnet":
		return nil, g.notValid(q.protoAt, "decnet", q.typeName())
	default:
		return nil, g.notValid(q.protoAt, q.proto, "host <Internet hostname>")
	}
	if err := g.wireless(q); err != nil {
		return nil, err
	}
	addrs := g.opts.Names.Host(name)
	if len(addrs) == 0 {
		return nil, g.errorf(p.id.span, "unknown host '%s'", name)
	}
	v4, v6 := byFamily(addrs)
	if q.proto == "ip6" {
		v4 = nil
	} else if q.proto != "" {
		v6 = nil
	}
	if len(v4)+len(v6) == 0 {
		return nil, g.errorf(p.id.span, "unknown host '%s' for specified address family", name)
	}
	pred := no
	for _, a := range v4 {
		b := a.As4()
		pred = or(pred, g.inIPv4(q, binary.BigEndian.Uint32(b[:]), ^uint32(0)))
	}
	for _, a := range v6 {
		pred = or(pred, g.inIPv6(q.dir, netip.PrefixFrom(a, 128)))
	}
	return pred, nil
}

// byFamily returns the IPv4 and the IPv6 addresses, sorted and each once.
func byFamily(addrs []netip.Addr) (v4, v6 []netip.Addr) {
	for _, a := range addrs {
		if a = a.Unmap().WithZone(""); a.Is4() {
			v4 = append(v4, a)
		} else if a.Is6() {
			v6 = append(v6, a)
		}
	}
	for _, list := range []*[]netip.Addr{&v4, &v6} {
		slices.SortFunc(*list, netip.Addr.Compare)
		*list = slices.Compact(*list)
		*list = (*list)[:min(len(*list), maxAddrs)]
	}
	return v4, v6
}
