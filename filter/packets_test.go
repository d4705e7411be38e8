// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"encoding/binary"
	"slices"
)

var (
	macA = []byte{0x00, 0x11, 0x22, 0x33, 0x44, 0x55}
	macB = []byte{0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb}
	bcst = []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	v6A  = []byte{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}
	v6B  = []byte{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}
)

func be16(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }

// frame puts an Ethernet header before a payload.
func frame(dst, src []byte, typ int, payload []byte) []byte {
	return slices.Concat(dst, src, be16(typ), payload)
}

// ip4 makes an IPv4 packet with options of so many words.
func ip4(proto, frag, options int, src, dst [4]byte, payload []byte) []byte {
	h := []byte{byte(0x45 + options), 0}
	h = append(h, be16(20+4*options+len(payload))...)
	h = append(h, 0, 1, byte(frag>>8), byte(frag), 64, byte(proto), 0, 0)
	h = append(h, src[:]...)
	h = append(h, dst[:]...)
	return slices.Concat(h, make([]byte, 4*options), payload)
}

func ip6(next int, src, dst, payload []byte) []byte {
	h := []byte{0x60, 0, 0, 0}
	h = append(h, be16(len(payload))...)
	return slices.Concat(h, []byte{byte(next), 64}, src, dst, payload)
}

// transportHeader begins with two ports and goes on for n bytes.
func transportHeader(sport, dport, n int) []byte {
	return slices.Concat(be16(sport), be16(dport), make([]byte, n-4))
}

// ipPackets are packets from the network header on.
func ipPackets() (pkts [][]byte) {
	a, b, c := [4]byte{10, 0, 0, 1}, [4]byte{10, 0, 0, 2}, [4]byte{224, 0, 0, 18}
	bc := [4]byte{10, 0, 0, 255}
	for _, proto := range []int{protoTCP, protoUDP, protoSCTP} {
		for _, ports := range [][2]int{{80, 40000}, {40000, 80}, {443, 53}, {80, 80}, {85, 90}, {1, 65535}} {
			pay := transportHeader(ports[0], ports[1], 20)
			pkts = append(pkts, ip4(proto, 0, 0, a, b, pay), ip4(proto, 0, 5, b, a, pay), ip4(proto, 0, 10, a, c, pay),
				ip6(proto, v6A, v6B, pay), ip6(protoFragment, v6A, v6B, append([]byte{byte(proto), 0, 0, 1, 0, 0, 0, 0}, pay...)))
		}
		pay := transportHeader(80, 80, 20)
		pkts = append(pkts, ip4(proto, 0x2000, 0, a, b, pay), ip4(proto, 0x2001, 0, a, b, pay), ip4(proto, 0x4000, 0, b, bc, pay))
	}
	for _, proto := range []int{protoICMP, protoIGMP, protoIGRP, protoESP, protoAH, protoPIM, protoVRRP, protoICMPv6, 4, 255} {
		pkts = append(pkts, ip4(proto, 0, 0, b, c, make([]byte, 8)), ip6(proto, v6B, v6A, make([]byte, 8)))
	}
	short := ip4(protoTCP, 0, 0, a, b, transportHeader(80, 81, 20))
	short[0] = 0x42 // a header shorter than it may be
	pkts = append(pkts, short)
	return pkts
}

// arpPacket makes an ARP or RARP request, from 10.0.0.1 for 10.0.0.2.
func arpPacket() []byte {
	return slices.Concat([]byte{0, 1, 8, 0, 6, 4, 0, 1}, macA, []byte{10, 0, 0, 1}, make([]byte, 6), []byte{10, 0, 0, 2})
}

// ethernetPackets are whole frames of many kinds.
func ethernetPackets() (pkts [][]byte) {
	for i, p := range ipPackets() {
		typ := etherIPv4
		if p[0]>>4 == 6 {
			typ = etherIPv6
		}
		dst := [][]byte{macB, bcst, {1, 0, 0x5e, 0, 0, 18}}[i%3]
		pkts = append(pkts, frame(dst, macA, typ, p))
		if i%5 == 0 {
			pkts = append(pkts, frame(macA, macB, 0x8100, slices.Concat([]byte{0, 10}, be16(typ), p)))
		}
	}
	for _, typ := range []int{etherARP, etherRARP, 0x6003, 0x88cc, etherAARP, etherAtalk, etherIPX, 0x9000, 1501} {
		pkts = append(pkts, frame(bcst, macA, typ, arpPacket()))
	}
	for _, llc := range [][]byte{{0x42, 0x42, 3}, {0xfe, 0xfe, 3}, {0xf0, 0xf0, 3}, {0xe0, 0xe0, 3}, {0xff, 0xff, 0},
		{0xaa, 0xaa, 3, 8, 0, 7, 0x80, 0x9b}, {0xaa, 0xaa, 3, 0, 0, 0, 0x80, 0xf3}, {0xaa, 0xaa, 3, 0, 0, 0, 0x81, 0x37}, {6, 6, 3}} {
		pay := append(slices.Clone(llc), make([]byte, 40)...)
		pkts = append(pkts, frame([]byte{1, 0x80, 0xc2, 0, 0, 0}, macB, len(pay), pay))
	}
	return pkts
}

// truncated adds every shorter version of some of the packets: a load that
// fails must fail in the same way everywhere.
func truncated(pkts [][]byte) [][]byte {
	out := slices.Clone(pkts)
	for i, p := range pkts {
		if i%7 != 0 && len(p) > 16 {
			continue
		}
		for n := range min(len(p), 90) {
			out = append(out, p[:n:n])
		}
	}
	return out
}

// packets returns packets for a link.
func packets(link Link) [][]byte {
	switch link {
	case LinkEthernet, LinkSKBL2:
		return truncated(ethernetPackets())
	case LinkLinuxSLL, LinkLinuxSLL2:
		var pkts [][]byte
		for _, p := range ethernetPackets() {
			if link == LinkLinuxSLL {
				typ := p[12:14]
				if binary.BigEndian.Uint16(typ) <= maxLLC {
					typ = be16(cooked8022)
				}
				pkts = append(pkts, slices.Concat(make([]byte, 14), typ, p[14:]))
			} else {
				pkts = append(pkts, slices.Concat(p[12:14], make([]byte, 18), p[14:]))
			}
		}
		return truncated(append(pkts, slices.Concat(make([]byte, 14), be16(cooked8023), make([]byte, 40))))
	}
	return truncated(append(ipPackets(), arpPacket()))
}
