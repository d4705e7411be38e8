// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// Constants in the templates that a program's own numbers replace; MARK_HOP and
// MARK_FLAGS in hop.bpf.c.
const (
	markHop   = 0x48f0d001
	markFlags = 0x48f0d002
)

// scratches is the number of copy buffers of each CPU (SCRATCHES in tap.h), and
// scratchHead what a buffer needs besides the packet: two words, the tap record
// and room for link headers (PRE_MASK + 1).
const (
	scratches   = 3
	scratchHead = 16 + 88 + 256
)

// Program is one copy of a template.
type Program struct {
	Name     string // of the copy
	Template string // name of the program in hop.bpf.c
	Target   string // function or tracepoint
	Hop      uint16 // index in the hop set
	Flags    uint32
}

// Config sizes the maps and sets what the programs need to know. Every field
// must be set except where zero is said to mean something.
type Config struct {
	Lines        int    // lines of Ways slots; a power of two
	Socks        int    // TCP sockets remembered at a time; a power of two
	RingBytes    int    // a power of two, at least a page
	WakeBytes    int    // bytes in the ring from which on the reader is woken
	SnapLen      int    // bytes copied of a packet
	CPUs         int    // possible CPUs
	Scope        uint32 // ScopeAll, ScopeNetns, ScopeListed
	Netns        uint32 // with ScopeNetns
	Listed       int    // entries of the map scope
	MatchAll     bool   // there is no expression
	EarlyVerdict bool   // the expression can be decided from the IP header on
	WeakEnd      bool   // no end-of-life hooks are attached
}

// Spec puts the maps and one copy of a template per program together. It reads
// nothing but its arguments. The filter is spliced in afterwards.
func Spec(progs []Program, cfg Config) (*ebpf.CollectionSpec, error) {
	base, err := loadHop()
	if err != nil {
		return nil, err
	}
	spec := base.Copy()
	spec.Programs = make(map[string]*ebpf.ProgramSpec, len(progs))
	for _, p := range progs {
		t := base.Programs[p.Template]
		if t == nil {
			return nil, fmt.Errorf("bpf: no template %q", p.Template)
		}
		spec.Programs[p.Name] = instantiate(t, p)
	}
	sizeMaps(spec, cfg)
	return spec, setConfig(spec, cfg)
}

func instantiate(t *ebpf.ProgramSpec, p Program) *ebpf.ProgramSpec {
	c := t.Copy()
	c.Name = p.Name
	c.AttachTo = p.Target
	for i := range c.Instructions {
		ins := &c.Instructions[i]
		if ins.OpCode != asm.Mov.Op(asm.ImmSource) {
			continue
		}
		switch ins.Constant {
		case markHop:
			ins.Constant = int64(p.Hop)
		case markFlags:
			ins.Constant = int64(p.Flags)
		}
	}
	return c
}

func sizeMaps(spec *ebpf.CollectionSpec, cfg Config) {
	spec.Maps[hopMapLines].MaxEntries = uint32(cfg.Lines)
	spec.Maps[hopMapSlots].MaxEntries = uint32(cfg.Lines * Ways)
	spec.Maps[hopMapSocks].MaxEntries = uint32(cfg.Socks)
	spec.Maps[hopMapRing].MaxEntries = uint32(cfg.RingBytes)
	spec.Maps[hopMapScope].MaxEntries = uint32(max(1, cfg.Listed))
	spec.Maps[hopMapScratches].MaxEntries = uint32(cfg.CPUs * scratches)
	spec.Maps[hopMapScratches].ValueSize = uint32(scratchHead + cfg.SnapLen)
}

func setConfig(spec *ebpf.CollectionSpec, cfg Config) error {
	values := map[string]uint32{
		hopVarCfgLineMask:     uint32(cfg.Lines - 1),
		hopVarCfgSockMask:     uint32(cfg.Socks - 1),
		hopVarCfgSnap:         uint32(cfg.SnapLen),
		hopVarCfgWake:         uint32(cfg.WakeBytes),
		hopVarCfgScope:        cfg.Scope,
		hopVarCfgNetns:        cfg.Netns,
		hopVarCfgMatchAll:     flag(cfg.MatchAll),
		hopVarCfgEarlyVerdict: flag(cfg.EarlyVerdict && !cfg.MatchAll),
		hopVarCfgWeakEnd:      flag(cfg.WeakEnd),
	}
	for name, v := range values {
		if err := spec.Variables[name].Set(v); err != nil {
			return fmt.Errorf("bpf: set %s: %w", name, err)
		}
	}
	return nil
}

func flag(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}
