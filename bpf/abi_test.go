// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// loadObject returns the committed object as it is.
func loadObject(tb testing.TB) *ebpf.CollectionSpec {
	tb.Helper()
	spec, err := loadHop()
	if err != nil {
		tb.Fatal(err)
	}
	return spec
}

// structNamed returns a struct of the object's BTF.
func structNamed(tb testing.TB, spec *ebpf.CollectionSpec, name string) *btf.Struct {
	tb.Helper()
	var s *btf.Struct
	if err := spec.Types.TypeByName(name, &s); err != nil {
		tb.Fatalf("struct %s: %v", name, err)
	}
	return s
}

// member returns a field of a struct.
func member(tb testing.TB, s *btf.Struct, name string) btf.Member {
	tb.Helper()
	for _, m := range s.Members {
		if m.Name == name {
			return m
		}
	}
	tb.Fatalf("struct %s has no %s", s.Name, name)
	return btf.Member{}
}

// nelems returns the length of an array that is a field of a struct.
func nelems(tb testing.TB, s *btf.Struct, name string) int {
	tb.Helper()
	a, ok := btf.As[*btf.Array](member(tb, s, name).Type)
	if !ok {
		tb.Fatalf("%s.%s is no array", s.Name, name)
	}
	return int(a.Nelems)
}

// camel is the name that bpf2go gives to a field.
func camel(name string) string {
	var b strings.Builder
	for _, w := range strings.Split(name, "_") {
		if w != "" {
			b.WriteString(strings.ToUpper(w[:1]) + w[1:])
		}
	}
	return b.String()
}

func TestABIStructs(t *testing.T) {
	spec := loadObject(t)
	tests := map[string]any{
		"slot":      Slot{},
		"tap":       Tap{},
		"more":      More{},
		"hop_rec":   HopRec{},
		"dev_rec":   DevRec{},
		"proc_rec":  ProcRec{},
		"stat_rec":  Stats{},
		"scope_key": ScopeKey{},
		"line":      hopLine{},
		"sock_rec":  hopSockRec{},
	}
	for name, twin := range tests {
		t.Run(name, func(t *testing.T) {
			s := structNamed(t, spec, name)
			typ := reflect.TypeOf(twin)
			if got, want := uintptr(s.Size), typ.Size(); got != want {
				t.Errorf("object has %d bytes, Go %d", got, want)
			}
			if got, want := len(s.Members), typ.NumField()-1; got != want { // without structs.HostLayout
				t.Errorf("object has %d fields, Go %d", got, want)
			}
			for _, m := range s.Members {
				f, ok := typ.FieldByName(camel(m.Name))
				if !ok {
					t.Errorf("Go has no field for %s", m.Name)
					continue
				}
				size, err := btf.Sizeof(m.Type)
				if err != nil {
					t.Fatal(err)
				}
				if uintptr(m.Offset.Bytes()) != f.Offset || uintptr(size) != f.Type.Size() {
					t.Errorf("%s: object has %d bytes at %d, Go %d at %d", m.Name, size, m.Offset.Bytes(), f.Type.Size(), f.Offset)
				}
			}
		})
	}
}

// A slot stays within 1 KiB, and its stride in the shared table is its size.
func TestABISlotSize(t *testing.T) {
	size := unsafe.Sizeof(Slot{})
	if size > 1024 || size%8 != 0 {
		t.Errorf("%d bytes, want at most 1024 and a multiple of 8", size)
	}
	if at := unsafe.Offsetof(Slot{}.Hop); at+MaxHops*unsafe.Sizeof(HopRec{}) != size {
		t.Errorf("hops begin at %d and do not end the slot: a path record is its front part", at)
	}
}

func TestABILimits(t *testing.T) {
	spec := loadObject(t)
	slot := structNamed(t, spec, "slot")
	scratch := structNamed(t, spec, "scratch")
	data := member(t, scratch, "data")
	tests := map[string]struct{ got, want int }{
		"MaxHops":     {MaxHops, nelems(t, slot, "hop")},
		"MaxDevs":     {MaxDevs, nelems(t, slot, "dev")},
		"Ways":        {Ways, nelems(t, structNamed(t, spec, "line"), "key")},
		"counters":    {len(Stats{}.N), nelems(t, structNamed(t, spec, "stat_rec"), "n")},
		"scratchHead": {scratchHead, int(data.Offset.Bytes()) + 256},
		"tap in scratch": {int(member(t, scratch, "tap").Offset.Bytes() + structNamed(t, spec, "tap").Size),
			int(data.Offset.Bytes())},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.got != tt.want {
				t.Errorf("Go has %d, the object %d", tt.got, tt.want)
			}
		})
	}
}

func TestABIEnums(t *testing.T) {
	spec := loadObject(t)
	tests := map[string]map[string]uint64{
		"hop_flags": {
			"HOP_ORIGIN": uint64(HopOrigin), "HOP_BIRTH": uint64(HopBirth), "HOP_VERDICT": uint64(HopVerdict),
			"HOP_TAP_TX": uint64(HopTapTx), "HOP_TAP_RX": uint64(HopTapRx), "HOP_TAP_LATE": uint64(HopTapLate),
			"HOP_DEV": uint64(HopDev), "HOP_QUEUED": uint64(HopQueued), "HOP_WAKE": uint64(HopWake),
			"HOP_READ": uint64(HopRead), "HOP_SEND": uint64(HopSend), "HOP_SOCK": uint64(HopSock),
			"HOP_TAKE": uint64(HopTake), "HOP_DROP": uint64(HopDrop), "HOP_END": uint64(HopEnd),
			"HOP_DRIVER": uint64(HopDriver), "HOP_LOCAL": uint64(HopLocal),
		},
		"slot_state": {
			"SLOT_FREE": SlotFree, "SLOT_EARLY": SlotEarly, "SLOT_LIVE": SlotLive,
			"SLOT_OPEN": SlotOpen, "SLOT_CLOSING": SlotClosing, "SLOT_WRITTEN": SlotWritten,
		},
		"slot_flags": {
			"SLOT_CLONE": uint64(SlotClone), "SLOT_NOEND": uint64(SlotNoEnd), "SLOT_DROPPED": uint64(SlotDropped),
			"SLOT_READER": uint64(SlotReader), "SLOT_SENDER": uint64(SlotSender),
		},
		"tap_flags": {
			"TAP_OUT": uint64(TapOut), "TAP_NOLINK": uint64(TapNoLink), "TAP_DROP": uint64(TapDrop),
			"TAP_MORE": uint64(TapMore), "TAP_NOSLOT": uint64(TapNoSlot), "TAP_VLAN": uint64(TapVLAN), "TAP_CUT": uint64(TapCut),
		},
		"rec_kind": {"REC_TAP": uint64(RecTap), "REC_PATH": uint64(RecPath)},
		"stat": {
			"STAT_RING_PACKETS": uint64(StatRingPackets), "STAT_SCRATCH": uint64(StatScratch),
			"STAT_RING_PATHS": uint64(StatRingPaths), "STAT_RING_HOPS": uint64(StatRingHops),
			"STAT_NO_SLOT": uint64(StatNoSlot), "STAT_UNREADABLE": uint64(StatUnreadable),
			"STAT_UNDECIDED": uint64(StatUndecided), "STAT_NOEND": uint64(StatNoEnd), "STAT_MAX": uint64(len(Stats{}.N)),
		},
		"scope_mode": {"SCOPE_ALL": uint64(ScopeAll), "SCOPE_NETNS": uint64(ScopeNetns), "SCOPE_LISTED": uint64(ScopeListed)},
	}
	for name, values := range tests {
		t.Run(name, func(t *testing.T) {
			var e *btf.Enum
			if err := spec.Types.TypeByName(name, &e); err != nil {
				t.Fatal(err)
			}
			inObject := map[string]uint64{}
			for _, v := range e.Values {
				inObject[v.Name] = v.Value
			}
			for value, n := range values {
				if got, ok := inObject[value]; !ok || got != n {
					t.Errorf("%s: the object has %d (%t), Go %d", value, got, ok, n)
				}
			}
		})
	}
}

// A state word's low bits hold every state, and the generation lies above them.
func TestABIStateWord(t *testing.T) {
	for _, s := range []uint64{SlotFree, SlotEarly, SlotLive, SlotOpen, SlotClosing, SlotWritten} {
		if s&^StateMask != 0 {
			t.Errorf("state %d does not fit into the mask %#x", s, StateMask)
		}
	}
	if StateGen != StateMask+1 {
		t.Errorf("a generation is %d, want the bit above the mask %#x", StateGen, StateMask)
	}
}
