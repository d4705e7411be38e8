// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var testNames = NewTables(Files{
	Hosts: []byte("# comment\n10.0.0.2 two.example two\n10.0.0.1 Both.example # both\n2001:db8::1\tboth.example\n" +
		"10.0.0.1 both.example\nnonsense x\n127.0.0.1\nfe80::1%eth0 scoped"),
	Networks:  []byte("short 10\nlong 10.1.0.0 alias\nbad ten\n"),
	Ethers:    []byte("0:11:22:33:44:55 router\nff router2\n"),
	Services:  []byte("web 80/tcp www2\nweb 80/udp\nsplit 1000/tcp\nsplit 1001/udp\nchat 7000/udp\nbroken x/tcp\nlate 90/tcp\nlate 91/tcp\nhttp 8080/tcp\n"),
	Protocols: []byte("tcp 6 TCP\nmine 200 # ours\nbig 300\n"),
})

func TestTables(t *testing.T) {
	type result struct {
		Host         []netip.Addr
		Net          uint32
		NetOK        bool
		Ether        [6]byte
		EtherOK      bool
		TCP, UDP     uint16
		TCPOK, UDPOK bool
		Proto        uint8
		ProtoOK      bool
	}
	addr := netip.MustParseAddr
	tests := map[string]result{
		"two":          {Host: []netip.Addr{addr("10.0.0.2")}},
		"BOTH.EXAMPLE": {Host: []netip.Addr{addr("10.0.0.1"), addr("2001:db8::1"), addr("10.0.0.1")}},
		"x":            {},
		"short":        {Net: 10, NetOK: true},
		"ALIAS":        {Net: 0x0a010000, NetOK: true},
		"bad":          {},
		"Router":       {Ether: [6]byte{0, 0x11, 0x22, 0x33, 0x44, 0x55}, EtherOK: true},
		"router2":      {},
		"web":          {TCP: 80, TCPOK: true, UDP: 80, UDPOK: true},
		"www2":         {TCP: 80, TCPOK: true},
		"WEB":          {},
		"split":        {TCP: 1000, TCPOK: true, UDP: 1001, UDPOK: true},
		"late":         {TCP: 90, TCPOK: true},
		"broken":       {},
		"http":         {TCP: 8080, TCPOK: true},
		"ssh":          {TCP: 22, TCPOK: true},
		"TCP":          {Proto: 6, ProtoOK: true},
		"mine":         {Proto: 200, ProtoOK: true},
		"big":          {},
		"sctp":         {Proto: 132, ProtoOK: true},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			got := result{Host: testNames.Host(name)}
			got.Net, got.NetOK = testNames.Network(name)
			got.Ether, got.EtherOK = testNames.Ether(name)
			got.TCP, got.TCPOK = testNames.Port(name, "tcp")
			got.UDP, got.UDPOK = testNames.Port(name, "udp")
			got.Proto, got.ProtoOK = testNames.Protocol(name)
			if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestNamed compares expressions with names to the same without.
func TestNamed(t *testing.T) {
	tests := map[string]string{
		"host two":             "host 10.0.0.2",
		"host both.example":    "host 10.0.0.1 or 2001:db8::1",
		"ip host both.example": "ip host 10.0.0.1",
		"ip6 src both.example": "ip6 src 2001:db8::1",
		"host scoped":          "host fe80::1",
		"net short":            "net 10.0.0.0/8",
		"net long":             "net 10.1.0.0/32",
		"ether src router":     "ether src 0:11:22:33:44:55",
		"port web":             "port 80",
		"tcp port web":         "tcp port 80",
		"port chat":            "udp port 7000",
		"sctp port web":        "sctp port 80",
		"port split":           "tcp port 1000",
		"portrange web-split":  "portrange 80-1000",
		"portrange chat-chat":  "udp port 7000",
		`proto \mine`:          "proto 200",
		`port \80`:             "port 80",
	}
	for named, plain := range tests {
		t.Run(named, func(t *testing.T) {
			opts := Options{Names: testNames}
			p, err := Compile(named, LinkEthernet, opts)
			if err != nil {
				t.Fatal(err)
			}
			q, err := Compile(plain, LinkEthernet, opts)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(q.code.String(), p.code.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
	for expr, msg := range map[string]string{
		"ip6 host two":      "unknown host 'two' for specified address family",
		"arp host scoped":   "unknown host 'scoped' for specified address family",
		"ether host nobody": "unknown Ethernet-like host 'nobody'",
		"udp port split":    "port 'split' is tcp",
		"sctp port split":   "port 'split' is tcp",
		"icmp host two":     "'icmp' is not a valid qualifier for 'host <Internet hostname>'",
	} {
		if _, err := Compile(expr, LinkEthernet, Options{Names: testNames}); err == nil || err.Error() != msg {
			t.Errorf("%q: %v, want %s", expr, err, msg)
		}
	}
}

// TestSystemNames only checks that reading whatever there is does no harm,
// and that the built-in names are there in any case.
func TestSystemNames(t *testing.T) {
	if n, ok := SystemNames().Port("ssh", "tcp"); !ok || n != 22 {
		t.Errorf("ssh is %d, %t", n, ok)
	}
}
