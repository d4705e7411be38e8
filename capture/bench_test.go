// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"encoding/binary"
	"testing"
	"time"
	"unsafe"

	"hopdump/bpf"
)

// benchRecords are the two records of a received packet of 64 bytes with ten
// hops, and where its id and times stand in them.
func benchRecords() (tap, path []byte) {
	hops := make([]bpf.HopRec, 10)
	for i := range hops {
		hops[i] = bpf.HopRec{Hop: hopQueue, Cpu: 3}
	}
	hops[0].Hop, hops[9].Hop, hops[0].Dev = hopCore, hopRead, 1
	reader := bpf.ProcRec{Pid: 42, Tid: 43, Comm: name16("dns-cache")}
	slot := slotOf(bpf.Slot{Tap: 1, Devs: 1, Flags: bpf.SlotReader, Reader: reader}, hops...)
	slot.Dev[0] = bpf.DevRec{Ifindex: 2, Netns: 4026531840, Name: name16("eth0")}
	return tapRecord(bpf.Tap{Ifindex: 2, Netns: 4026531840, Name: name16("eth0")}, make([]byte, 64)), pathRecord(slot)
}

// number puts an id and times, 1 µs apart, into the two records.
func number(tap, path []byte, id uint64) (now int64) {
	now = int64(id) * 1000
	binary.NativeEndian.PutUint64(tap[unsafe.Offsetof(bpf.Tap{}.Id):], id)
	binary.NativeEndian.PutUint64(tap[unsafe.Offsetof(bpf.Tap{}.Ns):], uint64(now))
	binary.NativeEndian.PutUint64(path[unsafe.Offsetof(bpf.Slot{}.Id):], id)
	for i := range 10 {
		binary.NativeEndian.PutUint64(path[slotHead+i*sizeHop:], uint64(now)+uint64(i))
	}
	return now
}

// BenchmarkAssemble is what a packet costs from its two records to the handler.
func BenchmarkAssemble(b *testing.B) {
	for name, ordered := range map[string]bool{"ordered": true, "unordered": false} {
		b.Run(name, func(b *testing.B) {
			r := newRig(b, Options{Ordered: ordered})
			r.a.device = newDeviceNames(4026531840).device
			n := 0
			r.a.handle = countPackets(&n)
			tap, path := benchRecords()
			id := uint64(0)
			b.ReportAllocs()
			for b.Loop() {
				id++
				now := number(tap, path, id)
				if r.a.add(tap) != nil || r.a.add(path) != nil {
					b.Fatal("a record was refused")
				}
				if id%1000 == 0 {
					r.a.sweep(now, true, false)
				}
			}
			r.drain(int64(id)*1000 + int64(time.Second))
			if uint64(n) != id {
				b.Fatalf("%d delivered of %d", n, id)
			}
		})
	}
}

// The benchmark's records are what it says.
func TestBenchRecords(t *testing.T) {
	r := newRig(t, Options{})
	tap, path := benchRecords()
	number(tap, path, 77)
	r.add(tap, path)
	rec := r.only()
	if rec.ID != 77 || rec.Time != epoch+77_000 || len(rec.Data) != 64 || rec.Dev.Name != "eth0" {
		t.Errorf("packet %d at %d of %d bytes from %s", rec.ID, rec.Time-epoch, len(rec.Data), rec.Dev.Name)
	}
	if p := rec.Path; len(p.Hops) != 10 || p.Total != 9 || p.Comm != "dns-cache" || p.Hops[0].Dev != "eth0" {
		t.Errorf("path %+v", p)
	}
}
