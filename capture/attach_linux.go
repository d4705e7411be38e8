// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"hopdump/bpf"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// programs are a hop set at work in the kernel.
type programs struct {
	coll  *ebpf.Collection
	links []link.Link
	gate  *ebpf.Variable
	lines []byte // the two tables, shared with the kernel
	slots []byte
	progs map[string]*ebpf.Program
}

func newPrograms(coll *ebpf.Collection, progs map[string]*ebpf.Program) (*programs, error) {
	p := &programs{coll: coll, progs: progs, gate: coll.Variables["gate"]}
	var err error
	if p.lines, err = mapTable(coll.Maps["lines"]); err == nil {
		p.slots, err = mapTable(coll.Maps["slots"])
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// mapTable maps an array of the kernel into our memory.
func mapTable(m *ebpf.Map) ([]byte, error) {
	page := os.Getpagesize()
	size := int(m.ValueSize()+7) &^ 7 * int(m.MaxEntries())
	b, err := unix.Mmap(m.FD(), 0, (size+page-1)&^(page-1), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the slots: %w", err)
	}
	return b[:size:size], nil
}

// attach links every program to its target: first what sees skbs end, so that
// no path is begun that could not be finished. Nothing is recorded before the
// gate is opened.
func (p *programs) attach(set *HopSet) error {
	order := make([]string, 0, len(p.progs))
	for _, h := range set.Hooks {
		order = append(order, "e_"+h.Name)
	}
	for _, c := range set.Choices {
		order = append(order, "h_"+c.ID)
	}
	var lastErr error
	for _, name := range order {
		prog := p.progs[name]
		if prog == nil {
			continue
		}
		l, err := link.AttachTracing(link.TracingOptions{Program: prog})
		if err != nil {
			set.refuse(name, err)
			lastErr = err
			continue
		}
		p.links = append(p.links, l)
	}
	if len(p.links) == 0 {
		return fmt.Errorf("attach: %w", lastErr)
	}
	return nil
}

// open lets the programs record; shut makes them return at once.
func (p *programs) open() error { return p.gate.Set(uint32(1)) }
func (p *programs) shut() error { return p.gate.Set(uint32(0)) }

// close detaches and frees everything. Up to 6.18 the kernel waits 130 ms for
// each fentry link it detaches, so they are detached side by side.
func (p *programs) close() {
	var wg sync.WaitGroup
	for _, l := range p.links {
		wg.Go(func() { l.Close() })
	}
	wg.Wait()
	for _, prog := range p.progs {
		prog.Close()
	}
	if p.lines != nil {
		_ = unix.Munmap(p.lines[:cap(p.lines)])
	}
	if p.slots != nil {
		_ = unix.Munmap(p.slots[:cap(p.slots)])
	}
	p.coll.Close()
}

// slot is the place with that index in the shared table.
func (p *programs) slot(index uint32) *bpf.Slot {
	size := (unsafe.Sizeof(bpf.Slot{}) + 7) &^ 7
	at := uintptr(index) * size
	if at+size > uintptr(len(p.slots)) {
		return nil
	}
	return (*bpf.Slot)(unsafe.Pointer(&p.slots[at]))
}

// takeOutcome is what became of an attempt to take a journey over.
type takeOutcome int

const (
	taken   takeOutcome = iota // copied; the kernel adds nothing more
	closing                    // its path record is on the way
	gone                       // it has ended
)

// take copies an open journey out of its slot and marks it as written. state is
// the slot's state word at the tap: the same generation must still be there.
func (p *programs) take(index uint32, state uint64, into *bpf.Slot) takeOutcome {
	s := p.slot(index)
	if s == nil {
		return gone
	}
	for {
		now := atomic.LoadUint64(&s.State)
		switch {
		case now&^bpf.StateMask != state&^bpf.StateMask:
			return gone
		case now&bpf.StateMask == bpf.SlotClosing:
			return closing
		case now&bpf.StateMask != bpf.SlotOpen:
			return gone
		}
		*into = *s
		// Only if nothing ended it meanwhile was the copy whole: the kernel
		// changes the state before it frees the slot.
		if atomic.CompareAndSwapUint64(&s.State, now, now&^bpf.StateMask|bpf.SlotWritten) {
			return taken
		}
	}
}

// misses adds up how often the kernel skipped a program because it interrupted
// itself, for the hops and for the hooks.
func (p *programs) misses() (hops, hooks uint64) {
	for name, prog := range p.progs {
		info, err := prog.Stats()
		if err != nil {
			continue
		}
		if name[0] == 'h' {
			hops += info.RecursionMisses
		} else {
			hooks += info.RecursionMisses
		}
	}
	return hops, hooks
}

// lost reads the kernel's counters of what was lost.
func (p *programs) lost() (sum bpf.Stats) {
	var perCPU []bpf.Stats
	if p.coll.Maps["stats"].Lookup(uint32(0), &perCPU) != nil {
		return sum
	}
	for i := range perCPU {
		for j, n := range perCPU[i].N {
			sum.N[j] += n
		}
	}
	return sum
}

// listScope fills in the devices that packets must pass.
func (p *programs) listScope(keys []bpf.ScopeKey) error {
	for _, k := range keys {
		if err := p.coll.Maps["scope"].Put(k, uint8(1)); err != nil {
			return fmt.Errorf("set the devices: %w", err)
		}
	}
	return nil
}

// liveSlots counts slots that hold a journey.
func (p *programs) liveSlots() int {
	n := 0
	for i := 0; p.slot(uint32(i)) != nil; i++ {
		switch atomic.LoadUint64(&p.slot(uint32(i)).State) & bpf.StateMask {
		case bpf.SlotFree, bpf.SlotWritten:
		default:
			n++
		}
	}
	return n
}
