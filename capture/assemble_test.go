// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"errors"
	"testing"
	"time"

	"hopdump/bpf"
	"hopdump/pcapng"

	"github.com/google/go-cmp/cmp"
)

// Both records of a journey become one packet, by id.
func TestJoin(t *testing.T) {
	r := newRig(t, Options{})
	r.add(
		tapRecord(bpf.Tap{Id: 7, Ns: 2000, Ifindex: 2, Netns: 40, Name: name16("eth0"), Flags: bpf.TapOut}, []byte("abcd")),
		tapRecord(bpf.Tap{Id: 8, Ns: 2500, Queue: 3}, []byte("xyz")),
		pathRecord(slotOf(bpf.Slot{Id: 8, Tap: 1}, bpf.HopRec{Ns: 2500, Hop: hopCore, Cpu: 1})),
		pathRecord(slotOf(bpf.Slot{Id: 7, Tap: 2},
			bpf.HopRec{Ns: 1500, Hop: hopSend, Cpu: 3}, bpf.HopRec{Ns: 2000, Hop: hopXmit, Cpu: 3})),
	)
	want := []pcapng.Record{
		{
			Time: epoch + 2500, Data: []byte("xyz"), Len: 3, Dev: &pcapng.Device{}, Dir: pcapng.In, ID: 8, Queue: 3,
			Path: &pcapng.Path{Way: pcapng.WayRx, Count: 1, Hops: []pcapng.Hop{{Func: "netif_receive_skb", CPU: 1, Tap: true}}},
		},
		{
			Time: epoch + 2000, Data: []byte("abcd"), Len: 4, Dev: &pcapng.Device{Name: "eth0", Index: 2, Netns: 40},
			Dir: pcapng.Out, ID: 7,
			Path: &pcapng.Path{Way: pcapng.WayTx, Count: 2, Total: 500, MaxDelta: 500, MaxFunc: "net_dev_start_xmit",
				Hops: []pcapng.Hop{
					{Func: "udp_send_skb", CPU: 3},
					{Func: "net_dev_start_xmit", CPU: 3, Elapsed: 500, Delta: 500, Tap: true},
				}},
		},
	}
	if d := cmp.Diff(want, r.got); d != "" {
		t.Errorf("delivered (-want +got):\n%s", d)
	}
	if d := cmp.Diff(counters{captured: 2, taps: 2, hops: 3}, r.a.count, cmp.AllowUnexported(counters{})); d != "" {
		t.Errorf("counters (-want +got):\n%s", d)
	}
	if len(r.a.open) != 0 || r.a.held != 0 {
		t.Errorf("%d journeys open, %d bytes held", len(r.a.open), r.a.held)
	}
}

// step is one thing that happens to the assembler in the tests of order.
type step struct {
	add  []byte
	at   int64 // a sweep at that time, if it is not 0
	want []uint64
}

// play takes the steps and checks after each what has been delivered so far.
func (r *rig) play(steps []step) {
	r.tb.Helper()
	for i, s := range steps {
		if s.add != nil {
			r.add(s.add)
		}
		if s.at != 0 {
			r.a.sweep(s.at, true, false)
		}
		if s.want == nil {
			s.want = []uint64{}
		}
		if d := cmp.Diff(s.want, r.ids()); d != "" {
			r.tb.Fatalf("step %d, delivered (-want +got):\n%s", i, d)
		}
	}
}

func TestOrder(t *testing.T) {
	tests := map[string]struct {
		ordered bool
		steps   []step
	}{
		"unordered: at once when the path comes": {false, []step{
			{add: tapAt(1, 1*ms)},
			{add: tapAt(2, 2*ms)},
			{add: pathAt(2, 2*ms), want: []uint64{2}},
			{add: pathAt(1, 1*ms), want: []uint64{2, 1}},
			{at: 100 * ms, want: []uint64{2, 1}},
		}},
		"ordered: not before it has settled": {true, []step{
			{add: tapAt(1, 100*ms)},
			{add: pathAt(1, 100*ms)},
			{at: 100 * ms},
			{at: 100*ms + settleNS - 1},
			{at: 100*ms + settleNS, want: []uint64{1}},
		}},
		"ordered: an open journey holds later ones back": {true, []step{
			{add: tapAt(1, 1*ms)},
			{add: tapAt(2, 2*ms)},
			{add: pathAt(2, 2*ms)},
			{at: 500 * ms},
			{add: pathAt(1, 1*ms)},
			{at: 501 * ms, want: []uint64{1, 2}},
		}},
		"ordered: by tap time, not by arrival": {true, []step{
			{add: tapAt(3, 3*ms)},
			{add: tapAt(1, 1*ms)},
			{add: tapAt(2, 2*ms)},
			{add: pathAt(3, 3*ms)},
			{add: pathAt(2, 2*ms)},
			{add: pathAt(1, 1*ms)},
			{at: 100 * ms, want: []uint64{1, 2, 3}},
		}},
		"ordered: equal times keep their order": {true, []step{
			{add: tapAt(5, 1*ms)},
			{add: tapAt(4, 1*ms)},
			{add: pathAt(4, 1*ms)},
			{add: pathAt(5, 1*ms)},
			{at: 100 * ms, want: []uint64{5, 4}},
		}},
		"ordered: earlier ones need not wait": {true, []step{
			{add: tapAt(1, 1*ms)},
			{add: tapAt(2, 2*ms)},
			{add: tapAt(3, 3*ms)},
			{add: pathAt(1, 1*ms)},
			{add: pathAt(3, 3*ms)},
			{at: 50 * ms, want: []uint64{1}},
		}},
		"path without a tap is nothing": {false, []step{
			{add: pathAt(9, 1*ms)},
			{at: 100 * ms},
		}},
		"second path of a journey is nothing": {false, []step{
			{add: tapAt(1, 1*ms)},
			{add: pathAt(1, 1*ms), want: []uint64{1}},
			{add: pathAt(1, 1*ms), want: []uint64{1}},
		}},
		"no slot, unordered: at once": {false, []step{
			{add: tapRecord(bpf.Tap{Id: 1, Ns: 1, Flags: bpf.TapNoSlot}, []byte("a")), want: []uint64{1}},
		}},
		"no slot, ordered: in its turn": {true, []step{
			{add: tapAt(2, 2*ms)},
			{add: tapRecord(bpf.Tap{Id: 1, Ns: 1e6, Flags: bpf.TapNoSlot}, []byte("a"))},
			{at: 11*ms - 1},
			{at: 11 * ms, want: []uint64{1}},
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Options{Ordered: tt.ordered})
			r.play(tt.steps)
			if r.a.count.late != 0 {
				t.Errorf("%d late", r.a.count.late)
			}
		})
	}
}

// A packet later than what was delivered already is late, and counted.
func TestOrderLate(t *testing.T) {
	r := newRig(t, Options{Ordered: true})
	r.play([]step{
		{add: tapAt(2, 2*ms)},
		{add: pathAt(2, 2*ms), at: 50 * ms, want: []uint64{2}},
		{add: tapAt(1, 1*ms), want: []uint64{2}},
		{add: pathAt(1, 1*ms), at: 51 * ms, want: []uint64{2, 1}},
		{add: tapAt(3, 2*ms), want: []uint64{2, 1}},
		{add: pathAt(3, 2*ms), at: 52 * ms, want: []uint64{2, 1, 3}},
	})
	if r.a.count.late != 1 {
		t.Errorf("%d late, want 1: equal times are in order", r.a.count.late)
	}
}

// A packet without a slot has no path, also when it gets the memory of one that had.
func TestNoSlot(t *testing.T) {
	r := newRig(t, Options{})
	r.add(tapAt(1, 1), pathAt(1, 1))
	r.a.sweep(2, true, false)
	r.add(tapRecord(bpf.Tap{Id: 2, Ns: 3, Flags: bpf.TapNoSlot}, []byte("b")))
	if len(r.got) != 2 || r.got[0].Path == nil {
		t.Fatalf("%d delivered, want 2 and the first with a path", len(r.got))
	}
	want := pcapng.Record{Time: epoch + 3, Data: []byte("b"), Len: 1, Dev: &pcapng.Device{}, Dir: pcapng.In, ID: 2}
	if d := cmp.Diff(want, r.got[1]); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestLinger(t *testing.T) {
	hops := slotOf(bpf.Slot{Id: 1, Tap: 1, Trunc: 3}, bpf.HopRec{Ns: 1e6, Hop: hopCore}, bpf.HopRec{Ns: 5e6, Hop: hopQueue})
	future := slotOf(bpf.Slot{Id: 1, Tap: 1, Trunc: 3}, bpf.HopRec{Ns: 1}, bpf.HopRec{Ns: 5e9})
	tests := map[string]struct {
		linger  time.Duration
		ordered bool
		slot    bpf.Slot
		early   int64 // still waiting
		due     int64 // delivered
		open    int64
		isOpen  bool
	}{
		"default":         {0, false, hops, 1001*ms - 1, 1001 * ms, 996 * ms, true},
		"shorter":         {50 * time.Millisecond, false, hops, 51*ms - 1, 51 * ms, 46 * ms, true},
		"longer":          {3 * time.Second, false, hops, 2000 * ms, 3001 * ms, 2996 * ms, true},
		"ordered":         {0, true, hops, 1000 * ms, 1500 * ms, 1495 * ms, true},
		"hop in future":   {0, false, future, 1, 1001 * ms, 0, true},
		"slot has no hop": {0, false, slotOf(bpf.Slot{Id: 1, Trunc: 3}), 1, 1001 * ms, 0, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Options{Linger: tt.linger, Ordered: tt.ordered})
			r.take[1] = fakeSlot{taken, tt.slot}
			r.play([]step{{add: tapAt(1, 1*ms)}, {at: tt.early}, {at: tt.due, want: []uint64{1}}})
			p := r.only().Path
			if p.IsOpen != tt.isOpen || p.Open != tt.open || p.Trunc != 3 || len(p.Hops) != int(tt.slot.Hops) {
				t.Errorf("open %t, %d ns, trunc %d, %d hops", p.IsOpen, p.Open, p.Trunc, len(p.Hops))
			}
			// The kernel writes nothing of it any more; if it did, it is nothing.
			r.add(pathAt(1, 1*ms))
			want := counters{captured: 1, taps: 1, hops: uint64(tt.slot.Hops), trunc: 3}
			if d := cmp.Diff(want, r.a.count, cmp.AllowUnexported(counters{})); d != "" {
				t.Errorf("counters (-want +got):\n%s", d)
			}
		})
	}
}

// A journey is taken over by the slot and the state that its tap had.
func TestLingerAsksForTheSlot(t *testing.T) {
	r := newRig(t, Options{})
	var index uint32
	var state uint64
	r.a.take = func(i uint32, s uint64, into *bpf.Slot) takeOutcome {
		index, state, *into = i, s, slotOf(bpf.Slot{Id: 1})
		return taken
	}
	r.add(tapRecord(bpf.Tap{Id: 1, Ns: 1, Index: 77, State: 0x123}, nil))
	r.a.sweep(2000*ms, true, false)
	if index != 77 || state != 0x123 {
		t.Errorf("slot %d with state %#x was asked for, want 77 with 0x123", index, state)
	}
}

// A journey whose slot is gone waits for its path record as long as that may
// still be in the ring.
func TestGone(t *testing.T) {
	tests := map[string]struct {
		idle     []bool // of each sweep
		path     int    // sweep before which the path record comes; 0 means never
		want     int    // sweep that delivers, counted from 1; 0 means none
		pathLost uint64
	}{
		"three idle sweeps":        {idle: []bool{true, true, true}, want: 3, pathLost: 1},
		"two are too few":          {idle: []bool{true, true}},
		"never idle":               {idle: []bool{false, false, false, false, false, false}},
		"idle at last":             {idle: []bool{false, false, false, true}, want: 4, pathLost: 1},
		"the path came after all":  {idle: []bool{true, true, true}, path: 3, want: 3},
		"the path was late enough": {idle: []bool{false, false, false, false, true}, path: 5, want: 5},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Options{})
			r.add(tapAt(1, 1))
			at := 0
			for i, idle := range tt.idle {
				if tt.path == i+1 {
					r.add(pathAt(1, 1))
				}
				r.a.sweep(2000*ms+int64(i), idle, false)
				if len(r.got) == 1 && at == 0 {
					at = i + 1
				}
			}
			if at != tt.want || r.a.count.pathLost != tt.pathLost {
				t.Errorf("delivered by sweep %d, want %d; %d paths lost, want %d", at, tt.want, r.a.count.pathLost, tt.pathLost)
			}
			if tt.want > 0 && (r.got[0].Path != nil) != (tt.path > 0) {
				t.Errorf("path %v", r.got[0].Path)
			}
		})
	}
}

// While the kernel is writing the path record, nothing is taken over.
func TestClosing(t *testing.T) {
	r := newRig(t, Options{Ordered: true})
	r.take[1] = fakeSlot{outcome: closing}
	r.play([]step{
		{add: tapAt(1, 1*ms)},
		{at: 1500 * ms}, {at: 2500 * ms}, {at: 3500 * ms}, {at: 4500 * ms},
		{add: pathAt(1, 1*ms), at: 4600 * ms, want: []uint64{1}},
	})
	if p := r.only().Path; p == nil || p.IsOpen || r.a.count.pathLost != 0 {
		t.Errorf("path %+v, %d lost", p, r.a.count.pathLost)
	}
}

func TestDrain(t *testing.T) {
	for name, ordered := range map[string]bool{"unordered": false, "ordered": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Options{Ordered: ordered})
			r.take[1] = fakeSlot{taken, slotOf(bpf.Slot{Id: 1}, bpf.HopRec{Ns: 1})}
			r.add(
				tapAt(1, 1), // open
				tapAt(2, 2), // its path was lost
				tapRecord(bpf.Tap{Id: 3, Ns: 3, Flags: bpf.TapMore, Want: 9}, []byte("abc")), pathAt(3, 3), // its rest was
				tapAt(4, 4), pathAt(4, 4),
				tapRecord(bpf.Tap{Id: 5, Ns: 5, Flags: bpf.TapNoSlot}, nil),
				tapAt(6, 90*ms), // not settled
			)
			r.drain(90*ms + 1)
			seen := map[uint64]int{}
			for _, id := range r.ids() {
				seen[id]++
			}
			if d := cmp.Diff(map[uint64]int{1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 1}, seen); d != "" {
				t.Errorf("delivered (-want +got):\n%s", d)
			}
			if ordered && !cmp.Equal(r.ids(), []uint64{1, 2, 3, 4, 5, 6}) {
				t.Errorf("order %v", r.ids())
			}
			if r.a.count.pathLost != 2 || r.a.count.captured != 6 || r.a.held != 0 || len(r.a.open) != 0 {
				t.Errorf("%+v, %d bytes held, %d open", r.a.count, r.a.held, len(r.a.open))
			}
		})
	}
}

func TestHandlerError(t *testing.T) {
	broken := errors.New("disk full")
	tests := map[string]struct {
		fail     map[int]error
		calls    int
		captured uint64
		err      error
	}{
		"none":              {nil, 4, 4, nil},
		"first":             {map[int]error{1: broken}, 1, 0, broken},
		"third":             {map[int]error{3: broken}, 3, 2, broken},
		"stop: it was kept": {map[int]error{2: ErrStop}, 2, 2, ErrStop},
	}
	for name, tt := range tests {
		for _, ordered := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				r := newRig(t, Options{Ordered: ordered})
				r.fail = tt.fail
				for id := range uint64(4) {
					r.add(tapAt(id+1, int64(id)), pathAt(id+1, int64(id)))
				}
				r.a.sweep(100*ms, true, false)
				r.drain(200 * ms)
				if len(r.got) != tt.calls || r.a.count.captured != tt.captured || !errors.Is(r.a.err, tt.err) {
					t.Errorf("ordered %t: %d calls, %d captured, error %v", ordered, len(r.got), r.a.count.captured, r.a.err)
				}
				if r.a.held != 0 {
					t.Errorf("%d bytes held", r.a.held)
				}
			})
		}
	}
}
