// SPDX-License-Identifier: Apache-2.0

package btfquery

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestFindFunc(t *testing.T) {
	tests := map[string]struct{ want Func }{
		"ip_output":              {Func{Args: 3, Regs: 3, SKB: 3, Sock: 2}},
		"ip_rcv_core":            {Func{Args: 2, Regs: 2, SKB: 1, RetSKB: true}},
		"tcp_try_coalesce":       {Func{Args: 4, Regs: 4, SKB: 2, SKB2: 3, Sock: 1}},
		"netif_receive_skb_list": {Func{Args: 1, Regs: 1, List: 1}},
		"__ip_make_skb":          {Func{Args: 3, Regs: 3, Sock: 1, List: 3, RetSKB: true}},
		"inet_gro_receive":       {Func{Args: 2, Regs: 2, List: 1, SKB: 2, RetSKB: true}},
		"br_handle_frame":        {Func{Args: 1, Regs: 1, SKBPtr: 1}},
		"do_xdp_generic":         {Func{Args: 2, Regs: 2, SKBPtr: 2}},
		"tcp_sendmsg_locked":     {Func{Args: 3, Regs: 3, Sock: 1}},
		"___pskb_trim":           {Func{Args: 2, Regs: 2, SKB: 1}},
		"alloc_skb_with_frags":   {Func{Args: 1, Regs: 1, RetSKB: true}},
		"ip6_xmit":               {Func{Args: 7, Regs: 7, SKB: 1, SKB2: 2}},
		"udp_tunnel_xmit_skb":    {Func{Args: 13, Regs: 13, SKB: 3, Sock: 2, Refused: "13 arguments, kernels allow 12"}},
		"nf_log_packet":          {Func{Args: 3, Regs: 3, SKB: 2, Refused: "takes a variable number of arguments"}},
		"twice":                  {Func{Args: 1, Regs: 1, SKB: 1, Defs: 2}},
		"half":                   {Func{Args: 1, Regs: 1, Defs: 2}},
		"pair_behind":            {Func{Args: 2, Regs: 3, SKB: 1}},
		"pair_before":            {Func{Args: 2, Regs: 3, SKB: 2, Refused: "argument 1, before the skb, has 16 bytes"}},
		"triple_arg":             {Func{Args: 2, Regs: 4, SKB: 1, Refused: "argument 2 has 24 bytes"}},
		"returns_pair":           {Func{Args: 1, Regs: 1, SKB: 1, Refused: "returns struct pair"}},
		"by_value":               {Func{Args: 1, Regs: 1}},
		"no_args":                {Func{}},
	}
	spec := loadFixture(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := FindFunc(spec, name, "mod")
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Name, tt.want.Module, tt.want.Defs = name, "mod", max(1, tt.want.Defs)
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(Func{}, "Types")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if len(got.Types) != got.Args {
				t.Errorf("%d types, %d arguments", len(got.Types), got.Args)
			}
		})
	}
}

func TestFindFuncMissing(t *testing.T) {
	spec := loadFixture(t)
	for name, fn := range map[string]string{
		"no such name":             "ip_input",
		"name of a struct":         "sk_buff",
		"three underscores":        "___ip_input",
		"flavour of a function":    "ip_output___v2",
		"part of a flavour's name": "ip_output___",
		"empty":                    "",
	} {
		t.Run(name, func(t *testing.T) {
			if f, err := FindFunc(spec, fn, ""); !errors.Is(err, ErrNotFound) {
				t.Errorf("got %+v, error %v", f, err)
			}
		})
	}
}

func TestFindFuncNoPrototype(t *testing.T) {
	b, err := btf.NewBuilder([]btf.Type{&btf.Func{Name: "odd", Type: tInt}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := b.Spec()
	if err != nil {
		t.Fatal(err)
	}
	got, err := FindFunc(spec, "odd", "")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Func{Name: "odd", Defs: 1, Refused: "no prototype"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestPos(t *testing.T) {
	f, err := FindFunc(loadFixture(t), "tcp_try_coalesce", "")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"struct sock *", "struct sk_buff *", "struct sk_buff *", "int *"}, f.Types); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	x, err := FindFunc(loadFixture(t), "ip6_xmit", "")
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		f    Func
		typ  string
		want int
	}{
		"first":     {f, "struct sock *", 1},
		"of two":    {f, "struct sk_buff *", 2},
		"last":      {f, "int *", 4},
		"const too": {x, "struct sk_buff *", 1},
		"none":      {f, "struct net *", 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tt.f.Pos(tt.typ); got != tt.want {
				t.Errorf("Pos(%q) = %d, want %d", tt.typ, got, tt.want)
			}
		})
	}
}

func TestSKBFuncs(t *testing.T) {
	spec := loadFixture(t)
	funcs, err := SKBFuncs(spec, "")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"___pskb_trim", "__bpf_trace_tcp_marked", "__bpf_trace_tcp_other", "br_handle_frame", "do_xdp_generic",
		"half", "inet_gro_receive", "ip6_xmit", "ip_output", "ip_rcv_core", "nf_log_packet", "pair_before",
		"pair_behind", "returns_pair", "tcp_try_coalesce", "triple_arg", "twice", "udp_tunnel_xmit_skb",
	}
	var got []string
	for _, f := range funcs {
		got = append(got, f.Name)
		if f.Name == "half" { // here the one with an skb, in FindFunc the first
			if f.Defs != 2 || f.SKB != 2 {
				t.Errorf("half: %+v", f)
			}
			continue
		}
		found, err := FindFunc(spec, f.Name, "")
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(found, f); diff != "" {
			t.Errorf("%s: (-FindFunc +SKBFuncs)\n%s", f.Name, diff)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if !slices.IsSorted(got) {
		t.Error("not sorted")
	}
}

func TestSKBArgument(t *testing.T) {
	typedef := &btf.Typedef{Name: "skb_t", Type: ptr(tSKB)}
	tests := map[string]struct {
		arg       btf.Type
		skb, pskb int
		text      string
	}{
		"pointer":               {ptr(tSKB), 1, 0, "struct sk_buff *"},
		"const target":          {ptr(konst(tSKB)), 1, 0, "const struct sk_buff *"},
		"const pointer":         {konst(ptr(tSKB)), 1, 0, "struct sk_buff *const"},
		"volatile target":       {ptr(&btf.Volatile{Type: tSKB}), 1, 0, "volatile struct sk_buff *"},
		"restrict":              {&btf.Restrict{Type: ptr(tSKB)}, 1, 0, "struct sk_buff *"},
		"type tag":              {ptr(&btf.TypeTag{Type: tSKB, Value: "rcu"}), 1, 0, "struct sk_buff *"},
		"typedef":               {typedef, 1, 0, "skb_t"},
		"typedef of the struct": {ptr(&btf.Typedef{Name: "buf_t", Type: tSKB}), 1, 0, "buf_t *"},
		"forward declaration":   {ptr(&btf.Fwd{Name: "sk_buff", Kind: btf.FwdStruct}), 1, 0, "struct sk_buff *"},
		"forward union":         {ptr(&btf.Fwd{Name: "sk_buff", Kind: btf.FwdUnion}), 0, 0, "union sk_buff *"},
		"pointer to pointer":    {ptr(ptr(tSKB)), 0, 1, "struct sk_buff **"},
		"const in the middle":   {ptr(konst(ptr(tSKB))), 0, 1, "struct sk_buff *const *"},
		"three pointers":        {ptr(ptr(ptr(tSKB))), 0, 0, "struct sk_buff ***"},
		"by value":              {tSKB, 0, 0, "struct sk_buff"},
		"other struct":          {ptr(tSKBs), 0, 0, "struct sk_buff_head *"},
		"integer":               {tInt, 0, 0, "int"},
		"float":                 {tFloat, 0, 0, "double"},
		"enum":                  {tReason, 0, 0, "enum skb_drop_reason"},
		"nameless struct":       {ptr(&btf.Struct{Size: 4}), 0, 0, "struct {} *"},
		"union":                 {ptr(tTriple), 0, 0, "union triple *"},
		"void pointer":          {ptr((*btf.Void)(nil)), 0, 0, "void *"},
		"array":                 {ptr(&btf.Array{Index: tInt, Type: tChar, Nelems: 4}), 0, 0, "char [] *"},
		"function pointer":      {ptr(tOkFn), 0, 0, "void (*)()"},
		"function returns it":   {ptr(fn("f", ptr(tSKB)).Type), 0, 0, "struct sk_buff * (*)()"},
		"function":              {tOkFn, 0, 0, "void ()"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f, err := FindFunc(specOf(t, fn("f", nil, tt.arg)), "f", "")
			if err != nil {
				t.Fatal(err)
			}
			if f.SKB != tt.skb || f.SKBPtr != tt.pskb {
				t.Errorf("SKB %d, SKBPtr %d, want %d, %d", f.SKB, f.SKBPtr, tt.skb, tt.pskb)
			}
			if f.Types[0] != tt.text {
				t.Errorf("type %q, want %q", f.Types[0], tt.text)
			}
		})
	}
}

// TestTypeTextCycle uses a type that C cannot have and malformed BTF can.
func TestTypeTextCycle(t *testing.T) {
	p := &btf.Pointer{}
	p.Target = p
	if got, want := typeText(p), "?"; len(got) < len(want) || got[:1] != want {
		t.Errorf("%q", got)
	}
	if pointsTo(p, "sk_buff") || pointsToPointerTo(p, "sk_buff") {
		t.Error("a pointer to itself taken for an skb")
	}
}

func TestErrorsOfBrokenBTF(t *testing.T) {
	b, err := btf.NewBuilder([]btf.Type{fn("f", nil, tInt)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, &btf.MarshalOptions{Order: binary.LittleEndian})
	if err != nil {
		t.Fatal(err)
	}
	spec := breakParamName(t, raw)
	if _, err := SKBFuncs(spec, "m"); err == nil {
		t.Error("SKBFuncs: no error")
	}
	if _, err := Tracepoints(spec, "m"); err == nil {
		t.Error("Tracepoints: no error")
	}
	if _, err := FindFunc(spec, "f", "m"); err == nil {
		t.Error("FindFunc: no error")
	}
	if _, err := FindFunc(spec, "___f", "m"); err == nil {
		t.Error("FindFunc with a scan: no error")
	}
}
