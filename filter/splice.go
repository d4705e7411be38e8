// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// The functions whose bodies Splice replaces. Both must be global, weak and
// not inlined, and take a pointer to the window.
const (
	FuncL2 = "filter_l2" // for a window that starts at the Ethernet header
	FuncL3 = "filter_l3" // for one that starts at the network header
)

// ErrNoFunction is returned by [Splice] if no program has the function.
var ErrNoFunction = errors.New("no program has the filter function")

// Splice replaces the bodies of filter_l2 and filter_l3 in every program of
// spec that contains them, with l2, compiled for LinkSKBL2, and l3, compiled
// for LinkSKBL3. A nil program leaves its function as it is.
func Splice(spec *ebpf.CollectionSpec, l2, l3 *Program) error {
	for _, f := range []struct {
		name string
		p    *Program
		link Link
	}{{FuncL2, l2, LinkSKBL2}, {FuncL3, l3, LinkSKBL3}} {
		if f.p == nil {
			continue
		}
		if f.p.link != f.link {
			return fmt.Errorf("program for %s was compiled for link %d", f.name, int(f.p.link))
		}
		body, err := f.p.EBPF(EBPFOptions{Prefix: f.name})
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		found := false
		for _, name := range slices.Sorted(maps.Keys(spec.Programs)) {
			prog := spec.Programs[name]
			insns, ok := replace(prog.Instructions, f.name, body)
			if ok {
				prog.Instructions = insns
				found = true
			}
		}
		if !found {
			return fmt.Errorf("%s: %w", f.name, ErrNoFunction)
		}
	}
	return nil
}

// replace returns insns with another body for the function name. The new
// first instruction takes over what the old one carried: the symbol that calls
// refer to, the type that becomes the function's func_info and, with it, the
// verifier's contract about the argument, and a line, which the kernel demands
// of the first instruction of a function if the program has lines at all.
func replace(insns asm.Instructions, name string, body asm.Instructions) (asm.Instructions, bool) {
	start := slices.IndexFunc(insns, func(ins asm.Instruction) bool { return ins.Symbol() == name })
	if start < 0 || len(body) == 0 {
		return insns, false
	}
	end := start + 1
	for end < len(insns) && !startsFunction(&insns[end], name) {
		end++
	}
	// Programs share what Copy did not copy, so the body is not written to.
	body = slices.Clone(body)
	ref := body[0].Reference() // of the jump it may be
	body[0].Metadata = insns[start].Metadata
	body[0] = body[0].WithReference(ref)
	return slices.Concat(insns[:start], body, insns[end:]), true
}

// startsFunction reports whether ins begins another function than name: it
// has a function's type or a symbol that is not a label of ours.
func startsFunction(ins *asm.Instruction, name string) bool {
	if btf.FuncMetadata(ins) != nil {
		return true
	}
	s := ins.Symbol()
	return s != "" && !(len(s) > len(name) && s[:len(name)+1] == name+".")
}
