// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf"
)

// benchmarked are the filters of the budget table, with a packet that matches.
var benchmarked = []string{"", "ip", "tcp", "host 10.0.0.2", "tcp port 443", "host 10.0.0.2 and tcp port 443", "ip6",
	"port 53 or port 443", "not (tcp port 22 or arp)"}

func benchPacket() []byte {
	return frame(macB, macA, etherIPv4, ip4(protoTCP, 0, 0, [4]byte{10, 0, 0, 1}, [4]byte{10, 0, 0, 2}, transportHeader(40000, 443, 40)))
}

func BenchmarkCompile(b *testing.B) {
	for _, expr := range benchmarked {
		b.Run(expr, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Compile(expr, LinkSKBL2, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMatch(b *testing.B) {
	pkt := benchPacket()
	for _, expr := range benchmarked {
		p, err := Compile(expr, LinkEthernet, Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(expr, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Match(pkt, Meta{})
			}
		})
	}
}

// BenchmarkEBPF runs a filter in the kernel; "" is what the loop around it
// costs.
func BenchmarkEBPF(b *testing.B) {
	k := newKernel(b)
	k.fill(b, [][]byte{window(benchPacket(), len(benchPacket()), 0)})
	const rounds = 1 << 16
	for _, expr := range benchmarked {
		p, err := Compile(expr, LinkSKBL2, Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(expr, func(b *testing.B) {
			prog := k.load(b, p, "bench_l2", rounds)
			for b.Loop() {
				if _, err := prog.Run(&ebpf.RunOptions{Data: make([]byte, 64)}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rounds, "ns/packet")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkCompileLong compiles a list of a thousand hosts.
func BenchmarkCompileLong(b *testing.B) {
	expr := "host 10.0.0.1" + strings.Repeat(" or 10.0.0.2", 1000)
	for b.Loop() {
		if _, err := Compile(expr, LinkSKBL2, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
