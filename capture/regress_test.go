// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"hopdump/bpf"
	"hopdump/pcapng"
)

// Each test here is named after a bug that was there once.

// At transmit skb->data is the link header (Skip 0), so the rest begins in
// front of the place where the tag was restored.
func TestRegressMoreOfTaggedTransmit(t *testing.T) {
	r := newRig(t, Options{})
	whole := slices.Concat(macs, []byte{0x08, 0x00}, seq(0, 100))
	flags := bpf.TapMore | bpf.TapVLAN | bpf.TapOut
	tap := bpf.Tap{Id: 1, Flags: flags, Len: 114, Want: 114, VlanProto: tpid(0x81, 0x00), VlanTci: 5}
	r.add(tapRecord(tap, whole[:40]), pathAt(1, 0))
	if err := r.a.addMore(moreRecord(bpf.More{Id: 1, Size: 114}, whole)); err != nil {
		t.Fatal(err)
	}
	want := slices.Concat(macs, []byte{0x81, 0x00, 0x00, 0x05}, whole[12:])
	if got := r.only().Data; !bytes.Equal(got, want) {
		t.Errorf("%x\nwant %x", got, want)
	}
}

// The kernel writes the perf record before the tap record (send_more stands in
// front of bpf_ringbuf_output), and the ring may not be read to its end.
func TestRegressMoreBeforeTap(t *testing.T) {
	r := newRig(t, Options{})
	if err := r.a.addMore(moreRecord(bpf.More{Id: 1, Size: 6}, []byte("abcdef"))); err != nil {
		t.Fatal(err)
	}
	r.add(tapRecord(bpf.Tap{Id: 1, Flags: bpf.TapMore, Len: 6, Want: 6}, []byte("abc")), pathAt(1, 0))
	r.a.sweep(2*moreNS, true, false)
	if got := string(r.only().Data); got != "abcdef" || r.a.count.cut != 0 {
		t.Errorf("%q, %d cut", got, r.a.count.cut)
	}
}

// Recording ends while a path record is being written and then lost: closing at
// the first of drain's sweeps, gone at the two others. The packet, and in
// ordered mode everything behind it, is never delivered.
func TestRegressDrainWhileClosing(t *testing.T) {
	for name, ordered := range map[string]bool{"unordered": false, "ordered": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Options{Ordered: ordered})
			r.add(tapAt(1, 1), tapAt(2, 2), pathAt(2, 2))
			r.take[1] = fakeSlot{outcome: closing}
			r.a.sweep(100*ms, false, true)
			delete(r.take, 1)
			r.a.sweep(101*ms, true, true)
			r.a.sweep(102*ms, true, true)
			if len(r.got) != 2 {
				t.Errorf("%v delivered, want 1 and 2", r.ids())
			}
		})
	}
}

// shrink forgets only what lies in front of the first open journey: one unread
// socket keeps every later packet, with bytes and path, for the time of linger.
func TestRegressDeliveredBehindOpenAreKept(t *testing.T) {
	r := newRig(t, Options{})
	n := 0
	r.a.handle = countPackets(&n)
	r.add(tapAt(1, 1))
	for id := uint64(2); id <= 20_001; id++ {
		ns := int64(id) * 1000
		r.add(tapRecord(bpf.Tap{Id: id, Ns: uint64(ns)}, make([]byte, 1500)), pathAt(id, ns))
		if id%100 == 0 {
			r.a.sweep(ns, true, false)
		}
	}
	r.a.sweep(30*ms, true, false)
	if kept := len(r.a.queue); n != 20_000 || kept > 1000 {
		t.Errorf("%d delivered; 1 is open, %d are kept", n, kept)
	}
}

// The window counts packet bytes alone; a path of ten hops is more than 1 KB.
// 64-byte packets behind an open one hold 500 MB before 16 MiB are counted.
func TestRegressWindowWithoutPaths(t *testing.T) {
	r := newRig(t, Options{Ordered: true})
	n := 0
	r.a.handle = countPackets(&n)
	r.add(tapAt(1, 1))
	for id := uint64(2); id <= 40_000; id++ { // 40,000 paths of 1 KB: 40 MB
		r.add(tapRecord(bpf.Tap{Id: id, Ns: id}, make([]byte, 64)),
			pathRecord(slotOf(bpf.Slot{Id: id}, make([]bpf.HopRec, 10)...)))
	}
	r.a.sweep(500*ms, true, false)
	if n == 0 {
		t.Error("nothing was delivered, 40,000 packets with paths are held")
	}
}

// While the ring is never read empty (the reader is overloaded, which is when
// path records get lost), journeys that are gone are never given up.
func TestRegressGoneUnderLoad(t *testing.T) {
	r := newRig(t, Options{})
	for id := uint64(1); id <= 3*windowBytes/block; id++ {
		r.add(bigTap(id, int64(id)))
	}
	for at := 2000 * ms; at < 10_000*ms; at += 20 * ms {
		r.a.sweep(at, false, false)
	}
	if r.a.held > 2*windowBytes {
		t.Errorf("%d MiB are held after 10 s, %d delivered", r.a.held>>20, len(r.got))
	}
}

// "drop" is an id and a profile.
func TestRegressNearTwice(t *testing.T) {
	_, err := selectHops("dropp")
	if err == nil || err.Error() != "--hops dropp: no such hop; near: drop" {
		t.Errorf("%v", err)
	}
}

// The profile tracepoints has only tracepoints, also where the wake-up's is missing (6.1).
func TestRegressTracepointsWithFunction(t *testing.T) {
	w := newWorld()
	delete(w.tracepoints, "sk_data_ready")
	if fentry, _ := w.plan(t, "tracepoints").Attached(); fentry != 0 {
		t.Errorf("%d hops are functions", fentry)
	}
}

// SSH_CONNECTION of a link-local session has zones: fe80::1%eth0.
func TestRegressExcludeZone(t *testing.T) {
	flow := Flow{netip.MustParseAddrPort("[fe80::1%eth0]:50022"), netip.MustParseAddrPort("[fe80::2%eth0]:22")}
	if _, err := compile(Options{Numeric: true, Exclude: []Flow{flow}}); err != nil {
		t.Error(err)
	}
}

// The notice names the profile tracepoints although the list given is used.
func TestRegressRefusedLineOfList(t *testing.T) {
	w := newWorld()
	w.noFentry = true
	k := w.kernel(t)
	set, err := Plan(k, "ip-out,xmit")
	if err != nil {
		t.Fatal(err)
	}
	if got := refusedLine(k, "ip-out,xmit", set); strings.Contains(got, "profile tracepoints") || strings.Contains(got, "of 25") {
		t.Error(got)
	}
}

// A path that begins where packets are forwarded came from a device.
func TestRegressWayOfForwarded(t *testing.T) {
	w := wayFinder{}
	w.pass(SideRouted)
	w.pass(SideOut)
	if got := w.way(); got != pcapng.WayFwd {
		t.Errorf("%s, want fwd", got)
	}
}

// Programs that do not run the filter can be loaded alone: when only such ones
// are refused and tried again, and with --hops wake.
func TestRegressCollectionWithoutFilter(t *testing.T) {
	f, err := compile(Options{Numeric: true})
	if err != nil {
		t.Fatal(err)
	}
	cfg := bpf.Config{Lines: 2, Socks: 2, RingBytes: 4096, CPUs: 1}
	if _, err := collection(setOf(t, "wake").programs(false), cfg, f); err != nil {
		t.Error(err)
	}
}

// A set without a tap records nothing, and nobody says so.
func TestRegressSetWithoutTap(t *testing.T) {
	set := newWorld().plan(t, "udp-send")
	if !slices.ContainsFunc(set.Choices, func(c Choice) bool { return c.Flags&(bpf.HopTapTx|bpf.HopTapRx|bpf.HopDrop) != 0 }) {
		t.Errorf("%s: no hop at which a packet could be captured", set.Describe())
	}
}

// The ring was read empty just before the program wrote both records, and the
// perf record was taken first.
func TestRegressMoreBetweenRounds(t *testing.T) {
	r := newRig(t, Options{})
	if err := r.a.addMore(moreRecord(bpf.More{Id: 1, Size: 6}, []byte("abcdef"))); err != nil {
		t.Fatal(err)
	}
	r.a.sweep(20*ms, true, false)
	r.add(tapRecord(bpf.Tap{Id: 1, Flags: bpf.TapMore, Len: 6, Want: 6}, []byte("abc")), pathAt(1, 0))
	if got := string(r.only().Data); got != "abcdef" || r.a.count.cut != 0 {
		t.Errorf("%q, %d cut", got, r.a.count.cut)
	}
	for range earlySweeps + 2 {
		_ = r.a.addMore(moreRecord(bpf.More{Id: 2, Size: 6}, []byte("abcdef")))
		r.a.sweep(40*ms, true, false)
	}
	for range earlySweeps + 2 {
		r.a.sweep(40*ms, true, false)
	}
	if len(r.a.early) != 0 {
		t.Errorf("%d rests without a packet are kept", len(r.a.early))
	}
}
