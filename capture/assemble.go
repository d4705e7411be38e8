// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"encoding/binary"
	"errors"
	"slices"
	"unsafe"

	"hopdump/bpf"
	"hopdump/pcapng"
)

const (
	// windowBytes bounds what is held back to keep packets in order, and what
	// open journeys may hold in all.
	windowBytes = 16 << 20
	// settleNS is how long after its tap a packet may not be overtaken yet:
	// another CPU may still be writing an earlier one into the ring.
	settleNS = 10_000_000
	// vlanLen is what a restored VLAN tag adds.
	vlanLen = 4
	// moreNS is how long the rest of a packet with fragments is waited for: it
	// takes another way, and a busy machine may be late with it.
	moreNS = 2_000_000_000
	ethLen = 14
)

// journey is a packet between its tap record and its delivery.
type journey struct {
	tap  bpf.Tap
	data []byte // as captured while more is set, then as the wire had it
	// path is the path record, empty if there is none. It takes a third of
	// the memory of the path that is made of it at delivery.
	path   []byte
	open   int64  // time from its last hop to the takeover
	isOpen bool   // it was taken over
	done   bool   // its path is complete, or will never be
	more   bool   // the rest of its bytes comes through the perf buffer
	missed int    // times its slot was found empty without a path record
	goneAt uint64 // bytes of records read when it was first found so
	sent   bool
}

// ready says that nothing more will come.
func (j *journey) ready() bool { return j.done && !j.more }

// size is about what a journey holds in memory.
func (j *journey) size() int {
	return int(unsafe.Sizeof(*j)) + len(j.data) + len(j.path)
}

// room is about what one that was delivered holds.
func (j *journey) room() int {
	return int(unsafe.Sizeof(*j)) + cap(j.data) + cap(j.path)
}

// assembler joins the records of each journey and delivers packets. It is pure:
// records, times and the kernel's slots come from its caller.
type assembler struct {
	opts   Options
	names  *namer
	device func(t *bpf.Tap) *pcapng.Device
	clock  *wallClock
	take   func(index uint32, state uint64, into *bpf.Slot) takeOutcome
	handle Handler
	// ring is the size of the ring: after so many bytes of records, what had
	// been written before the first of them has been read.
	ring uint64

	open  map[uint64]*journey // by id: path record not seen yet
	queue []*journey          // by tap time, delivered ones until the next sweep
	spent int                 // delivered ones in the queue
	free  spares
	early map[uint64]earlyRest // by id: rest of a packet whose tap record is still to come
	held  int                  // bytes of memory of what is in the queue
	read  uint64               // bytes of records
	last  uint64               // tap time of the last one delivered
	slot  bpf.Slot             // the path record just read
	out   bpf.Slot             // the one being delivered
	rec   pcapng.Record        // of the packet being delivered

	// lost is the number of packets lost in the kernel so far, and told how
	// many of them the records have said.
	lost, told uint64

	count counters
	err   error // of the handler: sticky
}

// earlyRest is a perf record that overtook its tap record.
type earlyRest struct {
	head bpf.More
	data []byte
	age  int // sweeps with an empty ring that it has waited
}

// earlyMost bounds how many of them wait: there are few, and none for long.
const earlyMost = 256

// counters are the assembler's part of the account.
type counters struct {
	captured, taps, hops uint64
	late, inverted, cut  uint64
	trunc                uint64 // hops beyond what a slot holds
	pathLost             uint64 // packets whose path record was lost
}

func newAssembler(opts Options) *assembler {
	return &assembler{
		opts: opts, clock: &wallClock{}, ring: defaultRing,
		open: map[uint64]*journey{}, early: map[uint64]earlyRest{},
	}
}

// add takes one record of the ring.
func (a *assembler) add(raw []byte) error {
	a.read += uint64(len(raw))
	err := errShortRecord
	switch kindOf(raw) {
	case bpf.RecTap:
		err = a.addTap(raw)
	case bpf.RecPath:
		err = a.addPath(raw)
	}
	if a.spent >= forgetLeast && a.spent >= len(a.queue)/2 {
		a.forget() // the memory that was used just now is in the cache still
	}
	return err
}

func (a *assembler) addTap(raw []byte) error {
	j := a.free.get(len(raw) - sizeTap)
	data, err := decodeTap(raw, &j.tap)
	if err != nil {
		return err
	}
	a.count.taps++
	if j.more = j.tap.Flags&bpf.TapMore != 0; j.more {
		j.data = append(j.data, data...)
	} else {
		j.fill(data)
	}
	if j.tap.Flags&bpf.TapNoSlot != 0 {
		j.done = true
	} else {
		a.open[j.tap.Id] = j
	}
	if j.more {
		if rest, ok := a.early[j.tap.Id]; ok {
			delete(a.early, j.tap.Id)
			j.join(&rest.head, rest.data)
		}
	}
	a.held += j.size()
	a.enqueue(j)
	a.deliverNow(j)
	return nil
}

// enqueue keeps the queue in the order of tap times. Records come nearly so:
// only another CPU's may have been a little earlier.
func (a *assembler) enqueue(j *journey) {
	a.queue = append(a.queue, j)
	for i := len(a.queue) - 1; i > 0 && a.queue[i-1].tap.Ns > j.tap.Ns; i-- {
		a.queue[i], a.queue[i-1] = a.queue[i-1], a.queue[i]
	}
}

// deliverNow delivers a packet at once if order does not matter.
func (a *assembler) deliverNow(j *journey) {
	if j.ready() && !a.opts.Ordered {
		a.deliver(j)
	}
}

// fill puts the packet's bytes together as the wire had them: with a synthetic
// Ethernet header where the device has none, and with the VLAN tag that the
// card took out.
func (j *journey) fill(data []byte) {
	t := &j.tap
	if t.Flags&bpf.TapNoLink != 0 {
		j.data = append(j.data, make([]byte, 12)...)
		j.data = binary.BigEndian.AppendUint16(j.data, t.Protocol)
		j.data = append(j.data, data...)
		return
	}
	if t.Flags&bpf.TapVLAN == 0 || len(data) < 12 {
		j.data = append(j.data, data...)
		return
	}
	j.data = append(j.data, data[:12]...)
	// vlan_proto is kept in network order, the TCI in host order.
	j.data = binary.NativeEndian.AppendUint16(j.data, t.VlanProto)
	j.data = binary.BigEndian.AppendUint16(j.data, t.VlanTci)
	j.data = append(j.data, data[12:]...)
}

// wireLen is the length of the whole packet in the form of its bytes.
func (j *journey) wireLen() int {
	n := int(j.tap.Len)
	switch {
	case j.tap.Flags&bpf.TapNoLink != 0:
		n += ethLen
	case j.tap.Flags&bpf.TapVLAN != 0:
		n += vlanLen
	}
	return n
}

// addMore takes the rest of a packet with fragments from the perf buffer.
func (a *assembler) addMore(raw []byte) error {
	var m bpf.More
	data, err := decodeMore(raw, &m)
	if err != nil {
		return err
	}
	for i := len(a.queue) - 1; i >= 0; i-- {
		j := a.queue[i]
		if j.tap.Id != m.Id {
			continue
		}
		if j.more && !j.sent {
			a.resize(j, func() { j.join(&m, data) })
			a.deliverNow(j)
		}
		return nil // if not, it was delivered without
	}
	if len(a.early) < earlyMost {
		a.early[m.Id] = earlyRest{head: m, data: slices.Clone(data)}
	}
	return nil
}

// join replaces what lies behind skb->data, which the tap record has in part,
// and puts the packet into its final form.
func (j *journey) join(m *bpf.More, data []byte) {
	if int(m.Skip) > len(j.data) {
		return // not of this packet as we know it
	}
	keep := int(m.Skip)
	if rest := int(j.tap.Want) - keep; len(data) > rest {
		data = data[:max(rest, 0)]
	}
	j.settle(append(j.data[:keep:keep], data...))
}

// settle ends the wait for the rest of a packet: raw is all there is of it.
func (j *journey) settle(raw []byte) {
	j.more = false
	j.data = nil
	j.fill(raw)
}

func (a *assembler) addPath(raw []byte) error {
	if err := decodePath(raw, &a.slot); err != nil {
		return err
	}
	j := a.open[a.slot.Id]
	if j == nil {
		return nil // taken over before
	}
	a.setPath(j)
	a.finish(j)
	a.deliverNow(j)
	return nil
}

// setPath gives the journey the path record in a.slot.
func (a *assembler) setPath(j *journey) {
	a.count.hops += uint64(a.slot.Hops)
	a.count.trunc += uint64(a.slot.Trunc)
	hops := recsOf(&a.slot)
	a.count.inverted += inversions(hops)
	raw := bytesOf(&a.slot, slotHead+len(hops)*sizeHop)
	a.resize(j, func() { j.path = append(j.path[:0], raw...) })
}

// resize keeps the account of memory while a journey in the queue changes.
func (a *assembler) resize(j *journey, change func()) {
	a.held -= j.size()
	change()
	a.held += j.size()
}

func (a *assembler) finish(j *journey) {
	j.done = true
	delete(a.open, j.tap.Id)
}

// sweep looks after journeys that do not end, and delivers what is due. now is
// CLOCK_MONOTONIC; idle says that the ring was read empty just before; final
// ends everything.
func (a *assembler) sweep(now int64, idle, final bool) {
	linger := a.opts.linger().Nanoseconds()
	for _, j := range a.queue {
		age := now - int64(j.tap.Ns)
		if !final && age < min(linger, moreNS) {
			break
		}
		if j.more && (final && idle || age > moreNS) {
			// Lost on the way; fillRecord counts it.
			a.resize(j, func() { j.settle(j.data) })
			a.deliverNow(j)
		}
		if !j.done && (final || age >= linger) {
			a.takeOver(j, now, idle, final)
		}
	}
	a.deliverDue(now, final)
	a.relieve(now, idle)
	a.forget()
	if idle {
		a.forgetEarly()
	}
}

// earlySweeps is how often the ring is read empty before a rest without a tap
// record is given up. The ring may have been empty just before the program wrote
// both, so once is not enough.
const earlySweeps = 50

func (a *assembler) forgetEarly() {
	for id, rest := range a.early {
		if rest.age++; rest.age > earlySweeps {
			delete(a.early, id)
			continue
		}
		a.early[id] = rest
	}
}

// relieve ends journeys early, the oldest first, when they hold too much memory.
func (a *assembler) relieve(now int64, idle bool) {
	for _, j := range a.queue {
		if a.held <= 2*windowBytes {
			return
		}
		if !j.done {
			a.takeOver(j, now, idle, true)
			a.deliverDue(now, false)
		}
	}
}

// takeOver ends a journey on our side. The kernel may be doing the same: then
// its path record is on the way, or it was lost. force does not wait for it
// longer than until the ring is empty.
func (a *assembler) takeOver(j *journey, now int64, idle, force bool) {
	switch a.take(j.tap.Index, j.tap.State, &a.slot) {
	case taken:
		a.setPath(j)
		if a.slot.Hops > 0 {
			j.isOpen = true
			j.open = max(0, now-int64(a.slot.Hop[a.slot.Hops-1].Ns))
		}
	case closing:
		if !force || !idle {
			return
		}
		a.countLostPath()
	case gone:
		if !a.givenUp(j, idle, force) {
			return
		}
		a.countLostPath()
	}
	a.finish(j)
	a.deliverNow(j)
}

// countLostPath counts a packet that is delivered without its path. After the
// handler has had enough the ring is not read any more, and nothing is delivered.
func (a *assembler) countLostPath() {
	if a.err == nil {
		a.count.pathLost++
	}
}

// givenUp says that the path record of a journey that has ended will not come
// any more: the ring was read empty since, or once around.
func (a *assembler) givenUp(j *journey, idle, force bool) bool {
	if j.missed == 0 {
		j.goneAt = a.read
	}
	j.missed++
	switch {
	case a.held > 2*windowBytes, a.read-j.goneAt > a.ring:
		return true
	case idle:
		return force || j.missed > 2
	}
	return false
}

// deliverDue hands on, in the order of tap times, what nothing earlier can
// overtake any more. When the window is full, open journeys are passed by; they
// come late.
func (a *assembler) deliverDue(now int64, final bool) {
	if !a.opts.Ordered {
		return
	}
	for _, j := range a.queue {
		switch {
		case j.sent:
		case !final && now-int64(j.tap.Ns) < settleNS:
			return
		case j.ready():
			a.deliver(j)
		case a.held <= windowBytes:
			return
		}
	}
}

func (a *assembler) deliver(j *journey) {
	j.sent = true
	a.spent++
	a.held -= j.size()
	if a.err != nil {
		return
	}
	if j.tap.Ns < a.last && a.opts.Ordered {
		a.count.late++
	}
	a.last = max(a.last, j.tap.Ns)
	a.fillRecord(j)
	if a.err = a.handle(&a.rec); a.err == nil || errors.Is(a.err, ErrStop) {
		a.count.captured++
	}
}

func (a *assembler) fillRecord(j *journey) {
	t := &j.tap
	r := &a.rec
	*r = pcapng.Record{}
	r.Time = a.clock.real(int64(t.Ns))
	r.Len = j.wireLen()
	r.Data = j.data[:min(len(j.data), a.opts.snapLen())]
	if len(j.data) < min(r.Len, a.opts.snapLen()) {
		a.count.cut++
	}
	r.Dev = a.device(t)
	r.Dir = pcapng.In
	if t.Flags&bpf.TapOut != 0 {
		r.Dir = pcapng.Out
	}
	r.ID = t.Id
	r.Queue = int(t.Queue)
	r.Lost = a.lost - a.told
	a.told = a.lost
	if len(j.path) > 0 {
		copy(bytesOf(&a.out, sizeSlot), j.path)
		r.Path = a.names.pathOf(&a.out, t)
		r.Path.IsOpen, r.Path.Open = j.isOpen, j.open
	}
}

// forgetLeast is how many delivered ones are worth a pass over the queue.
const forgetLeast = 64

// forget takes delivered journeys out of the queue and keeps their memory. It
// looks no further than the last of them: behind it lie thousands at times.
func (a *assembler) forget() {
	kept, at := 0, 0
	for ; a.spent > 0; at++ {
		j := a.queue[at]
		if j.sent {
			a.spent--
			a.free.put(j)
			continue
		}
		a.queue[kept] = j
		kept++
	}
	a.queue = slices.Delete(a.queue, kept, at)
}
