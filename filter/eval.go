// SPDX-License-Identifier: Apache-2.0

package filter

import "encoding/binary"

// machine is the state of one evaluation.
type machine struct {
	pkt  []byte
	wire uint32 // length on the wire
	meta Meta
}

// newMachine returns the state before an evaluation.
func newMachine(pkt []byte, meta Meta) *machine {
	m := &machine{pkt: pkt, wire: uint32(len(pkt)), meta: meta}
	if meta.Len > 0 {
		m.wire = uint32(min(uint64(meta.Len), 0xffffffff))
	}
	return m
}

// run evaluates the program. It tells bytes that were not captured from bytes
// that never were: the former leave the packet undecided.
func (c *code) run(pkt []byte, meta Meta) verdict {
	m := newMachine(pkt, meta)
	at := c.entry
	for at >= 0 {
		b := &c.blocks[at]
		v, end := m.value(b.v)
		w := b.w.k
		if end == 0 && b.w.op != opConst {
			w, end = m.value(b.w)
		}
		switch {
		case end > uint64(m.wire):
			return reject
		case end > 0:
			return undecided
		case b.rel.holds(v, w):
			at = b.t
		default:
			at = b.f
		}
	}
	if at == toMatch {
		return match
	}
	return reject
}

// value computes v. If a load is not possible, end says where in the packet
// its last byte would be, counted from 1; otherwise end is 0.
func (m *machine) value(v *value) (n uint32, end uint64) {
	switch v.op {
	case opConst:
		return v.k, 0
	case opMeta:
		if v.k == metaProto {
			return uint32(m.meta.Proto), 0
		}
		return m.wire, 0
	case opLoad:
		off := uint64(v.k)
		if v.a != nil {
			base, end := m.value(v.a)
			if end > 0 {
				return 0, end
			}
			off += uint64(base)
		}
		return m.load(off, v.size)
	}
	a, end := m.value(v.a)
	if end > 0 {
		return 0, end
	}
	b, end := m.value(v.b)
	if v.op == opAnd {
		return a & b, end
	}
	if b > 31 {
		return 0, end
	}
	return a << b, end
}

// load reads size bytes at off.
func (m *machine) load(off uint64, size uint8) (n uint32, end uint64) {
	end = off + uint64(size)
	if end > uint64(len(m.pkt)) {
		return 0, end
	}
	b := m.pkt[off:end]
	switch size {
	case 1:
		return uint32(b[0]), 0
	case 2:
		return uint32(binary.BigEndian.Uint16(b)), 0
	default:
		return binary.BigEndian.Uint32(b), 0
	}
}
