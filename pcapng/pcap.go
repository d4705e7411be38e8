// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"encoding/binary"
)

// pcapReader reads classic pcap files (draft-ietf-opsawg-pcap): a header of 24
// bytes, then per packet a header of 16 bytes and the data.
type pcapReader struct {
	win    *window
	order  binary.ByteOrder
	unit   int64 // nanoseconds per unit of the fraction
	link   uint16
	snap   uint32
	length int // of the packet returned last; still in the window
}

// pcapMagic returns the byte order and the unit of the fraction of a second; ok
// is false if magic is none of pcap's.
func pcapMagic(magic []byte) (order binary.ByteOrder, unit int64, ok bool) {
	for _, order := range [...]binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		switch order.Uint32(magic) {
		case 0xA1B2C3D4:
			return order, 1000, true
		case 0xA1B23C4D:
			return order, 1, true
		}
	}
	return nil, 0, false
}

// header reads the file header after its magic was recognised.
func (p *pcapReader) header() error {
	b, err := p.win.peek(24)
	if err != nil {
		return placeCut(err, 0)
	}
	if major := p.order.Uint16(b[4:]); major != 2 {
		return &FormatError{Msg: "unknown major version of pcap"}
	}
	p.snap = p.order.Uint32(b[16:])
	p.link = uint16(p.order.Uint32(b[20:])) // the upper half is about the FCS
	p.win.skip(24)
	return nil
}

// next reads one packet into r. The thiszone field of the header is ignored, as
// everybody does.
func (p *pcapReader) next(r *Record) error {
	p.win.skip(p.length)
	p.length = 0
	h, err := p.win.peek(16)
	if err != nil {
		return placeCut(err, p.win.off)
	}
	sec, frac := int64(p.order.Uint32(h)), int64(p.order.Uint32(h[4:]))
	n, wire := p.order.Uint32(h[8:]), int(p.order.Uint32(h[12:]))
	if n > MaxBlock-16 {
		return &FormatError{Off: p.win.off, Msg: "impossible length"}
	}
	b, err := p.win.peek(16 + int(n))
	if err != nil {
		return placeCut(err, p.win.off)
	}
	p.length = len(b)
	r.Time = sec*1_000_000_000 + frac*p.unit
	r.Data = b[16:]
	r.Len = max(wire, int(n))
	return nil
}
