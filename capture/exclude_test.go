// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"

	"hopdump/filter"
)

// flowOf is the flow between two address:port.
func flowOf(client, server string) Flow {
	return Flow{Client: netip.MustParseAddrPort(client), Server: netip.MustParseAddrPort(server)}
}

// ipPacket is the IP packet of a transport protocol between two address:port.
func ipPacket(proto byte, from, to string) []byte {
	src, dst := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)
	var b []byte
	if src.Addr().Is4() {
		b = []byte{0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, proto, 0, 0}
	} else {
		b = []byte{0x60, 0, 0, 0, 0, 20, proto, 64}
	}
	b = append(append(b, src.Addr().AsSlice()...), dst.Addr().AsSlice()...)
	b = binary.BigEndian.AppendUint16(b, src.Port())
	b = binary.BigEndian.AppendUint16(b, dst.Port())
	return append(b, make([]byte, 16)...)
}

func TestExcludeText(t *testing.T) {
	v4, v6 := flowOf("10.0.0.9:51022", "10.0.0.1:22"), flowOf("[2001:db8::9]:51022", "[2001:db8::1]:22")
	mapped := flowOf("[::ffff:10.0.0.9]:51022", "[::ffff:10.0.0.1]:22")
	const not4 = "not (tcp port 51022 and tcp port 22 and host 10.0.0.9 and host 10.0.0.1)"
	const not6 = "not (tcp port 51022 and tcp port 22 and host 2001:db8::9 and host 2001:db8::1)"
	tests := map[string]struct {
		expr string
		flow Flow
		want string
	}{
		"no expression": {"", v4, not4},
		"blanks only":   {" \t", v4, not4},
		"with or":       {"udp or tcp", v4, "(udp or tcp) and " + not4},
		"IPv6":          {"ip6", v6, "(ip6) and " + not6},
		"IPv4 in IPv6":  {"", mapped, not4},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := exclude(tt.expr, tt.flow); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// The expression that is compiled leaves both directions of the session out,
// and nothing else.
func TestExcludeMatches(t *testing.T) {
	const tcp, udp = 6, 17
	v4, v6 := flowOf("10.0.0.9:51022", "10.0.0.1:22"), flowOf("[2001:db8::9]:51022", "[2001:db8::1]:22")
	tests := map[string]struct {
		expr    string
		exclude []Flow
		pkt     []byte
		want    bool
	}{
		"to the server":            {"", []Flow{v4}, ipPacket(tcp, "10.0.0.9:51022", "10.0.0.1:22"), false},
		"to the client":            {"", []Flow{v4}, ipPacket(tcp, "10.0.0.1:22", "10.0.0.9:51022"), false},
		"another port":             {"", []Flow{v4}, ipPacket(tcp, "10.0.0.9:51023", "10.0.0.1:22"), true},
		"another client":           {"", []Flow{v4}, ipPacket(tcp, "10.0.0.8:51022", "10.0.0.1:22"), true},
		"UDP":                      {"", []Flow{v4}, ipPacket(udp, "10.0.0.9:51022", "10.0.0.1:22"), true},
		"or: the session":          {"udp or tcp", []Flow{v4}, ipPacket(tcp, "10.0.0.1:22", "10.0.0.9:51022"), false},
		"or: TCP":                  {"udp or tcp", []Flow{v4}, ipPacket(tcp, "10.0.0.1:23", "10.0.0.9:51022"), true},
		"or: UDP":                  {"udp or tcp", []Flow{v4}, ipPacket(udp, "10.0.0.1:22", "10.0.0.9:51022"), true},
		"expression does not hold": {"udp or icmp", []Flow{v4}, ipPacket(tcp, "10.0.0.1:23", "10.0.0.9:51022"), false},
		"IPv6, session":            {"tcp or udp", []Flow{v6}, ipPacket(tcp, "[2001:db8::1]:22", "[2001:db8::9]:51022"), false},
		"IPv6, another":            {"tcp or udp", []Flow{v6}, ipPacket(tcp, "[2001:db8::1]:22", "[2001:db8::9]:51023"), true},
		"two sessions, first":      {"udp or tcp", []Flow{v4, v6}, ipPacket(tcp, "10.0.0.9:51022", "10.0.0.1:22"), false},
		"two sessions, second":     {"udp or tcp", []Flow{v4, v6}, ipPacket(tcp, "[2001:db8::9]:51022", "[2001:db8::1]:22"), false},
		"two sessions, neither":    {"udp or tcp", []Flow{v4, v6}, ipPacket(tcp, "10.0.0.9:51022", "10.0.0.1:23"), true},
		"none to leave out":        {"tcp", nil, ipPacket(tcp, "10.0.0.9:51022", "10.0.0.1:22"), true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f, err := compile(Options{Filter: tt.expr, Numeric: true, Exclude: tt.exclude})
			if err != nil {
				t.Fatal(err)
			}
			proto, ether := uint16(0x0800), []byte{0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 0x08, 0x00}
			if tt.pkt[0]>>4 == 6 {
				proto, ether[12], ether[13] = 0x86dd, 0x86, 0xdd
			}
			if got := f.l3.Match(tt.pkt, filter.Meta{Proto: proto}); got != tt.want {
				t.Errorf("without link header: %t, want %t (%s)", got, tt.want, f.l3)
			}
			if got := f.l2.Match(append(ether, tt.pkt...), filter.Meta{Proto: proto}); got != tt.want {
				t.Errorf("with link header: %t, want %t (%s)", got, tt.want, f.l2)
			}
		})
	}
}

// An error points into what the user wrote, not into what was made of it.
func TestCompileError(t *testing.T) {
	_, err := compile(Options{Filter: "tcp prot 80", Numeric: true, Exclude: []Flow{flowOf("10.0.0.9:51022", "10.0.0.1:22")}})
	var fe *filter.Error
	if !errors.As(err, &fe) {
		t.Fatalf("error %v", err)
	}
	if fe.Expr != "tcp prot 80" || fe.Col != 5 {
		t.Errorf("column %d of %q", fe.Col, fe.Expr)
	}
	if got, want := err.Error(), "can't parse filter expression: syntax error at column 5"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestCompileEmpty(t *testing.T) {
	f, err := compile(Options{Numeric: true})
	if err != nil {
		t.Fatal(err)
	}
	if !f.l2.MatchesAll() || !f.l3.MatchesAll() {
		t.Error("the empty expression does not match everything")
	}
}
