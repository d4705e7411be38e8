// SPDX-License-Identifier: Apache-2.0

package filter

// layout says where things are behind a link header. Offsets are from the
// first byte of the packet.
type layout struct {
	name  string // as libpcap's messages have it
	l3    uint32 // the network header
	typ   uint32 // the EtherType, if linkTyped
	kind  linkKind
	ether bool // the header begins with two MAC addresses
}

// linkKind is how a link tells the protocols above it apart.
type linkKind uint8

const (
	linkTyped   linkKind = iota // an EtherType field
	linkPlain                   // the same, but LLC is not looked into
	linkVersion                 // the version of the IP header
	linkOne                     // one protocol, whose EtherType is in typ
	linkKernel                  // the kernel's notion, else the version
)

// LLC and SNAP stand at the place of the network header; the frames that have
// them are told by a length in the place of the EtherType (Ethernet) or by a
// pseudo-type (cooked captures).
var layouts = map[Link]layout{
	LinkEthernet:  {name: "DLT_EN10MB (Ethernet)", typ: 12, l3: 14, ether: true},
	LinkSKBL2:     {name: "DLT_EN10MB (Ethernet)", typ: 12, l3: 14, ether: true},
	LinkLinuxSLL:  {name: "DLT_LINUX_SLL (Linux cooked v1)", typ: 14, l3: 16},
	LinkLinuxSLL2: {name: "DLT_LINUX_SLL2 (Linux cooked v2)", kind: linkPlain, l3: 20},
	LinkRaw:       {name: "DLT_RAW (Raw IP)", kind: linkVersion},
	LinkRawBSD:    {name: "DLT_RAW (Raw IP)", kind: linkVersion},
	LinkIPv4:      {name: "DLT_IPV4 (Raw IPv4)", kind: linkOne, typ: etherIPv4},
	LinkIPv6:      {name: "DLT_IPV6 (Raw IPv6)", kind: linkOne, typ: etherIPv6},
	LinkSKBL3:     {name: "DLT_EN10MB (Ethernet)", kind: linkKernel},
}

// EtherTypes and LLC service access points that are more than a number here.
const (
	etherIPv4  = 0x0800
	etherARP   = 0x0806
	etherRARP  = 0x8035
	etherIPX   = 0x8137
	etherAtalk = 0x809b
	etherAARP  = 0x80f3
	etherIPv6  = 0x86dd

	maxLLC     = 1500 // a length up to this is no EtherType
	sapIP      = 0x06
	sapSTP     = 0x42
	sapIPX     = 0xe0
	sapNetBEUI = 0xf0
	sapISO     = 0xfe

	cooked8023 = 1 // pseudo-types of cooked captures: raw 802.3, and 802.2
	cooked8022 = 4
)

// IP protocol numbers.
const (
	protoICMP     = 1
	protoIGMP     = 2
	protoTCP      = 6
	protoIGRP     = 9
	protoUDP      = 17
	protoFragment = 44
	protoESP      = 50
	protoAH       = 51
	protoICMPv6   = 58
	protoPIM      = 103
	protoVRRP     = 112
	protoSCTP     = 132
)

// generator gives primitives their meaning on one link. It sees them in the
// order of the text.
type generator struct {
	expr       string
	link       Link
	layout     layout
	opts       Options
	values     map[value]*value
	needLink   bool
	needDevice bool
}

// intern returns the one pointer for v.
func (g *generator) intern(v value) *value {
	if p, ok := g.values[v]; ok {
		return p
	}
	if g.values == nil {
		g.values = map[value]*value{}
	}
	p := &v
	g.values[v] = p
	return p
}

func (g *generator) constant(k uint32) *value { return g.intern(value{op: opConst, k: k}) }

func (g *generator) load(off uint32, size uint8) *value {
	return g.intern(value{op: opLoad, k: off, size: size})
}

func (g *generator) meta(field uint32) *value { return g.intern(value{op: opMeta, k: field}) }

// masked returns v & mask.
func (g *generator) masked(v *value, mask uint32) *value {
	if mask == 0xffffffff {
		return v
	}
	return g.intern(value{op: opAnd, a: v, b: g.constant(mask)})
}

// compare returns the test of v against a constant.
func (g *generator) compare(v *value, rel relation, k uint32) *pred {
	return &pred{op: predTest, test: test{rel: rel, v: v, w: g.constant(k)}}
}

// equal tests size bytes at off.
func (g *generator) equal(off uint32, size uint8, k uint32) *pred {
	return g.compare(g.load(off, size), relEQ, k)
}

// net is size bytes at off in the network header.
func (g *generator) net(off uint32, size uint8) *value { return g.load(g.layout.l3+off, size) }

// equalMasked tests four bytes at off in the network header. What nothing is
// asked about is not looked at.
func (g *generator) equalMasked(off, mask, k uint32) *pred {
	if mask == 0 {
		return yes
	}
	return g.compare(g.masked(g.net(off, 4), mask), relEQ, k)
}

// transport returns two bytes at off behind an IPv4 header of its own length.
func (g *generator) transport(off uint32) *value {
	ihl := g.intern(value{op: opLsh, a: g.masked(g.net(0, 1), 0x0f), b: g.constant(2)})
	return g.intern(value{op: opLoad, k: g.layout.l3 + off, size: 2, a: ihl})
}

// etherType tests for the network protocol t, an EtherType or an LLC SAP.
func (g *generator) etherType(t uint32) *pred {
	llc := t <= maxLLC || t == etherAtalk || t == etherAARP
	g.needLink = g.needLink || llc
	switch g.layout.kind {
	case linkOne:
		return constant(t == g.layout.typ)
	case linkVersion:
		return g.version(t)
	case linkKernel:
		if llc {
			return unknown // skb->protocol is a length class then
		}
		proto := g.meta(metaProto)
		return or(g.compare(proto, relEQ, t), and(g.compare(proto, relEQ, 0), g.version(t)))
	}
	if llc && g.layout.kind == linkTyped {
		return g.llc(t)
	}
	return g.equal(g.layout.typ, 2, t)
}

// constant is the predicate that always or never holds.
func constant(holds bool) *pred {
	if holds {
		return yes
	}
	return no
}

// version tests for the protocol t by the version of an IP header.
func (g *generator) version(t uint32) *pred {
	version := g.masked(g.net(0, 1), 0xf0)
	switch t {
	case etherIPv4:
		return g.compare(version, relEQ, 0x40)
	case etherIPv6:
		return g.compare(version, relEQ, 0x60)
	}
	return no
}

// llc tests for a protocol that travels over LLC, for some also over SNAP or
// under an EtherType, on a link with an EtherType field.
func (g *generator) llc(t uint32) *pred {
	l3 := g.layout.l3
	isLLC := g.equal(g.layout.typ, 2, cooked8022)
	if g.layout.ether {
		isLLC = not(g.compare(g.load(g.layout.typ, 2), relGT, maxLLC))
	}
	switch t {
	case sapISO, sapIP, sapNetBEUI:
		return and(isLLC, g.equal(l3, 2, t<<8|t))
	case sapIPX:
		return g.ipx(isLLC)
	case etherAtalk:
		return or(g.equal(g.layout.typ, 2, t), and(isLLC, g.snap(0x080007, t)))
	case etherAARP:
		return or(g.equal(g.layout.typ, 2, t), and(isLLC, g.snap(0, t)))
	}
	return and(isLLC, g.equal(l3, 1, t))
}

// ipx tests for Novell IPX in any of its encapsulations.
func (g *generator) ipx(isLLC *pred) *pred {
	l3, typ := g.layout.l3, g.layout.typ
	if g.layout.ether {
		bare := g.equal(l3, 2, 0xffff) // IPX right behind the length: its checksum
		return or(g.equal(typ, 2, etherIPX),
			and(isLLC, or(g.snap(0, etherIPX), or(g.equal(l3, 1, sapIPX), bare))))
	}
	return or(g.equal(typ, 2, etherIPX), or(g.equal(typ, 2, cooked8023),
		and(isLLC, or(g.equal(l3, 1, sapIPX), g.snap(0, etherIPX)))))
}

// snap tests for a SNAP header.
func (g *generator) snap(org, proto uint32) *pred {
	l3 := g.layout.l3
	return and(g.equal(l3+4, 4, org<<16|proto), g.equal(l3, 4, 0xaaaa0300|org>>16))
}
