// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"os"
	"runtime"
	"slices"
	"sync"

	"hopdump/bpf"
	"hopdump/filter"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

const (
	defaultSnapLen = 262144
	// copyMax is what a copy buffer holds of a packet: the largest one without
	// BIG TCP, an IP packet of 65,535 bytes with its link headers.
	copyMax     = 65536 + 64
	slotLines   = 2048 // times 8 slots of 1,000 bytes: 16 MiB of kernel memory
	socketPlace = 4096
	defaultRing = 16 << 20
	maxRing     = 1 << 30
)

// config sizes the maps for the options on this machine.
func config(opts Options, s scope, f filters, weakEnd bool) (bpf.Config, error) {
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return bpf.Config{}, fmt.Errorf("count CPUs: %w", err)
	}
	ring := defaultRing
	if opts.BufferKiB > 0 {
		kib := min(opts.BufferKiB, maxRing>>10)
		ring = 1 << bits.Len(uint(max(kib<<10, os.Getpagesize())-1))
	}
	return bpf.Config{
		Lines: slotLines, Socks: socketPlace, RingBytes: ring, WakeBytes: ring / 8,
		SnapLen: min(opts.snapLen(), copyMax), CPUs: cpus,
		Scope: s.mode, Netns: s.netns, Listed: len(s.listed),
		MatchAll: f.l2.MatchesAll(), EarlyVerdict: !f.l2.NeedsLink() && !f.l2.NeedsDevice(),
		WeakEnd: weakEnd,
	}, nil
}

// filters is the expression compiled for packets with and without link header.
type filters struct{ l2, l3 *filter.Program }

// load puts the set's programs into the kernel, several at a time, since the
// verifier takes most of the time at the start. A program that the kernel
// refuses is left out and its hop marked as missing.
func load(set *HopSet, k Kernel, cfg bpf.Config, f filters) (*programs, error) {
	_ = rlimit.RemoveMemlock() // only matters before 5.11
	dynptr := hasDynptr(k.Spec)
	set.rest = !dynptr
	spec, err := collection(set.programs(dynptr), cfg, f)
	if err != nil {
		return nil, err
	}
	onlyMaps := spec.Copy()
	onlyMaps.Programs = nil
	shared, err := ebpf.NewCollectionWithOptions(onlyMaps, ebpf.CollectionOptions{Cache: k.cache})
	if err != nil {
		return nil, fmt.Errorf("create maps: %w", err)
	}
	l := loader{spec: spec, opts: ebpf.CollectionOptions{
		MapReplacements: shared.Maps, Cache: k.cache,
		// Every type in kernel.h is vmlinux's. Without this the BTF of each
		// module is decoded, too, and that not safely by several at a time.
		Programs: ebpf.ProgramOptions{KernelTypes: k.Spec},
	}}
	loaded, refused := l.all()
	if dynptr && len(refused) > 0 {
		// There is a dynptr of an skb, but not for these programs (6.4 to 6.11).
		set.rest = true
		l.spec, err = collection(onlyNamed(set.programs(false), refused), cfg, f)
		if err != nil {
			return nil, err
		}
		again, stillRefused := l.all()
		maps.Copy(loaded, again)
		refused = stillRefused
	}
	var cause error
	for name, err := range refused {
		set.refuse(name, err)
		cause = err
	}
	if !set.records() {
		for _, p := range loaded {
			p.Close()
		}
		shared.Close()
		return nil, fmt.Errorf("load programs: %w", cause)
	}
	return newPrograms(shared, loaded)
}

// records says that a hop is left at which packets are taken.
func (s *HopSet) records() bool {
	const taps = bpf.HopTapTx | bpf.HopTapRx | bpf.HopDrop
	return slices.ContainsFunc(s.Choices, func(c Choice) bool {
		return c.Mechanism != MechNone && c.Flags&taps != 0
	})
}

func onlyNamed(progs []bpf.Program, names map[string]error) []bpf.Program {
	return slices.DeleteFunc(progs, func(p bpf.Program) bool { return names[p.Name] == nil })
}

// loader loads programs that share maps.
type loader struct {
	spec *ebpf.CollectionSpec
	opts ebpf.CollectionOptions
}

// all loads every program of the spec and says which were refused, and why.
func (l *loader) all() (loaded map[string]*ebpf.Program, refused map[string]error) {
	loaded, refused = map[string]*ebpf.Program{}, map[string]error{}
	var mu sync.Mutex // both maps
	var wg sync.WaitGroup
	names := make(chan string)
	for range min(runtime.NumCPU(), len(l.spec.Programs)) {
		wg.Go(func() {
			for name := range names {
				prog, err := l.one(name)
				mu.Lock()
				if err != nil {
					refused[name] = err
				} else {
					loaded[name] = prog
				}
				mu.Unlock()
			}
		})
	}
	for name := range l.spec.Programs {
		names <- name
	}
	close(names)
	wg.Wait()
	return loaded, refused
}

func (l *loader) one(name string) (*ebpf.Program, error) {
	// The maps are replaced, so the spec's own are only looked at.
	spec := &ebpf.CollectionSpec{
		Maps: l.spec.Maps, Types: l.spec.Types, ByteOrder: l.spec.ByteOrder, Variables: l.spec.Variables,
		Programs: map[string]*ebpf.ProgramSpec{name: l.spec.Programs[name]},
	}
	coll, err := ebpf.NewCollectionWithOptions(spec, l.opts)
	if err != nil {
		return nil, err
	}
	defer coll.Close()
	return coll.DetachProgram(name), nil
}

func collection(progs []bpf.Program, cfg bpf.Config, f filters) (*ebpf.CollectionSpec, error) {
	cs, err := bpf.Spec(progs, cfg)
	if err != nil {
		return nil, err
	}
	// Programs that neither tap nor decide early have no filter in them.
	if err := filter.Splice(cs, f.l2, f.l3); err != nil && !errors.Is(err, filter.ErrNoFunction) {
		return nil, err
	}
	return cs, nil
}

// hasDynptr says whether this kernel knows the function that makes a dynptr of
// an skb. Whether tp_btf programs may call it shows when they are loaded.
func hasDynptr(spec *btf.Spec) bool {
	var f *btf.Func
	return spec.TypeByName("bpf_dynptr_from_skb", &f) == nil
}

// refuse marks the hop of a program as missing.
func (s *HopSet) refuse(program string, err error) {
	for i := range s.Choices {
		c := &s.Choices[i]
		if "h_"+c.ID != program {
			continue
		}
		c.Mechanism = MechNone
		c.State = "no: " + reason(err)
	}
	for _, h := range s.Hooks {
		if "e_"+h.Name == program {
			s.Missing = append(s.Missing, h)
		}
	}
}

// reason is the shortest true account of why a program was refused.
func reason(err error) string {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return fmt.Sprintf("the kernel refuses it (%s)", unix.ErrnoName(errno))
	}
	return "the kernel refuses it"
}
