// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"errors"
	"testing"
	"unsafe"

	"hopdump/bpf"

	"github.com/google/go-cmp/cmp"
)

// cutTo shortens a record, and lie overwrites a little-endian word in it.
func cutTo(b []byte, n int) []byte { return b[:n] }
func lie(b []byte, at int, v byte) []byte {
	b[at] = v
	return b
}

func TestAddMalformed(t *testing.T) {
	tap := func() []byte { return tapRecord(bpf.Tap{Id: 1}, seq(0, 10)) }
	path := func() []byte { return pathRecord(slotOf(bpf.Slot{Id: 1}, make([]bpf.HopRec, 3)...)) }
	const capAt, hopsAt = int(unsafe.Offsetof(bpf.Tap{}.Cap)), int(unsafe.Offsetof(bpf.Slot{}.Hops))
	tests := map[string]struct {
		raw []byte
		ok  bool
	}{
		"whole tap":                      {tap(), true},
		"tap with padding":               {append(tap(), 0, 0, 0), true},
		"tap without packet":             {tapRecord(bpf.Tap{Id: 1}, nil), true},
		"whole path":                     {path(), true},
		"path without hops":              {pathRecord(slotOf(bpf.Slot{Id: 1})), true},
		"path of a full slot":            {pathRecord(slotOf(bpf.Slot{Id: 1}, make([]bpf.HopRec, bpf.MaxHops)...)), true},
		"nothing":                        {nil, false},
		"less than a kind":               {[]byte{1, 0, 0}, false},
		"kind 0":                         {make([]byte, 200), false},
		"kind 3":                         {lie(tap(), 0, 3), false},
		"kind alone":                     {cutTo(tap(), 4), false},
		"tap without its last head byte": {cutTo(tap(), sizeTap-1), false},
		"tap without its last data byte": {cutTo(tap(), sizeTap+9), false},
		"cap one too many":               {lie(tap(), capAt, 11), false},
		"cap near 2^32":                  {lie(lie(lie(lie(tap(), capAt, 255), capAt+1, 255), capAt+2, 255), capAt+3, 255), false},
		"path without its last head":     {cutTo(pathRecord(slotOf(bpf.Slot{Id: 1})), slotHead-1), false},
		"path without its last hop byte": {cutTo(path(), slotHead+3*sizeHop-1), false},
		"hops beyond a slot":             {lie(append(path(), make([]byte, 4096)...), hopsAt, bpf.MaxHops+1), false},
		"hops near 2^16":                 {lie(lie(append(path(), make([]byte, 4096)...), hopsAt, 255), hopsAt+1, 255), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := newRig(t, Options{}).a.add(tt.raw)
			if (err == nil) != tt.ok || err != nil && !errors.Is(err, errShortRecord) {
				t.Errorf("error %v, want ok %t", err, tt.ok)
			}
		})
	}
}

func TestDecodeTap(t *testing.T) {
	want := bpf.Tap{Kind: bpf.RecTap, Index: 7, State: 0x1b, Id: 1 << 40, Ns: 123456789, Ifindex: 3, Netns: 4026531840,
		Name: name16("eth0"), Len: 1500, Cap: 3, Want: 1500, Flags: bpf.TapOut | bpf.TapVLAN, VlanProto: 0x81, VlanTci: 0x2064,
		Protocol: 0x800, Queue: 4, GsoSegs: 2, GsoSize: 1448, Hop: 9, Cpu: 11}
	var got bpf.Tap
	data, err := decodeTap(tapRecord(want, []byte("abc")), &got)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" || string(data) != "abc" {
		t.Errorf("data %q, head (-want +got):\n%s", data, d)
	}
}

func TestDecodePath(t *testing.T) {
	want := slotOf(bpf.Slot{Index: 3, State: 11, Id: 5, Parent: 4, DropReason: 2, Flags: bpf.SlotClone, Trunc: 1, Tap: 2},
		bpf.HopRec{Ns: 1, Hop: 2, Cpu: 3, Dev: 1}, bpf.HopRec{Ns: 1 << 50, Hop: 4})
	want.Dev[0] = bpf.DevRec{Ifindex: 2, Netns: 3, Name: name16("lo")}
	want.Sender = bpf.ProcRec{Pid: 10, Tid: 11, Comm: name16("curl")}
	var got bpf.Slot
	if err := decodePath(pathRecord(want), &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestDecodeMore(t *testing.T) {
	tests := map[string]struct {
		raw  []byte
		want string
		ok   bool
	}{
		"as long as asked for":  {moreRecord(bpf.More{Id: 1, Size: 3}, []byte("abc")), "abc", true},
		"padded by the kernel":  {moreRecord(bpf.More{Id: 1, Size: 3}, []byte("abc\x00\x00")), "abc", true},
		"shorter than asked":    {moreRecord(bpf.More{Id: 1, Size: 3}, []byte("ab")), "ab", true},
		"head alone":            {moreRecord(bpf.More{Id: 1, Size: 3}, nil), "", true},
		"less than a head":      {cutTo(moreRecord(bpf.More{Id: 1}, nil), sizeMore-1), "", false},
		"size near 2^32 of abc": {moreRecord(bpf.More{Id: 1, Size: 1<<32 - 1}, []byte("abc")), "abc", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var m bpf.More
			data, err := decodeMore(tt.raw, &m)
			if (err == nil) != tt.ok || string(data) != tt.want {
				t.Errorf("%q, error %v; want %q, ok %t", data, err, tt.want, tt.ok)
			}
			if err == nil && m.Id != 1 {
				t.Errorf("id %d, want 1", m.Id)
			}
		})
	}
}

func TestText(t *testing.T) {
	tests := map[string]struct {
		in   [16]int8
		want string
	}{
		"empty":           {name16(""), ""},
		"short":           {name16("lo"), "lo"},
		"no NUL":          {name16("0123456789abcdef"), "0123456789abcdef"},
		"behind the NUL":  {name16("eth0\x00old"), "eth0"},
		"bytes above 127": {name16("caf\xc3\xa9"), "café"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := text(&tt.in); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// No bytes make the assembler panic, and only a packet whose record was whole
// is delivered.
func FuzzAdd(f *testing.F) {
	f.Add(tapAt(1, 5), pathAt(1, 6), moreRecord(bpf.More{Id: 1, Size: 2}, []byte("ab")))
	f.Add(tapRecord(bpf.Tap{Id: 2, Flags: bpf.TapMore | bpf.TapVLAN, Want: 40, Len: 50}, seq(0, 20)), []byte{2}, []byte{})
	f.Fuzz(func(t *testing.T, first, second, more []byte) {
		r := newRig(t, Options{Ordered: true})
		for _, raw := range [][]byte{first, second} {
			_ = r.a.add(raw) // malformed records are refused
		}
		_ = r.a.addMore(more)
		r.drain(1)
		if uint64(len(r.got)) != r.a.count.taps || r.a.held != 0 {
			t.Errorf("%d delivered of %d taken, %d bytes held", len(r.got), r.a.count.taps, r.a.held)
		}
	})
}
