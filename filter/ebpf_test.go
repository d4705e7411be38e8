// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"encoding/binary"
	"errors"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"
)

const (
	slotSize  = 240 // a window and a verdict
	slotCount = 16384
)

// kernel runs generated functions in the running kernel, over windows that
// are filled once.
type kernel struct {
	spec *ebpf.CollectionSpec
	maps map[string]*ebpf.Map
	mem  *ebpf.Memory
}

// window makes a struct filter_window of a packet of which so many bytes are
// in linear memory.
func window(pkt []byte, linear int, proto uint16) []byte {
	w := make([]byte, slotSize)
	n := min(linear, windowData)
	copy(w, pkt[:n])
	for i, v := range []int{n, linear, len(pkt), 0, 0, int(proto)} {
		binary.LittleEndian.PutUint32(w[windowN+4*i:], uint32(v))
	}
	return w
}

// newKernel loads what the programs share. It skips the test where BPF is not
// to be had.
func newKernel(tb testing.TB) *kernel {
	tb.Helper()
	if os.Geteuid() != 0 {
		tb.Skip("needs root to load BPF programs")
	}
	if err := rlimit.RemoveMemlock(); err != nil {
		tb.Skip(err)
	}
	spec, err := ebpf.LoadCollectionSpec("testdata/harness.o")
	if err != nil {
		tb.Fatal(err)
	}
	m, err := ebpf.NewMap(spec.Maps["slots"])
	if errors.Is(err, ebpf.ErrNotSupported) || errors.Is(err, os.ErrPermission) {
		tb.Skip(err)
	} else if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { m.Close() })
	mem, err := m.Memory()
	if err != nil {
		tb.Fatal(err)
	}
	return &kernel{spec, map[string]*ebpf.Map{"slots": m}, mem}
}

// fill sets the windows.
func (k *kernel) fill(tb testing.TB, windows [][]byte) {
	tb.Helper()
	if len(windows) > slotCount {
		tb.Fatalf("%d windows", len(windows))
	}
	for i, w := range windows {
		if _, err := k.mem.WriteAt(w, int64(i*slotSize)); err != nil {
			tb.Fatal(err)
		}
	}
}

// load puts p into the harness program of that name and loads it.
func (k *kernel) load(tb testing.TB, p *Program, name string, count int) *ebpf.Program {
	tb.Helper()
	spec := k.spec.Copy()
	maps.DeleteFunc(spec.Programs, func(n string, _ *ebpf.ProgramSpec) bool { return n != name })
	if err := spec.Variables["count"].Set(uint32(count)); err != nil {
		tb.Fatal(err)
	}
	l2, l3 := p, (*Program)(nil)
	if p.link == LinkSKBL3 {
		l2, l3 = nil, p
	}
	if err := Splice(spec, l2, l3); err != nil {
		tb.Fatal(err)
	}
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{MapReplacements: k.maps})
	if err != nil {
		tb.Fatalf("%q: %+v", p, err)
	}
	prog := coll.DetachProgram(name)
	coll.Close()
	tb.Cleanup(func() { prog.Close() })
	return prog
}

// run returns the verdict about each of the first count windows.
func (k *kernel) run(tb testing.TB, p *Program, count int) []verdict {
	tb.Helper()
	name := "run_l2"
	if p.link == LinkSKBL3 {
		name = "run_l3"
	}
	prog := k.load(tb, p, name, count)
	if _, err := prog.Run(&ebpf.RunOptions{Data: make([]byte, 64)}); err != nil {
		tb.Fatal(err)
	}
	prog.Close()
	out := make([]verdict, count)
	b := make([]byte, slotSize*count)
	if _, err := k.mem.ReadAt(b, 0); err != nil {
		tb.Fatal(err)
	}
	for i := range out {
		out[i] = verdict(b[i*slotSize+slotSize-8])
	}
	return out
}

// TestEBPF loads every expression of the corpus and compares its verdicts in
// the kernel with those of the evaluator, for whole packets and for packets
// of which only the beginning is in linear memory.
func TestEBPF(t *testing.T) {
	k := newKernel(t)
	for name, link := range map[string]Link{"l2": LinkSKBL2, "l3": LinkSKBL3} {
		t.Run(name, func(t *testing.T) {
			pkts := packets(link)
			pkts = append(pkts, savedPackets(t, map[Link]Link{LinkSKBL2: LinkEthernet, LinkSKBL3: LinkRaw}[link], 4)...)
			var cases []evalCase
			for i, p := range pkts {
				c := evalCase{pkt: p, linear: len(p)}
				if i%3 == 0 {
					c.linear = len(p) * (i % 11) / 10
				}
				if len(p) > 0 && link == LinkSKBL3 && i%2 == 0 {
					c.proto = map[byte]uint16{4: etherIPv4, 6: etherIPv6}[p[0]>>4]
					if c.proto == 0 {
						c.proto = etherARP
					}
				}
				c.linear = min(c.linear, len(p))
				cases = append(cases, c)
			}
			cases = cases[:min(len(cases), slotCount)]
			var windows [][]byte
			for _, c := range cases {
				windows = append(windows, window(c.pkt, c.linear, c.proto))
			}
			k.fill(t, windows)
			tested := 0
			for _, expr := range supported(t) {
				p, err := Compile(expr, link, corpusOptions)
				if err != nil {
					t.Fatalf("%q: %v", expr, err)
				}
				got := k.run(t, p, len(cases))
				for i, c := range cases {
					if want := c.eval(p); got[i] != want {
						t.Fatalf("%q: kernel %d, evaluator %d; %d of %d bytes of %x", expr, got[i], want, c.linear, len(c.pkt), c.pkt)
					}
				}
				tested++
			}
			t.Logf("%d programs, %d windows each", tested, len(cases))
		})
	}
}

// evalCase is a packet as a window shows it.
type evalCase struct {
	pkt    []byte
	linear int
	proto  uint16
}

// eval is what the generated function must return.
func (c *evalCase) eval(p *Program) verdict {
	return p.code.run(c.pkt[:min(c.linear, windowData)], Meta{Len: len(c.pkt), Proto: c.proto})
}

// supported returns the expressions of the corpus that compile for the live
// links.
func supported(tb testing.TB) []string {
	exprs := slices.Concat(corpus, linkCorpus)
	for _, a := range corpus[1:31] {
		for _, b := range corpus[10:20] {
			exprs = append(exprs, a+" and not ("+b+")", "("+b+") or "+a)
		}
	}
	if dir := dataDir(); dir != "" {
		for _, c := range readCases(tb, dir) {
			if c.kind != "accept" || c.opts["needs"] != "" {
				continue
			}
			if _, err := Compile(c.expr, LinkSKBL2, corpusOptions); err == nil {
				exprs = append(exprs, c.expr)
			}
		}
	}
	slices.Sort(exprs)
	return slices.Compact(exprs)
}
