// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"testing"

	"hopdump/bpf"
)

// block is the size of the packets that fill the window.
const block = 64 << 10

func bigTap(id uint64, ns int64) []byte {
	return tapRecord(bpf.Tap{Id: id, Ns: uint64(ns)}, make([]byte, block))
}

// heldOf is what such a packet holds, with its path and without.
func heldOf(t *testing.T) (open, closed int) {
	r := newRig(t, Options{Ordered: true, SnapLen: 16})
	r.add(bigTap(1, 1))
	open = r.a.held
	r.add(bigTap(2, 2), pathAt(2, 2))
	return open, r.a.held - open
}

// A window that is full no longer waits for the open journey at its front.
func TestWindowFull(t *testing.T) {
	open, closed := heldOf(t)
	fits := (windowBytes - open) / closed
	tests := map[string]struct {
		later     int // packets behind the open one
		delivered int // of them, before the open one ends
		late      uint64
	}{
		"below":      {fits - 1, 0, 0},
		"just full":  {fits, 0, 0},
		"overflowed": {fits + 1, fits + 1, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Options{Ordered: true, SnapLen: 16})
			r.add(bigTap(1, 1))
			for i := range tt.later {
				id := uint64(i + 2)
				r.add(bigTap(id, int64(id)), pathAt(id, int64(id)))
			}
			r.a.sweep(100*ms, true, false)
			if len(r.got) != tt.delivered {
				t.Errorf("%d delivered behind an open one, want %d", len(r.got), tt.delivered)
			}
			r.add(pathAt(1, 1))
			r.a.sweep(101*ms, true, false)
			if len(r.got) != tt.later+1 || r.a.count.late != tt.late || r.a.held != 0 {
				t.Errorf("%d delivered of %d, %d late, want %d; %d bytes held",
					len(r.got), tt.later+1, r.a.count.late, tt.late, r.a.held)
			}
		})
	}
}

// Open journeys themselves are ended when they hold twice the window, the
// oldest first, and not more of them than it takes.
func TestWindowOfOpenJourneys(t *testing.T) {
	for name, ordered := range map[string]bool{"unordered": false, "ordered": true} {
		t.Run(name, func(t *testing.T) {
			open, _ := heldOf(t)
			most := uint64(2 * windowBytes / open)
			r := newRig(t, Options{Ordered: ordered, SnapLen: 16})
			for id := range most + 8 {
				id++
				r.take[id] = fakeSlot{taken, slotOf(bpf.Slot{Id: id}, bpf.HopRec{Ns: id})}
				r.add(bigTap(id, int64(id)))
			}
			r.a.sweep(100*ms, true, false)
			if len(r.got) != 8 || r.a.held > 2*windowBytes || r.a.held < 2*windowBytes-open {
				t.Fatalf("%d delivered, want 8; %d bytes held", len(r.got), r.a.held)
			}
			for i, rec := range r.got {
				if rec.ID != uint64(i+1) || !rec.Path.IsOpen {
					t.Errorf("packet %d is %d, open %t", i, rec.ID, rec.Path.IsOpen)
				}
			}
			r.drain(200 * ms)
			if len(r.got) != int(most)+8 || r.a.count.late != 0 || r.a.held != 0 {
				t.Errorf("%d delivered, %d late, %d bytes held", len(r.got), r.a.count.late, r.a.held)
			}
		})
	}
}

// What was delivered is forgotten, whatever the length of the capture.
func TestQueueShrinks(t *testing.T) {
	for name, ordered := range map[string]bool{"unordered": false, "ordered": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Options{Ordered: ordered})
			n := 0
			r.a.handle = countPackets(&n)
			for id := uint64(1); id <= 20_000; id++ {
				ns := int64(id) * 1000
				r.add(tapAt(id, ns), pathAt(id, ns))
				if id%100 == 0 {
					r.a.sweep(ns, true, false)
				}
			}
			r.drain(1000 * ms)
			if n != 20_000 {
				t.Errorf("%d delivered", n)
			}
			if len(r.a.queue) > 10*4096 || cap(r.a.queue) > 10*4096 || r.a.free.bytes > spareBytes || len(r.a.open) != 0 {
				t.Errorf("queue of %d (room for %d), %d bytes free, %d open", len(r.a.queue), cap(r.a.queue), r.a.free.bytes, len(r.a.open))
			}
		})
	}
}
