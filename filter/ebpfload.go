// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"errors"
	"math"
	"math/bits"
	"strconv"

	"github.com/cilium/ebpf/asm"
)

// errValue is about a value that the generator does not make. The back end
// knows fields, masked or not, against constants, at offsets that are constant
// or that add a computed number with a known bound; arithmetic of the language
// will need more.
var errValue = errors.New("value cannot be computed in eBPF")

// operands is what a conditional jump compares.
type operands struct {
	reg asm.Register
	imm uint32
}

// prepare writes what has to stand before the conditional jump of b. It
// returns false if the jump is never reached.
//
// Fields stay in the byte order of the packet as long as they are tested for
// equality or for bits: the constant is turned instead.
func (e *emitter) prepare(b block) (operands, bool) {
	field, mask := b.v, ^uint32(0)
	if b.v.op == opAnd && b.v.b.op == opConst {
		field, mask = b.v.a, b.v.b.k
	}
	if !field.isField() || b.w.op != opConst {
		e.err = errValue
		return operands{}, false
	}
	if !e.read(field) {
		return operands{}, false
	}
	k := b.w.k
	switch {
	case b.rel == relSet:
		return operands{regValue, field.turn(k & mask)}, true
	case b.rel == relEQ && mask == ^uint32(0):
		return operands{regValue, field.turn(k)}, true
	case b.rel == relEQ:
		e.emit(asm.Mov.Reg32(regTemp, regValue))
		e.emit(asm.And.Imm32(regTemp, int32(field.turn(mask))))
		return operands{regTemp, field.turn(k)}, true
	}
	e.emit(asm.Mov.Reg32(regTemp, regValue))
	e.toHost(regTemp, field)
	if mask != ^uint32(0) {
		e.emit(asm.And.Imm32(regTemp, int32(mask)))
	}
	return operands{regTemp, k}, true
}

// turn returns k in the byte order that v has in a register before toHost.
// Bits that do not fit into v stay where they are: nothing equals them.
func (v *value) turn(k uint32) uint32 {
	switch {
	case v.op == opLoad && v.size == 2:
		return uint32(bits.ReverseBytes16(uint16(k))) | k&0xffff0000
	case v.op == opLoad && v.size == 4:
		return bits.ReverseBytes32(k)
	}
	return k
}

// toHost turns field v in reg into a number.
func (e *emitter) toHost(reg asm.Register, v *value) {
	if v.op == opLoad && v.size > 1 {
		e.emit(asm.HostTo(asm.BE, reg, asmSize(v.size)))
	}
}

func asmSize(n uint8) asm.Size {
	switch n {
	case 1:
		return asm.Byte
	case 2:
		return asm.Half
	}
	return asm.Word
}

// read gets field v into regValue, unless it is there. It returns false if
// that never succeeds.
func (e *emitter) read(v *value) bool {
	if e.cur.field == v {
		return true
	}
	e.cur.field = nil // also if it fails half-way
	switch {
	case v.op == opMeta && v.k == metaProto:
		e.emit(asm.LoadMem(regValue, regWindow, windowProto, asm.Word))
	case v.op == opMeta:
		e.emit(asm.LoadMem(regValue, regWindow, windowLen, asm.Word))
	case v.a != nil:
		if !e.readBeyond(v) {
			return false
		}
	default:
		if !e.readAt(regValue, v) {
			return false
		}
	}
	e.cur.field = v
	return true
}

// readAt loads v, which stands at a constant offset, into reg.
func (e *emitter) readAt(reg asm.Register, v *value) bool {
	if v.k > windowData || v.k+uint32(v.size) > windowData {
		// There is no such place in the window, so there is nothing to
		// compare; an offset as large as an int32 cannot be is no packet's.
		end := min(uint64(v.k)+uint64(v.size), math.MaxInt32)
		e.emit(asm.Ja.Label(e.to(e.shortAt(uint32(end)))))
		return false
	}
	if end := v.k + uint32(v.size); e.cur.n < end {
		e.emit(asm.JLT.Imm32(regN, int32(end), e.to(e.shortAt(end))))
		e.cur.n = end
	}
	e.emit(asm.LoadMem(reg, regWindow, int16(v.k), asmSize(v.size)))
	return true
}

// shortAt names the place that handles a load that ends at end, and has it
// written in the end.
func (e *emitter) shortAt(end uint32) string {
	e.short = append(e.short, end)
	return shortAt(end)
}

func shortAt(end uint32) string { return "short" + strconv.FormatUint(uint64(end), 10) }

// readBeyond loads v, which stands at a variable offset, into regValue.
func (e *emitter) readBeyond(v *value) bool {
	most, ok := v.a.bound()
	if !ok || uint64(most)+uint64(v.k)+uint64(v.size) > windowData {
		e.err = errValue
		return false
	}
	if !e.compute(v.a) {
		return false
	}
	if end := v.k + uint32(v.size); e.cur.beyond < end {
		e.emit(asm.Mov.Reg32(regEnd, regBase))
		e.emit(asm.Add.Imm32(regEnd, int32(end)))
		e.emit(asm.JGT.Reg32(regEnd, regN, e.to("short")))
		e.cur.beyond = end
	}
	// The verifier allows a variable offset into the window because it knows
	// the bounds of regBase from its mask; it would not learn them from the
	// comparison with regN before Linux 6.8. The pointer must come first.
	e.emit(asm.Mov.Reg(regValue, regWindow))
	e.emit(asm.Add.Reg(regValue, regBase))
	e.emit(asm.LoadMem(regValue, regValue, int16(v.k), asmSize(v.size)))
	return true
}

// bound returns the largest number that v can be, if it is known.
func (v *value) bound() (uint32, bool) {
	switch v.op {
	case opConst:
		return v.k, true
	case opLoad:
		return ^uint32(0) >> (32 - 8*uint32(v.size)), true
	case opAnd:
		a, ok1 := v.a.bound()
		b, ok2 := v.b.bound()
		return min(a, b), ok1 && ok2
	case opLsh:
		a, ok := v.a.bound()
		return a << (v.b.k & 31), ok && v.b.op == opConst && uint64(a)<<v.b.k <= 0xffffffff
	}
	return 0, false
}

// compute gets v into regBase, unless it is there.
func (e *emitter) compute(v *value) bool {
	if e.cur.base == v {
		return true
	}
	e.cur.base, e.cur.beyond = nil, 0
	if !e.steps(v) {
		return false
	}
	e.cur.base = v
	return true
}

// steps writes the computation of v in regBase.
func (e *emitter) steps(v *value) bool {
	if v.op == opLoad && v.a == nil {
		if !e.readAt(regBase, v) {
			return false
		}
		e.toHost(regBase, v)
		return true
	}
	if v.b == nil || v.b.op != opConst || v.b.k > 31 && v.op == opLsh {
		e.err = errValue
		return false
	}
	if !e.steps(v.a) {
		return false
	}
	op := asm.And
	if v.op == opLsh {
		op = asm.LSh
	}
	e.emit(op.Imm32(regBase, int32(v.b.k)))
	return true
}
