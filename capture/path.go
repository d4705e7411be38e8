// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"slices"
	"strconv"
	"strings"

	"hopdump/bpf"
	"hopdump/pcapng"
)

// namer puts names to the numbers in a path record. It makes one path after the
// other in the same memory, and shares the texts that come again and again.
type namer struct {
	set     *HopSet
	reasons map[uint64]string                        // of drops, as the kernel has them
	symbol  func(addr uint64) (string, uint64, bool) // nil: unknown

	path   pcapng.Path
	hops   [bpf.MaxHops]pcapng.Hop
	passes []pass // by number of the hop, made for the first path

	texts map[[16]int8]string
	procs map[bpf.ProcRec]*process
	drops map[dropPlace]*drop
}

// pass is what a path has to know of a hop of the set.
type pass struct {
	name       string
	side       Side
	send, read bool
}

// process is a process as the hops of its calls name it.
type process struct {
	comm string
	keys []pcapng.KV
}

type dropPlace struct {
	reason   uint32
	location uint64
}

// drop is a cause of death and how its hop names it.
type drop struct {
	pcapng.Drop
	keys []pcapng.KV
}

// rememberedMost bounds each of the namer's maps: processes come and go.
const rememberedMost = 4096

func remember[K comparable, V any](m map[K]V, key K, v V) V {
	if len(m) >= rememberedMost {
		clear(m)
	}
	m[key] = v
	return v
}

// prepare looks the hops of the set up once.
func (n *namer) prepare() {
	n.texts = map[[16]int8]string{}
	n.procs = map[bpf.ProcRec]*process{}
	n.drops = map[dropPlace]*drop{}
	n.passes = make([]pass, len(n.set.Choices))
	for i := range n.passes {
		c := &n.set.Choices[i]
		n.passes[i] = pass{c.Name, c.Side, c.Flags&bpf.HopSend != 0, c.Flags&bpf.HopRead != 0}
	}
}

// pathOf makes the path of a slot. It is valid until the next call; processes
// and drops in it are shared with other paths.
func (n *namer) pathOf(s *bpf.Slot, t *bpf.Tap) *pcapng.Path {
	if n.passes == nil {
		n.prepare()
	}
	recs := recsOf(s)
	p := &n.path
	*p = pcapng.Path{Hops: n.hops[:len(recs):len(recs)], Trunc: int(s.Trunc)}
	sender, reader := n.processes(s)
	way := wayFinder{}
	for i := range recs {
		c := n.pass(recs[i].Hop)
		n.fillHop(&p.Hops[i], &recs[i], c, s)
		p.Hops[i].Elapsed = int64(recs[i].Ns - recs[0].Ns)
		p.Hops[i].Tap = int(s.Tap) == i+1
		switch {
		case c.send && sender != nil:
			p.Hops[i].Extra = sender.keys
		case c.read && reader != nil:
			p.Hops[i].Extra = reader.keys
		}
		way.pass(c.side)
	}
	p.Way = way.way()
	fillProcess(p, s, sender, reader)
	if s.Flags&bpf.SlotDropped != 0 {
		n.fillDrop(p, s)
	}
	n.fillLinks(p, s, t)
	p.FakeL2 = t.Flags&bpf.TapNoLink != 0
	p.Finish()
	return p
}

func recsOf(s *bpf.Slot) []bpf.HopRec { return s.Hop[:min(int(s.Hops), bpf.MaxHops)] }

// inversions counts hops whose time lies before that of the hop in front of
// them; they stay as they were recorded.
func inversions(hops []bpf.HopRec) (n uint64) {
	for i := 1; i < len(hops); i++ {
		if hops[i].Ns < hops[i-1].Ns {
			n++
		}
	}
	return n
}

func (n *namer) pass(index uint16) *pass {
	if int(index) >= len(n.passes) {
		return &pass{name: "hop" + strconv.Itoa(int(index))}
	}
	return &n.passes[index]
}

// fillHop sets every field: h was another path's.
func (n *namer) fillHop(h *pcapng.Hop, rec *bpf.HopRec, c *pass, s *bpf.Slot) {
	*h = pcapng.Hop{Func: c.name, CPU: int(rec.Cpu)}
	if d := int(rec.Dev); d > 0 && d <= bpf.MaxDevs {
		h.Dev = n.text(&s.Dev[d-1].Name)
		h.Netns = s.Dev[d-1].Netns
	}
}

// text is text, with the same string for the same name.
func (n *namer) text(b *[16]int8) string {
	if s, ok := n.texts[*b]; ok {
		return s
	}
	return remember(n.texts, *b, text(b))
}

// processes returns those of the send and of the read call, nil if unknown.
func (n *namer) processes(s *bpf.Slot) (sender, reader *process) {
	if s.Flags&bpf.SlotSender != 0 {
		sender = n.process(&s.Sender)
	}
	if s.Flags&bpf.SlotReader != 0 {
		reader = n.process(&s.Reader)
	}
	return sender, reader
}

func (n *namer) process(rec *bpf.ProcRec) *process {
	if p := n.procs[*rec]; p != nil {
		return p
	}
	comm := text(&rec.Comm)
	return remember(n.procs, *rec, &process{comm, []pcapng.KV{
		{Key: "pid", Value: strconv.Itoa(int(rec.Pid))},
		{Key: "tid", Value: strconv.Itoa(int(rec.Tid))},
		{Key: "comm", Value: comm},
	}})
}

// fillProcess names the process of the send call, of the read call for what
// came from a device.
func fillProcess(p *pcapng.Path, s *bpf.Slot, sender, reader *process) {
	switch {
	case sender != nil:
		p.Pid, p.Tid, p.Comm = int(s.Sender.Pid), int(s.Sender.Tid), sender.comm
	case reader != nil:
		p.Pid, p.Tid, p.Comm = int(s.Reader.Pid), int(s.Reader.Tid), reader.comm
	}
}

// subsystem is the shift of the part of a drop reason that says whose it is;
// 0 is the core's (SKB_DROP_REASON_SUBSYS_SHIFT, from 6.4 on).
const subsystem = 16

func (n *namer) drop(s *bpf.Slot) *drop {
	place := dropPlace{s.DropReason, s.DropLocation}
	if d := n.drops[place]; d != nil {
		return d
	}
	d := &drop{Drop: pcapng.Drop{Reason: n.reason(s.DropReason)}}
	if n.symbol != nil {
		if name, off, ok := n.symbol(s.DropLocation); ok {
			d.Func, d.Offset = name, off
		}
	}
	d.keys = []pcapng.KV{{Key: "drop", Value: d.Reason}}
	return remember(n.drops, place, d)
}

func (n *namer) reason(number uint32) string {
	if name := n.reasons[uint64(number)]; name != "" {
		name = strings.TrimPrefix(name, "SKB_DROP_REASON_")
		// Until 6.1 this was its name.
		return strings.TrimPrefix(name, "SKB_")
	}
	if sub := number >> subsystem; sub != 0 {
		return "SUBSYS" + strconv.Itoa(int(sub)) + "_" + strconv.Itoa(int(number&(1<<subsystem-1)))
	}
	return strconv.Itoa(int(number))
}

// fillDrop says the reason, at the hop where it happened, too.
func (n *namer) fillDrop(p *pcapng.Path, s *bpf.Slot) {
	d := n.drop(s)
	p.Drop = &d.Drop
	for i := len(p.Hops) - 1; i >= 0; i-- {
		h := &p.Hops[i]
		if h.Func != "kfree_skb" {
			continue
		}
		if h.Extra == nil {
			h.Extra = d.keys
		} else { // into memory of its own: these are shared
			h.Extra = append(slices.Clip(h.Extra), d.keys...)
		}
		return
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
