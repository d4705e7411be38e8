// SPDX-License-Identifier: Apache-2.0

package text

import (
	"encoding/binary"
	"net/netip"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// This file is the only one that knows gopacket, whose last release is old. It
// hands out our own header types. gopacket refuses headers that contradict
// themselves; tcpdump prints what can be read of them, so a header counts as
// decoded as soon as its fixed part is there, and lengths are checked here.

// decoder holds gopacket's layers, to be used again for each packet.
type decoder struct {
	eth  layers.Ethernet
	vlan layers.Dot1Q
	arp  layers.ARP
	ip4  layers.IPv4
	ip6  layers.IPv6
	tcp  layers.TCP
	udp  layers.UDP
	sctp layers.SCTP
}

type etherHeader struct {
	dst, src []byte
	kind     uint16 // ethertype, or a length up to 1500
	payload  []byte
}

type arpHeader struct {
	hw, proto        uint16
	hwLen, protoLen  int
	op               uint16
	srcHW, srcProto  []byte
	dstHW, dstProto  []byte
	addressesMissing bool
}

type ip4Header struct {
	hlen, total int // bytes, as the header says
	tos, ttl    uint8
	proto       uint8
	id          uint16
	flags       uint8 // bit 0 MF, 1 DF, 2 reserved
	offset      int   // bytes
	checksum    uint16
	src, dst    netip.Addr
}

type ip6Header struct {
	class    uint8
	flow     uint32
	length   int // payload bytes, as the header says
	next     uint8
	hopLimit uint8
	src, dst netip.Addr
}

type tcpHeader struct {
	seq, ack    uint32
	hlen        int
	flags       uint8
	win         uint16
	checksum    uint16
	urgent      uint16
	options     []byte
	optionsFull bool // all option bytes were captured
}

type udpHeader struct {
	length   int
	checksum uint16
}

const (
	etherHeaderLen = 14
	ip4HeaderLen   = 20
	ip6HeaderLen   = 40
	tcpHeaderLen   = 20
	udpHeaderLen   = 8
	sctpHeaderLen  = 12
)

func (d *decoder) ethernet(b []byte) (etherHeader, bool) {
	if d.eth.DecodeFromBytes(b, gopacket.NilDecodeFeedback) != nil {
		return etherHeader{}, false
	}
	return etherHeader{
		dst: d.eth.DstMAC, src: d.eth.SrcMAC,
		kind:    binary.BigEndian.Uint16(b[12:]),
		payload: b[etherHeaderLen:],
	}, true
}

// tag decodes what follows an 802.1Q ethertype: the tag and the next ethertype.
func (d *decoder) tag(b []byte) (tci, kind uint16, rest []byte, ok bool) {
	if len(b) < 4 || d.vlan.DecodeFromBytes(b, gopacket.NilDecodeFeedback) != nil {
		return 0, 0, nil, false
	}
	tci = uint16(d.vlan.Priority)<<13 | d.vlan.VLANIdentifier
	if d.vlan.DropEligible {
		tci |= 1 << 12
	}
	return tci, uint16(d.vlan.Type), b[4:], true
}

func (d *decoder) arpPacket(b []byte) (arpHeader, bool) {
	if len(b) < 8 {
		return arpHeader{}, false
	}
	h := arpHeader{hwLen: int(b[4]), protoLen: int(b[5])}
	// gopacket adds these lengths up in eight bits.
	h.addressesMissing = len(b) < 8+2*(h.hwLen+h.protoLen)
	if h.addressesMissing || 8+2*(h.hwLen+h.protoLen) > 255 ||
		d.arp.DecodeFromBytes(b, gopacket.NilDecodeFeedback) != nil {
		h.addressesMissing = true
		h.hw, h.proto = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
		h.op = binary.BigEndian.Uint16(b[6:])
		return h, true
	}
	h.hw, h.proto, h.op = uint16(d.arp.AddrType), uint16(d.arp.Protocol), d.arp.Operation
	h.srcHW, h.srcProto = d.arp.SourceHwAddress, d.arp.SourceProtAddress
	h.dstHW, h.dstProto = d.arp.DstHwAddress, d.arp.DstProtAddress
	return h, true
}

func (d *decoder) ipv4(b []byte) (ip4Header, bool) {
	if len(b) < ip4HeaderLen {
		return ip4Header{}, false
	}
	d.ip4.DecodeFromBytes(b, gopacket.NilDecodeFeedback) // fills the fixed part in any case
	ip := &d.ip4
	return ip4Header{
		hlen: int(ip.IHL) * 4, total: int(binary.BigEndian.Uint16(b[2:])),
		tos: ip.TOS, ttl: ip.TTL, proto: uint8(ip.Protocol), id: ip.Id,
		flags: uint8(ip.Flags), offset: int(ip.FragOffset) * 8, checksum: ip.Checksum,
		src: addr(ip.SrcIP), dst: addr(ip.DstIP),
	}, true
}

func (d *decoder) ipv6(b []byte) (ip6Header, bool) {
	if len(b) < ip6HeaderLen {
		return ip6Header{}, false
	}
	d.ip6.DecodeFromBytes(b, gopacket.NilDecodeFeedback) // fills the fixed part in any case
	ip := &d.ip6
	return ip6Header{
		class: ip.TrafficClass, flow: ip.FlowLabel, length: int(ip.Length),
		next: uint8(ip.NextHeader), hopLimit: ip.HopLimit,
		src: addr(ip.SrcIP), dst: addr(ip.DstIP),
	}, true
}

func (d *decoder) tcpSegment(b []byte) (tcpHeader, bool) {
	if len(b) < tcpHeaderLen {
		return tcpHeader{}, false
	}
	d.tcp.DecodeFromBytes(b, gopacket.NilDecodeFeedback) // fills the fixed part in any case
	t := &d.tcp
	h := tcpHeader{
		seq: t.Seq, ack: t.Ack, hlen: int(t.DataOffset) * 4,
		flags: b[13],
		win:   t.Window, checksum: t.Checksum, urgent: t.Urgent,
	}
	if h.hlen > tcpHeaderLen {
		end := min(h.hlen, len(b))
		h.options, h.optionsFull = b[tcpHeaderLen:end], end == h.hlen
	}
	return h, true
}

func (d *decoder) udpDatagram(b []byte) (udpHeader, bool) {
	if len(b) < udpHeaderLen {
		return udpHeader{}, false
	}
	d.udp.DecodeFromBytes(b, gopacket.NilDecodeFeedback) // fills the fixed part in any case
	return udpHeader{length: int(d.udp.Length), checksum: d.udp.Checksum}, true
}

func (d *decoder) sctpPacket(b []byte) (chunks []byte, ok bool) {
	if len(b) < sctpHeaderLen || d.sctp.DecodeFromBytes(b, gopacket.NilDecodeFeedback) != nil {
		return nil, false
	}
	return d.sctp.Payload, true
}

func addr(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	return a
}
