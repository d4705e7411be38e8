// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"strconv"
)

// version is the last word of a summary and the first of the section comment.
const version = "hopdump/1"

// Finish computes what follows from Elapsed of the hops: their Delta, and
// Count, Total, MaxDelta and MaxFunc of the path. Count includes Trunc.
func (p *Path) Finish() {
	var prev int64
	for i := range p.Hops {
		h := &p.Hops[i]
		h.Delta = h.Elapsed - prev
		prev = h.Elapsed
	}
	p.sum()
}

// sum is Finish for hops whose Delta is known.
func (p *Path) sum() {
	p.Count, p.Total, p.MaxDelta, p.MaxFunc = len(p.Hops)+p.Trunc, 0, 0, ""
	if n := len(p.Hops); n > 0 {
		p.Total = max(0, p.Hops[n-1].Elapsed)
	}
	for i := 1; i < len(p.Hops); i++ {
		if h := &p.Hops[i]; p.MaxFunc == "" || h.Delta > p.MaxDelta {
			p.MaxDelta, p.MaxFunc = h.Delta, h.Func
		}
	}
}

// TapElapsed returns the Elapsed of the hop that the packet's time belongs to,
// 0 if none is marked. The absolute time of a hop is the packet's time plus its
// Elapsed less this.
func (p *Path) TapElapsed() int64 {
	for i := range p.Hops {
		if p.Hops[i].Tap {
			return p.Hops[i].Elapsed
		}
	}
	return 0
}

// AppendSummary appends the summary comment:
//
//	rjust11(us) "us" SP dir SP count SP "hops" *(SP key "=" value) SP "hopdump/1"
//
// us is microseconds with three decimals. It has at most [MaxComment] bytes of
// printable ASCII: if it would be longer, long values are cut (they then end in
// "..."), and keys are left out, those of Extra first. A total below 0 is
// written as 0 and a way that is none of the five as "-".
func (p *Path) AppendSummary(b []byte) []byte {
	start := len(b)
	for step := range summarySteps {
		b = p.appendSummary(b[:start], summarySteps[step])
		if len(b)-start <= MaxComment {
			break
		}
	}
	return b
}

// AppendTail appends the summary without padding and version word, as it
// stands behind a line of text: "35.179us tx 9 hops max=+31.218us@ip_output".
func (p *Path) AppendTail(b []byte) []byte {
	start := len(b)
	b = p.AppendSummary(b)
	text := b[start : len(b)-len(version)-1]
	for text[0] == ' ' {
		text = text[1:]
	}
	return b[:start+copy(b[start:], text)]
}

// AppendComment appends the comment of hop number index, the first is 1:
//
//	"hop " rjust3(index) " +" rjust10(us) "us " rjust11(us) "us " func *(SP key "=" value)
//
// The first figure is Delta, the second Elapsed. The same limits hold as for
// [Path.AppendSummary]; an empty Func is written as "?".
func (h *Hop) AppendComment(b []byte, index int) []byte {
	start := len(b)
	for _, c := range hopSteps {
		b = h.appendComment(b[:start], index, c)
		if len(b)-start <= MaxComment {
			break
		}
	}
	return b
}

// appendComments appends the path's comments as options; each is formatted
// where it will lie. tails may be nil.
func (p *Path) appendComments(o Options, mode CommentMode, tails *hopTails) Options {
	if mode == CommentsNone {
		return o
	}
	o, start := o.beginText(OptComment)
	o = p.AppendSummary(o)
	o = o.endText(start)
	if mode == CommentsSummary {
		return o
	}
	for i := range p.Hops {
		o, start = o.beginText(OptComment)
		o = tails.append(o, &p.Hops[i], i+1)
		o = o.endText(start)
	}
	return o
}

// Comments returns the comments of the path: the summary and one per hop.
func (p *Path) Comments() []string {
	return p.appendComments(nil, CommentsFull, nil).Comments()
}

// Ranks of keys: what must go first if a comment is too long. The grammar asks
// for no key, so a comment stays valid whichever are missing.
const (
	rankCore  = iota // DROP, max, open
	rankState        // pid, merged, trunc, lost, l2, ts
	rankName         // tid, comm
	rankHW           // hw, phc
	rankNIC          // nic, err
	rankLink         // clone, gso, segs, gro, rtx, q
	rankAll
)

// A limit says how a comment is made shorter; the zero value leaves it as is.
type limit struct {
	value int  // bytes per encoded value; 0 means any
	rank  int  // highest rank that stays
	fit   bool // Extra only as far as there is room
}

var summarySteps = [...]limit{
	{0, rankAll, false},
	{64, rankAll, true},
	{64, rankNIC, true},
	{64, rankHW, true},
	{48, rankName, true},
	{24, rankName, true},
	{24, rankState, true},
	{16, rankCore, true}, // 196 bytes with the longest figures
}

var hopSteps = [...]limit{
	{0, rankAll, false},
	{64, rankAll, true},
	{24, rankAll, true}, // 171 bytes with the longest figures
}

func (p *Path) appendSummary(b []byte, c limit) []byte {
	start := len(b)
	b = appendMicros(b, max(p.Total, 0), 11)
	b = append(b, "us "...)
	b = append(b, p.Way.word()...)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(max(p.Count, 0)), 10)
	b = append(b, " hops"...)
	if p.Drop != nil {
		b = p.Drop.append(append(b, " DROP="...), c)
	}
	if p.MaxFunc != "" {
		b = appendStep(b, " max=+", p.MaxDelta)
		b = appendValue(append(b, '@'), p.MaxFunc, c.value)
	}
	b = p.appendProcess(b, c)
	b = p.appendNIC(b, c)
	b = p.appendLinks(b, c)
	if p.IsOpen {
		b = appendStep(b, " open=+", p.Open)
	}
	b = appendExtra(b, p.Extra, start+MaxComment-len(version)-1, c)
	return append(append(b, ' '), version...)
}

func (p *Path) appendProcess(b []byte, c limit) []byte {
	if c.rank >= rankState {
		b = appendCount(b, " pid=", p.Pid)
	}
	if c.rank < rankName {
		return b
	}
	b = appendCount(b, " tid=", p.Tid)
	if p.Comm != "" {
		b = appendValue(append(b, " comm="...), p.Comm, c.value)
	}
	return b
}

func (p *Path) appendNIC(b []byte, c limit) []byte {
	n := p.NIC
	if n == nil || c.rank < rankHW {
		return b
	}
	b = append(b, " hw="...)
	b = appendSeconds(b, n.Raw)
	if n.PHC >= 0 {
		b = strconv.AppendInt(append(b, " phc="...), int64(n.PHC), 10)
	}
	if n.Mapped && c.rank >= rankNIC {
		b = appendStep(b, " nic=+", n.At)
		b = strconv.AppendInt(append(b, " err="...), max(n.Err, 0), 10)
	}
	return b
}

// appendLinks appends the relations to other packets and the remarks.
func (p *Path) appendLinks(b []byte, c limit) []byte {
	all := c.rank >= rankLink
	if all {
		b = appendCount(b, " clone=", p.Clone)
		b = appendCount(b, " gso=", p.Gso)
		b = appendCount(b, " segs=", p.Segs)
		b = appendCount(b, " gro=", p.Gro)
	}
	if c.rank >= rankState {
		b = appendCount(b, " merged=", p.Merged)
	}
	if all {
		b = appendCount(b, " rtx=", p.Rtx)
		if p.Queue > 0 {
			b = strconv.AppendInt(append(b, " q="...), int64(p.Queue-1), 10)
		}
	}
	if c.rank < rankState {
		return b
	}
	b = appendCount(b, " trunc=", p.Trunc)
	b = appendCount(b, " lost=", p.LostHops)
	if p.FakeL2 {
		b = append(b, " l2=fake"...)
	}
	if p.HostTime {
		b = append(b, " ts=host"...)
	}
	return b
}

func (h *Hop) appendComment(b []byte, index int, c limit) []byte {
	start := len(b)
	b = h.appendTail(h.appendFigures(b, index), c)
	return appendExtra(b, h.Extra, start+MaxComment, c)
}

// appendFigures appends what no two packets have in common.
func (h *Hop) appendFigures(b []byte, index int) []byte {
	if index > 0 && index < 10 {
		b = append(b, 'h', 'o', 'p', ' ', ' ', ' ', byte('0'+index), ' ', '+')
	} else {
		b = append(appendPadded(append(b, "hop "...), int64(index), 3), " +"...)
	}
	b = appendMicros(b, h.Delta, 10)
	b = appendMicros(append(b, "us "...), h.Elapsed, 11)
	return append(b, "us "...)
}

// appendTail appends function, CPU and device.
func (h *Hop) appendTail(b []byte, c limit) []byte {
	if h.Func == "" {
		b = append(b, '?')
	}
	b = appendValue(b, h.Func, c.value)
	if h.CPU >= 0 {
		b = strconv.AppendInt(append(b, " cpu="...), int64(h.CPU), 10)
	}
	if h.Tap {
		b = append(b, " tap=1"...)
	}
	if h.Dev != "" {
		b = appendValue(append(b, " dev="...), h.Dev, c.value)
	}
	return appendCount(b, " ns=", h.Netns)
}

// hopTails are tails written before: few differ, and copying one costs less than
// composing it. Each has one place where it may be.
type hopTails [1 << tailBits]hopTail

const tailBits = 10 // hops that share a place write theirs anew each time

// hopTail is a tail and what it is of. Names are copies, as a FileWriter keeps
// nothing of a record.
type hopTail struct {
	fn, dev []byte
	cpu     int
	netns   uint32
	tap     bool
	text    []byte // empty if it may be too long
}

// maxTail is the longest tail that is kept: with the longest figures, which
// take 80 bytes, a comment still has its room.
const maxTail = MaxComment - 80

// append is h.AppendComment.
func (list *hopTails) append(b []byte, h *Hop, index int) []byte {
	if list == nil || h.Func == "" || len(h.Func)+len(h.Dev) > maxTail {
		return h.AppendComment(b, index)
	}
	t := &list[h.place()]
	if !t.isOf(h) {
		t.set(h)
	}
	if len(t.text) == 0 || len(h.Extra) > 0 {
		return h.AppendComment(b, index)
	}
	return append(h.appendFigures(b, index), t.text...)
}

// place is a hash of some of what a tail is of, by multiplication (Knuth, The
// Art of Computer Programming, volume 3, section 6.4).
func (h *Hop) place() uint32 {
	n := len(h.Func)
	x := uint32(n) ^ uint32(h.Func[n-1])<<8 ^ uint32(h.Func[n/2])<<16 ^ uint32(h.Func[n/4])<<24
	x ^= uint32(h.CPU)<<4 ^ uint32(len(h.Dev))<<13
	return x * 0x9E3779B1 >> (32 - tailBits)
}

func (t *hopTail) isOf(h *Hop) bool {
	return t.cpu == h.CPU && t.tap == h.Tap && t.netns == h.Netns && string(t.fn) == h.Func && string(t.dev) == h.Dev
}

func (t *hopTail) set(h *Hop) {
	t.fn, t.dev = append(t.fn[:0], h.Func...), append(t.dev[:0], h.Dev...)
	t.cpu, t.netns, t.tap = h.CPU, h.Netns, h.Tap
	if t.text = h.appendTail(t.text[:0], limit{}); len(t.text) > maxTail {
		t.text = t.text[:0]
	}
}

// append writes reason "@" func "+0x" offset. Offset 0 means unknown: no call
// returns to the first byte of a function.
func (d *Drop) append(b []byte, c limit) []byte {
	if d.Reason == "" {
		b = append(b, '?')
	}
	b = appendEscaped(b, d.Reason, '@', c.value)
	if d.Func == "" {
		return b
	}
	b = appendEscaped(append(b, '@'), d.Func, '+', c.value)
	if d.Offset == 0 {
		return b
	}
	return strconv.AppendUint(append(b, "+0x"...), d.Offset, 16)
}

// String returns the value of the key DROP: "NO_SOCKET@tcp_v4_rcv+0x1a2".
func (d *Drop) String() string { return string(d.append(nil, limit{})) }

// word returns what stands for w in a summary.
func (w Way) word() string {
	switch w {
	case WayRx, WayTx, WayFwd, WayLo:
		return string(w)
	}
	return string(WayUnknown)
}
