// SPDX-License-Identifier: Apache-2.0

package filter

// errorf is an error about the part s of the expression.
func (g *generator) errorf(s span, format string, args ...any) error {
	return errorAt(g.expr, s, format, args...)
}

// notValid is libpcap's refusal of a qualifier before what.
func (g *generator) notValid(s span, qual, what string) error {
	return g.errorf(s, "'%s' is not a valid qualifier for '%s'", qual, what)
}

// primitive gives p its meaning.
func (g *generator) primitive(p *primitive) (err error) {
	switch p.form {
	case formProto:
		p.pred, err = g.protoName(p)
	case formBroadcast:
		p.pred, err = g.broadcast(p)
	case formMulticast:
		p.pred, err = g.multicast(p)
	case formLess:
		g.needLink = true // the length counts from the link header on
		p.pred = not(g.compare(g.meta(metaLen), relGT, p.id.num))
	case formGreater:
		g.needLink = true
		p.pred = g.compare(g.meta(metaLen), relGE, p.id.num)
	case formOther:
		err = g.errorf(p.span, otherLinks[p.id.word], p.id.text, g.layout.name)
	default:
		p.pred, err = g.qualified(p)
	}
	return err
}

// protoName is a protocol name alone.
func (g *generator) protoName(p *primitive) (*pred, error) {
	if t, ok := networkTypes[p.q.proto]; ok {
		return g.etherType(t), nil
	}
	switch p.q.proto {
	case "tcp", "udp", "sctp", "pim", "ah", "esp":
		return g.ipProto("", ipProtos[p.q.proto]), nil
	case "icmp", "igmp", "igrp", "vrrp", "carp":
		return g.ipProto("ip", ipProtos[p.q.proto]), nil
	case "icmp6":
		return g.ipProto("ip6", protoICMPv6), nil
	case "radio":
		return nil, g.errorf(p.span, "'radio' not supported on %s", g.layout.name)
	}
	return nil, unsupported(g.expr, p.span, g.expr[p.pos:p.end])
}

// networkTypes are the protocol names that stand for an EtherType or SAP.
var networkTypes = map[string]uint32{
	"ip": etherIPv4, "ip6": etherIPv6, "arp": etherARP, "rarp": etherRARP,
	"atalk": etherAtalk, "aarp": etherAARP, "decnet": 0x6003, "lat": 0x6004, "sca": 0x6007,
	"mopdl": 0x6001, "moprc": 0x6002, "iso": sapISO, "stp": sapSTP, "ipx": sapIPX, "netbeui": sapNetBEUI,
}

// ipProtos are the protocol names that stand for an IP protocol number.
var ipProtos = map[string]uint32{
	"tcp": protoTCP, "udp": protoUDP, "sctp": protoSCTP, "pim": protoPIM, "ah": protoAH, "esp": protoESP,
	"icmp": protoICMP, "igmp": protoIGMP, "igrp": protoIGRP, "vrrp": protoVRRP, "carp": protoVRRP,
}

// ipProto tests for the protocol above IPv4 ("ip"), IPv6 ("ip6") or either.
// Above IPv6 the protocol may stand behind one fragment header.
func (g *generator) ipProto(family string, n uint32) *pred {
	switch family {
	case "ip":
		return and(g.etherType(etherIPv4), g.compare(g.net(9, 1), relEQ, n))
	case "ip6":
		next := g.net(6, 1)
		return and(g.etherType(etherIPv6), or(g.compare(next, relEQ, n),
			and(g.compare(next, relEQ, protoFragment), g.compare(g.net(40, 1), relEQ, n))))
	}
	return or(g.ipProto("ip", n), g.ipProto("ip6", n))
}

// linkTest is p where there is a link header to see it in.
func (g *generator) linkTest(p func() *pred) *pred {
	g.needLink = true
	if g.link == LinkSKBL3 {
		return unknown
	}
	return p()
}

// hasMAC reports whether what asks for a MAC address makes sense on the link.
func (g *generator) hasMAC() bool { return g.layout.ether || g.link == LinkSKBL3 }

func (g *generator) broadcast(p *primitive) (*pred, error) {
	switch p.q.proto {
	case "", "link":
		if !g.hasMAC() {
			return nil, g.errorf(p.span, "'broadcast' not supported on %s", g.layout.name)
		}
		return g.linkTest(func() *pred { return g.mac("dst", [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}) }), nil
	case "ip":
		mask := g.opts.Netmask
		if mask == 0xffffffff || mask == 0 && !g.opts.NetmaskSet {
			return nil, g.errorf(p.span, "netmask not known, so 'ip broadcast' not supported")
		}
		host := g.masked(g.net(16, 4), ^mask)
		return and(g.etherType(etherIPv4),
			or(g.compare(host, relEQ, 0), g.compare(host, relEQ, ^mask))), nil
	}
	return nil, g.notValid(p.q.protoAt, p.q.proto, "broadcast")
}

func (g *generator) multicast(p *primitive) (*pred, error) {
	switch p.q.proto {
	case "", "link":
		if !g.hasMAC() {
			return nil, g.errorf(p.span, "'multicast' not supported on %s", g.layout.name)
		}
		return g.linkTest(func() *pred { return g.compare(g.load(0, 1), relSet, 1) }), nil
	case "ip":
		return and(g.etherType(etherIPv4), g.compare(g.net(16, 1), relGE, 224)), nil
	case "ip6":
		return and(g.etherType(etherIPv6), g.compare(g.net(24, 1), relEQ, 255)), nil
	}
	return nil, g.notValid(p.q.protoAt, p.q.proto, "multicast")
}

// mac tests the MAC addresses of a header that has them. The last four bytes
// are compared first, as libpcap does.
func (g *generator) mac(dir string, mac [6]byte) *pred {
	at := func(off uint32) *pred {
		hi := uint32(mac[0])<<8 | uint32(mac[1])
		lo := uint32(mac[2])<<24 | uint32(mac[3])<<16 | uint32(mac[4])<<8 | uint32(mac[5])
		return and(g.equal(off+2, 4, lo), g.equal(off, 2, hi))
	}
	return directed(dir, func() *pred { return at(6) }, func() *pred { return at(0) })
}

// directed joins the tests of source and destination as dir says.
func directed(dir string, src, dst func() *pred) *pred {
	switch dir {
	case "src":
		return src()
	case "dst":
		return dst()
	case dirAnd:
		return and(src(), dst())
	}
	return or(src(), dst())
}

// qualified is an id with its qualifiers.
func (g *generator) qualified(p *primitive) (*pred, error) {
	if p.q == nil {
		return nil, g.errorf(p.span, "syntax error in filter expression: no qualifier for '%s' at column %d",
			p.id.source(g.expr), p.pos+1)
	}
	if err := g.checkKind(p); err != nil {
		return nil, err
	}
	switch p.q.typ {
	case "", "host", "net":
		return g.address(p)
	case "port", "portrange":
		return g.port(p)
	case "proto":
		return g.proto(p)
	case "gateway":
		return nil, g.gateway(p)
	default:
		return nil, g.protochain(p)
	}
}

// checkKind refuses ids that cannot belong to the type of the qualifier.
func (g *generator) checkKind(p *primitive) error {
	q, id := p.q, &p.id
	switch id.kind {
	case tokMAC8:
		if q.proto == "link" && (q.typ == "" || q.typ == "host") {
			return g.errorf(id.span, "'link host $XX' not supported on %s", g.layout.name)
		}
		return g.errorf(id.span, "ARCnet address used in non-arc expression")
	case tokMAC:
		if q.proto != "link" || q.typ != "" && q.typ != "host" {
			return g.errorf(id.span, "Ethernet address used in non-ether expression")
		}
	case tokDotted, tokIPv6:
		return g.checkAddress(q, id)
	case tokNumber:
		if q.typ == "gateway" {
			return g.notValid(q.typAt, "gateway", id.source(g.expr))
		}
	}
	return nil
}

// checkAddress refuses types that an IP address cannot belong to.
func (g *generator) checkAddress(q *qualifier, id *ident) error {
	if q.typ == "gateway" && q.proto == "decnet" && id.kind == tokDotted {
		return g.notValid(q.protoAt, "decnet", "gateway")
	}
	if q.typ == "gateway" {
		return g.notValid(q.typAt, "gateway", id.source(g.expr))
	}
	if q.typ == "" || q.typ == "host" || q.typ == "net" {
		return nil
	}
	what := "IPv4 address"
	if id.kind == tokIPv6 {
		what = "IPv6 address"
	}
	if id.hasBits {
		what += " and prefix length"
	} else if id.mask != "" {
		what += " and netmask"
	}
	return g.errorf(id.span, "'%s' qualifier applied to %s", q.typ, what)
}

// gateway is refused, in libpcap's words where it would refuse too.
func (g *generator) gateway(p *primitive) error {
	switch p.q.proto {
	case "", "ip", "arp", "rarp":
	default:
		return g.notValid(p.q.protoAt, p.q.proto, "gateway")
	}
	if !g.hasMAC() {
		return g.errorf(p.q.typAt, "'gateway' not supported on %s", g.layout.name)
	}
	return unsupported(g.expr, p.q.typAt, "gateway")
}

// protochain is refused, in libpcap's words where it would refuse too.
func (g *generator) protochain(p *primitive) error {
	family := p.q.proto
	if p.id.kind == tokName {
		if _, err := g.protoNumber(p); err != nil {
			return err
		}
	}
	if family != "" && family != "ip" && family != "ip6" {
		return g.notValid(p.q.protoAt, family, "protochain")
	}
	if p.id.kind == tokNumber && p.id.num > 255 {
		return g.errorf(p.id.span, "protocol number %d greater than maximum 255", p.id.num)
	}
	return unsupported(g.expr, p.q.typAt, "protochain")
}
