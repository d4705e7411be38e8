// SPDX-License-Identifier: Apache-2.0

package btfquery

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
)

func TestTracepoints(t *testing.T) {
	want := map[string]Tracepoint{
		"kfree_skb":          {Args: []string{"struct sk_buff *", "void *", "enum skb_drop_reason", "struct sock *"}, SKB: 1, Sock: 4},
		"net_dev_start_xmit": {Args: []string{"const struct sk_buff *", "const struct net_device *"}, SKB: 1},
		"qdisc_dequeue": {Args: []string{"struct net_device *", "const struct net_device *", "int", "struct sk_buff *"},
			SKB: 4, Nullable: true},
		"tcp_send_reset": {Args: []string{"const struct sock *", "const struct sk_buff *", "int"}, SKB: 2, Sock: 1, Nullable: true},
		"tcp_marked":     {Args: []string{"struct sock *", "const struct sk_buff *"}, SKB: 2, Sock: 1, Nullable: true},
		"tcp_other":      {Args: []string{"const struct sk_buff *"}, SKB: 1},
		"napi_poll":      {Args: []string{"struct net_device *", "int", "int"}},
		"nothing":        {},
	}
	spec := loadFixture(t)
	for name, tp := range want {
		tp.Name, tp.Module = name, "mod"
		want[name] = tp
		t.Run(name, func(t *testing.T) {
			got, err := FindTracepoint(spec, name, "mod")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tp, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	got, err := Tracepoints(spec, "mod")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestFindTracepointMissing(t *testing.T) {
	spec := loadFixture(t)
	for name, tp := range map[string]string{
		"no such name":  "kfree",
		"not a pointer": "not_a_pointer",
		"no function":   "not_a_func",
		"empty":         "",
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := FindTracepoint(spec, tp, ""); !errors.Is(err, ErrNotFound) {
				t.Errorf("got %+v, error %v", got, err)
			}
		})
	}
}

func TestTracepointNamesNull(t *testing.T) {
	def := trace("x", ptr(tSKB))
	def.Type.(*btf.Pointer).Target.(*btf.FuncProto).Params[1].Name = "skb__nullable"
	got, err := FindTracepoint(specOf(t, def), "x", "")
	if err != nil {
		t.Fatal(err)
	}
	if !got.Nullable {
		t.Errorf("%+v", got)
	}
}

func TestEnumNames(t *testing.T) {
	spec := loadFixture(t)
	tests := map[string]map[uint64]string{
		"skb_drop_reason": {0: "SKB_NOT_DROPPED_YET", 1: "SKB_CONSUMED", 2: "SKB_DROP_REASON_NOT_SPECIFIED", 3: "SKB_DROP_REASON_NO_SOCKET"},
		"netdev_tx":       {1<<64 - 1<<31: "__NETDEV_TX_MIN", 0: "NETDEV_TX_OK"},
		"twin":            {7: "TWIN"},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := EnumNames(spec, name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	for _, name := range []string{"absent", "empty", "sk_buff"} {
		t.Run(name, func(t *testing.T) {
			if got, err := EnumNames(spec, name); !errors.Is(err, ErrNotFound) {
				t.Errorf("got %v, error %v", got, err)
			}
		})
	}
}

// breakParamName gives the first parameter of raw BTF a name outside of the
// string table, which loads and cannot be decoded.
func breakParamName(tb testing.TB, raw []byte) *btf.Spec {
	tb.Helper()
	const (
		header    = 24 // sizeof(struct btf_header)
		btfType   = 12 // sizeof(struct btf_type)
		kindProto = 13
	)
	raw = bytes.Clone(raw)
	order := binary.LittleEndian
	for off := header; off+btfType+4 <= len(raw); off += 4 {
		if order.Uint32(raw[off+4:]) == kindProto<<24|1 { // one parameter
			order.PutUint32(raw[off+btfType:], 1<<20)
			spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
			if err != nil {
				tb.Fatal(err)
			}
			return spec
		}
	}
	tb.Fatal("no prototype with one parameter in the BTF")
	return nil
}
