// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"strconv"
	"strings"
)

// ports is a range of ports of one transport protocol, or of any ("").
type ports struct {
	lo, hi    uint32
	transport string
}

// port is port or portrange.
func (g *generator) port(p *primitive) (*pred, error) {
	q := p.q
	switch q.proto {
	case "", "tcp", "udp", "sctp":
	default:
		return nil, g.notValid(q.protoAt, q.proto, q.typ)
	}
	r, err := g.ports(p)
	if err != nil {
		return nil, err
	}
	if wirelessDirs[q.dir] {
		return nil, g.notValid(q.dirAt, q.dir, q.typ)
	}
	if q.proto != "" {
		if r.transport != "" && r.transport != q.proto {
			if q.typ == "portrange" {
				return nil, g.errorf(p.id.span, "port in range '%s' is %s", p.id.text, r.transport)
			}
			return nil, g.errorf(p.id.span, "port '%s' is %s", p.id.text, r.transport)
		}
		r.transport = q.proto
	}
	return or(g.portsIPv6(q.dir, r), g.portsIPv4(q.dir, r)), nil
}

// ports returns what the id stands for.
func (g *generator) ports(p *primitive) (ports, error) {
	if p.id.kind == tokNumber {
		return g.checkRange(p, ports{lo: p.id.num, hi: p.id.num})
	}
	name := p.id.text
	if p.q.typ == "port" {
		n, transport, ok := g.service(name)
		if !ok {
			return ports{}, g.errorf(p.id.span, "unknown port '%s'", name)
		}
		return g.checkRange(p, ports{n, n, transport})
	}
	from, to, ok := strings.Cut(name, "-")
	lo, t1, ok1 := g.service(from)
	hi, t2, ok2 := g.service(to)
	if !ok || !ok1 || !ok2 {
		return ports{}, g.errorf(p.id.span, "unknown port in range '%s'", name)
	}
	if t1 != t2 {
		t1 = ""
	}
	return g.checkRange(p, ports{lo, hi, t1})
}

// checkRange puts the ends of r in order.
func (g *generator) checkRange(p *primitive, r ports) (ports, error) {
	for _, n := range []uint32{r.lo, r.hi} {
		if n > 65535 {
			return r, g.errorf(p.id.span, "port number %d greater than maximum 65535", n)
		}
	}
	r.lo, r.hi = min(r.lo, r.hi), max(r.lo, r.hi)
	return r, nil
}

// service returns the port of that name and its transport protocol; "" if tcp
// and udp have it alike, or if it is a number.
func (g *generator) service(name string) (port uint32, transport string, ok bool) {
	if isDigits(name) {
		n, err := strconv.ParseUint(name, 10, 32)
		return uint32(n), "", err == nil
	}
	tcp, isTCP := g.opts.Names.Port(name, "tcp")
	udp, isUDP := g.opts.Names.Port(name, "udp")
	switch {
	case isTCP && isUDP && tcp == udp:
		return uint32(tcp), "", true
	case isTCP:
		return uint32(tcp), "tcp", true
	}
	return uint32(udp), "udp", isUDP
}

func isDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

// inRange tests a port field.
func (g *generator) inRange(v *value, r ports) *pred {
	if r.lo == r.hi {
		return g.compare(v, relEQ, r.lo)
	}
	return and(g.compare(v, relGE, r.lo), not(g.compare(v, relGT, r.hi)))
}

// eachTransport joins the tests for the transport protocols of r, in
// libpcap's order.
func eachTransport(r ports, test func(proto uint32) *pred) *pred {
	if r.transport != "" {
		return test(ipProtos[r.transport])
	}
	return or(test(protoSCTP), test(protoTCP), test(protoUDP))
}

// portsIPv6 looks for ports right behind an IPv6 header.
func (g *generator) portsIPv6(dir string, r ports) *pred {
	return and(g.etherType(etherIPv6), eachTransport(r, func(proto uint32) *pred {
		return and(g.compare(g.net(6, 1), relEQ, proto), directed(dir,
			func() *pred { return g.inRange(g.net(40, 2), r) },
			func() *pred { return g.inRange(g.net(42, 2), r) }))
	}))
}

// portsIPv4 looks for ports behind an IPv4 header, in the first fragment only.
func (g *generator) portsIPv4(dir string, r ports) *pred {
	return and(g.etherType(etherIPv4), eachTransport(r, func(proto uint32) *pred {
		first := not(g.compare(g.net(6, 2), relSet, 0x1fff))
		return and(g.compare(g.net(9, 1), relEQ, proto), first, directed(dir,
			func() *pred { return g.inRange(g.transport(0), r) },
			func() *pred { return g.inRange(g.transport(2), r) }))
	}))
}

// etherProtos are the names that "ether proto" knows.
var etherProtos = map[string]uint32{
	"aarp": etherAARP, "arp": etherARP, "atalk": etherAtalk, "decnet": 0x6003, "ip": etherIPv4, "ip6": etherIPv6,
	"lat": 0x6004, "lldp": 0x88cc, "loopback": 0x9000, "mopdl": 0x6001, "moprc": 0x6002, "rarp": etherRARP,
	"sca": 0x6007, "slow": 0x8809, "iso": sapISO, "stp": sapSTP, "ipx": sapIPX, "netbeui": sapNetBEUI,
}

// proto is "proto" with its number or name.
func (g *generator) proto(p *primitive) (*pred, error) {
	q := p.q
	n := p.id.num
	if p.id.kind == tokName {
		var err error
		if n, err = g.protoNumber(p); err != nil {
			return nil, err
		}
	}
	switch q.proto {
	case "", "ip", "ip6":
		if n > 255 {
			return nil, g.errorf(p.id.span, "protocol number %d greater than maximum 255", n)
		}
		return g.ipProto(q.proto, n), nil
	case "link":
		if n > 65535 {
			return nil, g.errorf(p.id.span, "EtherType %d greater than maximum 65535", n)
		}
		if n <= maxLLC && n > 255 {
			return nil, g.errorf(p.id.span, "LLC DSAP %d greater than maximum 255", n)
		}
		return g.etherType(n), nil
	case "iso", "isis":
		if q.proto == "isis" && n > 31 {
			return nil, g.errorf(p.id.span, "IS-IS PDU type %d greater than maximum 31", n)
		}
		return nil, unsupported(g.expr, q.protoAt.to(q.typAt), q.proto+" proto")
	}
	return nil, g.notValid(q.protoAt, q.proto, "proto")
}

// protoNumber looks up the name of a protocol.
func (g *generator) protoNumber(p *primitive) (uint32, error) {
	name := p.id.text
	switch p.q.proto {
	case "", "ip", "ip6":
		if n, ok := g.opts.Names.Protocol(name); ok {
			return uint32(n), nil
		}
	case "link":
		if n, ok := etherProtos[name]; ok {
			return n, nil
		}
	case "iso":
		if n, ok := map[string]uint32{"clnp": 0x81, "esis": 0x82, "isis": 0x83}[name]; ok {
			return n, nil
		}
	}
	if p.q.proto == "decnet" {
		return 0, g.notValid(p.q.protoAt, "decnet", p.q.typ)
	}
	what := p.q.typ
	if p.q.proto != "" {
		what = p.q.proto + " " + what
	}
	return 0, g.errorf(p.id.span, "unknown '%s' value '%s'", what, name)
}
