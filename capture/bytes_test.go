// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"hopdump/bpf"

	"github.com/google/go-cmp/cmp"
)

// tpid is a VLAN protocol as the skb keeps it: its bytes are in network order.
func tpid(hi, lo byte) uint16 { return binary.NativeEndian.Uint16([]byte{hi, lo}) }

var (
	macs  = []byte{0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15}
	frame = slices.Concat(macs, []byte{0x08, 0x00}, seq(0x60, 30)) // 44 bytes
)

// What is put in front of, and into, the bytes that the kernel has.
func TestPacketBytes(t *testing.T) {
	tests := map[string]struct {
		tap  bpf.Tap
		snap int
		data []byte
		want []byte
		len  int
		cut  uint64
	}{
		"as they are": {data: frame, want: frame, len: 44},
		"802.1Q tag": {
			tap:  bpf.Tap{Flags: bpf.TapVLAN, VlanProto: tpid(0x81, 0x00), VlanTci: 0x2064},
			data: frame,
			want: slices.Concat(macs, []byte{0x81, 0x00, 0x20, 0x64, 0x08, 0x00}, frame[14:]),
			len:  48,
		},
		"802.1ad tag, priority only": {
			tap:  bpf.Tap{Flags: bpf.TapVLAN, VlanProto: tpid(0x88, 0xa8), VlanTci: 0xe000},
			data: frame,
			want: slices.Concat(macs, []byte{0x88, 0xa8, 0xe0, 0x00, 0x08, 0x00}, frame[14:]),
			len:  48,
		},
		"tag without the flag": {
			tap:  bpf.Tap{VlanProto: tpid(0x81, 0x00), VlanTci: 5},
			data: frame, want: frame, len: 44,
		},
		"tag in front of the last byte there is": {
			tap:  bpf.Tap{Flags: bpf.TapVLAN, VlanProto: tpid(0x81, 0x00), VlanTci: 1, Len: 44},
			snap: 12,
			data: macs, want: macs, len: 48,
		},
		"tag behind the last byte there is": {
			tap:  bpf.Tap{Flags: bpf.TapVLAN, VlanProto: tpid(0x81, 0x00), VlanTci: 1},
			data: macs, want: append(slices.Clone(macs), 0x81, 0x00, 0x00, 0x01), len: 16,
		},
		"too short for a tag": {
			tap:  bpf.Tap{Flags: bpf.TapVLAN, VlanProto: tpid(0x81, 0x00), VlanTci: 1, Len: 44},
			snap: 11,
			data: macs[:11], want: macs[:11], len: 48,
		},
		"snap length counts the tag": {
			tap:  bpf.Tap{Flags: bpf.TapVLAN, VlanProto: tpid(0x81, 0x00), VlanTci: 0x0fff, Len: 1514},
			snap: 20,
			data: frame[:20],
			want: slices.Concat(macs, []byte{0x81, 0x00, 0x0f, 0xff, 0x08, 0x00, 0x60, 0x61}),
			len:  1518,
		},
		"snap length": {tap: bpf.Tap{Len: 1514}, snap: 20, data: frame[:20], want: frame[:20], len: 1514},
		"no link header, IPv4": {
			tap:  bpf.Tap{Flags: bpf.TapNoLink, Protocol: 0x0800},
			data: seq(0x45, 20),
			want: slices.Concat(make([]byte, 12), []byte{0x08, 0x00}, seq(0x45, 20)),
			len:  34,
		},
		"no link header, IPv6, cut": {
			tap:  bpf.Tap{Flags: bpf.TapNoLink, Protocol: 0x86dd, Len: 1280},
			snap: 20,
			data: seq(0x60, 20),
			want: slices.Concat(make([]byte, 12), []byte{0x86, 0xdd}, seq(0x60, 6)),
			len:  1294,
		},
		"no link header has no tag": {
			tap:  bpf.Tap{Flags: bpf.TapNoLink | bpf.TapVLAN, Protocol: 0x0800, VlanProto: tpid(0x81, 0x00), VlanTci: 7},
			data: seq(0x45, 20),
			want: slices.Concat(make([]byte, 12), []byte{0x08, 0x00}, seq(0x45, 20)),
			len:  34,
		},
		"bytes that could not be read": {
			tap:  bpf.Tap{Flags: bpf.TapCut, Len: 1514, Want: 1514},
			data: frame, want: frame, len: 1514, cut: 1,
		},
		"no byte at all": {tap: bpf.Tap{Len: 60, Want: 60}, data: nil, want: nil, len: 60, cut: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Options{SnapLen: tt.snap})
			tt.tap.Id = 1
			r.add(tapRecord(tt.tap, tt.data), pathAt(1, 0))
			rec := r.only()
			if !bytes.Equal(rec.Data, tt.want) || rec.Len != tt.len {
				t.Errorf("%d bytes %x\nwant %d bytes %x", rec.Len, rec.Data, tt.len, tt.want)
			}
			if got, want := rec.Path.FakeL2, tt.tap.Flags&bpf.TapNoLink != 0; got != want {
				t.Errorf("synthetic header %t, want %t", got, want)
			}
			if r.a.count.cut != tt.cut {
				t.Errorf("%d cut, want %d", r.a.count.cut, tt.cut)
			}
		})
	}
}

// The memory of a packet may be used again for the next one.
func TestPacketBytesReused(t *testing.T) {
	r := newRig(t, Options{})
	r.add(tapRecord(bpf.Tap{Id: 1, Flags: bpf.TapNoLink, Protocol: 0xffff}, seq(0xa0, 60)), pathAt(1, 0))
	r.a.sweep(1, true, false)
	r.add(tapRecord(bpf.Tap{Id: 2, Flags: bpf.TapNoLink, Protocol: 0x0800}, []byte{1}), pathAt(2, 0))
	want := append(make([]byte, 12), 8, 0, 1)
	if got := r.got[1].Data; !bytes.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

// The rest of a packet with fragments starts at skb->data, Skip bytes behind
// the first byte captured.
func TestMore(t *testing.T) {
	whole := slices.Concat(macs, []byte{0x08, 0x00}, seq(0, 100)) // 114 bytes, 40 of them linear
	tag := []byte{0x81, 0x00, 0x00, 0x05}
	tests := map[string]struct {
		tap  bpf.Tap
		snap int
		skip uint32
		rest []byte
		want []byte
		cut  uint64
	}{
		"receive: data is behind the link header": {
			skip: 14, rest: whole[14:], want: whole,
		},
		"transmit: data is the link header": {
			tap: bpf.Tap{Flags: bpf.TapOut}, rest: whole, want: whole,
		},
		"with a restored tag": {
			tap:  bpf.Tap{Flags: bpf.TapVLAN, VlanProto: tpid(0x81, 0x00), VlanTci: 5},
			skip: 14, rest: whole[14:], want: slices.Concat(macs, tag, whole[12:]),
		},
		"with a synthetic header": {
			tap:  bpf.Tap{Flags: bpf.TapNoLink, Protocol: 0x0800},
			rest: whole, want: slices.Concat(make([]byte, 12), []byte{8, 0}, whole),
		},
		"padded by the kernel": {
			skip: 14, rest: append(slices.Clone(whole[14:]), 9, 9, 9), want: whole,
		},
		"shorter than it should be": {
			skip: 14, rest: whole[14:80], want: whole[:80], cut: 1,
		},
		"cut by the snap length": {
			tap: bpf.Tap{Want: 60, Len: 114}, snap: 60, skip: 14, rest: whole[14:60], want: whole[:60],
		},
		"more than the snap length": {
			tap: bpf.Tap{Want: 60, Len: 114}, snap: 60, skip: 14, rest: whole[14:], want: whole[:60],
		},
		"skip up to the last linear byte": {
			skip: 40, rest: whole[40:], want: whole,
		},
		"skip beyond: it is not joined": {
			skip: 41, rest: whole[41:], want: whole[:40], cut: 1,
		},
		"skip near 2^32: it is not joined": {
			skip: 1<<32 - 14, rest: whole, want: whole[:40], cut: 1,
		},
	}
	for name, tt := range tests {
		for _, pathFirst := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				r := newRig(t, Options{SnapLen: tt.snap})
				tap := tt.tap
				tap.Id, tap.Flags = 1, tap.Flags|bpf.TapMore
				if tap.Want == 0 {
					tap.Len, tap.Want = 114, 114
				}
				more := moreRecord(bpf.More{Id: 1, Skip: tt.skip, Size: uint32(len(tt.rest))}, tt.rest)
				r.add(tapRecord(tap, whole[:40]))
				if pathFirst {
					r.add(pathAt(1, 0))
				}
				if err := r.a.addMore(more); err != nil {
					t.Fatal(err)
				}
				if !pathFirst {
					r.add(pathAt(1, 0))
				}
				r.a.sweep(moreNS+1, true, false)
				rec := r.only()
				if d := cmp.Diff(tt.want, rec.Data); d != "" {
					t.Errorf("path first %t (-want +got):\n%s", pathFirst, d)
				}
				if r.a.count.cut != tt.cut || r.a.held != 0 {
					t.Errorf("%d cut, want %d; %d bytes held", r.a.count.cut, tt.cut, r.a.held)
				}
			})
		}
	}
}

// A rest that does not come is waited for, not for ever, and counted.
func TestMoreLost(t *testing.T) {
	for name, ordered := range map[string]bool{"unordered": false, "ordered": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Options{Ordered: ordered})
			r.play([]step{
				{add: tapRecord(bpf.Tap{Id: 1, Ns: 1e6, Flags: bpf.TapMore, Len: 100, Want: 100}, seq(0, 40))},
				{add: pathAt(1, 1*ms)},
				{at: 1*ms + moreNS},
				{at: 1*ms + moreNS + 1, want: []uint64{1}},
			})
			if rec := r.only(); !bytes.Equal(rec.Data, seq(0, 40)) || rec.Len != 100 || r.a.count.cut != 1 {
				t.Errorf("%d of %d bytes, %d cut", len(rec.Data), rec.Len, r.a.count.cut)
			}
			// It comes after all: nothing happens.
			if err := r.a.addMore(moreRecord(bpf.More{Id: 1, Size: 100}, seq(0, 100))); err != nil {
				t.Fatal(err)
			}
			r.a.sweep(500*ms, true, false)
			if len(r.got) != 1 || r.a.held != 0 {
				t.Errorf("%d delivered, %d bytes held", len(r.got), r.a.held)
			}
		})
	}
}

// A packet without a slot waits for its rest, too.
func TestMoreNoSlot(t *testing.T) {
	r := newRig(t, Options{})
	r.add(tapRecord(bpf.Tap{Id: 1, Flags: bpf.TapMore | bpf.TapNoSlot, Len: 6, Want: 6}, []byte("abc")))
	if len(r.got) != 0 {
		t.Fatal("delivered without its rest")
	}
	if err := r.a.addMore(moreRecord(bpf.More{Id: 1, Size: 6}, []byte("abcdef"))); err != nil {
		t.Fatal(err)
	}
	if got := string(r.only().Data); got != "abcdef" {
		t.Errorf("%q", got)
	}
}

func TestMoreMalformed(t *testing.T) {
	r := newRig(t, Options{})
	if err := r.a.addMore(make([]byte, sizeMore-1)); err == nil {
		t.Error("a short record was taken")
	}
	if err := r.a.addMore(moreRecord(bpf.More{Id: 5, Size: 3}, []byte("abc"))); err != nil {
		t.Errorf("of an unknown journey: %v", err)
	}
}
