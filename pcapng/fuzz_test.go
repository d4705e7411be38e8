// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// rewrite writes blocks as they were read. Ok is false if they hold what only
// a reader can know: times before 1970, blocks longer than those written.
func rewrite(t testing.TB, blocks []Block) (out []byte, ok bool) {
	var b bytes.Buffer
	w := NewWriter(&b)
	for i := range blocks {
		var err error
		switch v := &blocks[i]; {
		case v.Section != nil:
			err = w.WriteSection(v.Section)
		case v.Interface != nil:
			_, err = w.WriteInterface(v.Interface)
		case v.Packet != nil:
			if v.Packet.Time < 0 || len(v.Body) > MaxPacketBlock-64 {
				return nil, false
			}
			err = w.WritePacket(v.Packet)
		case v.Statistics != nil:
			err = w.WriteStatistics(v.Statistics)
		default:
			err = w.WriteRaw(v.Type, v.Body)
		}
		if err == ErrTooLong {
			return nil, false
		}
		if err != nil {
			t.Fatalf("writing block %d: %v", i, err)
		}
	}
	return b.Bytes(), true
}

// normal is what a block says, whatever its form: a simple or old packet block
// is written as an enhanced one, options are compared one by one.
type normal struct {
	Type       uint32
	LinkType   uint16
	SnapLen    uint32
	Packet     *Packet
	Statistics *Statistics
	Options    []option
	Body       []byte
}

type option struct {
	Code  uint16
	Value string
}

func normalize(blocks []Block) (list []normal) {
	for _, b := range blocks {
		n := normal{Type: b.Type, Statistics: b.Statistics}
		var opts Options
		switch {
		case b.Section != nil:
			opts = b.Section.Options
		case b.Interface != nil:
			n.LinkType, n.SnapLen, opts = b.Interface.LinkType, b.Interface.SnapLen, b.Interface.Options
		case b.Packet != nil:
			p := *b.Packet
			p.Options, opts = nil, p.Options
			n.Type, n.Packet = BlockEnhanced, &p
		case b.Statistics == nil:
			n.Body = b.Body
		}
		for code, v := range opts.All() {
			if b.Interface != nil && (code == OptIfTSResol || code == OptIfTSOffset) {
				continue // always nanoseconds when written
			}
			n.Options = append(n.Options, option{code, string(v)})
		}
		list = append(list, n)
	}
	return list
}

func FuzzReader(f *testing.F) {
	for _, file := range goldenFiles(f) {
		f.Add(file)
	}
	for _, order := range orders {
		f.Add(allBlocks(order))
		f.Add(classic(order, 0xA1B2C3D4))
	}
	f.Add(classic(binary.LittleEndian, 0xA1B23C4D))
	f.Fuzz(func(t *testing.T, in []byte) {
		fuzzRecords(t, in)
		first, err := readBlocks(bytes.NewReader(in))
		if err != nil {
			return // malformed input may fail, but must not panic
		}
		out, ok := rewrite(t, first)
		if !ok {
			return
		}
		second, err := readBlocks(iotest.OneByteReader(bytes.NewReader(out)))
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		valid := cmpopts.AcyclicTransformer("UTF8", func(s string) string { return strings.ToValidUTF8(s, "\uFFFD") })
		if diff := cmp.Diff(normalize(first), normalize(second), equateBytes, valid); diff != "" {
			t.Errorf("(-first +second):\n%s", diff)
		}
	})
}

// fuzzRecords reads records, writes them and reads them again.
func fuzzRecords(t *testing.T, in []byte) {
	first, err := readRecords(bytes.NewReader(in))
	if err != nil {
		return
	}
	var b bytes.Buffer
	w := NewFileWriter(&b, FileOptions{})
	for _, r := range first {
		if err := w.Write(r); err == ErrTime || err == ErrTooLong {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := readRecords(&b)
	if err != nil {
		t.Fatal(err)
	}
	if len(second) != len(first) {
		t.Fatalf("%d records became %d", len(first), len(second))
	}
	for i, r := range second {
		r, want := *r, *first[i]
		if len(r.Data) > len(want.Data) { // filled up
			r.Data, r.Len = r.Data[:len(want.Data)], want.Len
		}
		if want.Path != nil && (!fits(want.Path) || len(want.Path.Hops) > maxHops) {
			r.Path, want.Path = nil, nil
		}
		for j, c := range want.Comments {
			want.Comments[j] = strings.ToValidUTF8(c, "\uFFFD")
		}
		r.Dev, want.Dev = nil, nil
		if len(want.Data) == len(r.Data) || len(want.Data) < MaxPacketBlock/2 {
			if diff := cmp.Diff(want, r, equateBytes); diff != "" {
				t.Errorf("record %d (-first +second):\n%s", i, diff)
			}
		}
	}
}

func FuzzPath(f *testing.F) {
	for _, r := range sampleRecords() {
		if r.Path != nil {
			f.Add(strings.Join(r.Path.Comments(), "\n"))
		}
	}
	f.Add("1.500us rx 2 hops err=7 nic=-1.402us phc=1 hw=-3.000000004 pid=x pid=5 pid=6 DROP=a%40@f+0x0 max=+-1.000us@+ hopdump/1\nhop 1 +0.000us 0.000us %4 a%3D%=b ns=7")
	f.Fuzz(func(t *testing.T, in string) {
		first, _ := ParsePath(strings.Split(in, "\n"))
		if first == nil {
			return
		}
		comments := first.Comments()
		for _, c := range comments {
			checkComment(t, c)
		}
		second, rest := ParsePath(comments)
		if len(rest) > 0 {
			t.Fatalf("not understood: %q", rest)
		}
		if fits(first) {
			if diff := cmp.Diff(first, second, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%q (-first +second):\n%s", comments, diff)
			}
		}
		if diff := cmp.Diff(comments, second.Comments()); diff != "" {
			t.Errorf("formatted again (-first +second):\n%s", diff)
		}
		tail := string(first.AppendTail(nil))
		if _, ok := ParseSummary(tail); !ok {
			t.Errorf("tail %q", tail)
		}
	})
}
