// SPDX-License-Identifier: Apache-2.0

package text

import "fmt"

// maxFrameLength is the largest value of the ethertype field that is a length.
const maxFrameLength = 1500

const (
	kindIPv4    = 0x0800
	kindARP     = 0x0806
	kindRARP    = 0x8035
	kindVLAN    = 0x8100
	kindIPv6    = 0x86dd
	kindQinQ    = 0x88a8
	kindOldQinQ = 0x9100
)

var etherNames = map[uint16]string{
	kindIPv4: "IPv4", kindARP: "ARP", kindRARP: "Reverse ARP", kindVLAN: "802.1Q",
	kindIPv6: "IPv6", kindQinQ: "802.1Q-QinQ", kindOldQinQ: "802.1Q-9100",
	0x8847: "MPLS unicast", 0x8848: "MPLS multicast", 0x8863: "PPPoE D", 0x8864: "PPPoE S",
	0x888e: "EAPOL", 0x88cc: "LLDP", 0x8809: "Slow Protocols", 0x88e5: "802.1AE MACsec",
	0x88f7: "PTP", 0x8902: "CFM", 0x9000: "Loopback", 0x6558: "TEB", 0x894f: "NSH",
	0x8808: "MPCP", 0x880b: "PPP", 0x88a2: "AoE", 0x893a: "Reserved",
}

// etherName names an ethertype as tcpdump does, "IPv4 (0x0800)".
func etherName(kind uint16) string {
	name, ok := etherNames[kind]
	if !ok {
		name = "Unknown"
	}
	return fmt.Sprintf("%s (0x%04x)", name, kind)
}

// ethertype prints a payload of n bytes of which b was captured. It returns
// false for a type that is not printed.
func (p *Printer) ethertype(kind uint16, b []byte, n int) bool {
	switch kind {
	case kindIPv4:
		p.ipv4(b, n)
	case kindIPv6:
		p.ipv6(b, n)
	case kindARP, kindRARP:
		p.arp(b, n)
	default:
		return false
	}
	return true
}

// ipVersion prints a packet that says itself which IP it is.
func (p *Printer) ipVersion(b []byte, n int) {
	switch {
	case len(b) == 0:
		p.truncated("ip")
	case b[0]>>4 == 4:
		p.ipv4(b, n)
	case b[0]>>4 == 6:
		p.ipv6(b, n)
	default:
		p.f("unknown ip %d", b[0]>>4)
	}
}
