// SPDX-License-Identifier: Apache-2.0

package btfquery

import (
	"bytes"
	"encoding/binary"
	"flag"
	"os"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
)

// testdata/kernel.btf is a small stand-in for /sys/kernel/btf/vmlinux. It was
// made from fixtureTypes by
//
//	go test ./btfquery -run TestFixture -update
const fixtureFile = "testdata/kernel.btf"

var update = flag.Bool("update", false, "write testdata/kernel.btf anew")

// loadFixture returns the spec of the committed blob.
func loadFixture(tb testing.TB) *btf.Spec {
	tb.Helper()
	raw, err := os.ReadFile(fixtureFile)
	if err != nil {
		tb.Fatal(err)
	}
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		tb.Fatal(err)
	}
	return spec
}

// specOf returns a spec with these types alone.
func specOf(tb testing.TB, types ...btf.Type) *btf.Spec {
	tb.Helper()
	b, err := btf.NewBuilder(types, nil)
	if err != nil {
		tb.Fatal(err)
	}
	spec, err := b.Spec()
	if err != nil {
		tb.Fatal(err)
	}
	return spec
}

func TestFixture(t *testing.T) {
	b, err := btf.NewBuilder(fixtureTypes(), nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, &btf.MarshalOptions{Order: binary.LittleEndian})
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(fixtureFile, raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(fixtureFile)
	if err != nil {
		t.Fatal(err)
	}
	if !cmp.Equal(raw, want) {
		t.Errorf("%s is not what fixtureTypes makes; run this test with -update", fixtureFile)
	}
}

// Types of the fixture, as small as the queries allow.
var (
	tInt   = &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	tChar  = &btf.Int{Name: "char", Size: 1, Encoding: btf.Char}
	tU64   = &btf.Int{Name: "long unsigned int", Size: 8}
	tFloat = &btf.Float{Name: "double", Size: 8}

	tSKB  = &btf.Struct{Name: "sk_buff", Size: 8, Members: []btf.Member{{Name: "len", Type: tInt}}}
	tSock = &btf.Struct{Name: "sock", Size: 4, Members: []btf.Member{{Name: "family", Type: tInt}}}
	tNet  = &btf.Fwd{Name: "net", Kind: btf.FwdStruct}
	tDev  = &btf.Struct{Name: "net_device", Size: 4, Members: []btf.Member{{Name: "ifindex", Type: tInt}}}
	tHead = &btf.Struct{Name: "list_head", Size: 8}
	tSKBs = &btf.Struct{Name: "sk_buff_head", Size: 8}

	// A pair is passed by value in two registers, a triple in memory.
	tPair   = &btf.Struct{Name: "pair", Size: 16, Members: []btf.Member{{Name: "a", Type: tU64}, {Name: "b", Type: tU64, Offset: 64}}}
	tTriple = &btf.Union{Name: "triple", Size: 24, Members: []btf.Member{{Name: "a", Type: tU64}}}

	tReason = &btf.Enum{Name: "skb_drop_reason", Size: 4, Values: []btf.EnumValue{
		{Name: "SKB_NOT_DROPPED_YET", Value: 0},
		{Name: "SKB_CONSUMED", Value: 1},
		{Name: "SKB_DROP_REASON_NOT_SPECIFIED", Value: 2},
		{Name: "SKB_DROP_REASON_NO_SOCKET", Value: 3},
		{Name: "SKB_DROP_REASON_MAX", Value: 3},
	}}
	tSigned = &btf.Enum{Name: "netdev_tx", Size: 4, Signed: true, Values: []btf.EnumValue{
		{Name: "__NETDEV_TX_MIN", Value: 1<<64 - 1<<31},
		{Name: "NETDEV_TX_OK", Value: 0},
	}}
	tEmpty = &btf.Enum{Name: "empty", Size: 4}

	tOkFn = fn("okfn", nil, ptr(tNet)).Type
)

func ptr(t btf.Type) btf.Type   { return &btf.Pointer{Target: t} }
func konst(t btf.Type) btf.Type { return &btf.Const{Type: t} }
func params(types ...btf.Type) []btf.FuncParam {
	out := make([]btf.FuncParam, len(types))
	for i, t := range types {
		out[i] = btf.FuncParam{Name: string(rune('a' + i)), Type: t}
	}
	return out
}

// fn is a function that returns ret (nil: void).
func fn(name string, ret btf.Type, args ...btf.Type) *btf.Func {
	if ret == nil {
		ret = (*btf.Void)(nil)
	}
	return &btf.Func{Name: name, Type: &btf.FuncProto{Return: ret, Params: params(args...)}}
}

// trace is the typedef of a tracepoint; like the compiler's it names no argument.
func trace(name string, args ...btf.Type) *btf.Typedef {
	proto := &btf.FuncProto{Return: (*btf.Void)(nil), Params: []btf.FuncParam{{Type: ptr((*btf.Void)(nil))}}}
	for _, t := range args {
		proto.Params = append(proto.Params, btf.FuncParam{Type: t})
	}
	return &btf.Typedef{Name: tracePrefix + name, Type: ptr(proto)}
}

// probe is the function behind a tracepoint, which names its arguments.
func probe(name string, args ...btf.FuncParam) *btf.Func {
	args = append([]btf.FuncParam{{Name: "__data", Type: ptr((*btf.Void)(nil))}}, args...)
	return &btf.Func{Name: probePrefix + name, Type: &btf.FuncProto{Return: (*btf.Void)(nil), Params: args}}
}

// fixtureTypes are the functions, tracepoints and enums of the blob. Those of
// the kernel have the arguments they have in 6.12.
func fixtureTypes() []btf.Type {
	skb, cskb, sk, net := ptr(tSKB), ptr(konst(tSKB)), ptr(tSock), ptr(tNet)
	variadicFn := fn("nf_log_packet", nil, net, skb)
	proto := variadicFn.Type.(*btf.FuncProto)
	proto.Params = append(proto.Params, btf.FuncParam{Type: (*btf.Void)(nil)})
	return []btf.Type{
		fn("ip_output", tInt, net, sk, skb),
		fn("ip_rcv_core", skb, skb, net),
		fn("tcp_try_coalesce", tInt, sk, skb, skb, ptr(tInt)),
		fn("netif_receive_skb_list", nil, ptr(tHead)),
		fn("__ip_make_skb", skb, sk, ptr(tInt), ptr(tSKBs)),
		fn("inet_gro_receive", skb, ptr(tHead), skb),
		fn("br_handle_frame", tInt, ptr(skb)),
		fn("do_xdp_generic", tInt, ptr(tDev), ptr(skb)),
		fn("tcp_sendmsg_locked", tInt, sk, ptr(tChar), tU64),
		fn("___pskb_trim", tInt, skb, tInt),
		fn("alloc_skb_with_frags", skb, tU64),
		fn("ip6_xmit", tInt, cskb, skb, tInt, tInt, tInt, tInt, tU64),
		fn("udp_tunnel_xmit_skb", nil, net, sk, skb, tInt, tInt, tInt, tInt, tInt, tInt, tInt, tInt, tInt, tInt),
		variadicFn,
		fn("twice", nil, skb),
		fn("twice", nil, tInt, skb),
		fn("half", nil, tInt),
		fn("half", nil, tInt, skb),
		fn("pair_behind", nil, skb, tPair),
		fn("pair_before", nil, tPair, skb),
		fn("triple_arg", nil, skb, tTriple),
		fn("returns_pair", tPair, skb),
		fn("by_value", nil, tSKB),
		fn("no_args", nil),
		trace("kfree_skb", skb, ptr((*btf.Void)(nil)), tReason, sk),
		trace("net_dev_start_xmit", cskb, ptr(konst(tDev))),
		trace("qdisc_dequeue", ptr(tDev), ptr(konst(tDev)), tInt, skb),
		trace("tcp_send_reset", ptr(konst(tSock)), cskb, tInt),
		trace("tcp_marked", sk, cskb),
		probe("tcp_marked", btf.FuncParam{Name: "sk", Type: sk}, btf.FuncParam{Name: "skb__nullable", Type: cskb}),
		trace("tcp_other", cskb),
		probe("tcp_other", btf.FuncParam{Name: "skb__nullable", Type: cskb}, btf.FuncParam{Name: "n", Type: tInt}),
		trace("napi_poll", ptr(tDev), tInt, tInt),
		trace("nothing"),
		&btf.Typedef{Name: "btf_trace_not_a_pointer", Type: tInt},
		&btf.Typedef{Name: "btf_trace_not_a_func", Type: ptr(tInt)},
		&btf.Typedef{Name: "netdev_features_t", Type: tU64},
		tReason, tSigned, tEmpty,
		&btf.Struct{Name: "twin", Size: 4}, &btf.Enum{Name: "twin", Size: 4, Values: []btf.EnumValue{{Name: "TWIN", Value: 7}}},
	}
}
