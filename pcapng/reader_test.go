// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// orders are the two byte orders of files.
var orders = map[string]binary.AppendByteOrder{"little": binary.LittleEndian, "big": binary.BigEndian}

// allBlocks has two sections and every type of block.
func allBlocks(order binary.AppendByteOrder) []byte {
	f := newRaw(order)
	f.block(BlockInterface, join([]any{uint16(1), uint16(0), uint32(96)},
		opt(OptIfName, "eth0"), opt(OptIfSpeed, uint64(1e9)), opt(OptIfTSOffset, int64(10)), opt(OptComment, "c"), opt(0, ""))...)
	f.block(BlockInterface, join([]any{uint16(113), uint16(0), uint32(0)}, opt(OptIfTSResol, uint8(9)))...)
	f.block(BlockEnhanced, join([]any{uint32(1), uint32(1), uint32(2), uint32(5), uint32(7), "abcde"},
		opt(OptComment, "one"), opt(OptPacketFlags, uint32(0x102)), opt(OptPacketID, uint64(77)),
		opt(OptPacketVerdict, [9]byte{1, 2, 3, 4, 5, 6, 7, 8, 9}), opt(OptPacketProcess, [2]uint32{4242, 4243}), opt(0, ""))...)
	f.block(BlockSimple, uint32(100), strings.Repeat("x", 96))
	f.block(BlockPacket, join([]any{uint16(0), uint16(3), uint32(0), uint32(1500000), uint32(2), uint32(2), "hi"}, opt(OptPacketFlags, uint32(1)))...)
	f.block(BlockPacket, uint16(1), uint16(0xFFFF), uint32(0), uint32(1), uint32(0), uint32(0))
	f.block(BlockNames, uint16(0), uint16(0))
	f.block(BlockStatistics, join([]any{uint32(1), uint32(0), uint32(9)}, opt(OptStatStart, [2]uint32{1, 2}), opt(OptStatOSDropped, uint64(4)), opt(OptStatDelivered, uint64(5)))...)
	f.block(BlockCustom, uint32(32473), "data")
	f.block(0x80000001)
	f.block(BlockSection, uint32(byteOrderMagic), uint16(1), uint16(2), int64(0))
	f.block(BlockInterface, uint16(1), uint16(0), uint32(0))
	f.block(BlockEnhanced, uint32(0), uint32(0), uint32(1), uint32(0), uint32(0))
	return f.Bytes()
}

func TestReaderAllBlocks(t *testing.T) {
	for name, order := range orders {
		t.Run(name, func(t *testing.T) {
			got, err := readBlocks(bytes.NewReader(allBlocks(order)))
			if err != nil {
				t.Fatal(err)
			}
			verdict := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9}
			if name == "big" { // the u64 after the first byte is turned
				verdict = []byte{1, 9, 8, 7, 6, 5, 4, 3, 2}
			}
			want := []Block{
				{Type: BlockSection, Section: &Section{BigEndian: name == "big"}},
				{Type: BlockInterface, Interface: &Interface{
					LinkType: 1, SnapLen: 96,
					Options: Options{}.AppendText(OptIfName, "eth0").AppendUint64(OptIfSpeed, 1e9).AppendUint64(OptIfTSOffset, 10).AppendText(OptComment, "c"),
				}},
				{Type: BlockInterface, Interface: &Interface{LinkType: 113, Options: Options{}.Append(OptIfTSResol, []byte{9})}},
				{Type: BlockEnhanced, Packet: &Packet{
					Interface: 1, Time: 1<<32 + 2, Data: []byte("abcde"), Len: 7,
					Options: Options{}.AppendText(OptComment, "one").AppendUint32(OptPacketFlags, 0x102).AppendUint64(OptPacketID, 77).
						Append(OptPacketVerdict, verdict).appendProcess(4242, 4243),
				}},
				{Type: BlockSimple, Packet: &Packet{Data: bytes.Repeat([]byte("x"), 96), Len: 100}},
				{Type: BlockPacket, Packet: &Packet{
					Time: 11_500_000_000, Data: []byte("hi"), Len: 2,
					Options: Options{}.AppendUint32(OptPacketFlags, 1).AppendUint64(OptPacketDropCount, 3),
				}},
				{Type: BlockPacket, Packet: &Packet{Interface: 1, Time: 1}},
				{Type: BlockNames},
				{Type: BlockStatistics, Statistics: &Statistics{Interface: 1, Time: 9, Start: 1<<32 + 2, OSDropped: new(uint64(4)), Delivered: new(uint64(5))}},
				{Type: BlockCustom},
				{Type: 0x80000001},
				{Type: BlockSection, Section: &Section{BigEndian: name == "big"}},
				{Type: BlockInterface, Interface: &Interface{LinkType: 1}},
				{Type: BlockEnhanced, Packet: &Packet{Time: 1000}},
			}
			ignore := cmp.Options{cmpopts.EquateEmpty(), cmpopts.IgnoreFields(Block{}, "Off", "Body"), cmpopts.IgnoreUnexported(Interface{})}
			if diff := cmp.Diff(want, got, ignore); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if custom := got[9]; !bytes.HasSuffix(custom.Body, []byte("data")) || len(custom.Body) != 8 {
				t.Errorf("body of the custom block: %q", custom.Body)
			}
		})
	}
}

func TestReaderSlowly(t *testing.T) {
	in := allBlocks(binary.BigEndian)
	want, err := readBlocks(bytes.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]io.Reader{
		"one byte":       iotest.OneByteReader(bytes.NewReader(in)),
		"half":           iotest.HalfReader(bytes.NewReader(in)),
		"data and error": iotest.DataErrReader(bytes.NewReader(in)),
	} {
		got, err := readBlocks(r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Interface{}, clock{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A file cut anywhere gives all whole blocks and then the place of the cut one.
func TestReaderCut(t *testing.T) {
	in := allBlocks(binary.LittleEndian)
	whole, err := readBlocks(bytes.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	for n := range in {
		got, err := readBlocks(bytes.NewReader(in[:n]))
		last := 0 // block that in[:n] ends in or before
		for last < len(whole) && int(whole[last].Off) < n {
			last++
		}
		if last < len(whole) && int(whole[last].Off) == n || n == 0 {
			if err != nil || len(got) != last {
				t.Fatalf("cut at %d, between blocks: %d blocks, %v", n, len(got), err)
			}
			continue
		}
		var format *FormatError
		if !errors.Is(err, io.ErrUnexpectedEOF) || !errors.As(err, &format) {
			t.Fatalf("cut at %d: %v", n, err)
		}
		if format.Off != whole[last-1].Off || len(got) != last-1 {
			t.Fatalf("cut at %d: %d blocks, then %v", n, len(got), err)
		}
		if want := fmt.Sprintf("pcapng: block at byte %d: cut off", format.Off); err.Error() != want {
			t.Fatalf("message %q", err)
		}
	}
}

func TestReaderMalformed(t *testing.T) {
	le := binary.LittleEndian
	base := func() *rawFile { return newRaw(le).block(BlockInterface, uint16(1), uint16(0), uint32(0)) }
	patch := func(f *rawFile, at int, v uint32) []byte {
		b := f.Bytes()
		le.PutUint32(b[at:], v)
		return b
	}
	epb := func(values ...any) []byte { return base().block(BlockEnhanced, values...).Bytes() }
	tests := map[string]struct {
		in  []byte
		off int64
		msg string
	}{
		"no section":            {base().Bytes()[28:], 0, "no section header"},
		"text":                  {[]byte("this is a text file"), 0, "no section header"},
		"no magic":              {patch(newRaw(le), 8, 1), 0, "section header without byte-order magic"},
		"version 2":             {patch(newRaw(le), 12, 2), 0, "unknown major version"},
		"section too short":     {(&rawFile{order: le}).block(BlockSection, uint32(byteOrderMagic), uint16(1), uint16(0)).Bytes(), 0, "section header too short"},
		"length 8":              {patch(base(), 32, 8), 28, "impossible length"},
		"length 21":             {patch(base(), 32, 21), 28, "impossible length"},
		"length 4 GiB":          {patch(base(), 32, math.MaxUint32&^3), 28, "impossible length"},
		"lengths differ":        {patch(base(), 44, 24), 28, "its two lengths differ"},
		"interface too short":   {newRaw(le).block(BlockInterface, uint32(1)).Bytes(), 28, "interface description too short"},
		"packet too short":      {epb(uint32(0)), 48, "packet block too short"},
		"packet, no interface":  {epb(uint32(1), uint32(0), uint32(0), uint32(0), uint32(0)), 48, "packet of an unknown interface"},
		"packet data too long":  {epb(uint32(0), uint32(0), uint32(0), uint32(5), uint32(5), "abcd"), 48, "packet data longer than its block"},
		"option too long":       {epb(join([]any{uint32(0), uint32(0), uint32(0), uint32(0), uint32(0)}, []any{uint16(1), uint16(5), "abcd"})...), 48, "option longer than its block"},
		"old packet too short":  {base().block(BlockPacket, uint32(0)).Bytes(), 48, "packet block too short"},
		"old packet, interface": {base().block(BlockPacket, uint16(1), uint16(0), uint32(0), uint32(0), uint32(0), uint32(0)).Bytes(), 48, "packet of an unknown interface"},
		"old packet, data":      {base().block(BlockPacket, uint16(0), uint16(0), uint32(0), uint32(0), uint32(4), uint32(0)).Bytes(), 48, "packet data longer than its block"},
		"simple too short":      {base().block(BlockSimple).Bytes(), 48, "packet block too short"},
		"simple, no interface":  {newRaw(le).block(BlockSimple, uint32(0)).Bytes(), 28, "packet of an unknown interface"},
		"statistics too short":  {base().block(BlockStatistics, uint32(0)).Bytes(), 48, "interface statistics too short"},
		"statistics, interface": {base().block(BlockStatistics, uint32(1), uint32(0), uint32(0)).Bytes(), 48, "statistics of an unknown interface"},
		"statistics, option":    {base().block(BlockStatistics, uint32(0), uint32(0), uint32(0), uint16(1), uint16(1)).Bytes(), 48, "option longer than its block"},
		"section option":        {newRaw(le).block(BlockSection, uint32(byteOrderMagic), uint16(1), uint16(0), int64(-1), uint16(1), uint16(9)).Bytes(), 28, "option longer than its block"},
		"interface option":      {base().block(BlockInterface, uint16(1), uint16(0), uint32(0), uint16(1), uint16(9)).Bytes(), 48, "option longer than its block"},
		"big-endian option": {
			newRaw(binary.BigEndian).block(BlockInterface, uint16(1), uint16(0), uint32(0), uint16(1), uint16(9)).Bytes(), 28, "option longer than its block",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r := NewReader(bytes.NewReader(tc.in))
			var err error
			for err == nil {
				_, err = r.Next()
			}
			want := &FormatError{Off: tc.off, Msg: tc.msg}
			if diff := cmp.Diff(error(want), err, cmpopts.IgnoreFields(FormatError{}, "Err")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if _, again := r.Next(); again != err {
				t.Errorf("second call: %v", again)
			}
		})
	}
}

func TestReaderKeepsErrorOfInput(t *testing.T) {
	for _, in := range [][]byte{nil, allBlocks(binary.LittleEndian)[:100]} {
		_, err := readBlocks(io.MultiReader(bytes.NewReader(in), iotest.ErrReader(errFull)))
		if err != errFull {
			t.Errorf("after %d bytes: %v", len(in), err)
		}
	}
	_, err := readBlocks(noProgress{})
	if err != io.ErrNoProgress {
		t.Errorf("input that never returns anything: %v", err)
	}
}

type noProgress struct{}

func (noProgress) Read([]byte) (int, error) { return 0, nil }

// A length costs memory only as far as there is data for it.
func TestReaderMemory(t *testing.T) {
	b := newRaw(binary.LittleEndian).Bytes()
	b = binary.LittleEndian.AppendUint32(b, BlockCustom)
	b = binary.LittleEndian.AppendUint32(b, MaxBlock)
	r := NewReader(bytes.NewReader(append(b, 0, 0, 0, 0)))
	for {
		if _, err := r.Next(); err != nil {
			break
		}
	}
	if len(r.win.buf) > windowSize {
		t.Errorf("a buffer of %d bytes for 40 bytes of input", len(r.win.buf))
	}

	f := newRaw(binary.LittleEndian).block(BlockCustom, make([]byte, MaxBlock-12))
	r = NewReader(f)
	for {
		if _, err := r.Next(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if len(r.win.buf) > 2*MaxBlock {
		t.Errorf("a buffer of %d bytes", len(r.win.buf))
	}
}

func TestReaderTooManyInterfaces(t *testing.T) {
	f := newRaw(binary.LittleEndian)
	for range MaxInterfaces + 1 {
		f.block(BlockInterface, uint16(1), uint16(0), uint32(0))
	}
	_, err := readBlocks(f)
	var format *FormatError
	if !errors.As(err, &format) || format.Msg != "too many interfaces" {
		t.Error(err)
	}
}

func TestReaderOffset(t *testing.T) {
	in := allBlocks(binary.LittleEndian)
	r := NewReader(bytes.NewReader(in))
	for b, err := range r.All() {
		if err != nil {
			t.Fatal(err)
		}
		if want := b.Off + int64(len(b.Body)) + 12; r.Offset() != want {
			t.Errorf("after the block at %d: %d, want %d", b.Off, r.Offset(), want)
		}
	}
	if r.Offset() != int64(len(in)) {
		t.Errorf("at the end: %d, want %d", r.Offset(), len(in))
	}
}

// Next asks the input for no more than the block needs: a live capture must
// not wait for the packet after.
func TestReaderDoesNotWait(t *testing.T) {
	in, out := io.Pipe()
	defer in.Close()
	go NewWriter(out).WriteSection(&Section{})
	if _, err := NewReader(in).Next(); err != nil {
		t.Error(err)
	}
}

func TestClock(t *testing.T) {
	tests := map[string]struct {
		res  []byte // if_tsresol; nil if there is none
		off  int64
		ts   uint64
		want int64
	}{
		"default is microseconds": {nil, 0, 1_500_000, 1_500_000_000},
		"seconds":                 {[]byte{0}, 0, 3, 3_000_000_000},
		"milliseconds":            {[]byte{3}, 0, 3, 3_000_000},
		"nanoseconds":             {[]byte{9}, 0, 1760000000123456789, 1760000000123456789},
		"picoseconds":             {[]byte{12}, 0, 1_999, 1},
		"finest":                  {[]byte{127}, 0, math.MaxUint64, 0},
		"10^-28":                  {[]byte{28}, 0, math.MaxUint64, 1},
		"10^-29":                  {[]byte{29}, 0, math.MaxUint64, 0},
		"halves":                  {[]byte{0x81}, 0, 3, 1_500_000_000},
		"2^0":                     {[]byte{0x80}, 0, 3, 3_000_000_000},
		"2^-20":                   {[]byte{0x80 | 20}, 0, 1 << 20, 1_000_000_000},
		"2^-64":                   {[]byte{0x80 | 64}, 0, 1 << 63, 500_000_000},
		"2^-127":                  {[]byte{0xFF}, 0, math.MaxUint64, 0},
		"offset":                  {[]byte{9}, 37, 5, 37_000_000_005},
		"offset back":             {[]byte{9}, -1, 5, -999_999_995},
		"resolution of two bytes": {[]byte{9, 9}, 0, 1, 1000},
		"overflow":                {[]byte{0}, 0, math.MaxUint64, math.MaxInt64},
		"overflow by a bit":       {[]byte{9}, 0, 1 << 63, math.MaxInt64},
		"overflow of offset":      {[]byte{9}, math.MaxInt64, math.MaxInt64, math.MaxInt64},
		"underflow of offset":     {[]byte{9}, math.MinInt64, 5, math.MinInt64 + 5},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var o Options
			if tc.res != nil {
				o = o.Append(OptIfTSResol, tc.res)
			}
			if tc.off != 0 {
				o = o.AppendUint64(OptIfTSOffset, uint64(tc.off))
			}
			c := newClock(o)
			if got := c.ns(tc.ts); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
	if got := saturatingAdd(math.MinInt64, -1); got != math.MinInt64 {
		t.Errorf("saturatingAdd = %d", got)
	}
}
