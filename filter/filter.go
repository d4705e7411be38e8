// SPDX-License-Identifier: Apache-2.0

package filter

import "fmt"

// Link says what lies at the start of the bytes a program is run on. Positive
// values are the LINKTYPE_ numbers of capture files, negative ones are the
// windows of packet headers seen in the running kernel.
type Link int

const (
	LinkEthernet  Link = 1   // Ethernet II, 802.3
	LinkRawBSD    Link = 12  // as LinkRaw, under the number of DLT_RAW
	LinkRaw       Link = 101 // IPv4 or IPv6, told apart by the version
	LinkLinuxSLL  Link = 113 // Linux cooked capture
	LinkIPv4      Link = 228 // IPv4 alone
	LinkIPv6      Link = 229 // IPv6 alone
	LinkLinuxSLL2 Link = 276 // Linux cooked capture v2

	// LinkSKBL2 is a window that starts at the Ethernet header of a packet in
	// the kernel; an offloaded VLAN tag is not in the bytes.
	LinkSKBL2 Link = -2
	// LinkSKBL3 is a window that starts at the network header. Primitives
	// about the link header are unknown there: neither they nor their
	// negations hold.
	LinkSKBL3 Link = -3
)

// Options are what the meaning of an expression depends on besides the link.
// The zero value is usable.
type Options struct {
	// Names looks up hosts, networks, ports and protocols that are written as
	// names. Nil knows the well-known ports and protocols only.
	Names Names
	// Netmask is the IPv4 mask of the network captured on, most significant
	// byte first, for "ip broadcast". 0 and 255.255.255.255 mean unknown.
	Netmask uint32
	// NetmaskSet makes a Netmask of 0 a known one.
	NetmaskSet bool
}

// Meta is what is known about a packet besides its bytes. The zero value is
// that of a packet captured in whole.
type Meta struct {
	Len   int    // length on the wire, counted from the first byte given; 0 means that all bytes are given
	Proto uint16 // EtherType the kernel holds for the packet, for LinkSKBL3; 0 means unknown
}

// Program is a compiled filter expression. It is immutable and may be used by
// several goroutines.
type Program struct {
	expr       string
	link       Link
	code       *code
	needLink   bool
	needDevice bool
}

// Compile compiles expr for packets that begin with link. The empty
// expression matches every packet. The error is an [*Error] that holds the
// place, or one about link.
func Compile(expr string, link Link, opts Options) (*Program, error) {
	layout, ok := layouts[link]
	if !ok {
		return nil, fmt.Errorf("link type %d cannot be filtered", int(link))
	}
	g := &generator{expr: expr, link: link, layout: layout, opts: opts}
	if g.opts.Names == nil {
		g.opts.Names = &Tables{}
	}
	root, err := parse(expr, g.primitive)
	if err != nil {
		return nil, err
	}
	pred := yes
	if root != nil {
		pred = settle(lower(root), false)
	}
	return &Program{
		expr: expr, link: link, code: build(pred),
		needLink: g.needLink, needDevice: g.needDevice,
	}, nil
}

// String returns the expression.
func (p *Program) String() string { return p.expr }

// NeedsLink reports whether the expression asks for the link header or for
// the length of the frame, so that a verdict given before there is a link
// header may be wrong. It does not depend on the link compiled for.
func (p *Program) NeedsLink() bool { return p.needLink }

// NeedsDevice reports whether the expression asks for the device or the
// direction of the packet. The primitives that do, such as "inbound", are
// refused as yet, so no program needs them.
func (p *Program) NeedsDevice() bool { return p.needDevice }

// MatchesAll reports whether the program is known to match every packet,
// without a look at it.
func (p *Program) MatchesAll() bool { return p.code.entry == toMatch }

// MatchesNone reports whether the program is known to reject every packet:
// what libpcap's optimiser calls "expression rejects all packets".
func (p *Program) MatchesNone() bool { return p.code.entry == toReject }

// Match reports whether the packet pkt matches. A test of bytes that lie
// behind the end of pkt rejects the packet, whatever the rest of the
// expression says, as in libpcap.
func (p *Program) Match(pkt []byte, meta Meta) bool {
	return p.code.run(pkt, meta) == match
}
