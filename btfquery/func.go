// SPDX-License-Identifier: Apache-2.0

package btfquery

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"
)

const (
	// maxArgs is the number of arguments that no kernel's trampoline exceeds
	// (MAX_BPF_FUNC_ARGS in include/linux/bpf.h). x86 before 6.6 allows 6.
	maxArgs = 12
	// maxArgSize is the largest argument in bytes that a trampoline copies
	// (btf_distill_func_proto in kernel/bpf/btf.c).
	maxArgSize = 16
	// regSize is the size in bytes of one slot of a trampoline's arguments.
	regSize = 8
)

// Func is a kernel function, as its BTF describes it. That it is described does
// not mean that it can be traced: see [Symbols.Traceable].
type Func struct {
	Name   string
	Module string // "" for vmlinux

	// Types are the arguments' types as C text, "struct sk_buff *". The
	// last is "..." in a variadic function.
	Types []string
	// Args is the number of arguments, len(Types).
	Args int
	// Regs is the number of 8-byte slots that they take. The kernel's limit
	// (6 on x86 before 6.6, else 12) is on these. It is Args unless a struct
	// of 9 to 16 bytes is passed by value.
	Regs int

	SKB    int  // position of the first struct sk_buff * argument, or 0
	SKB2   int  // position of the second one, or 0
	List   int  // position of the first list_head * or sk_buff_head *, or 0
	SKBPtr int  // position of the first struct sk_buff ** argument, or 0
	Sock   int  // position of the first struct sock * argument, or 0
	RetSKB bool // returns struct sk_buff *

	// Defs is the number of functions of this name in the BTF, 1 or more.
	// Above 1 the name does not say which is meant, and the other fields
	// describe the first (the first with an skb in [SKBFuncs]).
	Defs int

	// Refused says why no kernel attaches fentry or fexit to a function of
	// this prototype, "" if nothing speaks against it. The limit of 6
	// registers is not judged here, since it depends on the kernel.
	Refused string
}

// Pos returns the position of the first argument of type text typ ("struct
// net_device *"), const or not, or 0 if there is none.
func (f *Func) Pos(typ string) int {
	for i, t := range f.Types {
		if strings.TrimPrefix(t, "const ") == typ {
			return i + 1
		}
	}
	return 0
}

// SKBFuncs returns the functions of spec that take a struct sk_buff * or a
// struct sk_buff **, sorted by name, each name once. module is copied to the
// result; it is "" for the BTF of vmlinux. It decodes all of spec.
//
// Functions that take packets only as a list are not among them, because their
// type does not say that it is a list of packets; ask [FindFunc] for those.
func SKBFuncs(spec *btf.Spec, module string) ([]Func, error) {
	var funcs []Func
	for typ, err := range spec.All() {
		if err != nil {
			return nil, fmt.Errorf("btfquery: functions of %s: %w", moduleName(module), err)
		}
		fn, ok := typ.(*btf.Func)
		if !ok || !takesSKB(fn) {
			continue
		}
		funcs = append(funcs, newFunc(fn, module))
	}
	slices.SortStableFunc(funcs, func(a, b Func) int { return strings.Compare(a.Name, b.Name) })
	return mergeFuncs(spec, funcs)
}

// mergeFuncs keeps the first of each name of the sorted funcs and sets Defs,
// which also counts functions of that name that take no skb.
func mergeFuncs(spec *btf.Spec, funcs []Func) ([]Func, error) {
	out := funcs[:0]
	for i := 0; i < len(funcs); {
		f, n := funcs[i], 1
		for i+n < len(funcs) && funcs[i+n].Name == f.Name {
			n++
		}
		i += n
		all, err := indexedFuncs(spec, f.Name)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, fmt.Errorf("btfquery: function %s: %w", f.Name, err)
		}
		f.Defs = max(n, len(all))
		out = append(out, f)
	}
	return slices.Clip(out), nil
}

// FindFunc returns the function of that name in spec, whatever it takes. module
// is copied to the result. The error wraps [ErrNotFound] if there is none.
func FindFunc(spec *btf.Spec, name, module string) (Func, error) {
	fns, err := indexedFuncs(spec, name)
	if errors.Is(err, ErrNotFound) && strings.HasPrefix(name, "___") {
		fns, err = scannedFuncs(spec, name)
	}
	if err != nil {
		return Func{}, fmt.Errorf("btfquery: function %s of %s: %w", name, moduleName(module), err)
	}
	f := newFunc(fns[0], module)
	f.Defs = len(fns)
	return f, nil
}

// indexedFuncs returns the functions of that name in the order of their type
// ids. It does not find names that begin with "___": cilium/ebpf v0.22.0 takes
// what follows three underscores for a flavour and indexes them as "".
func indexedFuncs(spec *btf.Spec, name string) ([]*btf.Func, error) {
	types, err := spec.AnyTypesByName(name)
	if err != nil {
		return nil, err
	}
	var fns []*btf.Func
	for _, t := range types {
		if fn, ok := t.(*btf.Func); ok && fn.Name == name {
			fns = append(fns, fn)
		}
	}
	if len(fns) == 0 {
		return nil, ErrNotFound
	}
	return fns, nil
}

// scannedFuncs is indexedFuncs by looking at every type.
func scannedFuncs(spec *btf.Spec, name string) ([]*btf.Func, error) {
	var fns []*btf.Func
	for typ, err := range spec.All() {
		if err != nil {
			return nil, err
		}
		if fn, ok := typ.(*btf.Func); ok && fn.Name == name {
			fns = append(fns, fn)
		}
	}
	if len(fns) == 0 {
		return nil, ErrNotFound
	}
	return fns, nil
}

func takesSKB(fn *btf.Func) bool {
	proto, ok := fn.Type.(*btf.FuncProto)
	return ok && slices.ContainsFunc(proto.Params, func(p btf.FuncParam) bool {
		return pointsTo(p.Type, "sk_buff") || pointsToPointerTo(p.Type, "sk_buff")
	})
}

// newFunc describes one function; Defs is 1.
func newFunc(fn *btf.Func, module string) Func {
	f := Func{Name: fn.Name, Module: module, Defs: 1}
	proto, ok := fn.Type.(*btf.FuncProto)
	if !ok { // the kernel refuses such BTF, so it is not a kernel's
		f.Refused = "no prototype"
		return f
	}
	f.Args = len(proto.Params)
	f.RetSKB = pointsTo(proto.Return, "sk_buff")
	for i, p := range proto.Params {
		f.addArg(i+1, p)
	}
	f.refuse(proto)
	return f
}

// addArg enters argument number pos.
func (f *Func) addArg(pos int, p btf.FuncParam) {
	if variadic(p) {
		f.Types = append(f.Types, "...")
		f.Regs++
		return
	}
	f.Types = append(f.Types, typeText(p.Type))
	f.Regs += max(1, (sizeOf(p.Type)+regSize-1)/regSize)
	switch {
	case pointsTo(p.Type, "sk_buff"):
		if f.SKB == 0 {
			f.SKB = pos
		} else {
			setOnce(&f.SKB2, pos)
		}
	case pointsToPointerTo(p.Type, "sk_buff"):
		setOnce(&f.SKBPtr, pos)
	case pointsTo(p.Type, "list_head"), pointsTo(p.Type, "sk_buff_head"):
		setOnce(&f.List, pos)
	case pointsTo(p.Type, "sock"):
		setOnce(&f.Sock, pos)
	}
}

// refuse sets Refused as btf_distill_func_proto (kernel/bpf/btf.c) and
// arch_prepare_bpf_trampoline would judge, and where a position would not be
// the index that bpf_get_func_arg wants.
func (f *Func) refuse(proto *btf.FuncProto) {
	switch {
	case f.Regs > maxArgs:
		f.Refused = fmt.Sprintf("%d arguments, kernels allow %d", f.Regs, maxArgs)
		return
	case byValue(proto.Return):
		f.Refused = "returns " + typeText(proto.Return)
		return
	}
	for i, p := range proto.Params {
		size := sizeOf(p.Type)
		switch {
		case variadic(p):
			f.Refused = "takes a variable number of arguments"
		case size > maxArgSize:
			f.Refused = fmt.Sprintf("argument %d has %d bytes", i+1, size)
		case size > regSize && max(f.SKB, f.SKB2, f.SKBPtr) > i+1:
			f.Refused = fmt.Sprintf("argument %d, before the skb, has %d bytes", i+1, size)
		default:
			continue
		}
		return
	}
}

// variadic reports whether p stands for "...": BTF has a nameless void there.
func variadic(p btf.FuncParam) bool {
	_, void := p.Type.(*btf.Void)
	return void && p.Name == ""
}

// sizeOf is the size of t in bytes, 0 if it has none.
func sizeOf(t btf.Type) int {
	n, err := btf.Sizeof(t)
	if err != nil {
		return 0
	}
	return n
}

func setOnce(p *int, v int) {
	if *p == 0 {
		*p = v
	}
}

func moduleName(module string) string {
	if module == "" {
		return "vmlinux"
	}
	return module
}
