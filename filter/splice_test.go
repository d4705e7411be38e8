// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
)

func compileBoth(tb testing.TB, expr string) (l2, l3 *Program) {
	tb.Helper()
	l2, err := Compile(expr, LinkSKBL2, Options{})
	if err != nil {
		tb.Fatal(err)
	}
	l3, err = Compile(expr, LinkSKBL3, Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return l2, l3
}

// functions lists the functions of a program: symbols that are no labels.
func functions(insns asm.Instructions) (names []string) {
	for _, ins := range insns {
		if s := ins.Symbol(); s != "" && !strings.Contains(s, ".") {
			names = append(names, s)
		}
	}
	return names
}

func TestSplice(t *testing.T) {
	spec, err := ebpf.LoadCollectionSpec("testdata/harness.o")
	if err != nil {
		t.Fatal(err)
	}
	before := functions(spec.Programs["run_l2"].Instructions)
	l2, l3 := compileBoth(t, "tcp port 443")
	// Twice: a body that was spliced in can be replaced again.
	for range 2 {
		if err := Splice(spec, l2, l3); err != nil {
			t.Fatal(err)
		}
	}
	prog := spec.Programs["run_l2"].Instructions
	if diff := cmp.Diff(before, functions(prog)); diff != "" {
		t.Errorf("functions: %s", diff)
	}
	want, err := l2.EBPF(EBPFOptions{Prefix: FuncL2})
	if err != nil {
		t.Fatal(err)
	}
	offsets, err := prog.SymbolOffsets()
	if err != nil {
		t.Fatal(err)
	}
	body := prog[offsets[FuncL2]:][:len(want)]
	if fn := btf.FuncMetadata(&body[0]); fn == nil || fn.Name != FuncL2 {
		t.Errorf("type of the function: %v", fn)
	}
	for i := range body {
		if body[i].OpCode != want[i].OpCode || body[i].Reference() != want[i].Reference() {
			t.Errorf("instruction %d: %v, want %v", i, body[i], want[i])
		}
	}
	if err := prog.Marshal(&bytes.Buffer{}, binary.LittleEndian); err != nil {
		t.Error(err)
	}
}

func TestSpliceErrors(t *testing.T) {
	l2, l3 := compileBoth(t, "tcp")
	spec := &ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{"p": {Instructions: asm.Instructions{asm.Return().WithSymbol("p")}}}}
	if err := Splice(spec, l2, nil); !errors.Is(err, ErrNoFunction) {
		t.Errorf("error %v, want ErrNoFunction", err)
	}
	if err := Splice(spec, l3, nil); err == nil || errors.Is(err, ErrNoFunction) {
		t.Errorf("a program for the other link: %v", err)
	}
	if err := Splice(spec, nil, nil); err != nil {
		t.Error(err)
	}
}

// TestSpliceBoth checks that both functions can stand in one program.
func TestSpliceBoth(t *testing.T) {
	l2, l3 := compileBoth(t, "host 10.0.0.1 and port 53")
	stub := func(name string) asm.Instructions {
		return asm.Instructions{
			asm.LoadMapPtr(asm.R0, 0).WithReference("m").WithSymbol(name), // what it carries must not stay
			asm.Return(),
		}
	}
	insns := asm.Instructions{
		asm.Mov.Imm(asm.R1, 0).WithSymbol("p"),
		asm.Call.Label(FuncL2), asm.Mov.Imm(asm.R1, 0), asm.Call.Label(FuncL3), asm.Return(),
	}
	insns = append(append(insns, stub(FuncL3)...), stub(FuncL2)...)
	spec := &ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{"p": {Instructions: insns}}}
	if err := Splice(spec, l2, l3); err != nil {
		t.Fatal(err)
	}
	got := spec.Programs["p"].Instructions
	if diff := cmp.Diff([]string{"p", FuncL3, FuncL2}, functions(got)); diff != "" {
		t.Error(diff)
	}
	if err := got.Marshal(&bytes.Buffer{}, binary.LittleEndian); err != nil {
		t.Error(err)
	}
}

// TestLabels checks that every jump of a body leads to a label of the body,
// and that nothing of what the verifier calls unreachable is in it.
func TestLabels(t *testing.T) {
	for _, expr := range supported(t) {
		l2, l3 := compileBoth(t, strings.ReplaceAll(expr, "ip broadcast", "ip"))
		for _, p := range []*Program{l2, l3} {
			insns, err := p.EBPF(EBPFOptions{Prefix: "x"})
			if err != nil {
				t.Fatalf("%q: %v", expr, err)
			}
			labels := map[string]bool{}
			for _, ins := range insns {
				if ref := ins.Reference(); ref != "" {
					labels[ref] = false
				}
			}
			dead := false
			for i, ins := range insns {
				s := ins.Symbol()
				if _, jumpedTo := labels[s]; s != "" && jumpedTo {
					labels[s] = true
					dead = false
				}
				if dead {
					t.Errorf("%q: instruction %d cannot be reached", expr, i)
				}
				dead = ins.OpCode.JumpOp() == asm.Exit || ins.OpCode.JumpOp() == asm.Ja
			}
			for label, placed := range labels {
				if !placed {
					t.Errorf("%q: no label %s", expr, label)
				}
			}
		}
	}
}
