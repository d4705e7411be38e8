// SPDX-License-Identifier: Apache-2.0

package btfquery

import (
	"bytes"
	"fmt"
	"testing"
)

// bigKallsyms has as many lines as a distribution's kernel with its modules.
func bigKallsyms() []byte {
	var b bytes.Buffer
	for i := range 200_000 {
		fmt.Fprintf(&b, "ffffffff8%07x t a_kernel_function_%d\n", i*16, i)
	}
	return b.Bytes()
}

func BenchmarkParseKallsyms(b *testing.B) {
	raw := bigKallsyms()
	var names []string
	for i := range 3000 {
		names = append(names, fmt.Sprint("a_kernel_function_", i*7))
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := NewSymbols(names).ParseKallsyms(bytes.NewReader(raw)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseSymbolizer(b *testing.B) {
	raw := bigKallsyms()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseSymbolizer(bytes.NewReader(raw)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	z, err := ParseSymbolizer(bytes.NewReader(bigKallsyms()))
	if err != nil {
		b.Fatal(err)
	}
	addr := uint64(0xffffffff80000000)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := z.Lookup(addr); !ok {
			b.Fatalf("%#x", addr)
		}
		addr = 0xffffffff80000000 + (addr*7+13)%3_200_000
	}
}
