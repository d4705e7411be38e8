// SPDX-License-Identifier: Apache-2.0

package btfquery

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"
)

const (
	// tracePrefix begins the typedef that every tracepoint has for BPF
	// (__BPF_DECLARE_TRACE in include/trace/bpf_probe.h).
	tracePrefix = "btf_trace_"
	// probePrefix begins the function that calls the BPF programs. It has the
	// arguments' names, which the typedef has not.
	probePrefix = "__bpf_trace_"
	// nullSuffix ends the name of an argument that may be NULL, from 6.12
	// (8aeaed21befc "bpf: Support __nullable argument suffix for tp_btf").
	nullSuffix = "__nullable"
)

// nullSKB are the tracepoints whose skb may be NULL although no suffix says so:
// the pointers to packets in raw_tp_null_args (kernel/bpf/btf.c, from 6.13,
// 838a10bd2ebf). Before, the verifier takes them for valid, and reading
// through them yields zeros.
var nullSKB = map[string]bool{"qdisc_dequeue": true, "tcp_send_reset": true, "tcp_sendmsg_locked": true}

// Tracepoint is a kernel tracepoint that a tp_btf program can attach to.
type Tracepoint struct {
	Name   string // without its group: "kfree_skb"
	Module string // "" for vmlinux

	// Args are the arguments' types as C text, "const struct sk_buff *", in
	// the order in which a tp_btf program finds them.
	Args []string
	// SKB is the position of the first struct sk_buff * argument, or 0.
	SKB int
	// Sock is the position of the first struct sock * argument, or 0.
	Sock int
	// Nullable says that the skb may be NULL; the verifier then demands a
	// test. Only tracepoints that are not made from an event class can say
	// so, so a program tests in any case.
	Nullable bool
}

// Tracepoints returns the tracepoints that spec describes, by name. module is
// copied to the result; it is "" for the BTF of vmlinux. It decodes all of spec.
func Tracepoints(spec *btf.Spec, module string) (map[string]Tracepoint, error) {
	out := make(map[string]Tracepoint)
	for typ, err := range spec.All() {
		if err != nil {
			return nil, fmt.Errorf("btfquery: tracepoints of %s: %w", moduleName(module), err)
		}
		def, ok := typ.(*btf.Typedef)
		if !ok {
			continue
		}
		if tp, ok := newTracepoint(spec, def, module); ok {
			out[tp.Name] = tp
		}
	}
	return out, nil
}

// FindTracepoint returns the tracepoint of that name (without its group). The
// error wraps [ErrNotFound] if spec has none. module is copied to the result.
func FindTracepoint(spec *btf.Spec, name, module string) (Tracepoint, error) {
	types, err := spec.AnyTypesByName(tracePrefix + name)
	if err != nil {
		return Tracepoint{}, fmt.Errorf("btfquery: tracepoint %s of %s: %w", name, moduleName(module), err)
	}
	for _, t := range types {
		def, ok := t.(*btf.Typedef)
		if !ok {
			continue
		}
		if tp, ok := newTracepoint(spec, def, module); ok && tp.Name == name {
			return tp, nil
		}
	}
	return Tracepoint{}, fmt.Errorf("btfquery: tracepoint %s of %s: %w", name, moduleName(module), ErrNotFound)
}

// newTracepoint reads "typedef void (*btf_trace_name)(void *__data, …)" and
// reports whether def is such a typedef.
func newTracepoint(spec *btf.Spec, def *btf.Typedef, module string) (Tracepoint, bool) {
	name, ok := strings.CutPrefix(def.Name, tracePrefix)
	if !ok {
		return Tracepoint{}, false
	}
	ptr, ok := def.Type.(*btf.Pointer)
	if !ok {
		return Tracepoint{}, false
	}
	proto, ok := ptr.Target.(*btf.FuncProto)
	if !ok || len(proto.Params) == 0 {
		return Tracepoint{}, false
	}
	tp := Tracepoint{Name: name, Module: module}
	for i, p := range proto.Params[1:] { // not void *__data
		tp.Args = append(tp.Args, typeText(p.Type))
		switch {
		case pointsTo(p.Type, "sk_buff"):
			setOnce(&tp.SKB, i+1)
		case pointsTo(p.Type, "sock"):
			setOnce(&tp.Sock, i+1)
		}
	}
	tp.Nullable = tp.SKB > 0 && (nullSKB[name] || saysNull(spec, name, proto, tp.SKB))
	return tp, true
}

// saysNull reports whether the name of argument pos ends in "__nullable", in
// the typedef itself or in the function behind the tracepoint.
func saysNull(spec *btf.Spec, name string, proto *btf.FuncProto, pos int) bool {
	if strings.HasSuffix(proto.Params[pos].Name, nullSuffix) {
		return true
	}
	fns, err := indexedFuncs(spec, probePrefix+name)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(fns, func(fn *btf.Func) bool {
		probe, ok := fn.Type.(*btf.FuncProto)
		return ok && len(probe.Params) == len(proto.Params) &&
			strings.HasSuffix(probe.Params[pos].Name, nullSuffix)
	})
}
