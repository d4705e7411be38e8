// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"testing"

	"hopdump/bpf"
	"hopdump/pcapng"

	"github.com/google/go-cmp/cmp"
)

// pathNamer is a namer of the rig's hops that knows some reasons and symbols.
func pathNamer(tb testing.TB) *namer {
	return &namer{
		set: setOf(tb, "udp-send", "xmit", "core", "udp-queue", "read", "drop"),
		reasons: map[uint64]string{
			2: "SKB_DROP_REASON_NOT_SPECIFIED", 3: "SKB_DROP_REASON_NO_SOCKET", 1: "SKB_CONSUMED", 9: "ODD",
			0x20001: "MAC80211_DROP_X",
		},
		symbol: func(addr uint64) (string, uint64, bool) { return "tcp_v4_rcv", addr - 0x1000, addr >= 0x1000 },
	}
}

// pathFrom is the path of a slot and a tap; inverted hops are counted too.
func pathFrom(tb testing.TB, s bpf.Slot, t bpf.Tap) (*pcapng.Path, uint64) {
	return pathNamer(tb).pathOf(&s, &t), inversions(recsOf(&s))
}

func TestWay(t *testing.T) {
	tests := map[string]struct {
		sides []Side
		want  pcapng.Way
	}{
		"no hop":                            {nil, "-"},
		"nothing that says":                 {[]Side{SideNone, SideNone}, "-"},
		"sent":                              {[]Side{SideSend, SideOut, SideOut}, "tx"},
		"made by the stack":                 {[]Side{SideOut}, "tx"},
		"dropped on its way out":            {[]Side{SideSend, SideNone}, "tx"},
		"received":                          {[]Side{SideIn, SideIn, SideLocal}, "rx"},
		"seen at its socket only":           {[]Side{SideLocal}, "rx"},
		"dropped on its way in":             {[]Side{SideIn, SideNone}, "rx"},
		"forwarded":                         {[]Side{SideIn, SideRouted, SideOut}, "fwd"},
		"forwarded, dropped before":         {[]Side{SideIn, SideRouted, SideNone}, "fwd"},
		"bridged":                           {[]Side{SideIn, SideOut}, "fwd"},
		"over veth to a local socket":       {[]Side{SideSend, SideOut, SideIn, SideLocal}, "lo"},
		"loopback":                          {[]Side{SideOut, SideIn, SideLocal}, "lo"},
		"sent, then routed by a namespace":  {[]Side{SideSend, SideOut, SideIn, SideRouted, SideOut}, "tx"},
		"sent into a namespace, not read":   {[]Side{SideSend, SideOut, SideIn}, "lo"},
		"routed to a local socket over lo":  {[]Side{SideIn, SideRouted, SideOut, SideIn, SideLocal}, "rx"},
		"what says nothing stands in front": {[]Side{SideNone, SideIn, SideLocal}, "rx"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := wayFinder{}
			for _, s := range tt.sides {
				w.pass(s)
			}
			if got := w.way(); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func TestPath(t *testing.T) {
	curl := bpf.ProcRec{Pid: 42, Tid: 43, Comm: name16("curl")}
	srv := bpf.ProcRec{Pid: 7, Tid: 7, Comm: name16("dns-cache")}
	keys := func(pid, tid, comm string) []pcapng.KV {
		return []pcapng.KV{{Key: "pid", Value: pid}, {Key: "tid", Value: tid}, {Key: "comm", Value: comm}}
	}
	const send, xmit, core, queue = "udp_send_skb", "net_dev_start_xmit", "netif_receive_skb", "__udp_enqueue_schedule_skb"
	const read = "skb_copy_datagram_iovec"
	tests := map[string]struct {
		slot bpf.Slot
		want pcapng.Path
	}{
		"no hop": {slotOf(bpf.Slot{}), pcapng.Path{Way: "-", Hops: []pcapng.Hop{}}},
		"sent: process and device": {
			slotOf(bpf.Slot{Tap: 2, Devs: 1, Flags: bpf.SlotSender, Sender: curl,
				Dev: [4]bpf.DevRec{{Ifindex: 2, Netns: 4026531840, Name: name16("eth0")}}},
				bpf.HopRec{Ns: 1000, Hop: hopSend, Cpu: 2}, bpf.HopRec{Ns: 1700, Hop: hopXmit, Cpu: 3, Dev: 1}),
			pcapng.Path{Way: "tx", Count: 2, Total: 700, MaxDelta: 700, MaxFunc: xmit, Pid: 42, Tid: 43, Comm: "curl",
				Hops: []pcapng.Hop{
					{Func: send, CPU: 2, Extra: keys("42", "43", "curl")},
					{Func: xmit, CPU: 3, Elapsed: 700, Delta: 700, Tap: true, Dev: "eth0", Netns: 4026531840},
				}},
		},
		"received and read": {
			slotOf(bpf.Slot{Tap: 1, Flags: bpf.SlotReader, Reader: srv},
				bpf.HopRec{Ns: 10, Hop: hopCore}, bpf.HopRec{Ns: 15, Hop: hopQueue}, bpf.HopRec{Ns: 95, Hop: hopRead, Cpu: 300}),
			pcapng.Path{Way: "rx", Count: 3, Total: 85, MaxDelta: 80, MaxFunc: read, Pid: 7, Tid: 7, Comm: "dns-cache",
				Hops: []pcapng.Hop{
					{Func: core, Tap: true}, {Func: queue, Elapsed: 5, Delta: 5},
					{Func: read, CPU: 300, Elapsed: 85, Delta: 80, Extra: keys("7", "7", "dns-cache")},
				}},
		},
		"local: the sender's process, and each at its hop": {
			slotOf(bpf.Slot{Flags: bpf.SlotReader | bpf.SlotSender, Reader: srv, Sender: curl},
				bpf.HopRec{Ns: 1, Hop: hopSend}, bpf.HopRec{Ns: 2, Hop: hopRead}),
			pcapng.Path{Way: "lo", Count: 2, Total: 1, MaxDelta: 1, MaxFunc: read, Pid: 42, Tid: 43, Comm: "curl",
				Hops: []pcapng.Hop{
					{Func: send, Extra: keys("42", "43", "curl")},
					{Func: read, Elapsed: 1, Delta: 1, Extra: keys("7", "7", "dns-cache")},
				}},
		},
		"process that is not set": {
			slotOf(bpf.Slot{Reader: srv, Sender: curl}, bpf.HopRec{Hop: hopSend}),
			pcapng.Path{Way: "tx", Count: 1, Hops: []pcapng.Hop{{Func: send}}},
		},
		"more hops than a slot holds": {
			slotOf(bpf.Slot{Trunc: 6}, bpf.HopRec{Hop: hopCore}),
			pcapng.Path{Way: "rx", Count: 7, Trunc: 6, Hops: []pcapng.Hop{{Func: core}}},
		},
		"hop that is not in the set": {
			slotOf(bpf.Slot{}, bpf.HopRec{Ns: 1, Hop: 99}, bpf.HopRec{Ns: 2, Hop: hopCore}),
			pcapng.Path{Way: "rx", Count: 2, Total: 1, MaxDelta: 1, MaxFunc: core,
				Hops: []pcapng.Hop{{Func: "hop99"}, {Func: core, Elapsed: 1, Delta: 1}}},
		},
		"last of the devices": {
			slotOf(bpf.Slot{Devs: 4, Dev: [4]bpf.DevRec{3: {Ifindex: 9, Netns: 8, Name: name16("vb")}}},
				bpf.HopRec{Hop: hopCore, Dev: bpf.MaxDevs}),
			pcapng.Path{Way: "rx", Count: 1, Hops: []pcapng.Hop{{Func: core, Dev: "vb", Netns: 8}}},
		},
		"device that is not there": {
			slotOf(bpf.Slot{}, bpf.HopRec{Hop: hopCore, Dev: bpf.MaxDevs + 1}),
			pcapng.Path{Way: "rx", Count: 1, Hops: []pcapng.Hop{{Func: core}}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, inverted := pathFrom(t, tt.slot, bpf.Tap{})
			if d := cmp.Diff(&tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if inverted != 0 {
				t.Errorf("%d inverted", inverted)
			}
		})
	}
}

// Times that go back are counted and left as they are.
func TestPathInverted(t *testing.T) {
	slot := slotOf(bpf.Slot{Tap: 1}, bpf.HopRec{Ns: 1000, Hop: hopCore}, bpf.HopRec{Ns: 900, Hop: hopQueue},
		bpf.HopRec{Ns: 950, Hop: hopQueue}, bpf.HopRec{Ns: 940, Hop: hopRead}, bpf.HopRec{Ns: 940, Hop: hopRead})
	p, inverted := pathFrom(t, slot, bpf.Tap{})
	var elapsed, delta []int64
	for _, h := range p.Hops {
		elapsed, delta = append(elapsed, h.Elapsed), append(delta, h.Delta)
	}
	if d := cmp.Diff([]int64{0, -100, -50, -60, -60}, elapsed); d != "" {
		t.Errorf("elapsed (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]int64{0, -100, 50, -10, 0}, delta); d != "" {
		t.Errorf("delta (-want +got):\n%s", d)
	}
	if inverted != 2 {
		t.Errorf("%d inverted, want 2", inverted)
	}
}

func TestPathDrop(t *testing.T) {
	tests := map[string]struct {
		reason   uint32
		location uint64
		want     pcapng.Drop
	}{
		"known":                     {3, 0x11a2, pcapng.Drop{Reason: "NO_SOCKET", Func: "tcp_v4_rcv", Offset: 0x1a2}},
		"begins with SKB_ only":     {1, 0x1001, pcapng.Drop{Reason: "CONSUMED", Func: "tcp_v4_rcv", Offset: 1}},
		"name of its own":           {9, 0x1001, pcapng.Drop{Reason: "ODD", Func: "tcp_v4_rcv", Offset: 1}},
		"unknown symbol":            {2, 0x10, pcapng.Drop{Reason: "NOT_SPECIFIED"}},
		"unknown number":            {77, 0x10, pcapng.Drop{Reason: "77"}},
		"zero":                      {0, 0x10, pcapng.Drop{Reason: "0"}},
		"subsystem":                 {3<<16 | 5, 0x10, pcapng.Drop{Reason: "SUBSYS3_5"}},
		"subsystem, largest number": {1<<32 - 1, 0x10, pcapng.Drop{Reason: "SUBSYS65535_65535"}},
		"subsystem with a name":     {0x20001, 0x10, pcapng.Drop{Reason: "MAC80211_DROP_X"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			slot := slotOf(bpf.Slot{Flags: bpf.SlotDropped, DropReason: tt.reason, DropLocation: tt.location},
				bpf.HopRec{Ns: 1, Hop: hopCore}, bpf.HopRec{Ns: 2, Hop: hopDrop})
			p, _ := pathFrom(t, slot, bpf.Tap{})
			if d := cmp.Diff(&tt.want, p.Drop); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if d := cmp.Diff([]pcapng.KV{{Key: "drop", Value: tt.want.Reason}}, p.Hops[1].Extra); d != "" {
				t.Errorf("key of the hop (-want +got):\n%s", d)
			}
			if p.Hops[0].Extra != nil {
				t.Errorf("the first hop has %v", p.Hops[0].Extra)
			}
		})
	}
}

func TestPathDropUnknown(t *testing.T) {
	n := &namer{set: setOf(t, "core")}
	slot := slotOf(bpf.Slot{Flags: bpf.SlotDropped, DropReason: 3, DropLocation: 0x1234}, bpf.HopRec{})
	p := n.pathOf(&slot, &bpf.Tap{})
	if d := cmp.Diff(&pcapng.Drop{Reason: "3"}, p.Drop); d != "" {
		t.Errorf("without symbols and names (-want +got):\n%s", d)
	}
	slot.Flags = 0
	if p := n.pathOf(&slot, &bpf.Tap{}); p.Drop != nil {
		t.Errorf("not dropped: %v", p.Drop)
	}
}

func TestPathLinks(t *testing.T) {
	type links struct {
		Clone, Gso uint64
		Segs, Gro  int
	}
	rx, tx := []bpf.HopRec{{Hop: hopCore}}, []bpf.HopRec{{Hop: hopXmit}}
	lo := []bpf.HopRec{{Hop: hopXmit}, {Hop: hopCore}, {Hop: hopRead}}
	tests := map[string]struct {
		slot bpf.Slot
		hops []bpf.HopRec
		tap  bpf.Tap
		want links
	}{
		"none":                            {bpf.Slot{}, tx, bpf.Tap{}, links{}},
		"clone":                           {bpf.Slot{Flags: bpf.SlotClone, Parent: 41}, tx, bpf.Tap{}, links{Clone: 41}},
		"clone without a parent":          {bpf.Slot{Flags: bpf.SlotClone}, tx, bpf.Tap{}, links{}},
		"parent without the flag":         {bpf.Slot{Parent: 41}, tx, bpf.Tap{}, links{}},
		"segment of a GSO packet":         {bpf.Slot{Flags: bpf.SlotClone, Parent: 41, Segs: 45}, tx, bpf.Tap{}, links{Gso: 41, Segs: 45}},
		"copy of a packet of one segment": {bpf.Slot{Flags: bpf.SlotClone, Parent: 41, Segs: 1}, tx, bpf.Tap{}, links{Clone: 41}},
		"clone that is a GSO packet": {bpf.Slot{Flags: bpf.SlotClone, Parent: 41, Segs: 45}, tx,
			bpf.Tap{Flags: bpf.TapOut, GsoSegs: 45, GsoSize: 1448}, links{Clone: 41, Segs: 45}},
		"GSO packet":               {bpf.Slot{}, tx, bpf.Tap{Flags: bpf.TapOut, GsoSegs: 12, GsoSize: 1448}, links{Segs: 12}},
		"one segment is none":      {bpf.Slot{}, tx, bpf.Tap{Flags: bpf.TapOut, GsoSegs: 1, GsoSize: 1448}, links{}},
		"merged by GRO":            {bpf.Slot{}, rx, bpf.Tap{GsoSegs: 40, GsoSize: 1448}, links{Gro: 40}},
		"GSO packet over loopback": {bpf.Slot{}, lo, bpf.Tap{GsoSegs: 40, GsoSize: 1448}, links{Segs: 40}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, _ := pathFrom(t, slotOf(tt.slot, tt.hops...), tt.tap)
			got := links{p.Clone, p.Gso, p.Segs, p.Gro}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}
