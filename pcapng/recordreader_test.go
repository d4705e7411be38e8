// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// classic returns a pcap file with two packets.
func classic(order binary.AppendByteOrder, magic uint32) []byte {
	var b []byte
	for _, v := range []any{
		magic, uint16(2), uint16(4), uint32(0), uint32(0), uint32(96), uint32(0x10000000 | 113),
		uint32(1760000000), uint32(123456), uint32(3), uint32(60), [3]byte{1, 2, 3},
		uint32(0xFFFFFFFF), uint32(0), uint32(0), uint32(0),
	} {
		b, _ = binary.Append(b, order.(binary.ByteOrder), v)
	}
	return b
}

func TestClassic(t *testing.T) {
	for name, order := range orders {
		for unit, tc := range map[string]struct {
			magic uint32
			frac  int64
		}{"us": {0xA1B2C3D4, 123456000}, "ns": {0xA1B23C4D, 123456}} {
			t.Run(name+" "+unit, func(t *testing.T) {
				in := classic(order, tc.magic)
				want := []*Record{
					{Time: 1760000000e9 + tc.frac, Data: []byte{1, 2, 3}, Len: 60},
					{Time: 0xFFFFFFFF * 1e9},
				}
				for how, r := range map[string]io.Reader{"at once": bytes.NewReader(in), "slowly": iotest.OneByteReader(bytes.NewReader(in))} {
					got, err := readRecords(r)
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
						t.Errorf("%s (-want +got):\n%s", how, diff)
					}
				}
				r, err := NewRecordReader(bytes.NewReader(in))
				if err != nil {
					t.Fatal(err)
				}
				if !r.Classic() || r.LinkType() != 113 || r.SnapLen() != 96 || r.Devices() != nil || r.Filter() != "" {
					t.Errorf("link type %d, snap length %d", r.LinkType(), r.SnapLen())
				}
			})
		}
	}
}

func TestClassicCut(t *testing.T) {
	in := classic(binary.LittleEndian, 0xA1B2C3D4)
	for n := range in {
		got, err := readRecords(bytes.NewReader(in[:n]))
		wantRecords, off := 0, int64(0)
		if n >= 24 {
			off = 24
		}
		if n >= 43 {
			wantRecords, off = 1, 43
		}
		if n == 24 || n == 43 {
			if err != nil || len(got) != wantRecords {
				t.Errorf("cut at %d, between packets: %d records, %v", n, len(got), err)
			}
			continue
		}
		var format *FormatError
		if !errors.As(err, &format) || format.Off != off || !errors.Is(err, io.ErrUnexpectedEOF) || len(got) != wantRecords {
			t.Errorf("cut at %d: %d records, %v", n, len(got), err)
		}
	}
}

func TestNotACapture(t *testing.T) {
	huge := classic(binary.LittleEndian, 0xA1B2C3D4)
	huge[24+8+3] = 0xFF
	old := classic(binary.LittleEndian, 0xA1B2C3D4)
	old[4] = 1
	tests := map[string]struct {
		in   string
		is   error
		text string
	}{
		"empty":          {"", io.ErrUnexpectedEOF, "pcapng: block at byte 0: cut off"},
		"three bytes":    {"\xd4\xc3\xb2", io.ErrUnexpectedEOF, "pcapng: block at byte 0: cut off"},
		"text":           {"hello world", ErrMagic, "pcapng: block at byte 0: neither pcapng nor pcap"},
		"gzip":           {"\x1f\x8b\x08\x00", ErrMagic, "pcapng: block at byte 0: neither pcapng nor pcap"},
		"pcap version 1": {string(old), nil, "pcapng: block at byte 0: unknown major version of pcap"},
		"huge packet":    {string(huge), nil, "pcapng: block at byte 24: impossible length"},
		"section cut":    {"\n\r\r\n\x1c\x00\x00\x00", io.ErrUnexpectedEOF, "pcapng: block at byte 0: cut off"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := readRecords(strings.NewReader(tc.in))
			if err == nil || err.Error() != tc.text || tc.is != nil && !errors.Is(err, tc.is) {
				t.Errorf("%v, want %s", err, tc.text)
			}
		})
	}
	if _, err := NewRecordReader(iotest.ErrReader(errFull)); err != errFull {
		t.Errorf("error of the input: %v", err)
	}
}

// A header alone is a capture without packets.
func TestNoInterface(t *testing.T) {
	r, err := NewRecordReader(newRaw(binary.LittleEndian))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err != io.EOF || r.LinkType() != LinkEthernet || r.SnapLen() != 0 {
		t.Errorf("%v, link type %d", err, r.LinkType())
	}
}

// Files of others: several sections, other link types, direction 3, options of
// a wrong size, no packet options at all.
func TestForeignFile(t *testing.T) {
	f := newRaw(binary.BigEndian)
	f.block(BlockInterface, join([]any{uint16(1), uint16(0), uint32(96)}, opt(OptIfName, "en0"), opt(OptIfDescription, "ifindex x"))...)
	f.block(BlockInterface, uint16(113), uint16(0), uint32(0))
	f.block(BlockEnhanced, join([]any{uint32(1), uint32(0), uint32(1), uint32(0), uint32(0)},
		opt(OptPacketFlags, uint32(3)), opt(OptPacketID, uint32(5)), opt(OptPacketQueue, uint32(0)), opt(OptComment, "x"))...)
	f.block(BlockSimple, uint32(0))
	f.block(BlockStatistics, uint32(0), uint32(0), uint32(1))
	f.block(BlockStatistics, uint32(0), uint32(0), uint32(2))
	f.block(BlockSection, uint32(byteOrderMagic), uint16(1), uint16(0), int64(-1))
	f.block(BlockInterface, uint16(276), uint16(0), uint32(0))
	f.block(BlockSimple, uint32(0))
	f.block(BlockStatistics, uint32(0), uint32(0), uint32(3))
	r, err := NewRecordReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if r.LinkType() != 1 || r.SnapLen() != 96 {
		t.Errorf("before the first record: link type %d, snap length %d", r.LinkType(), r.SnapLen())
	}
	en0 := &Device{Name: "en0"}
	want := []struct {
		rec  Record
		link uint16
	}{
		{Record{Time: 1000, Queue: 1, Comments: []string{"x"}}, 113},
		{Record{Dev: en0}, 1},
		{Record{}, 276},
	}
	for i, w := range want {
		got, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&w.rec, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("record %d (-want +got):\n%s", i, diff)
		}
		if r.LinkType() != w.link {
			t.Errorf("record %d: link type %d", i, r.LinkType())
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Error(err)
	}
	wantStats := []Statistics{{Dev: en0, Time: 2000}, {Time: 3000}}
	if diff := cmp.Diff(wantStats, r.Statistics()); diff != "" {
		t.Errorf("statistics (-want +got):\n%s", diff)
	}
}

func TestDeviceDescription(t *testing.T) {
	tests := map[string]struct {
		dev  Device
		text string
	}{
		"full":             {Device{Netns: 4026531840, NetnsName: "init", Index: 2, Driver: "mlx5_core"}, "netns 4026531840 (init) ifindex 2 mlx5_core"},
		"no name of netns": {Device{Netns: 4026531840, Index: 2, Driver: "veth"}, "netns 4026531840 ifindex 2 veth"},
		"index only":       {Device{Index: 2}, "ifindex 2"},
		"netns only":       {Device{Netns: 5, NetnsName: "a (b) c"}, "netns 5 (a%20(b%29%20c)"},
		"nothing":          {Device{}, ""},
		"name":             {Device{Name: "eth0"}, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tc.dev.description(); got != tc.text {
				t.Errorf("%q, want %q", got, tc.text)
			}
			i := Interface{Options: appendKnown(appendKnown(nil, OptIfName, tc.dev.Name), OptIfDescription, tc.text)}
			got := newDevice(&i, 0, &parser{})
			want := &tc.dev
			if *want == (Device{}) {
				want = nil
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("parsed (-want +got):\n%s", diff)
			}
		})
	}
	for _, text := range []string{"netns", "netns x", "netns 5 (", "ifindex -1", "My network card (fast)", "netns 99999999999"} {
		i := Interface{Options: Options{}.AppendText(OptIfName, "e").AppendText(OptIfDescription, text)}
		d := newDevice(&i, 0, &parser{})
		if d.Name != "e" || d.Index != 0 || d.NetnsName != "" {
			t.Errorf("%q: %+v", text, d)
		}
	}
}

// A copy does not change when the reader goes on.
func TestCopy(t *testing.T) {
	in := writeFile(t, sampleOptions(), sampleRecords())
	r, err := NewRecordReader(bytes.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	first, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	kept := first.Copy()
	for range r.All() {
	}
	if diff := cmp.Diff(sampleRecords()[0], kept, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	dropped := sampleRecords()[1]
	if diff := cmp.Diff(dropped, dropped.Copy()); diff != "" || dropped.Copy().Path.Drop == dropped.Path.Drop {
		t.Errorf("drop (-want +got):\n%s", diff)
	}
}
