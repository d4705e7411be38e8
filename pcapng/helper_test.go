// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// A big or little endian file, block by block, for what Writer does not write.
type rawFile struct {
	bytes.Buffer
	order binary.AppendByteOrder
}

func newRaw(order binary.AppendByteOrder) *rawFile {
	f := &rawFile{order: order}
	f.block(BlockSection, uint32(byteOrderMagic), uint16(1), uint16(0), int64(-1))
	return f
}

// block appends a block whose body are the values in turn; strings are padded.
func (f *rawFile) block(typ uint32, values ...any) *rawFile {
	var body []byte
	for _, v := range values {
		if s, ok := v.(string); ok {
			v = append([]byte(s), zeros[:padding(len(s))]...)
		}
		body, _ = binary.Append(body, f.order.(binary.ByteOrder), v)
	}
	b := f.order.AppendUint32(nil, typ)
	b = f.order.AppendUint32(b, uint32(len(body)+12))
	b = append(b, body...)
	f.Write(f.order.AppendUint32(b, uint32(len(body)+12)))
	return f
}

// opt returns an option as values for block.
func opt(code uint16, value any) []any {
	n := binary.Size(value)
	if s, ok := value.(string); ok {
		n = len(s)
	}
	pad := make([]byte, padding(n))
	if _, ok := value.(string); ok {
		pad = nil // block pads
	}
	return []any{code, uint16(n), value, pad}
}

func join(lists ...[]any) (all []any) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// A limitedWriter accepts so many bytes and then fails.
type limitedWriter struct {
	bytes.Buffer
	left int
	err  error
}

func (w *limitedWriter) Write(b []byte) (int, error) {
	n := min(len(b), w.left)
	w.left -= n
	w.Buffer.Write(b[:n])
	if n < len(b) {
		return n, w.err
	}
	return n, nil
}

// equateBytes compares data at once: cmp takes seconds for large packets.
var equateBytes = cmp.Options{
	cmpopts.EquateEmpty(),
	cmp.FilterValues(func(a, b []byte) bool { return len(a)+len(b) > 0 }, cmp.Comparer(bytes.Equal)),
}

var errFull = errors.New("no space left on device")

// A callWriter keeps what each call of Write got.
type callWriter struct{ calls [][]byte }

func (w *callWriter) Write(b []byte) (int, error) {
	w.calls = append(w.calls, bytes.Clone(b))
	return len(b), nil
}

// readBlocks returns copies of all blocks, decoded.
func readBlocks(r io.Reader) ([]Block, error) {
	var list []Block
	for b, err := range NewReader(r).All() {
		if err != nil {
			return list, err
		}
		c := *b
		c.Body = bytes.Clone(b.Body)
		if b.Packet != nil {
			p := *b.Packet
			p.Data, p.Options = bytes.Clone(p.Data), Options(bytes.Clone(p.Options))
			c.Packet = &p
		}
		list = append(list, c)
	}
	return list, nil
}

func readRecords(r io.Reader) ([]*Record, error) {
	rr, err := NewRecordReader(r)
	if err != nil {
		return nil, err
	}
	var list []*Record
	for rec, err := range rr.All() {
		if err != nil {
			return list, err
		}
		list = append(list, rec.Copy())
	}
	return list, nil
}

func writeFile(t testing.TB, opts FileOptions, records []*Record, stats ...Statistics) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewFileWriter(&b, opts)
	for _, r := range records {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(stats...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var (
	eth0 = &Device{Name: "eth0", Index: 2, Netns: 4026531840, Driver: "mlx5_core", Speed: 25e9}
	blue = &Device{Name: "va", Index: 7, Netns: 4026532712, NetnsName: "blue one", Foreign: true, Driver: "veth"}
)

// udpFrame is a valid Ethernet frame, 10.0.0.2.9000 > 10.0.0.1.40352, with a
// payload of n bytes.
func udpFrame(n int) []byte {
	b := []byte{
		2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0,
		0x45, 0, 0, 0, 0xBF, 0x13, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1,
		0x23, 0x28, 0x9D, 0xA0, 0, 0, 0, 0,
	}
	binary.BigEndian.PutUint16(b[16:], uint16(28+n))
	binary.BigEndian.PutUint16(b[38:], uint16(8+n))
	var sum uint32
	for i := 14; i < 34; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xFFFF {
		sum = sum>>16 + sum&0xFFFF
	}
	binary.BigEndian.PutUint16(b[24:], ^uint16(sum))
	for i := range n {
		b = append(b, byte('a'+i%26))
	}
	return b
}

// samplePath has n hops.
func samplePath(n int) *Path {
	names := []string{
		"napi_gro_receive_entry", "netif_receive_skb", "ip_rcv_core", "ip_local_deliver", "udp_rcv",
		"__udp_enqueue_schedule_skb", "sk_data_ready", "skb_copy_datagram_iovec", "skb_release_head_state", "done",
	}
	p := &Path{Way: WayRx, Pid: 4242, Tid: 4243, Comm: "dns-cache"}
	for i := range n {
		p.Hops = append(p.Hops, Hop{Func: names[i%len(names)], Elapsed: int64(i * i * 1037), CPU: 3, Tap: i == 1})
	}
	p.Hops[0].Dev, p.Hops[0].Netns = "eth0", 4026531840
	p.Finish()
	return p
}

// sampleRecords are a small capture with one of everything.
func sampleRecords() []*Record {
	const t0 = 1760000000_000000000
	dropped := samplePath(6)
	dropped.Pid, dropped.Tid, dropped.Comm = 0, 0, ""
	dropped.Drop = &Drop{"NO_SOCKET", "tcp_v4_rcv", 0x1a2}
	dropped.Extra = []KV{{"hook", "input"}}
	stamped := samplePath(10)
	stamped.NIC = &NICStamp{Raw: t0 + 124730998, Mapped: true, At: -1402, Err: 120}
	open := samplePath(3)
	open.Way, open.IsOpen, open.Open, open.FakeL2 = WayLo, true, 1000204118, true
	open.Comm = "Web Content"
	return []*Record{
		{Time: t0, Data: udpFrame(51), Len: 93, Dev: eth0, Dir: In, ID: 1, Queue: 4, Pid: 4242, Tid: 4243, Path: stamped},
		{Time: t0 + 1, Data: udpFrame(0), Len: 42, Dev: blue, Dir: Out, ID: 2, Lost: 3, Path: dropped},
		{Time: t0 + 123456789, Data: udpFrame(1000)[:60], Len: 1042, Dev: eth0, Dir: In, ID: 3, Pid: 4242, Tid: 4243, Path: open},
		{Time: t0 + 2e9, Data: udpFrame(7), Len: 49, Dev: nil, Comments: []string{"mine: café", "two\nlines"}},
		{Time: t0 + 3e9, Data: udpFrame(18), Len: 60, Dev: eth0, Pid: 7, Tid: 8},
	}
}

func sampleOptions() FileOptions {
	return FileOptions{
		Hardware: "Some CPU", OS: "Linux 6.12.1", Application: "hopdump test", Filter: "udp or tcp", Netns: 4026531840,
		Keys: []KV{{"comments", "full"}}, Notes: []string{"own ssh session left out"},
	}
}

func sampleStatistics() []Statistics {
	return []Statistics{
		{
			Dev: eth0, Start: 1759999999e9, End: 1760000004e9, Received: new(uint64(12)), IfDropped: new(uint64(0)),
			Accepted: new(uint64(6)), OSDropped: new(uint64(3)), Comments: []string{"lost: 3 packets with the ring full"},
		},
		{Dev: blue, Start: 1759999999e9, End: 1760000004e9, Delivered: new(uint64(1))},
	}
}
