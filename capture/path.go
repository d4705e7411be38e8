// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"strconv"
	"strings"

	"hopdump/bpf"
	"hopdump/pcapng"
)

// namer puts names to the numbers in a path record.
type namer struct {
	set     *HopSet
	reasons map[uint64]string                        // of drops, as the kernel has them
	symbol  func(addr uint64) (string, uint64, bool) // nil: unknown
}

// pathOf makes the path of a slot. inverted counts hops whose time lies before
// that of the hop in front of them; they stay as they were recorded.
func (n *namer) pathOf(s *bpf.Slot, t *bpf.Tap, inverted *uint64) *pcapng.Path {
	hops := s.Hop[:min(int(s.Hops), bpf.MaxHops)]
	p := &pcapng.Path{Hops: make([]pcapng.Hop, len(hops)), Trunc: int(s.Trunc)}
	way := wayFinder{}
	for i := range hops {
		h := &p.Hops[i]
		n.fillHop(h, &hops[i], s)
		h.Elapsed = int64(hops[i].Ns - hops[0].Ns)
		h.Tap = int(s.Tap) == i+1
		if i > 0 && hops[i].Ns < hops[i-1].Ns {
			*inverted++
		}
		if c := n.choice(hops[i].Hop); c != nil {
			way.pass(c.Side)
		}
	}
	p.Way = way.way()
	n.fillProcess(p, s)
	if s.Flags&bpf.SlotDropped != 0 {
		p.Drop = n.drop(s)
		n.markDrop(p)
	}
	n.fillLinks(p, s, t)
	p.FakeL2 = t.Flags&bpf.TapNoLink != 0
	p.Finish()
	return p
}

func (n *namer) choice(index uint16) *Choice {
	if int(index) >= len(n.set.Choices) {
		return nil
	}
	return &n.set.Choices[index]
}

func (n *namer) fillHop(h *pcapng.Hop, rec *bpf.HopRec, s *bpf.Slot) {
	c := n.choice(rec.Hop)
	if c != nil {
		h.Func = c.Name
	} else {
		h.Func = "hop" + strconv.Itoa(int(rec.Hop))
	}
	h.CPU = int(rec.Cpu)
	if d := int(rec.Dev); d > 0 && d <= bpf.MaxDevs {
		h.Dev = text(&s.Dev[d-1].Name)
		h.Netns = s.Dev[d-1].Netns
	}
	switch {
	case c == nil:
	case c.Flags&bpf.HopSend != 0 && s.Flags&bpf.SlotSender != 0:
		h.Extra = processKeys(&s.Sender)
	case c.Flags&bpf.HopRead != 0 && s.Flags&bpf.SlotReader != 0:
		h.Extra = processKeys(&s.Reader)
	}
}

func processKeys(p *bpf.ProcRec) []pcapng.KV {
	return []pcapng.KV{
		{Key: "pid", Value: strconv.Itoa(int(p.Pid))},
		{Key: "tid", Value: strconv.Itoa(int(p.Tid))},
		{Key: "comm", Value: text(&p.Comm)},
	}
}

// fillProcess names the process of the send call, of the read call for what
// came from a device.
func (n *namer) fillProcess(p *pcapng.Path, s *bpf.Slot) {
	proc := &s.Sender
	if s.Flags&bpf.SlotSender == 0 {
		if s.Flags&bpf.SlotReader == 0 {
			return
		}
		proc = &s.Reader
	}
	p.Pid, p.Tid, p.Comm = int(proc.Pid), int(proc.Tid), text(&proc.Comm)
}

// subsystem is the shift of the part of a drop reason that says whose it is;
// 0 is the core's (SKB_DROP_REASON_SUBSYS_SHIFT, from 6.4 on).
const subsystem = 16

func (n *namer) drop(s *bpf.Slot) *pcapng.Drop {
	d := &pcapng.Drop{Reason: strconv.Itoa(int(s.DropReason))}
	if name := n.reasons[uint64(s.DropReason)]; name != "" {
		d.Reason = strings.TrimPrefix(name, "SKB_DROP_REASON_")
		// Until 6.1 this was its name.
		d.Reason = strings.TrimPrefix(d.Reason, "SKB_")
	} else if sub := s.DropReason >> subsystem; sub != 0 {
		d.Reason = "SUBSYS" + strconv.Itoa(int(sub)) + "_" + strconv.Itoa(int(s.DropReason&(1<<subsystem-1)))
	}
	if n.symbol != nil {
		if name, off, ok := n.symbol(s.DropLocation); ok {
			d.Func, d.Offset = name, off
		}
	}
	return d
}

// markDrop says the reason at the hop where it happened, too.
func (n *namer) markDrop(p *pcapng.Path) {
	for i := len(p.Hops) - 1; i >= 0; i-- {
		h := &p.Hops[i]
		if h.Func == "kfree_skb" {
			h.Extra = append(h.Extra, pcapng.KV{Key: "drop", Value: p.Drop.Reason})
			return
		}
	}
}

// fillLinks says what this packet was made from. An alias whose parent is a GSO
// packet and that has no GSO size itself is a segment of it.
func (n *namer) fillLinks(p *pcapng.Path, s *bpf.Slot, t *bpf.Tap) {
	if s.Flags&bpf.SlotClone != 0 && s.Parent != 0 {
		if s.Segs > 1 && t.GsoSize == 0 {
			p.Gso, p.Segs = s.Parent, int(s.Segs)
		} else {
			p.Clone = s.Parent
		}
	}
	if t.GsoSegs <= 1 {
		return
	}
	if t.Flags&bpf.TapOut == 0 && p.Way == pcapng.WayRx {
		p.Gro = int(t.GsoSegs) // one frame from the wire each
	} else if p.Segs == 0 {
		p.Segs = int(t.GsoSegs)
	}
}

// wayFinder finds the direction of a journey from the sides of its hops.
type wayFinder struct {
	first, last        Side
	local, routed, out bool
}

func (w *wayFinder) pass(s Side) {
	if w.first == SideNone {
		w.first = s
	}
	if s != SideNone {
		w.last = s
	}
	switch s {
	case SideLocal:
		w.local = true
	case SideRouted:
		w.routed = true
	case SideOut:
		w.out = true
	}
}

// way: what begins at a socket or on the way out was made here; what begins at
// a device came from outside. What was made here, came in again (loopback, veth)
// and went nowhere else was for us, whether or not a hop behind that is attached.
func (w *wayFinder) way() pcapng.Way {
	made := w.first == SideSend || w.first == SideOut
	switch {
	case made && (w.local || w.last == SideIn):
		return pcapng.WayLo
	case made:
		return pcapng.WayTx
	case w.local:
		return pcapng.WayRx
	case w.routed, w.first == SideIn && w.out:
		return pcapng.WayFwd
	case w.first == SideIn:
		return pcapng.WayRx
	}
	return pcapng.WayUnknown
}
