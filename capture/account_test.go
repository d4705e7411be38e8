// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"testing"

	"hopdump/bpf"

	"github.com/google/go-cmp/cmp"
)

// kernelStats are the kernel's counters of what was lost.
func kernelStats(n map[int]uint64) (s bpf.Stats) {
	for i, v := range n {
		s.N[i] = v
	}
	return s
}

func TestTally(t *testing.T) {
	tests := map[string]struct {
		user             counters
		kernel           map[int]uint64
		hopMiss, endMiss uint64
		want             Stats
	}{
		"nothing": {},
		"nothing lost": {
			user: counters{captured: 1204, taps: 1204, hops: 10836},
			want: Stats{Captured: 1204, Received: 1204, Hops: 10836},
		},
		"the example of ux.md": {
			user:    counters{captured: 1204, taps: 1204, hops: 10836},
			kernel:  map[int]uint64{bpf.StatRingPackets: 3, bpf.StatRingPaths: 3, bpf.StatRingHops: 26},
			hopMiss: 3,
			want: Stats{Captured: 1204, Received: 1207, Dropped: 3, Hops: 10836, HopsLost: 29, Lost: []string{
				"3 packets with the ring full", "26 hops of 3 packets with the ring full", "3 hops by recursion"}},
		},
		"singular": {
			user: counters{trunc: 1, cut: 1, inverted: 1},
			kernel: map[int]uint64{bpf.StatRingPackets: 1, bpf.StatScratch: 1, bpf.StatRingPaths: 1, bpf.StatRingHops: 1,
				bpf.StatNoSlot: 1, bpf.StatUnreadable: 1, bpf.StatUndecided: 1, bpf.StatNoEnd: 1},
			hopMiss: 1, endMiss: 1,
			want: Stats{Received: 2, Dropped: 2, HopsLost: 3, Lost: []string{
				"1 packet with the ring full", "1 packet with every copy buffer in use",
				"1 hop of 1 packet with the ring full", "1 hop by recursion", "1 end or copy by recursion",
				"1 hop beyond the first 49 of a packet", "the hops of 1 journey without a free slot",
				"1 verdict with unreadable headers", "1 verdict beyond the header window", "the end of 1 journey",
				"bytes of 1 packet", "the order of 1 hop"}},
		},
		"plural": {
			user: counters{trunc: 2, cut: 3, inverted: 4},
			kernel: map[int]uint64{bpf.StatScratch: 5, bpf.StatNoSlot: 6, bpf.StatUnreadable: 7, bpf.StatUndecided: 8,
				bpf.StatNoEnd: 9},
			endMiss: 10,
			want: Stats{Received: 5, Dropped: 5, HopsLost: 2, Lost: []string{
				"5 packets with every copy buffer in use", "10 ends or copies by recursion",
				"2 hops beyond the first 49 of a packet", "the hops of 6 journeys without a free slot",
				"7 verdicts with unreadable headers", "8 verdicts beyond the header window", "the end of 9 journeys",
				"bytes of 3 packets", "the order of 4 hops"}},
		},
		"in flight and late": {
			user: counters{captured: 7, taps: 10, hops: 20, late: 2},
			want: Stats{Captured: 7, Received: 10, Hops: 20, Late: 2},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := tally(tt.user, kernelStats(tt.kernel), tt.hopMiss, tt.endMiss)
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			inFlight := tt.user.taps - tt.user.captured
			if got.Received != got.Captured+got.Dropped+inFlight {
				t.Errorf("received %d is not captured %d + dropped %d + in flight %d", got.Received, got.Captured, got.Dropped, inFlight)
			}
		})
	}
}

// The account of a capture adds up at every moment.
func TestTallyOfAssembler(t *testing.T) {
	r := newRig(t, Options{})
	check := func(when string, captured, received uint64) {
		t.Helper()
		s := tally(r.a.count, bpf.Stats{}, 0, 0)
		if s.Captured != captured || s.Received != received || s.Received != s.Captured+uint64(len(r.a.open)) {
			t.Errorf("%s: captured %d, received %d, open %d", when, s.Captured, s.Received, len(r.a.open))
		}
	}
	check("at first", 0, 0)
	r.add(tapAt(1, 1), tapAt(2, 2))
	check("with two open", 0, 2)
	r.add(pathAt(2, 2))
	check("with one open", 1, 2)
	r.add(tapRecord(bpf.Tap{Id: 3, Flags: bpf.TapNoSlot}, nil))
	check("and one without a slot", 2, 3)
	r.drain(5000 * ms)
	check("at the end", 3, 3)
}
