// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"fmt"
	"strconv"
	"strings"
)

// verdict is what running a program yields; the numbers are those that the
// eBPF functions return.
type verdict uint8

const (
	reject    verdict = 0
	match     verdict = 1
	undecided verdict = 2 // the packet goes on behind the bytes that are there
)

// valueOp says how a value comes about.
type valueOp uint8

const (
	opConst valueOp = iota // k
	opLoad                 // size bytes, big-endian, at offset k plus a if there is one
	opMeta                 // metadata field k
	opAnd                  // a & b
	opLsh                  // a << b
)

// The metadata fields of opMeta.
const (
	metaLen   uint32 = iota // length on the wire from the first byte on
	metaProto               // EtherType the kernel holds, 0 if unknown
)

// value is a 32-bit number computed from the packet. Values are interned by
// the generator: within one program equal values have equal pointers, so that
// a pointer names what is known about a value.
type value struct {
	op   valueOp
	size uint8
	k    uint32
	a, b *value
}

// isField reports whether the value is read, not computed.
func (v *value) isField() bool { return v.op == opLoad || v.op == opMeta }

// relation compares two values, unsigned.
type relation uint8

const (
	relEQ  relation = iota
	relGT           // greater
	relGE           // greater or equal
	relSet          // some bit of the second is set in the first
)

// holds compares v and w.
func (r relation) holds(v, w uint32) bool {
	switch r {
	case relEQ:
		return v == w
	case relGT:
		return v > w
	case relGE:
		return v >= w
	default:
		return v&w != 0
	}
}

// test is a comparison, the only kind of condition.
type test struct {
	rel  relation
	v, w *value
}

// predOp is the kind of a predicate.
type predOp uint8

const (
	predConst   predOp = iota // holds says
	predUnknown               // about a header that is not there
	predTest
	predAnd
	predOr
	predNot
)

// pred is the meaning of an expression: tests joined by logic, in the order
// in which they are to be made. Order matters, since a test of bytes behind
// the end of the packet rejects it.
type pred struct {
	op    predOp
	holds bool
	test  test
	l, r  *pred
}

var (
	yes     = &pred{op: predConst, holds: true}
	no      = &pred{op: predConst}
	unknown = &pred{op: predUnknown}
)

// and joins predicates, tested from left to right. A constant one settles the
// whole, also from the right: as in libpcap, the loads of the others are then
// not made, and cannot fail.
func and(l *pred, rest ...*pred) *pred {
	for _, r := range rest {
		switch {
		case l == no || r == no:
			l = no
		case l == yes:
			l = r
		case r != yes:
			l = &pred{op: predAnd, l: l, r: r}
		}
	}
	return l
}

// or joins predicates like and.
func or(l *pred, rest ...*pred) *pred {
	for _, r := range rest {
		switch {
		case l == yes || r == yes:
			l = yes
		case l == no:
			l = r
		case r != no:
			l = &pred{op: predOr, l: l, r: r}
		}
	}
	return l
}

func not(p *pred) *pred {
	switch {
	case p == yes:
		return no
	case p == no:
		return yes
	case p.op == predNot:
		return p.l
	}
	return &pred{op: predNot, l: p}
}

// lower turns the tree of the expression into that of its meaning.
func lower(n node) *pred {
	switch n := n.(type) {
	case *junction:
		l := lower(n.l)
		if n.or {
			return or(l, lower(n.r))
		}
		return and(l, lower(n.r))
	case *negation:
		return not(lower(n.x))
	default:
		return n.(*primitive).pred
	}
}

// settle pushes negations down to the tests and replaces what is unknown by
// false there, negated or not: what cannot be seen neither holds nor fails to
// hold, so "ether host X or tcp" still finds TCP, and "not ether host X"
// finds nothing.
func settle(p *pred, negated bool) *pred {
	switch p.op {
	case predUnknown:
		return no
	case predNot:
		return settle(p.l, !negated)
	case predAnd, predOr:
		l, r := settle(p.l, negated), settle(p.r, negated)
		if (p.op == predAnd) != negated {
			return and(l, r)
		}
		return or(l, r)
	}
	if negated {
		return not(p)
	}
	return p
}

// The targets of a block besides the numbers of other blocks.
const (
	toMatch  = -1
	toReject = -2
)

// block makes one test and goes on at one of two targets. A load that fails
// ends the program instead.
type block struct {
	test
	t, f int
}

// code is a program: blocks in an order in which every target stands behind
// the blocks that lead to it.
type code struct {
	blocks []block
	entry  int
}

// linker lays out a predicate as blocks. They come out from the last to the
// first, since a block must know where to go on.
type linker struct{ blocks []block }

// link returns the number, counted from the end, of the first block of p.
func (l *linker) link(p *pred, t, f int) int {
	switch p.op {
	case predConst:
		if p.holds {
			return t
		}
		return f
	case predAnd:
		return l.link(p.l, l.link(p.r, t, f), f)
	case predOr:
		return l.link(p.l, t, l.link(p.r, t, f))
	case predNot:
		return l.link(p.l, f, t)
	default:
		l.blocks = append(l.blocks, block{test: p.test, t: t, f: f})
		return len(l.blocks) - 1
	}
}

// build lays out p and optimises it.
func build(p *pred) *code {
	var l linker
	entry := l.link(p, toMatch, toReject)
	n := len(l.blocks)
	flip := func(i int) int {
		if i < 0 {
			return i
		}
		return n - 1 - i
	}
	c := &code{blocks: make([]block, n), entry: flip(entry)}
	for i, b := range l.blocks {
		b.t, b.f = flip(b.t), flip(b.f)
		c.blocks[n-1-i] = b
	}
	c.optimise()
	return c
}

// String writes the program, one block a line, for tests and debugging.
func (c *code) String() string {
	var s strings.Builder
	target := func(t int) string {
		switch t {
		case toMatch:
			return "match"
		case toReject:
			return "reject"
		}
		return strconv.Itoa(t)
	}
	if c.entry < 0 {
		return target(c.entry) + "\n"
	}
	for i, b := range c.blocks {
		fmt.Fprintf(&s, "%d: %v %s %v ? %s : %s\n", i, b.v, [...]string{"==", ">", ">=", "&"}[b.rel], b.w, target(b.t), target(b.f))
	}
	return s.String()
}

// String writes the value.
func (v *value) String() string {
	switch v.op {
	case opConst:
		return fmt.Sprintf("%#x", v.k)
	case opMeta:
		return [...]string{"len", "proto"}[v.k]
	case opLoad:
		if v.a != nil {
			return fmt.Sprintf("[%v+%d:%d]", v.a, v.k, v.size)
		}
		return fmt.Sprintf("[%d:%d]", v.k, v.size)
	case opAnd:
		return fmt.Sprintf("(%v & %v)", v.a, v.b)
	}
	return fmt.Sprintf("(%v << %v)", v.a, v.b)
}
