// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"slices"
	"testing"

	"hopdump/bpf"
	"hopdump/pcapng"
)

const (
	ms = int64(1_000_000)
	// epoch is what the rig's wall clock shows at monotonic time 0.
	epoch = int64(1_700_000_000_000_000_000)
)

// Hops of the rig's hop set, by number.
const (
	hopSend = iota
	hopXmit
	hopCore
	hopQueue
	hopRead
	hopDrop
)

// rig is an assembler with a kernel made of literals.
type rig struct {
	tb   testing.TB
	a    *assembler
	take map[uint64]fakeSlot // by journey id; nothing means gone
	got  []pcapng.Record     // delivered, with copies of data and path
	fail map[int]error       // what the handler returns, by number of the call from 1
	ns   []int64             // monotonic tap times of what was delivered
}

// fakeSlot is what the kernel answers when a journey is to be taken over.
type fakeSlot struct {
	outcome takeOutcome
	slot    bpf.Slot
}

func newRig(tb testing.TB, opts Options) *rig {
	tb.Helper()
	r := &rig{tb: tb, a: newAssembler(opts), take: map[uint64]fakeSlot{}}
	r.a.names = &namer{set: setOf(tb, "udp-send", "xmit", "core", "udp-queue", "read", "drop")}
	r.a.device = func(t *bpf.Tap) *pcapng.Device {
		return &pcapng.Device{Name: text(&t.Name), Index: int(t.Ifindex), Netns: t.Netns}
	}
	r.a.clock.add(clockSample{mono: 0, real: epoch})
	r.a.take = func(index uint32, state uint64, into *bpf.Slot) takeOutcome {
		f, ok := r.take[uint64(index)] // the rig's slots are numbered as the journeys
		if !ok {
			return gone
		}
		*into = f.slot
		return f.outcome
	}
	r.a.handle = func(rec *pcapng.Record) error {
		c := *rec
		c.Data = slices.Clone(rec.Data)
		if rec.Path != nil {
			p := *rec.Path
			p.Hops = slices.Clone(p.Hops)
			c.Path = &p
		}
		r.got = append(r.got, c)
		r.ns = append(r.ns, rec.Time-epoch)
		return r.fail[len(r.got)]
	}
	return r
}

// add gives records of the ring to the assembler.
func (r *rig) add(records ...[]byte) {
	r.tb.Helper()
	for _, raw := range records {
		if err := r.a.add(raw); err != nil {
			r.tb.Fatal(err)
		}
	}
}

// ids returns the ids of what was delivered.
func (r *rig) ids() []uint64 {
	ids := []uint64{}
	for i := range r.got {
		ids = append(ids, r.got[i].ID)
	}
	return ids
}

// only returns the one packet that was delivered.
func (r *rig) only() *pcapng.Record {
	r.tb.Helper()
	if len(r.got) != 1 {
		r.tb.Fatalf("%d packets were delivered, want 1", len(r.got))
	}
	return &r.got[0]
}

// drain ends the capture as Capture.drain does, with a ring that is empty.
func (r *rig) drain(now int64) {
	for i := range 3 {
		r.a.sweep(now, i > 0, true)
	}
}

// tapRecord is a tap record as the kernel writes it. Zero lengths are those of
// the data, and the slot's index is the id.
func tapRecord(t bpf.Tap, data []byte) []byte {
	t.Kind, t.Cap = bpf.RecTap, uint32(len(data))
	if t.Len == 0 {
		t.Len = t.Cap
	}
	if t.Want == 0 {
		t.Want = t.Cap
	}
	if t.Index == 0 {
		t.Index = uint32(t.Id)
	}
	return append(slices.Clone(bytesOf(&t, sizeTap)), data...)
}

// tapAt is a small packet with that id at that time.
func tapAt(id uint64, ns int64) []byte {
	return tapRecord(bpf.Tap{Id: id, Ns: uint64(ns)}, []byte{byte(id), byte(id >> 8)})
}

// slotOf is a slot with these hops.
func slotOf(s bpf.Slot, hops ...bpf.HopRec) bpf.Slot {
	s.Kind, s.Hops = bpf.RecPath, uint16(len(hops))
	copy(s.Hop[:], hops)
	return s
}

// pathRecord is a path record as the kernel writes it: the slot up to its last hop.
func pathRecord(s bpf.Slot) []byte {
	return slices.Clone(bytesOf(&s, slotHead+int(s.Hops)*sizeHop))
}

// pathAt is the path of a journey with one hop, its tap.
func pathAt(id uint64, ns int64) []byte {
	return pathRecord(slotOf(bpf.Slot{Id: id, Tap: 1}, bpf.HopRec{Ns: uint64(ns), Hop: hopCore}))
}

// moreRecord is a perf record: the packet from skb->data on.
func moreRecord(m bpf.More, data []byte) []byte {
	return append(slices.Clone(bytesOf(&m, sizeMore)), data...)
}

// name16 is text as the kernel keeps it.
func name16(s string) (out [16]int8) {
	for i := range min(len(s), len(out)) {
		out[i] = int8(s[i])
	}
	return out
}

// seq is n bytes that count from first on.
func seq(first, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(first + i)
	}
	return b
}
