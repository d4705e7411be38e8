// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// plain evaluates p as it was generated: no blocks, no optimiser.
func plain(p *pred, m *machine) (holds bool, end uint64) {
	switch p.op {
	case predConst:
		return p.holds, 0
	case predNot:
		holds, end = plain(p.l, m)
		return !holds, end
	case predAnd, predOr:
		holds, end = plain(p.l, m)
		if end > 0 || holds == (p.op == predOr) {
			return holds, end
		}
		return plain(p.r, m)
	}
	v, end := m.value(p.test.v)
	if end > 0 {
		return false, end
	}
	w, end := m.value(p.test.w)
	return p.test.rel.holds(v, w), end
}

// meaning returns the predicate of an expression.
func meaning(expr string, link Link, opts Options) (*pred, error) {
	g := &generator{expr: expr, link: link, layout: layouts[link], opts: opts}
	if g.opts.Names == nil {
		g.opts.Names = &Tables{}
	}
	root, err := parse(expr, g.primitive)
	if err != nil || root == nil {
		return yes, err
	}
	return settle(lower(root), false), nil
}

// verdictOf is the verdict of the predicate, without the optimiser's help.
func verdictOf(p *pred, pkt []byte, meta Meta) verdict {
	m := newMachine(pkt, meta)
	holds, end := plain(p, m)
	switch {
	case end > uint64(m.wire):
		return reject
	case end > 0:
		return undecided
	case holds:
		return match
	}
	return reject
}

// TestOptimiser compares optimised programs with the predicates they are made
// from, for the corpus and for random expressions. A program that is left
// with nothing but rejection may say so where the other is undecided.
func TestOptimiser(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	exprs := supported(t)
	for range 400 {
		exprs = append(exprs, random(r, "[expr]", 0))
	}
	for _, link := range []Link{LinkSKBL2, LinkSKBL3} {
		pkts := packets(link)
		for _, expr := range exprs {
			p, err := Compile(expr, link, corpusOptions)
			if err != nil {
				continue
			}
			want, err := meaning(expr, link, corpusOptions)
			if err != nil {
				t.Fatal(err)
			}
			for i, pkt := range pkts {
				if (i+len(expr))%4 > 0 {
					continue
				}
				meta := Meta{Len: len(pkt) + i%3*20, Proto: []uint16{0, etherIPv4, etherIPv6, etherARP}[i%4]}
				got, ref := p.code.run(pkt, meta), verdictOf(want, pkt, meta)
				if got != ref && !(got == reject && ref == undecided) {
					t.Fatalf("%q on %d: %d, want %d: %x\n%s", expr, link, got, ref, pkt, p.code)
				}
			}
		}
	}
}

// TestCode shows what the optimiser makes of some expressions.
func TestCode(t *testing.T) {
	tests := map[string]string{
		"":             "match\n",
		"ip and ip6":   "reject\n",
		"ip":           "0: [12:2] == 0x800 ? match : reject\n",
		"not ip":       "0: [12:2] == 0x800 ? reject : match\n",
		"ip or ip":     "0: [12:2] == 0x800 ? match : reject\n",
		"ip and tcp":   "0: [12:2] == 0x800 ? 1 : reject\n1: [23:1] == 0x6 ? match : reject\n",
		"ip or not ip": "0: [12:2] == 0x800 ? match : match\n",
		"tcp and (ip or not ip)": "0: [12:2] == 0x800 ? 1 : 2\n1: [23:1] == 0x6 ? match : reject\n" +
			"2: [12:2] == 0x86dd ? 3 : reject\n3: [20:1] == 0x6 ? match : 4\n4: [20:1] == 0x2c ? 5 : reject\n5: [54:1] == 0x6 ? match : reject\n",
		"net 10.0.0.0/8 and src host 10.1.2.3 and ip": "0: [12:2] == 0x800 ? 1 : reject\n" +
			"1: ([26:4] & 0xff000000) == 0xa000000 ? 3 : 2\n2: ([30:4] & 0xff000000) == 0xa000000 ? 3 : reject\n" +
			"3: [26:4] == 0xa010203 ? match : reject\n",
	}
	for expr, want := range tests {
		t.Run(expr, func(t *testing.T) {
			p, err := Compile(expr, LinkEthernet, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, p.code.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// handmade returns programs that no expression of today makes.
func handmade() map[string]*Program {
	g := &generator{layout: layouts[LinkSKBL2]}
	programs := map[string]*Program{}
	for name, p := range map[string]*pred{
		"last byte of the window":   not(g.equal(191, 1, 1)),
		"across its end":            not(g.equal(190, 4, 1)),
		"behind its end":            not(g.equal(1000, 2, 1)),
		"far behind its end":        not(g.equal(0xfffffffe, 4, 1)),
		"behind its end, perhaps":   or(g.equal(0, 1, 0), not(g.equal(1000, 2, 1))),
		"wider than the field":      g.equal(12, 2, 0x10800),
		"wider than the field, not": not(g.equal(12, 1, 0x108)),
		"masked order":              g.compare(g.masked(g.load(14, 4), 0x00ff00ff), relGT, 0x28),
		"masked bits":               g.compare(g.masked(g.load(14, 4), 0xff0000ff), relSet, 0x45),
		"order of a byte":           g.compare(g.load(14, 1), relGE, 0x46),
		"order of a word":           g.compare(g.load(26, 4), relGT, 0x0a000001),
		"high constant":             g.compare(g.load(0, 4), relGE, 0x80000000),
		"two bases":                 and(g.compare(g.transport(0), relGT, 79), g.compare(g.intern(value{op: opLoad, k: 20, size: 4, a: g.masked(g.load(12, 2), 0x1f)}), relGE, 0)),
	} {
		programs[name] = &Program{expr: name, link: LinkSKBL2, code: build(p)}
	}
	return programs
}

// TestHandmade runs them in the kernel.
func TestHandmade(t *testing.T) {
	k := newKernel(t)
	var cases []evalCase
	for i, p := range packets(LinkSKBL2) {
		cases = append(cases, evalCase{pkt: p, linear: len(p) - len(p)*(i%3)/4})
	}
	for _, n := range []int{191, 192, 193, 300, 1001, 1002, 1500} {
		cases = append(cases, evalCase{pkt: make([]byte, n), linear: n})
	}
	var windows [][]byte
	for _, c := range cases {
		windows = append(windows, window(c.pkt, c.linear, 0))
	}
	k.fill(t, windows)
	for name, p := range handmade() {
		got := k.run(t, p, len(cases))
		for i, c := range cases {
			if want := c.eval(p); got[i] != want {
				t.Errorf("%s: kernel %d, evaluator %d; %d of %d bytes of %x", name, got[i], want, c.linear, len(c.pkt), c.pkt)
				break
			}
		}
	}
}

// TestNotGenerated checks that values which the eBPF back end does not know
// are refused, not compiled wrongly.
func TestNotGenerated(t *testing.T) {
	g := &generator{layout: layouts[LinkSKBL2]}
	wide := g.load(0, 4)
	for name, p := range map[string]*pred{
		"unbounded base":   g.compare(g.intern(value{op: opLoad, k: 0, size: 1, a: wide}), relEQ, 1),
		"base of fields":   g.compare(g.intern(value{op: opLoad, size: 1, a: g.intern(value{op: opAnd, a: g.load(0, 1), b: g.load(1, 1)})}), relEQ, 1),
		"shifted field":    g.compare(g.intern(value{op: opLsh, a: wide, b: g.constant(1)}), relEQ, 1),
		"field with field": {op: predTest, test: test{relEQ, g.load(0, 1), g.load(1, 1)}},
	} {
		prog := &Program{link: LinkSKBL2, code: build(p)}
		if _, err := prog.EBPF(EBPFOptions{}); !errors.Is(err, errValue) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
