// SPDX-License-Identifier: Apache-2.0

package filter

// Limits of the optimiser. Beyond them programs are right, but longer: its
// time grows with the square of a very long expression.
const (
	maxOptimised = 10000 // blocks
	maxFacts     = 64    // looked back for what decides a test
	maxRounds    = 8
)

// fact is the outcome of a test that was made on the way to some place, and
// with it that the loads of the test did not fail. Facts form a list towards
// the entry; ways that part share what was known before.
type fact struct {
	test
	holds bool
	up    *fact
	depth int
}

// and returns the facts after a test.
func (f *fact) and(t test, holds bool) *fact {
	n := &fact{test: t, holds: holds, up: f}
	if f != nil {
		n.depth = f.depth + 1
	}
	return n
}

// common returns the facts that hold on both ways: those that were known
// before they parted.
func common(a, b *fact) *fact {
	for a != b {
		switch {
		case a == nil || b == nil:
			return nil
		case a.depth >= b.depth:
			a = a.up
		default:
			b = b.up
		}
	}
	return a
}

// optimise shortens the program: tests whose outcome is known from an earlier
// one are jumped over, and so are those that make no difference, if the loads
// that they would make cannot fail, or if all that is left is to reject, which
// is what failing does. Nothing is moved, so a load that fails still does so
// before or after the same tests.
func (c *code) optimise() {
	if len(c.blocks) > maxOptimised {
		return
	}
	for range maxRounds {
		if !c.thread() {
			break
		}
	}
	c.compact()
}

// thread makes every edge lead to the next test that has to be made. It
// reports whether anything changed.
func (c *code) thread() (changed bool) {
	in := make([]*fact, len(c.blocks))
	reached := make([]bool, len(c.blocks))
	follow := func(f *fact, at int) int {
		to := c.skip(f, at)
		changed = changed || to != at
		if to >= 0 {
			if reached[to] {
				f = common(in[to], f)
			}
			in[to], reached[to] = f, true
		}
		return to
	}
	c.entry = follow(nil, c.entry)
	for i := range c.blocks {
		if b := &c.blocks[i]; reached[i] {
			b.t = follow(in[i].and(b.test, true), b.t)
			b.f = follow(in[i].and(b.test, false), b.f)
		}
	}
	return changed
}

// skip returns where the program gets from block at when f is known.
func (c *code) skip(f *fact, at int) int {
	for at >= 0 {
		b := &c.blocks[at]
		holds, known := f.decide(b.test)
		switch {
		case known && holds:
			at = b.t
		case known, b.t == b.f && (b.t == toReject || f.loaded(b.v) && f.loaded(b.w)):
			at = b.f
		default:
			return at
		}
	}
	return at
}

// decide returns the outcome of t if it follows from f.
func (f *fact) decide(t test) (holds, known bool) {
	if t.w.op != opConst {
		return false, false
	}
	if t.v.op == opConst {
		return t.rel.holds(t.v.k, t.w.k), true
	}
	for range maxFacts {
		if f == nil {
			break
		}
		if holds, known := f.implies(t); known {
			return holds, true
		}
		f = f.up
	}
	return false, false
}

// implies returns the outcome of t if it follows from this fact alone.
func (f *fact) implies(t test) (holds, known bool) {
	if f.w.op != opConst {
		return false, false
	}
	switch {
	case f.v == t.v && f.rel == t.rel && f.w == t.w:
		return f.holds, true
	case f.rel != relEQ:
		return false, false
	case f.v == t.v && f.holds:
		return t.rel.holds(f.w.k, t.w.k), true
	case t.v.op == opAnd && t.v.a == f.v && t.v.b.op == opConst && f.holds:
		return t.rel.holds(f.w.k&t.v.b.k, t.w.k), true
	}
	return false, false
}

// loaded reports whether the loads of v cannot fail where f is known.
func (f *fact) loaded(v *value) bool {
	switch v.op {
	case opConst, opMeta:
		return true
	case opLoad:
		for range maxFacts {
			if f == nil {
				return false
			}
			if f.v.covers(v) || f.w.covers(v) {
				return true
			}
			f = f.up
		}
		return false
	}
	return f.loaded(v.a) && f.loaded(v.b)
}

// covers reports whether computing v needs a load that reaches as far as
// load, from the same base.
func (v *value) covers(load *value) bool {
	if v == nil {
		return false
	}
	if v.op == opLoad && v.a == load.a && uint64(v.k)+uint64(v.size) >= uint64(load.k)+uint64(load.size) {
		return true
	}
	return v.a.covers(load) || v.b.covers(load)
}

// compact removes the blocks that nothing leads to.
func (c *code) compact() {
	reached := make([]bool, len(c.blocks))
	mark := func(at int) {
		if at >= 0 {
			reached[at] = true
		}
	}
	mark(c.entry)
	number := make([]int, len(c.blocks))
	n := 0
	for i, b := range c.blocks {
		if reached[i] {
			mark(b.t)
			mark(b.f)
			number[i] = n
			n++
		}
	}
	renumber := func(at int) int {
		if at < 0 {
			return at
		}
		return number[at]
	}
	blocks := make([]block, 0, n)
	for i, b := range c.blocks {
		if reached[i] {
			b.t, b.f = renumber(b.t), renumber(b.f)
			blocks = append(blocks, b)
		}
	}
	c.blocks, c.entry = blocks, renumber(c.entry)
}
