// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"fmt"
	"os"
	"testing"
	"time"
	"unsafe"

	"hopdump/bpf"

	"github.com/google/go-cmp/cmp"
)

// slotTable is a table of slots in plain memory.
func slotTable(slots ...bpf.Slot) *programs {
	p := &programs{slots: make([]byte, len(slots)*sizeSlot)}
	for i := range slots {
		slots[i].Index = uint32(i)
		*p.slot(uint32(i)) = slots[i]
	}
	return p
}

// An open journey is taken over if its slot is still the one it had at the tap.
func TestTake(t *testing.T) {
	const gen, next, last = 5 * bpf.StateGen, 6 * bpf.StateGen, ^bpf.StateMask
	tests := map[string]struct {
		now   uint64 // the slot's state word
		index uint32
		tap   uint64 // its state word at the tap
		want  takeOutcome
		after uint64
	}{
		"open":                      {gen + bpf.SlotOpen, 1, gen + bpf.SlotOpen, taken, gen + bpf.SlotWritten},
		"being written":             {gen + bpf.SlotClosing, 1, gen + bpf.SlotOpen, closing, gen + bpf.SlotClosing},
		"written already":           {gen + bpf.SlotWritten, 1, gen + bpf.SlotOpen, gone, gen + bpf.SlotWritten},
		"free":                      {gen + bpf.SlotFree, 1, gen + bpf.SlotOpen, gone, gen + bpf.SlotFree},
		"next journey's, open":      {next + bpf.SlotOpen, 1, gen + bpf.SlotOpen, gone, next + bpf.SlotOpen},
		"next journey's, closing":   {next + bpf.SlotClosing, 1, gen + bpf.SlotOpen, gone, next + bpf.SlotClosing},
		"next journey's, early":     {next + bpf.SlotEarly, 1, gen + bpf.SlotOpen, gone, next + bpf.SlotEarly},
		"index behind the last":     {gen + bpf.SlotOpen, 3, gen + bpf.SlotOpen, gone, gen + bpf.SlotOpen},
		"index near 2^32":           {gen + bpf.SlotOpen, 1<<32 - 1, gen + bpf.SlotOpen, gone, gen + bpf.SlotOpen},
		"largest generation":        {last + bpf.SlotOpen, 1, last + bpf.SlotOpen, taken, last + bpf.SlotWritten},
		"matched, but not yet open": {gen + bpf.SlotLive, 1, gen + bpf.SlotOpen, gone, gen + bpf.SlotLive},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			want := slotOf(bpf.Slot{State: tt.now, Id: 42, Tap: 1, Index: 1}, bpf.HopRec{Ns: 9, Hop: 3})
			p := slotTable(bpf.Slot{}, want, bpf.Slot{})
			var got bpf.Slot
			if outcome := p.take(tt.index, tt.tap, &got); outcome != tt.want {
				t.Errorf("outcome %d, want %d", outcome, tt.want)
			}
			if after := p.slot(1).State; after != tt.after {
				t.Errorf("state %#x afterwards, want %#x", after, tt.after)
			}
			if d := cmp.Diff(want, got); tt.want == taken && d != "" {
				t.Errorf("copy (-want +got):\n%s", d)
			}
			if tt.want == taken && p.take(tt.index, tt.tap, &got) != gone {
				t.Error("it was taken twice")
			}
		})
	}
}

func TestLiveSlots(t *testing.T) {
	p := slotTable(bpf.Slot{State: 8 + bpf.SlotFree}, bpf.Slot{State: bpf.SlotEarly}, bpf.Slot{State: bpf.SlotLive},
		bpf.Slot{State: 16 + bpf.SlotOpen}, bpf.Slot{State: bpf.SlotClosing}, bpf.Slot{State: 24 + bpf.SlotWritten})
	if got := p.liveSlots(); got != 4 {
		t.Errorf("%d, want 4", got)
	}
	if got := new(programs).liveSlots(); got != 0 {
		t.Errorf("%d in no table", got)
	}
	if stride := uintptr(unsafe.Pointer(p.slot(1))) - uintptr(unsafe.Pointer(p.slot(0))); stride != uintptr(sizeSlot) {
		t.Errorf("slots are %d bytes apart, the kernel's %d", stride, sizeSlot)
	}
}

func TestConfig(t *testing.T) {
	page := os.Getpagesize()
	tests := map[string]struct {
		opts                Options
		ring, snap          int
		matchAll, earlyGood bool
	}{
		"nothing said":             {Options{}, 16 << 20, 65600, true, true},
		"ring of a power of two":   {Options{BufferKiB: 1024}, 1 << 20, 65600, true, true},
		"ring is rounded up":       {Options{BufferKiB: 1025}, 2 << 20, 65600, true, true},
		"ring of a page at least":  {Options{BufferKiB: 1}, page, 65600, true, true},
		"short packets":            {Options{SnapLen: 96}, 16 << 20, 96, true, true},
		"longer than a packet":     {Options{SnapLen: 200_000}, 16 << 20, 65600, true, true},
		"expression":               {Options{Filter: "udp port 53"}, 16 << 20, 65600, false, true},
		"needs the link header":    {Options{Filter: "ether host 0:1:2:3:4:5"}, 16 << 20, 65600, false, false},
		"needs the frame's length": {Options{Filter: "greater 100"}, 16 << 20, 65600, false, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.opts.Numeric = true
			f, err := compile(tt.opts)
			if err != nil {
				t.Fatal(err)
			}
			s := scope{mode: bpf.ScopeListed, netns: 5, listed: make([]bpf.ScopeKey, 3)}
			cfg, err := config(tt.opts, s, f, true)
			if err != nil {
				t.Fatal(err)
			}
			if cfg.CPUs < 1 {
				t.Errorf("%d CPUs", cfg.CPUs)
			}
			want := bpf.Config{Lines: 2048, Socks: 4096, RingBytes: tt.ring, WakeBytes: tt.ring / 8, SnapLen: tt.snap,
				CPUs: cfg.CPUs, Scope: bpf.ScopeListed, Netns: 5, Listed: 3, MatchAll: tt.matchAll, EarlyVerdict: tt.earlyGood, WeakEnd: true}
			if d := cmp.Diff(want, cfg); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestOptions(t *testing.T) {
	tests := map[string]struct {
		opts   Options
		snap   int
		linger time.Duration
	}{
		"zero":     {Options{}, 262144, time.Second},
		"negative": {Options{SnapLen: -1, Linger: -1}, 262144, time.Second},
		"set":      {Options{SnapLen: 96, Linger: 5 * time.Second}, 96, 5 * time.Second},
		"too long": {Options{SnapLen: 262145}, 262144, time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if s, l := tt.opts.snapLen(), tt.opts.linger(); s != tt.snap || l != tt.linger {
				t.Errorf("%d bytes, %v; want %d, %v", s, l, tt.snap, tt.linger)
			}
		})
	}
	new(Options).notice("nobody listens")
	var got []string
	o := Options{Notice: func(line string) { got = append(got, line) }}
	if o.notice("a line"); !cmp.Equal(got, []string{"a line"}) {
		t.Errorf("notices %q", got)
	}
}

func TestRefusedLine(t *testing.T) {
	w := newWorld()
	w.noFentry = true
	k := w.kernel(t)
	set := w.plan(t, "default")
	want := fmt.Sprintf("this kernel refuses fentry (EPERM); using the profile tracepoints: %d hops instead of %d",
		len(selected(t, "tracepoints")), len(selected(t, "default")))
	if got := refusedLine(k, "", set); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestManyDevices(t *testing.T) {
	tests := map[string]struct {
		listed []bpf.ScopeKey
		want   bool
	}{
		"any": {nil, true},
		"one": {[]bpf.ScopeKey{{Netns: 1, Ifindex: 2}}, false},
		"two": {[]bpf.ScopeKey{{Netns: 1, Ifindex: 2}, {Netns: 1, Ifindex: 3}}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := Capture{scope: scope{listed: tt.listed}}
			if got := c.ManyDevices(); got != tt.want {
				t.Errorf("%t, want %t", got, tt.want)
			}
		})
	}
}

func TestHasDynptr(t *testing.T) {
	w := newWorld()
	if hasDynptr(w.kernel(t).Spec) {
		t.Error("a kernel without bpf_dynptr_from_skb has it")
	}
	w.functions["bpf_dynptr_from_skb"] = "skb int void"
	if !hasDynptr(w.kernel(t).Spec) {
		t.Error("a kernel with bpf_dynptr_from_skb has it not")
	}
}
