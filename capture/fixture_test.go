// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"hopdump/bpf"
	"hopdump/btfquery"

	"github.com/cilium/ebpf/btf"
)

// world is what a made-up kernel has: functions and tracepoints with the types
// of their arguments, in short ("net sk skb").
type world struct {
	functions   map[string]string
	tracepoints map[string]string
	hidden      []string // functions that BTF describes and kallsyms does not have
	noFentry    bool
}

// newWorld has everything that the hop table asks for, where it asks for it.
func newWorld() *world {
	w := &world{functions: map[string]string{}, tracepoints: map[string]string{}}
	for i := range table {
		what := "skb"
		if table[i].Flags&(bpf.HopWake|bpf.HopSock) != 0 {
			what = "sk"
		}
		for _, c := range table[i].Candidates {
			w.add(c, what)
		}
	}
	for _, h := range slices.Concat(fentryHooks, tracepointHooks) {
		w.add(h.Candidate, "skb")
	}
	w.functions["tcp_sendmsg_locked"] = "sk int int"
	return w
}

func (w *world) add(c Candidate, what string) {
	args := strings.Repeat("int ", c.Arg-1) + what
	if c.Tracepoint {
		w.tracepoints[c.Name] = args
	} else {
		w.functions[c.Name] = args
	}
}

// kernel is the world as planning sees it.
func (w *world) kernel(tb testing.TB) Kernel {
	tb.Helper()
	var types []btf.Type
	var kallsyms, traceable strings.Builder
	for _, name := range slices.Sorted(maps.Keys(w.functions)) {
		proto := &btf.FuncProto{Return: (*btf.Void)(nil), Params: arguments(tb, w.functions[name])}
		types = append(types, &btf.Func{Name: name, Type: proto})
		traceable.WriteString(name + "\n")
		if !slices.Contains(w.hidden, name) {
			kallsyms.WriteString("0000000000000000 T " + name + "\n")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.tracepoints)) {
		params := append(arguments(tb, "void"), arguments(tb, w.tracepoints[name])...)
		proto := &btf.FuncProto{Return: (*btf.Void)(nil), Params: params}
		types = append(types, &btf.Typedef{Name: "btf_trace_" + name, Type: &btf.Pointer{Target: proto}})
	}
	b, err := btf.NewBuilder(types, nil)
	if err != nil {
		tb.Fatal(err)
	}
	spec, err := b.Spec()
	if err != nil {
		tb.Fatal(err)
	}
	symbols := btfquery.NewSymbols(Wanted())
	if err := symbols.ParseKallsyms(strings.NewReader(kallsyms.String())); err != nil {
		tb.Fatal(err)
	}
	if err := symbols.ParseAvailableFilterFunctions(strings.NewReader(traceable.String())); err != nil {
		tb.Fatal(err)
	}
	return Kernel{Release: "6.12.0-test", Spec: spec, Symbols: symbols, NoFentry: w.noFentry}
}

// arguments spells the short types out.
func arguments(tb testing.TB, short string) []btf.FuncParam {
	tb.Helper()
	pointer := func(t btf.Type) btf.Type { return &btf.Pointer{Target: t} }
	skb, sk := &btf.Fwd{Name: "sk_buff", Kind: btf.FwdStruct}, &btf.Fwd{Name: "sock", Kind: btf.FwdStruct}
	known := map[string]btf.Type{
		"int": &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}, "void": pointer((*btf.Void)(nil)),
		"skb": pointer(skb), "cskb": pointer(&btf.Const{Type: skb}), "sk": pointer(sk), "csk": pointer(&btf.Const{Type: sk}),
		"net": pointer(&btf.Fwd{Name: "net", Kind: btf.FwdStruct}), "dev": pointer(&btf.Fwd{Name: "net_device", Kind: btf.FwdStruct}),
	}
	var params []btf.FuncParam
	for _, word := range strings.Fields(short) {
		if known[word] == nil {
			tb.Fatalf("no type %q", word)
		}
		params = append(params, btf.FuncParam{Type: known[word], Name: "a"})
	}
	return params
}

// plan is Plan on the world, which must work.
func (w *world) plan(tb testing.TB, list string) *HopSet {
	tb.Helper()
	set, err := Plan(w.kernel(tb), list)
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

// choiceOf returns what became of a hop.
func (s *HopSet) choiceOf(tb testing.TB, id string) Choice {
	tb.Helper()
	i := slices.IndexFunc(s.Choices, func(c Choice) bool { return c.ID == id })
	if i < 0 {
		tb.Fatalf("no hop %s in %s", id, s.Name)
	}
	return s.Choices[i]
}

// setOf is a hop set of these hops alone, in this order, each with its first
// candidate.
func setOf(tb testing.TB, ids ...string) *HopSet {
	tb.Helper()
	set := &HopSet{Name: "test"}
	for _, id := range ids {
		i := slices.IndexFunc(table, func(h Hop) bool { return h.ID == id })
		if i < 0 {
			tb.Fatalf("no hop %s in the table", id)
		}
		h := &table[i]
		mech := MechFentry
		if h.Candidates[0].Tracepoint {
			mech = MechTP
		}
		set.Choices = append(set.Choices, Choice{Hop: h, Candidate: h.Candidates[0], Mechanism: mech, State: "ok"})
	}
	return set
}

func idsOf(hops []*Hop) []string {
	var ids []string
	for _, h := range hops {
		ids = append(ids, h.ID)
	}
	return ids
}

func hookNames(hooks []Hook) []string {
	var names []string
	for _, h := range hooks {
		names = append(names, h.Name)
	}
	return names
}
