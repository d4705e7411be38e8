// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"hopdump/bpf"
	"hopdump/pcapng"
)

func countPackets(n *int) Handler {
	return func(*pcapng.Record) error { *n++; return nil }
}

// model is a kernel that writes records into a ring, as a script of bytes says,
// and a reader that may be behind.
type model struct {
	*rig
	now     int64
	ring    [][]byte
	next    uint64
	ns      map[uint64]int64 // tap times
	live    []uint64         // ids whose journey has not ended
	closing []uint64
	lag     bool // the reader does not always read everything before a sweep
}

func newModel(tb testing.TB, ordered, lag bool) *model {
	m := &model{rig: newRig(tb, Options{Ordered: ordered}), now: ms, ns: map[uint64]int64{}, lag: lag}
	m.a.take = func(index uint32, _ uint64, into *bpf.Slot) takeOutcome {
		id := uint64(index)
		if slices.Contains(m.closing, id) {
			return closing
		}
		i := slices.Index(m.live, id)
		if i < 0 {
			return gone
		}
		m.live = slices.Delete(m.live, i, i+1)
		*into = slotOf(bpf.Slot{Id: id, Tap: 1}, bpf.HopRec{Ns: uint64(m.ns[id]), Hop: hopCore})
		return taken
	}
	return m
}

// tap begins a journey; another CPU may have written a later one already.
func (m *model) tap(jitter int64, flags uint32) {
	m.next++
	t := bpf.Tap{Id: m.next, Ns: uint64(max(0, m.now-jitter)), Flags: flags}
	m.ns[t.Id] = int64(t.Ns)
	m.ring = append(m.ring, tapRecord(t, seq(int(t.Id), 20)))
	if flags&bpf.TapNoSlot == 0 {
		m.live = append(m.live, t.Id)
	}
}

// pick takes an id out of a list.
func pick(ids *[]uint64, n int) (uint64, bool) {
	if len(*ids) == 0 {
		return 0, false
	}
	i := n % len(*ids)
	id := (*ids)[i]
	*ids = slices.Delete(*ids, i, i+1)
	return id, true
}

func (m *model) path(id uint64) { m.ring = append(m.ring, pathAt(id, m.ns[id])) }

func (m *model) read(n int) {
	n = min(n, len(m.ring))
	m.add(m.ring[:n]...)
	m.ring = m.ring[n:]
}

func (m *model) sweep(n int) {
	if !m.lag {
		m.read(len(m.ring))
	} else {
		m.read(n)
	}
	m.a.sweep(m.now, len(m.ring) == 0, false)
}

// do is one step: what happens is said by op, how by n.
func (m *model) do(op byte, n int) {
	switch op % 10 {
	case 0, 1, 2:
		m.tap(int64(n)%settleNS, 0)
	case 3:
		m.tap(int64(n)%settleNS, bpf.TapNoSlot)
	case 4, 5:
		if id, ok := pick(&m.live, n); ok {
			m.path(id)
		}
	case 6: // its path record is lost
		pick(&m.live, n)
	case 7: // begins to write it, and ends another that had begun
		if id, ok := pick(&m.closing, n); ok {
			m.path(id)
		}
		if id, ok := pick(&m.live, n); ok {
			m.closing = append(m.closing, id)
		}
	case 8:
		m.now += int64(n) % (300 * ms)
		m.sweep(n % 8)
	case 9:
		m.now += int64(n) % (20 * ms)
		m.sweep(n % 8)
	}
}

// end stops recording; what is being written is written.
func (m *model) end() {
	for _, id := range m.closing {
		m.path(id)
	}
	m.closing = nil
	m.read(len(m.ring))
	m.drain(m.now)
}

// check: every packet once, with its bytes; in order unless that was counted.
func (m *model) check() error {
	seen := map[uint64]bool{}
	var last int64
	late := uint64(0)
	for i := range m.got {
		rec := &m.got[i]
		if seen[rec.ID] {
			return fmt.Errorf("packet %d was delivered twice", rec.ID)
		}
		seen[rec.ID] = true
		if !slices.Equal(rec.Data, seq(int(rec.ID), 20)) || rec.Time != epoch+m.ns[rec.ID] {
			return fmt.Errorf("packet %d has the time %d and the bytes %x", rec.ID, rec.Time-epoch, rec.Data)
		}
		if rec.Time < last {
			late++
		}
		last = max(last, rec.Time)
	}
	switch c := &m.a.count; {
	case len(seen) != int(m.next) || c.captured != m.next || c.taps != m.next:
		return fmt.Errorf("%d of %d packets were delivered; %+v", len(seen), m.next, *c)
	case m.a.opts.Ordered && late != c.late:
		return fmt.Errorf("%d packets out of order, %d counted", late, c.late)
	case m.a.opts.Ordered && !m.lag && late != 0:
		return fmt.Errorf("%d packets out of order though the reader kept up", late)
	case m.a.held != 0 || len(m.a.open) != 0:
		return fmt.Errorf("%d bytes held, %d open", m.a.held, len(m.a.open))
	}
	return nil
}

// Whatever comes in whatever order, each packet is delivered exactly once.
func TestEveryPacketOnce(t *testing.T) {
	for seed := range uint64(200) {
		ordered, lag := seed&1 != 0, seed&2 != 0
		random := rand.New(rand.NewPCG(seed, 1))
		m := newModel(t, ordered, lag)
		for range 50 + random.IntN(400) {
			m.do(byte(random.IntN(10)), random.IntN(int(400*ms)))
		}
		m.end()
		if err := m.check(); err != nil {
			t.Fatalf("seed %d, ordered %t, reader behind %t: %v", seed, ordered, lag, err)
		}
	}
}

func FuzzEveryPacketOnce(f *testing.F) {
	f.Add(true, true, []byte{0, 1, 8, 200, 4, 0, 9, 1})
	f.Add(false, true, []byte{7, 0, 8, 255, 3, 3, 6, 1})
	f.Add(true, false, []byte{0, 0, 7, 1, 8, 250, 0, 9, 4, 1, 8, 251})
	f.Fuzz(func(t *testing.T, ordered, lag bool, script []byte) {
		m := newModel(t, ordered, lag)
		for len(script) >= 2 && m.next < 1000 {
			m.do(script[0], int(script[1])*1_300_007)
			script = script[2:]
		}
		m.end()
		if err := m.check(); err != nil {
			t.Error(err)
		}
	})
}
