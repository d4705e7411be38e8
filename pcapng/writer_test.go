// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The bytes of each block, taken from the figures of the draft.
func TestWriterBytes(t *testing.T) {
	var w callWriter
	p := NewWriter(&w)
	var opts Options
	opts = opts.AppendText(OptComment, "abcde").AppendUint32(OptPacketFlags, 2)
	steps := []struct {
		name string
		do   func() error
		want string
	}{
		{
			"section", func() error { return p.WriteSection(&Section{}) },
			"0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000",
		},
		{
			"interface", func() error {
				n, err := p.WriteInterface(&Interface{LinkType: 1, SnapLen: 96, Options: Options{}.AppendText(OptIfName, "lo").Append(OptIfTSResol, []byte{6})})
				if n != 0 {
					t.Errorf("interface %d", n)
				}
				return err
			},
			"01000000 28000000 0100 0000 60000000 0200 0200 6c6f0000 0900 0100 09000000 00000000 28000000",
		},
		{
			"packet", func() error {
				return p.WritePacket(&Packet{Time: 0x0102030405060708, Data: []byte{1, 2, 3, 4, 5}, Len: 9})
			},
			"06000000 28000000 00000000 04030201 08070605 05000000 09000000 0102030405000000 28000000",
		},
		{
			"packet with options", func() error { return p.WritePacket(&Packet{Options: opts}) },
			"06000000 38000000 00000000 00000000 00000000 00000000 00000000 0100 0500 6162636465000000 0200 0400 02000000 00000000 38000000",
		},
		{
			"statistics", func() error {
				return p.WriteStatistics(&Statistics{Time: 1 << 32, Start: 1<<32 + 2, OSDropped: new(uint64(3))})
			},
			"05000000 34000000 00000000 01000000 00000000 0200 0800 01000000 02000000 0700 0800 0300000000000000 00000000 34000000",
		},
		{
			"raw", func() error { return p.WriteRaw(0xBAD, []byte{1, 2, 3, 4, 5}) },
			"ad0b0000 14000000 0102030405000000 14000000",
		},
	}
	for i, s := range steps {
		if err := s.do(); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		if len(w.calls) != i+1 {
			t.Fatalf("%s: %d calls of Write", s.name, len(w.calls))
		}
		want := strings.ReplaceAll(s.want, " ", "")
		if diff := cmp.Diff(want, hex.EncodeToString(w.calls[i])); diff != "" {
			t.Errorf("%s (-want +got):\n%s", s.name, diff)
		}
	}
}

// Mistakes of the caller write nothing and do not stop the Writer.
func TestWriterMistakes(t *testing.T) {
	long := make(Options, 0, MaxPacketBlock)
	for len(long) <= MaxPacketBlock {
		long = long.Append(OptComment, make([]byte, 60000))
	}
	var b bytes.Buffer
	w := NewWriter(&b)
	iface := func(i *Interface) error { _, err := w.WriteInterface(i); return err }
	tests := []struct {
		name string
		want error
		do   func() error
	}{
		{"interface before section", ErrSection, func() error { return iface(&Interface{}) }},
		{"packet before section", ErrSection, func() error { return w.WritePacket(&Packet{}) }},
		{"statistics before section", ErrSection, func() error { return w.WriteStatistics(&Statistics{}) }},
		{"raw before section", ErrSection, func() error { return w.WriteRaw(4, nil) }},
		{"section too long", ErrTooLong, func() error { return w.WriteSection(&Section{Options: long}) }},
		{"section", nil, func() error { return w.WriteSection(&Section{}) }},
		{"packet before interface", ErrInterface, func() error { return w.WritePacket(&Packet{}) }},
		{"statistics before interface", ErrInterface, func() error { return w.WriteStatistics(&Statistics{}) }},
		{"interface too long", ErrTooLong, func() error { return iface(&Interface{Options: long}) }},
		{"interface", nil, func() error { return iface(&Interface{}) }},
		{"next interface", ErrInterface, func() error { return w.WritePacket(&Packet{Interface: 1}) }},
		{"negative interface", ErrInterface, func() error { return w.WritePacket(&Packet{Interface: -1}) }},
		{"before 1970", ErrTime, func() error { return w.WritePacket(&Packet{Time: -1}) }},
		{"options too long", ErrTooLong, func() error { return w.WritePacket(&Packet{Options: long}) }},
		{"comments of statistics too long", ErrTooLong, func() error {
			c := strings.Repeat("x", 60000)
			return w.WriteStatistics(&Statistics{Comments: []string{c, c, c, c, c}})
		}},
		{"raw too long", ErrTooLong, func() error { return w.WriteRaw(4, make([]byte, MaxBlock)) }},
		{"packet", nil, func() error { return w.WritePacket(&Packet{}) }},
		{"second section", nil, func() error { return w.WriteSection(&Section{}) }},
		{"interface of the first", ErrInterface, func() error { return w.WritePacket(&Packet{}) }},
	}
	for _, tc := range tests {
		before := b.Len()
		if err := tc.do(); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		} else if err != nil && b.Len() != before {
			t.Errorf("%s: wrote %d bytes", tc.name, b.Len()-before)
		}
	}
}

// However much a packet brings, its block stays within what dumpcap accepts.
func TestWriterCutsData(t *testing.T) {
	tests := map[string]struct {
		data, options, want int
	}{
		"fits exactly":         {MaxPacketBlock - 32, 0, MaxPacketBlock - 32},
		"one byte more":        {MaxPacketBlock - 31, 0, MaxPacketBlock - 32},
		"BIG TCP":              {512 << 10, 0, MaxPacketBlock - 32},
		"with options":         {512 << 10, 997, MaxPacketBlock - 32 - 1004 - 4},
		"hardly room for data": {100, 65535, 100},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			w := NewWriter(&b)
			w.WriteSection(&Section{})
			w.WriteInterface(&Interface{})
			start := b.Len()
			p := Packet{Data: make([]byte, tc.data)}
			if tc.options > 0 {
				p.Options = p.Options.Append(OptComment, make([]byte, tc.options))
			}
			if err := w.WritePacket(&p); err != nil {
				t.Fatal(err)
			}
			if n := b.Len() - start; n > MaxPacketBlock {
				t.Errorf("block of %d bytes", n)
			}
			blocks, err := readBlocks(&b)
			if err != nil {
				t.Fatal(err)
			}
			got := blocks[2].Packet
			if len(got.Data) != tc.want || got.Len != tc.data {
				t.Errorf("%d of %d bytes, want %d of %d", len(got.Data), got.Len, tc.want, tc.data)
			}
		})
	}
	var b bytes.Buffer
	w := NewWriter(&b)
	w.WriteSection(&Section{})
	w.WriteInterface(&Interface{})
	if w.WritePacket(&Packet{Len: math.MaxInt}); b.Bytes()[b.Len()-8] != 0xFF {
		t.Error("a length above 32 bits is not clamped")
	}
}

// After an error Written says where the last whole block ends.
func TestWriterFull(t *testing.T) {
	for _, size := range []int{0, 100, 1 << 20} {
		for room := range 600 {
			out := limitedWriter{left: room, err: errFull}
			w := NewWriterSize(&out, size)
			w.WriteSection(&Section{})
			w.WriteInterface(&Interface{})
			for i := range 10 {
				w.WritePacket(&Packet{Data: make([]byte, i)})
			}
			err := w.Flush()
			n, packets := w.Written()
			all, allPackets := w.Accepted()
			if err == nil {
				if n != all || packets != 10 || int(n) != out.Len() {
					t.Fatalf("size %d room %d: %d bytes, %d packets written", size, room, n, packets)
				}
				continue
			}
			if err != errFull || w.WritePacket(&Packet{}) != errFull || w.WriteSection(&Section{}) != errFull ||
				w.WriteRaw(4, nil) != errFull || w.WriteStatistics(&Statistics{}) != errFull {
				t.Fatalf("size %d room %d: error %v is not kept", size, room, err)
			}
			if _, err := w.WriteInterface(&Interface{}); err != errFull {
				t.Fatal(err)
			}
			out.Truncate(int(n))
			blocks, err := readBlocks(&out.Buffer)
			if err != nil || int(packets) != max(0, len(blocks)-2) || packets >= max(1, allPackets) {
				t.Fatalf("size %d room %d: cut at %d, %d of %d packets: %v", size, room, n, packets, allPackets, err)
			}
		}
	}
}

func TestWriterShortWrite(t *testing.T) {
	out := limitedWriter{left: 10}
	if err := NewWriter(&out).WriteSection(&Section{}); err == nil || err.Error() != "short write" {
		t.Errorf("a writer that loses bytes: %v", err)
	}
}

// With a buffer, each call of Write still gets whole blocks.
func TestWriterCollects(t *testing.T) {
	var out callWriter
	w := NewWriterSize(&out, 200)
	w.WriteSection(&Section{})
	w.WriteInterface(&Interface{})
	for i := range 30 {
		w.WritePacket(&Packet{Data: make([]byte, i)})
	}
	if err := w.Flush(); err != nil || len(out.calls) > 12 {
		t.Errorf("%d calls, %v", len(out.calls), err)
	}
	head := out.calls[0][:28]
	for i, c := range out.calls {
		if i > 0 { // with a section header each must be a file but for interfaces
			c = append(bytes.Clone(head), c...)
		}
		var format *FormatError
		if _, err := readBlocks(bytes.NewReader(c)); errors.As(err, &format) && format.Msg != "packet of an unknown interface" {
			t.Errorf("call %d: %v", i, err)
		}
	}
	before := len(out.calls)
	if err := w.Flush(); err != nil || len(out.calls) != before {
		t.Error("flushing nothing writes")
	}
}

func TestOptions(t *testing.T) {
	var o Options
	o = o.AppendText(OptComment, "a\xffb").Append(4, []byte{1, 2, 3}).AppendUint64(5, 6).AppendText(OptComment, "")
	want := "0100 0500 61efbfbd62000000 0400 0300 01020300 0500 0800 0600000000000000 0100 0000"
	if diff := cmp.Diff(strings.ReplaceAll(want, " ", ""), hex.EncodeToString(o)); diff != "" {
		t.Errorf("encoding (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a\uFFFDb", ""}, o.Comments()); diff != "" {
		t.Errorf("comments (-want +got):\n%s", diff)
	}
	if v, ok := o.Get(4); !ok || !bytes.Equal(v, []byte{1, 2, 3}) {
		t.Errorf("Get(4) = %v, %v", v, ok)
	}
	if _, ok := o.Get(9); ok || o.Text(9) != "" {
		t.Error("an option that is not there")
	}
	for code := range o.All() {
		if code != OptComment {
			t.Error("the loop goes on after break")
		}
		break
	}
	long := Options{}.AppendText(1, strings.Repeat("é", 40000)).Append(2, make([]byte, 70000))
	if c := long.Comments()[0]; len(c) != 65534 || strings.ContainsRune(c, '\uFFFD') {
		t.Errorf("long text: %d bytes", len(c))
	}
	if v, _ := long.Get(2); len(v) != 65535 {
		t.Errorf("long value: %d bytes", len(v))
	}
}
