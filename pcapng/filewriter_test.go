// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// go test ./pcapng -run TestGolden -update
var update = flag.Bool("update", false, "write the golden files anew")

// goldenFiles are the captures under testdata, in each mode of --comments and
// without a packet.
func goldenFiles(t testing.TB) map[string][]byte {
	files := map[string][]byte{
		"empty.pcapng": writeFile(t, FileOptions{}, nil),
	}
	for name, mode := range map[string]CommentMode{"full": CommentsFull, "summary": CommentsSummary, "none": CommentsNone} {
		opts := sampleOptions()
		opts.Comments = mode
		opts.Keys = []KV{{"comments", name}}
		files[name+".pcapng"] = writeFile(t, opts, sampleRecords(), sampleStatistics()...)
	}
	return files
}

func TestGolden(t *testing.T) {
	for name, got := range goldenFiles(t) {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(want, got) {
			t.Errorf("%s differs; blocks (-want +got):\n%s", name, cmp.Diff(dump(t, want), dump(t, got)))
		}
	}
}

// dump describes a file block by block, so that a difference can be read.
func dump(t testing.TB, file []byte) []string {
	blocks, err := readBlocks(bytes.NewReader(file))
	if err != nil {
		t.Error(err)
	}
	var lines []string
	for _, b := range blocks {
		lines = append(lines, fmt.Sprintf("%d %#x %q", b.Off, b.Type, b.Body))
	}
	return lines
}

func TestRecordRoundTrip(t *testing.T) {
	for mode, name := range []string{"full", "summary", "none"} {
		t.Run(name, func(t *testing.T) {
			opts := sampleOptions()
			opts.Comments = CommentMode(mode)
			want := sampleRecords()
			for _, r := range want {
				switch {
				case r.Path == nil:
				case opts.Comments == CommentsNone:
					r.Path, r.Pid, r.Tid = nil, r.Path.Pid, r.Path.Tid
				case opts.Comments == CommentsSummary:
					r.Path.Hops = nil
				}
			}
			in := writeFile(t, opts, sampleRecords(), sampleStatistics()...)
			got, err := readRecords(iotest.OneByteReader(bytes.NewReader(in)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for i, r := range got {
				if i > 0 && r.Dev == got[0].Dev != (want[i].Dev == want[0].Dev) {
					t.Errorf("record %d: one device, two pointers", i)
				}
			}
		})
	}
}

func TestFileHeader(t *testing.T) {
	in := writeFile(t, sampleOptions(), sampleRecords(), sampleStatistics()...)
	r, err := NewRecordReader(bytes.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	wantInfo := SectionInfo{
		Hardware: "Some CPU", OS: "Linux 6.12.1", Application: "hopdump test",
		Keys:  []KV{{"ts", "tap"}, {"clock", "realtime"}, {"ns", "4026531840"}, {"comments", "full"}},
		Notes: []string{"own ssh session left out"},
	}
	if diff := cmp.Diff(wantInfo, r.Section()); diff != "" {
		t.Errorf("section (-want +got):\n%s", diff)
	}
	for range r.All() {
	}
	if diff := cmp.Diff([]*Device{eth0, blue, nil}, r.Devices()); diff != "" {
		t.Errorf("devices (-want +got):\n%s", diff)
	}
	if r.Filter() != "udp or tcp" || r.LinkType() != LinkEthernet || r.SnapLen() != MaxPacketBlock || r.Classic() {
		t.Errorf("filter %q, link type %d, snap length %d", r.Filter(), r.LinkType(), r.SnapLen())
	}
	want := sampleStatistics()
	want[0].Delivered = new(uint64(3)) // counted by the FileWriter
	want[0].Time, want[1].Time = want[0].End, want[1].End
	want[1].Interface = 1
	want = append(want, Statistics{Interface: 2, Time: sampleRecords()[4].Time, Delivered: new(uint64(1))})
	if diff := cmp.Diff(want, r.Statistics()); diff != "" {
		t.Errorf("statistics (-want +got):\n%s", diff)
	}
	ifaces := r.ng.Interfaces()
	if got, want := ifaces[1].Description(), "netns 4026532712 (blue%20one) ifindex 7 veth"; got != want {
		t.Errorf("description %q, want %q", got, want)
	}
	if got, want := ifaces[0].Description(), "netns 4026531840 ifindex 2 mlx5_core"; got != want {
		t.Errorf("description %q, want %q", got, want)
	}
}

func TestFileWriterLimits(t *testing.T) {
	manyHops := samplePath(2000)
	tests := map[string]struct {
		opts  FileOptions
		in    Record
		check func(t *testing.T, r *Record)
	}{
		"no data": {FileOptions{}, Record{}, func(t *testing.T, r *Record) {
			if !bytes.Equal(r.Data, make([]byte, 14)) || r.Len != 14 {
				t.Errorf("%d bytes %x", r.Len, r.Data)
			}
		}},
		"little data": {FileOptions{SnapLen: 1}, Record{Data: []byte{1, 2, 3}, Len: 60}, func(t *testing.T, r *Record) {
			if !bytes.Equal(r.Data, append([]byte{1, 2, 3}, make([]byte, 11)...)) || r.Len != 60 {
				t.Errorf("%d bytes %x", r.Len, r.Data)
			}
		}},
		"snap length": {FileOptions{SnapLen: 96}, Record{Data: udpFrame(200)}, func(t *testing.T, r *Record) {
			if len(r.Data) != 96 || r.Len != 242 {
				t.Errorf("%d of %d bytes", len(r.Data), r.Len)
			}
		}},
		"BIG TCP with a path": {FileOptions{}, Record{Data: make([]byte, 400000), Path: samplePath(10)}, func(t *testing.T, r *Record) {
			if len(r.Data) < 261000 || r.Len != 400000 || len(r.Path.Hops) != 10 {
				t.Errorf("%d of %d bytes", len(r.Data), r.Len)
			}
		}},
		"too many hops": {FileOptions{}, Record{Data: make([]byte, 100000), Path: manyHops}, func(t *testing.T, r *Record) {
			if len(r.Path.Hops) != maxHops || r.Path.Trunc != 2000-maxHops || r.Path.Count != 2000 || len(r.Data) != 100000 {
				t.Errorf("%d hops, trunc %d, count %d, %d bytes", len(r.Path.Hops), r.Path.Trunc, r.Path.Count, len(r.Data))
			}
		}},
		"comments of others": {FileOptions{}, Record{Comments: []string{"a\xffb", strings.Repeat("x", 300)}}, func(t *testing.T, r *Record) {
			if diff := cmp.Diff([]string{"a\uFFFDb", strings.Repeat("x", 300)}, r.Comments); diff != "" {
				t.Error(diff)
			}
		}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := readRecords(bytes.NewReader(writeFile(t, tc.opts, []*Record{&tc.in})))
			if err != nil || len(got) != 1 {
				t.Fatalf("%d records, %v", len(got), err)
			}
			tc.check(t, got[0])
		})
	}
	if len(manyHops.Hops) != 2000 || manyHops.Trunc != 0 {
		t.Error("Write changed the caller's path")
	}
}

func TestFileWriterEmpty(t *testing.T) {
	tests := map[string]struct {
		opts FileOptions
		want []*Device
	}{
		"nothing known": {FileOptions{}, []*Device{{Name: "any"}}},
		"devices":       {FileOptions{Devices: []*Device{eth0, blue, eth0}, Netns: eth0.Netns}, []*Device{eth0, blue}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r, err := NewRecordReader(bytes.NewReader(writeFile(t, tc.opts, nil)))
			if err != nil {
				t.Fatal(err)
			}
			for _, err := range r.All() {
				t.Error("a record or an error: ", err)
			}
			if diff := cmp.Diff(tc.want, r.Devices()); diff != "" {
				t.Errorf("devices (-want +got):\n%s", diff)
			}
			if len(r.Statistics()) != len(tc.want) {
				t.Errorf("%d statistics", len(r.Statistics()))
			}
		})
	}
}

// Flush brings the header out before any packet: Wireshark waits for it.
func TestFileWriterFlush(t *testing.T) {
	var out callWriter
	w := NewFileWriter(&out, FileOptions{Buffer: 1 << 20, Devices: []*Device{eth0}})
	if len(out.calls) != 0 {
		t.Error("NewFileWriter writes")
	}
	if err := w.Flush(); err != nil || len(out.calls) != 1 {
		t.Fatalf("%d calls, %v", len(out.calls), err)
	}
	if blocks, err := readBlocks(bytes.NewReader(out.calls[0])); err != nil || len(blocks) != 2 {
		t.Errorf("%d blocks, %v", len(blocks), err)
	}
	w.Write(&Record{Dev: eth0})
	if n, packets := w.Accepted(); packets != 1 || int(n) <= len(out.calls[0]) || len(out.calls) != 1 {
		t.Errorf("accepted %d bytes, %d packets, in %d calls", n, packets, len(out.calls))
	}
	if _, packets := w.Written(); packets != 0 {
		t.Errorf("%d packets written", packets)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, packets := w.Written(); packets != 1 {
		t.Errorf("%d packets written after Close", packets)
	}
	for name, err := range map[string]error{"Write": w.Write(&Record{}), "Flush": w.Flush(), "Close": w.Close()} {
		if err != ErrClosed {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
}

// Errors come as they are, so that a caller can tell a full disk from a reader
// that went away.
func TestFileWriterErrors(t *testing.T) {
	whole := len(writeFile(t, sampleOptions(), sampleRecords(), sampleStatistics()...))
	for _, want := range []error{syscall.ENOSPC, syscall.EPIPE} {
		for room := range whole {
			out := limitedWriter{left: room, err: fmt.Errorf("write x: %w", want)}
			w := NewFileWriter(&out, sampleOptions())
			var err error
			for _, r := range sampleRecords() {
				if err = w.Write(r); err != nil {
					break
				}
			}
			if err == nil {
				err = w.Close(sampleStatistics()...)
			}
			if err != out.err || !errors.Is(err, want) {
				t.Fatalf("room %d: %v", room, err)
			}
			if w.Flush() != out.err || w.Close() != out.err || w.Write(&Record{}) != out.err {
				t.Fatalf("room %d: the error is not kept", room)
			}
			if n, _ := w.Written(); n > int64(room) {
				t.Fatalf("room %d: %d bytes written", room, n)
			}
		}
	}
}

// A device is what its namespace, index and name say, whatever the pointer.
func TestFileWriterDevices(t *testing.T) {
	reused := &Device{Name: "a", Index: 1}
	var b bytes.Buffer
	w := NewFileWriter(&b, FileOptions{})
	for _, set := range []func(){
		func() {}, func() { reused.Index = 2 }, func() { reused.Name = "b" },
		func() { reused.Netns = 5 }, func() { reused.Speed = 7 }, func() { *reused = Device{Name: "a", Index: 1} },
	} {
		set()
		if err := w.Write(&Record{Dev: reused}); err != nil {
			t.Fatal(err)
		}
	}
	w.Write(&Record{})
	w.Close()
	got, err := readRecords(&b)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range got {
		if r.Dev == nil {
			names = append(names, "none")
			continue
		}
		names = append(names, fmt.Sprintf("%s/%d/%d", r.Dev.Name, r.Dev.Index, r.Dev.Netns))
	}
	want := []string{"a/1/0", "a/2/0", "b/2/0", "b/2/5", "b/2/5", "a/1/0", "none"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Long or odd texts of the caller end up as comments that obey the rules.
func TestSectionComments(t *testing.T) {
	opts := FileOptions{
		TS: "adapter", Clock: "phc 0", Notes: []string{"naïve\nnote", strings.Repeat("n", 500)},
		Keys: []KV{{"filter", "ümlaut"}, {"long", strings.Repeat("x", 500)}, {"more", strings.Repeat("y", 90)}, {"late", strings.Repeat("z", 9)}},
	}
	blocks, err := readBlocks(bytes.NewReader(writeFile(t, opts, nil)))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"hopdump/1 ts=adapter clock=phc%200 filter=%C3%BCmlaut long=" + strings.Repeat("x", 61) + "... more=" + strings.Repeat("y", 61) + "...",
		"na?ve?note", strings.Repeat("n", 200),
	}
	got := blocks[0].Section.Options.Comments()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
