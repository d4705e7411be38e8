// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"hopdump/capture"
	"hopdump/cmd/hopdump/internal/session"
	"hopdump/pcapng"
)

// fakeEngine delivers the records it has and then waits for the end.
type fakeEngine struct {
	records []*pcapng.Record

	mu    sync.Mutex // guards stats
	stats capture.Stats
}

func (e *fakeEngine) Run(ctx context.Context, h capture.Handler) error {
	for _, r := range e.records {
		e.mu.Lock()
		e.stats.Captured++
		e.mu.Unlock()
		err := h(r)
		if err == capture.ErrStop {
			return nil
		}
		if err != nil {
			return err
		}
	}
	<-ctx.Done()
	return nil
}

func (e *fakeEngine) Stats() capture.Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stats
}

func (e *fakeEngine) Describe() string {
	return "default: 19 of 22 hops (12 fentry, 7 tp_btf); missing ip6-xmit, tc, neigh (--list-hops says why)"
}
func (e *fakeEngine) LinkText() string { return "EN10MB (Ethernet)" }
func (e *fakeEngine) Close() error     { return nil }

// fakeMachine captures the records of samples. The environment says what goes
// wrong: FAKE_LOST loses packets, FAKE_ERROR refuses to begin, FAKE_SSH is a
// session, FAKE_REPEAT delivers the samples so many times.
func fakeMachine() machine {
	return machine{
		start: func(_ context.Context, opts capture.Options) (engine, error) {
			if text := os.Getenv("FAKE_ERROR"); text != "" {
				return nil, fmt.Errorf("%s", text)
			}
			if len(opts.Exclude) > 0 {
				opts.Notice(fmt.Sprintf("fake: excluded %v", opts.Exclude[0].Client))
			}
			e := &fakeEngine{records: samples()}
			repeat := 0
			fmt.Sscan(os.Getenv("FAKE_REPEAT"), &repeat)
			for range repeat {
				e.records = append(e.records, samples()...)
			}
			e.stats = capture.Stats{Received: uint64(len(e.records)), Hops: 14}
			if os.Getenv("FAKE_LOST") != "" {
				e.stats.Dropped, e.stats.HopsLost = 3, 29
				e.stats.Received += 3
				e.stats.Lost = []string{"26 hops of 3 packets with the ring full", "3 hops by recursion"}
				e.stats.Late = 1
				e.stats.IfDropped = []capture.InterfaceDrops{{Dev: "eth0", Counter: "rx_missed_errors", N: 12}}
			}
			return e, nil
		},
		listHops: func(capture.Options) ([]hopRow, string, error) {
			return []hopRow{
				{"gro", "driver", "origin", "tp_btf", "napi_gro_receive_entry", "-", "1", "ok"},
				{"ip-out", "ip", "transit", "fentry", "ip_output", "-", "3", "ok"},
				{"ip6-xmit", "ip", "transit", "-", "ip6_xmit", "-", "2", "no: 7 arguments, this kernel allows 6"},
				{"drv-xmit", "driver", "transit", "fentry", "start_xmit", "virtio_net", "1", "ok"},
			}, "kernel 6.12.115-cloud-amd64, profile default: 19 of 22", nil
		},
		session: func() (session.Flow, bool) {
			client, err := netip.ParseAddrPort(os.Getenv("FAKE_SSH"))
			return session.Flow{Client: client, Server: netip.MustParseAddrPort("10.0.0.2:22")}, err == nil
		},
	}
}

func runFake(args []string) int {
	c := &command{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, machine: fakeMachine()}
	return c.run(args)
}

// samples are a packet sent, one received and one dropped, as in ux.md.
func samples() []*pcapng.Record {
	eth0 := &pcapng.Device{Name: "eth0", Index: 2, Netns: 4026531840}
	at := time.Date(2026, 11, 21, 14, 45, 2, 397145123, time.UTC).UnixNano()
	sent := &pcapng.Path{Way: pcapng.WayTx, Hops: []pcapng.Hop{
		{Func: "udp_sendmsg", CPU: 1, Extra: []pcapng.KV{{Key: "pid", Value: "77"}, {Key: "comm", Value: "dig\x1b[2J"}}},
		{Func: "ip_output", Elapsed: 2100, CPU: 1},
		{Func: "qdisc_enqueue", Elapsed: 3961, CPU: 1, Dev: "eth0", Netns: 4026531840},
		{Func: "qdisc_dequeue", Elapsed: 35179, CPU: 1, Tap: true},
	}}
	received := &pcapng.Path{Way: pcapng.WayRx, Pid: 4242, Tid: 4243, Comm: "dns-cache",
		NIC: &pcapng.NICStamp{Raw: 1760000000124730998, PHC: 0, Mapped: true, At: -1402, Err: 120},
		Hops: []pcapng.Hop{
			{Func: "napi_gro_receive_entry", CPU: 3, Dev: "eth0", Netns: 4026531840, Extra: []pcapng.KV{{Key: "q", Value: "3"}}},
			{Func: "netif_receive_skb", Elapsed: 1310, CPU: 3, Tap: true},
			{Func: "__udp_enqueue_schedule_skb", Elapsed: 3298, CPU: 3, Extra: []pcapng.KV{{Key: "rmem", Value: "1280/212992"}}},
			{Func: "sk_data_ready", Elapsed: 3938, CPU: 3},
			{Func: "skb_copy_datagram_iovec", Elapsed: 63977, CPU: 1},
		}}
	dropped := &pcapng.Path{Way: pcapng.WayRx, Drop: &pcapng.Drop{Reason: "NO_SOCKET", Func: "tcp_v4_rcv", Offset: 0x1a2},
		Hops: []pcapng.Hop{
			{Func: "netif_receive_skb", CPU: 0, Tap: true, Dev: "lo", Netns: 4026532000},
			{Func: "kfree_skb", Elapsed: 1901, CPU: 0},
		}}
	for _, p := range []*pcapng.Path{sent, received, dropped} {
		p.Finish()
	}
	c1 := &pcapng.Device{Name: "lo", Index: 1, Netns: 4026532000, NetnsName: "c1", Foreign: true}
	return []*pcapng.Record{
		{Time: at, Data: udpFrame(40352, 9000, 35), Len: 77, Dev: eth0, Dir: pcapng.Out, ID: 1, Path: sent},
		{Time: at + 1062000, Data: udpFrame(9000, 40352, 51), Len: 93, Dev: eth0, Dir: pcapng.In, ID: 2, Queue: 4, Path: received},
		{Time: at + 4388000, Data: tcpSYN(51022, 81), Len: 54, Dev: c1, Dir: pcapng.In, ID: 3, Path: dropped},
	}
}

// udpFrame is a datagram of n bytes from 10.0.0.1 to 10.0.0.2 with a control
// character in it.
func udpFrame(src, dst uint16, n int) []byte {
	b := ipFrame(17, 8+n)
	b = append(b, byte(src>>8), byte(src), byte(dst>>8), byte(dst), 0, byte(8+n), 0, 0)
	return append(b, strings.Repeat("\x1b", n)...)
}

// tcpSYN is a segment that opens a connection.
func tcpSYN(src, dst uint16) []byte {
	b := append(ipFrame(6, 20), byte(src>>8), byte(src), byte(dst>>8), byte(dst))
	return append(b, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xfa, 0xf0, 0, 0, 0, 0)
}

// ipFrame is an Ethernet and an IPv4 header for n bytes; the checksum is right.
func ipFrame(proto byte, n int) []byte {
	b := []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0,
		0x45, 0, byte((20 + n) >> 8), byte(20 + n), 0xbf, 0x13, 0x40, 0, 64, proto, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2}
	sum := 0
	for i := 14; i < 34; i += 2 {
		sum += int(b[i])<<8 | int(b[i+1])
	}
	sum = ^(sum&0xffff + sum>>16)
	b[24], b[25] = byte(sum>>8), byte(sum)
	return b
}

// makeCapture writes the samples to the file named: mkcapture file [bytes] cuts
// it after so many bytes.
func makeCapture() {
	f, err := os.Create(os.Args[1])
	if err != nil {
		panic(err)
	}
	w := pcapng.NewFileWriter(f, pcapng.FileOptions{Netns: 4026531840, OS: "Linux 6.12.0", Application: "hopdump test"})
	for _, r := range samples() {
		if err := w.Write(r); err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	if len(os.Args) > 2 {
		var size int64
		fmt.Sscan(os.Args[2], &size)
		f.Truncate(size)
	}
	if err := f.Close(); err != nil {
		panic(err)
	}
}
