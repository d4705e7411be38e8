// SPDX-License-Identifier: Apache-2.0

package btfquery

import (
	"cmp"
	"io"
	"math"
	"slices"
)

// maxFuncSize bounds, in bytes, how far behind the start of a function an
// address may be to belong to it. The lists have no ends; without a bound, data
// and the gap behind the last function would belong to that.
const maxFuncSize = 256 << 10

// Symbolizer names the function that a kernel address belongs to. The zero
// value knows nothing. It may be used by several goroutines at once.
//
// It takes 16 bytes a function plus their names: 4 MB for 122,000 functions.
type Symbolizer struct {
	syms  []textSym // by address, no two alike
	names string    // all names, end to end
}

// textSym is a function, 16 bytes.
type textSym struct {
	addr uint64
	name uint32 // offset in names
	size uint16 // of the name
}

// ParseSymbolizer reads the code symbols of /proc/kallsyms, those of modules
// included. Where the kernel hides the addresses (kptr_restrict, no CAP_SYSLOG)
// the result is empty and there is no error. Of several names of one address the
// first counts, as in the kernel (get_symbol_pos in kernel/kallsyms.c).
func ParseSymbolizer(r io.Reader) (*Symbolizer, error) {
	var (
		z     Symbolizer
		names []byte
	)
	err := eachLine(r, "kallsyms", func(line []byte) error {
		k, ok := parseKsym(line)
		if !ok {
			return errFormat
		}
		if k.addr == 0 || !k.text() {
			return nil
		}
		if len(names) > math.MaxUint32-maxLine {
			return errFormat // 4 GB of names are not a kernel's
		}
		z.syms = append(double(z.syms, 1), textSym{k.addr, uint32(len(names)), uint16(len(k.name))})
		names = append(double(names, len(k.name)), k.name...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	z.names = string(names)
	slices.SortStableFunc(z.syms, func(a, b textSym) int { return cmp.Compare(a.addr, b.addr) })
	z.syms = slices.CompactFunc(z.syms, func(a, b textSym) bool { return a.addr == b.addr })
	z.syms = slices.Clone(z.syms) // without the room that double left
	return &z, nil
}

// double makes room for n more elements by doubling. append alone grows large
// slices by a quarter and leaves four times as much garbage.
func double[E any](s []E, n int) []E {
	if cap(s)-len(s) >= n {
		return s
	}
	return slices.Grow(s, max(n, len(s)))
}

// Len is the number of addresses that have a name; 0 means that the kernel
// hides them all.
func (z *Symbolizer) Len() int { return len(z.syms) }

// Lookup returns the function that addr belongs to, without its module, and the
// offset of addr from its start in bytes. ok is false if there is none nearby.
func (z *Symbolizer) Lookup(addr uint64) (name string, off uint64, ok bool) {
	i, found := slices.BinarySearchFunc(z.syms, addr, func(s textSym, addr uint64) int {
		return cmp.Compare(s.addr, addr)
	})
	if !found {
		i--
	}
	if i < 0 || addr-z.syms[i].addr >= maxFuncSize {
		return "", 0, false
	}
	s := z.syms[i]
	return z.names[s.name : s.name+uint32(s.size)], addr - s.addr, true
}
