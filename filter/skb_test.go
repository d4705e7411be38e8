// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"encoding/binary"
	"slices"
	"testing"
)

// TestWithoutLinkHeader compares the network header alone, with and without
// what the kernel knows about it, to the whole frame.
func TestWithoutLinkHeader(t *testing.T) {
	for _, expr := range corpus {
		l2, err := Compile(expr, LinkSKBL2, corpusOptions)
		if err != nil {
			t.Fatal(err)
		}
		l3, err := Compile(expr, LinkSKBL3, corpusOptions)
		if err != nil {
			t.Fatal(err)
		}
		if l2.NeedsLink() != l3.NeedsLink() {
			t.Errorf("%q: needs link %t at L2, %t at L3", expr, l2.NeedsLink(), l3.NeedsLink())
		}
		if l2.NeedsLink() {
			continue
		}
		for _, pkt := range ethernetPackets() {
			typ := binary.BigEndian.Uint16(pkt[12:])
			if typ <= maxLLC {
				continue
			}
			want := l2.Match(pkt, Meta{})
			if got := l3.Match(pkt[14:], Meta{Proto: typ}); got != want {
				t.Errorf("%q: %t with a link header, %t without: %x", expr, want, got, pkt)
			}
			if typ == etherIPv4 || typ == etherIPv6 {
				if got := l3.Match(pkt[14:], Meta{}); got != want && pkt[14]>>4 != 4 {
					t.Errorf("%q: %t with a link header, %t by version: %x", expr, want, got, pkt)
				}
			}
		}
	}
}

// TestUnknown checks what becomes of primitives about a header that is not
// there: they neither hold nor fail to hold.
func TestUnknown(t *testing.T) {
	tcp := ip4(protoTCP, 0, 0, [4]byte{10, 0, 0, 1}, [4]byte{10, 0, 0, 2}, transportHeader(80, 81, 20))
	udp := ip4(protoUDP, 0, 0, [4]byte{10, 0, 0, 1}, [4]byte{10, 0, 0, 2}, transportHeader(80, 81, 20))
	tests := map[string]struct{ tcp, udp bool }{
		"ether host 0:11:22:33:44:55":                    {false, false},
		"not ether host 0:11:22:33:44:55":                {false, false},
		"ether host 0:11:22:33:44:55 or tcp port 80":     {true, false},
		"not ether host 0:11:22:33:44:55 or tcp port 80": {true, false},
		"ether host 0:11:22:33:44:55 and tcp":            {false, false},
		"not (ether host 0:11:22:33:44:55 and tcp)":      {false, true},
		"not (ether host 0:11:22:33:44:55 or tcp)":       {false, false},
		"not (not broadcast or not udp)":                 {false, false},
		"not (not broadcast and not udp)":                {false, true},
		"multicast or not multicast":                     {false, false},
		"stp or not stp or udp":                          {false, true},
		"ether proto 0x800":                              {true, true},
		"not ether proto 0x800":                          {false, false},
		"arp":                                            {false, false},
		"not arp":                                        {true, true},
	}
	for expr, want := range tests {
		t.Run(expr, func(t *testing.T) {
			p, err := Compile(expr, LinkSKBL3, Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, proto := range []uint16{0, etherIPv4} {
				if got := p.Match(tcp, Meta{Proto: proto}); got != want.tcp {
					t.Errorf("proto %#x: %t for TCP", proto, got)
				}
				if got := p.Match(udp, Meta{Proto: proto}); got != want.udp {
					t.Errorf("proto %#x: %t for UDP", proto, got)
				}
			}
		})
	}
}

func TestNeedsLink(t *testing.T) {
	tests := map[string]bool{
		"": false, "tcp port 80": false, "host 10.0.0.1": false, "arp": false, "ether proto 0x88cc": false,
		"ip multicast": false, "ip broadcast": false, "ether host 1:2:3:4:5:6": true, "tcp and not multicast": true,
		"broadcast": true, "stp": true, "ether proto 6": true, "less 100": true, "atalk": true,
	}
	for expr, want := range tests {
		for _, link := range []Link{LinkEthernet, LinkSKBL2, LinkSKBL3} {
			p, err := Compile(expr, link, corpusOptions)
			if err != nil {
				t.Fatal(err)
			}
			if p.NeedsLink() != want || p.NeedsDevice() {
				t.Errorf("%q on %d: needs link %t, device %t", expr, link, p.NeedsLink(), p.NeedsDevice())
			}
		}
	}
}

func TestMatchesAllOrNone(t *testing.T) {
	all := []string{"", " ", "ip or not ip", "greater 0 or not greater 0"}
	none := []string{"tcp and udp and sctp", "ip and ip6", "ip and not ip", "arp and (tcp or udp)"}
	for _, expr := range slices.Concat(all, none, []string{"tcp", "not tcp"}) {
		p, err := Compile(expr, LinkSKBL2, Options{})
		if err != nil {
			t.Fatal(err)
		}
		// A test of bytes may fail for lack of them, so "ip or not ip" does
		// not match an empty packet.
		if p.MatchesAll() && p.MatchesNone() {
			t.Errorf("%q matches all and none", expr)
		}
		if got, want := p.MatchesNone(), slices.Contains(none, expr); got != want {
			t.Errorf("%q: matches none: %t", expr, got)
		}
		if want := expr == "" || expr == " " || expr == all[3]; p.MatchesAll() != want {
			t.Errorf("%q: matches all: %t", expr, p.MatchesAll())
		}
	}
}

// TestMatchLength checks the two lengths of a packet.
func TestMatchLength(t *testing.T) {
	pkt := ethernetPackets()[0]
	p, err := Compile("greater 1500 and tcp", LinkEthernet, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]bool{0: false, len(pkt): false, 1499: false, 1500: true, 1 << 40: true} {
		if got := p.Match(pkt, Meta{Len: n}); got != want {
			t.Errorf("length %d: %t", n, got)
		}
	}
}

func TestLinkUnknown(t *testing.T) {
	if _, err := Compile("tcp", 147, Options{}); err == nil {
		t.Error("link type 147 is accepted")
	}
}
