// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// The hot paths: what happens once per packet of a live capture.
func TestNoAllocs(t *testing.T) {
	in := benchFile(t, 64, true, 3000)
	file := NewFileWriter(io.Discard, FileOptions{Buffer: 1 << 16})
	block := NewWriter(io.Discard)
	block.WriteSection(&Section{})
	block.WriteInterface(&Interface{})
	packet := Packet{Data: udpFrame(100), Options: Options{}.AppendText(OptComment, "c").AppendUint32(OptPacketFlags, 1)}
	reader := NewReader(bytes.NewReader(in))
	records, err := NewRecordReader(bytes.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	recs := sampleRecords()
	tests := map[string]func() error{
		"Writer.WritePacket": func() error { return block.WritePacket(&packet) },
		"FileWriter.Write":   func() error { return file.Write(recs[0]) },
		"two devices": func() error {
			if err := file.Write(recs[0]); err != nil {
				return err
			}
			return file.Write(recs[1])
		},
		"Reader.Next":       func() error { _, err := reader.Next(); return err },
		"RecordReader.Next": func() error { _, err := records.Next(); return err },
	}
	for name, f := range tests {
		t.Run(name, func(t *testing.T) {
			for range 100 { // headers, buffers, strings
				if err := f(); err != nil {
					t.Fatal(err)
				}
			}
			n := testing.AllocsPerRun(1000, func() {
				if err := f(); err != nil {
					t.Fatal(err)
				}
			})
			if n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

// benchFile has n packets of size bytes, each with a path of ten hops or none.
func benchFile(t testing.TB, size int, path bool, n int) []byte {
	r := &Record{Time: 1760000000e9, Data: udpFrame(size - 42), Len: size, Dev: eth0}
	if path {
		r.Path = samplePath(10)
	}
	records := make([]*Record, n)
	for i := range records {
		records[i] = r
	}
	return writeFile(t, FileOptions{}, records)
}

const (
	pcapgoBuffer = 4096     // what pcapgo collects, whoever uses it
	fileBuffer   = 64 << 10 // what we may collect
)

var benchSizes = []int{66, 1514}

// A contender does the same work n times, with the same packets.
type contender func(b *testing.B, n int)

// The contenders by task: ours, our record layer, and pcapgo, which knows no
// options and so gets packets without.
func contenders(tb testing.TB, size int) map[string][3]contender {
	data := udpFrame(size - 42)
	record := &Record{Time: 1760000000e9, Data: data, Len: size, Dev: eth0}
	file := benchFile(tb, size, false, 1<<20/size) // stays in the cache: this measures reading, not memory
	disk, stored := openFile(tb, nil), openFile(tb, file)
	return map[string][3]contender{
		"Write": {
			func(b *testing.B, n int) { benchWriter(b, io.Discard, pcapgoBuffer, data, n) },
			func(b *testing.B, n int) { benchFileWriter(b, io.Discard, pcapgoBuffer, record, n) },
			func(b *testing.B, n int) { benchPcapgoWrite(b, io.Discard, data, n) },
		},
		"WriteFile": {
			func(b *testing.B, n int) { benchWriter(b, rewound(b, disk), fileBuffer, data, n) },
			func(b *testing.B, n int) { benchFileWriter(b, rewound(b, disk), fileBuffer, record, n) },
			func(b *testing.B, n int) { benchPcapgoWrite(b, rewound(b, disk), data, n) },
		},
		"Read": {
			func(b *testing.B, n int) { benchReader(b, bytes.NewReader(file), n) },
			func(b *testing.B, n int) { benchRecords(b, bytes.NewReader(file), n) },
			func(b *testing.B, n int) { benchPcapgoRead(b, bytes.NewReader(file), n) },
		},
		"ReadFile": {
			func(b *testing.B, n int) { benchReader(b, stored, n) },
			func(b *testing.B, n int) { benchRecords(b, stored, n) },
			func(b *testing.B, n int) { benchPcapgoRead(b, stored, n) },
		},
	}
}

func openFile(tb testing.TB, data []byte) *os.File {
	f, err := os.Create(filepath.Join(tb.TempDir(), "bench.pcapng"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { f.Close() })
	if _, err := f.Write(data); err != nil {
		tb.Fatal(err)
	}
	return f
}

func rewound(tb testing.TB, f *os.File) *os.File {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		tb.Fatal(err)
	}
	return f
}

// BenchmarkRatio reports how many times as fast as pcapgo we are. They take
// turns and the best turn of each counts, so other load on the machine does not
// matter much.
func BenchmarkRatio(b *testing.B) {
	for _, size := range benchSizes {
		for task, c := range contenders(b, size) {
			b.Run(fmt.Sprintf("%s/%d", task, size), func(b *testing.B) {
				const n = 20000
				best := [3]time.Duration{math.MaxInt64, math.MaxInt64, math.MaxInt64}
				for b.Loop() {
					for i, run := range c {
						start := time.Now()
						run(b, n)
						best[i] = min(best[i], time.Since(start))
					}
				}
				b.ReportMetric(0, "ns/op")
				for i, name := range []string{"blocks", "records", "pcapgo"} {
					b.ReportMetric(float64(best[i])/n, name+"-ns")
				}
				b.ReportMetric(float64(best[2])/float64(best[0]), "x-blocks")
				b.ReportMetric(float64(best[2])/float64(best[1]), "x-records")
			})
		}
	}
}

// BenchmarkPath is a packet of 1514 bytes with a path of ten hops.
func BenchmarkPath(b *testing.B) {
	b.Run("Write", func(b *testing.B) {
		b.ReportAllocs()
		record := &Record{Time: 1760000000e9, Data: udpFrame(1472), Dev: eth0, Path: samplePath(10)}
		benchFileWriter(b, io.Discard, pcapgoBuffer, record, b.N)
	})
	b.Run("Read", func(b *testing.B) {
		b.ReportAllocs()
		benchRecords(b, bytes.NewReader(benchFile(b, 1514, true, 1000)), b.N)
	})
}

func benchWriter(b *testing.B, out io.Writer, buffer int, data []byte, n int) {
	w := NewWriterSize(out, buffer)
	w.WriteSection(&Section{})
	w.WriteInterface(&Interface{LinkType: LinkEthernet})
	p := &Packet{Time: 1760000000e9, Data: data, Len: len(data)}
	for range n {
		if err := w.WritePacket(p); err != nil {
			b.Fatal(err)
		}
	}
}

func benchFileWriter(b *testing.B, out io.Writer, buffer int, r *Record, n int) {
	w := NewFileWriter(out, FileOptions{Buffer: buffer})
	for range n {
		if err := w.Write(r); err != nil {
			b.Fatal(err)
		}
	}
}

func benchPcapgoWrite(b *testing.B, out io.Writer, data []byte, n int) {
	w, err := pcapgo.NewNgWriter(out, layers.LinkTypeEthernet)
	if err != nil {
		b.Fatal(err)
	}
	ci := gopacket.CaptureInfo{Timestamp: time.Unix(1760000000, 0), CaptureLength: len(data), Length: len(data)}
	for range n {
		if err := w.WritePacket(ci, data); err != nil {
			b.Fatal(err)
		}
	}
}

// The readers read the file again and again until they have had n packets.

func benchReader(b *testing.B, file io.ReadSeeker, n int) {
	for n > 0 {
		file.Seek(0, io.SeekStart)
		r := NewReader(file)
		n = readAll(b, n, func() error { _, err := r.Next(); return err })
	}
}

func benchRecords(b *testing.B, file io.ReadSeeker, n int) {
	for n > 0 {
		file.Seek(0, io.SeekStart)
		r, err := NewRecordReader(file)
		if err != nil {
			b.Fatal(err)
		}
		n = readAll(b, n, func() error { _, err := r.Next(); return err })
	}
}

func benchPcapgoRead(b *testing.B, file io.ReadSeeker, n int) {
	for n > 0 {
		file.Seek(0, io.SeekStart)
		r, err := pcapgo.NewNgReader(file, pcapgo.DefaultNgReaderOptions)
		if err != nil {
			b.Fatal(err)
		}
		n = readAll(b, n, func() error { _, _, err := r.ZeroCopyReadPacketData(); return err })
	}
}

// readAll reads up to n packets and returns how many are left of n.
func readAll(b *testing.B, n int, next func() error) int {
	for ; n > 0; n-- {
		if err := next(); err == io.EOF {
			return n
		} else if err != nil {
			b.Fatal(err)
		}
	}
	return 0
}

// pcapgo, written by others, reads what we write.
func TestReadByPcapgo(t *testing.T) {
	records := sampleRecords()
	in := writeFile(t, sampleOptions(), records, sampleStatistics()...)
	r, err := pcapgo.NewNgReader(bytes.NewReader(in), pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range records {
		data, ci, err := r.ReadPacketData()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(data, want.Data) || ci.Timestamp.UnixNano() != want.Time || ci.Length != want.Len {
			t.Errorf("packet %d: %v", i, ci)
		}
	}
	if _, _, err := r.ReadPacketData(); err != io.EOF {
		t.Errorf("after the last packet: %v", err)
	}
	if i, err := r.Interface(1); err != nil || i.Name != "va" || i.Filter != "udp or tcp" {
		t.Errorf("interface 1: %+v, %v", i, err)
	}
}
