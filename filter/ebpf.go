// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"slices"
	"strconv"

	"github.com/cilium/ebpf/asm"
)

// The layout of struct filter_window, the argument of the generated function.
const (
	windowData  = 192 // bytes of headers at its start
	windowN     = 192
	windowLen   = 200
	windowProto = 212
)

// The registers of the generated function. It calls nothing, so those that a
// call would destroy are enough, and the JIT compiler has none to save.
const (
	regValue  = asm.R0 // the field read last, in the byte order of the packet
	regWindow = asm.R1 // the argument
	regN      = asm.R2 // bytes in the window
	regBase   = asm.R3 // the variable part of an offset
	regTemp   = asm.R4
	regEnd    = asm.R5 // where a load at a variable offset ends
)

// maxInstructions keeps every jump within its signed 16 bits.
const maxInstructions = 32000

// EBPFOptions control [Program.EBPF]. The zero value is usable.
type EBPFOptions struct {
	// Prefix begins every label, so that the bodies of several functions can
	// stand in one program. Empty means "filter".
	Prefix string
}

// EBPF returns the program as the whole body of a BPF function
//
//	__u32 f(const struct filter_window *w)
//
// that is global, so that the verifier knows w as memory of that size which
// may be NULL: reads need not be aligned there, as they must be in the stack
// frame of a static function's caller. The function returns 0 to reject, 1 for
// a match and 2 if a load goes beyond w->n though the packet does not end
// there. It changes R0 to R5, calls nothing and uses no stack. It needs the
// 32-bit jumps of Linux 5.1 and runs on little-endian machines.
func (p *Program) EBPF(opts EBPFOptions) (asm.Instructions, error) {
	e := &emitter{prefix: opts.Prefix, state: make([]known, len(p.code.blocks)), wanted: map[string]bool{}}
	if e.prefix == "" {
		e.prefix = "filter"
	}
	if err := e.program(p.code); err != nil {
		return nil, err
	}
	return e.insns, nil
}

// known is what holds when a block is entered, by whatever way. It saves the
// bounds check of a load that a longer one has made before on every way, and
// loading what is still in a register. The blocks are in such an order that
// all ways to one have been written before it.
type known struct {
	reached bool
	n       uint32 // the window holds so many bytes
	field   *value // what regValue holds
	base    *value // what regBase holds
	beyond  uint32 // the window holds so many bytes behind base
}

// meet keeps what holds on both ways to a block.
func (k known) meet(o known) known {
	if !k.reached {
		return o
	}
	k.n = min(k.n, o.n)
	if k.field != o.field {
		k.field = nil
	}
	if k.base != o.base {
		k.base, k.beyond = nil, 0
	}
	k.beyond = min(k.beyond, o.beyond)
	return k
}

// emitter writes the instructions of one program.
type emitter struct {
	prefix string
	insns  asm.Instructions
	label  string          // for the next instruction
	state  []known         // at the entry of each block
	cur    known           // here
	wanted map[string]bool // places that are jumped to
	short  []uint32        // ends of loads whose failure is handled at the end
	err    error
}

func (e *emitter) emit(ins asm.Instruction) {
	if e.label != "" {
		ins = ins.WithSymbol(e.label)
		e.label = ""
	}
	e.insns = append(e.insns, ins)
}

// to returns the label of a place and notes that it is jumped to.
func (e *emitter) to(place string) string {
	e.wanted[place] = true
	return e.prefix + "." + place
}

// target returns the label of where a block goes on.
func (e *emitter) target(t int) string {
	switch t {
	case toMatch:
		return e.to("match")
	case toReject:
		return e.to("reject")
	}
	return e.to(strconv.Itoa(t))
}

// place labels the next instruction if something jumps there.
func (e *emitter) place(name string) bool {
	if e.wanted[name] {
		e.label = e.prefix + "." + name
	}
	return e.wanted[name]
}

func (e *emitter) program(c *code) error {
	if c.entry < 0 {
		v := reject
		if c.entry == toMatch {
			v = match
		}
		e.exit(v)
		return nil
	}
	// A pointer argument of a global function may be NULL, says the verifier.
	e.emit(asm.JEq.Imm(regWindow, 0, e.target(toReject)))
	e.emit(asm.LoadMem(regN, regWindow, windowN, asm.Word))
	e.state[c.entry] = known{reached: true}
	for i := c.entry; i < len(c.blocks); i++ {
		if e.state[i].reached {
			e.cur = e.state[i]
			e.block(c, i)
		}
		if len(e.insns) > maxInstructions {
			return ErrTooLarge
		}
	}
	e.exits()
	return e.err
}

// exit returns from the function.
func (e *emitter) exit(v verdict) {
	e.emit(asm.Mov.Imm32(asm.R0, int32(v)))
	e.emit(asm.Return())
}

// exits writes what is jumped to from everywhere: the verdicts, and for loads
// that failed the question whether the packet goes on.
func (e *emitter) exits() {
	slices.Sort(e.short)
	for _, end := range slices.Compact(e.short) {
		e.place(shortAt(end))
		e.emit(asm.LoadMem(regTemp, regWindow, windowLen, asm.Word))
		e.emit(asm.JLT.Imm32(regTemp, int32(end), e.target(toReject)))
		e.exit(undecided)
	}
	if e.place("short") {
		e.emit(asm.LoadMem(regTemp, regWindow, windowLen, asm.Word))
		e.emit(asm.JLT.Reg32(regTemp, regEnd, e.target(toReject)))
		e.exit(undecided)
	}
	if e.place("match") {
		e.exit(match)
	}
	if e.place("reject") {
		e.exit(reject)
	}
}

// block writes block i and hands on to its targets what is known then.
func (e *emitter) block(c *code, i int) {
	b := c.blocks[i]
	e.place(strconv.Itoa(i))
	x, ok := e.prepare(b)
	if !ok {
		return // the targets are never reached from here
	}
	for _, t := range []int{b.t, b.f} {
		if t >= 0 {
			e.state[t] = e.state[t].meet(e.cur)
		}
	}
	next := i + 1
	for next < len(c.blocks) && !e.state[next].reached {
		next++
	}
	jump := jumps[b.rel]
	if b.t == next && b.rel != relSet { // that one has no opposite
		e.emit(jump.unless.Imm32(x.reg, int32(x.imm), e.target(b.f)))
		return
	}
	e.emit(jump.when.Imm32(x.reg, int32(x.imm), e.target(b.t)))
	if b.f != next {
		e.emit(asm.Ja.Label(e.target(b.f)))
	}
}

// jumps are the conditional jumps for a relation that holds and for one that
// does not.
var jumps = map[relation]struct{ when, unless asm.JumpOp }{
	relEQ:  {asm.JEq, asm.JNE},
	relGT:  {asm.JGT, asm.JLE},
	relGE:  {asm.JGE, asm.JLT},
	relSet: {when: asm.JSet},
}
