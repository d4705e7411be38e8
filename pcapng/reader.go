// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"encoding/binary"
	"errors"
	"io"
	"iter"
)

// Block is one block of a file. At most one of the pointers is set; a block of
// another type has none and is known by its Body alone.
type Block struct {
	Type uint32
	Off  int64 // of the block, from the start of the input

	Section    *Section    // SHB
	Interface  *Interface  // IDB
	Packet     *Packet     // EPB, SPB, obsolete Packet Block
	Statistics *Statistics // ISB

	// Body is what stands between the two lengths, in the byte order of the
	// section, padding included.
	Body []byte
}

// Reader reads the blocks of a pcapng file in either byte order and with any
// number of sections. It reads ahead, but never waits for more than the block
// asked for. See [MaxBlock] and [MaxInterfaces] for its need of memory.
// A Reader is not safe for concurrent use.
type Reader struct {
	win    *window
	big    bool // byte order of this section
	begun  bool
	err    error // sticky
	ifaces []*Interface
	kept   int // bytes of options kept in ifaces

	block   Block
	packet  Packet
	length  int    // of the block returned last; still in the window
	scratch []byte // options turned into little-endian
}

// NewReader returns a Reader. It reads nothing yet.
func NewReader(r io.Reader) *Reader { return &Reader{win: &window{r: r}} }

// Next returns the next block, valid until the next call. At the end it
// returns io.EOF, for malformed and cut input a [*FormatError], otherwise the
// error of the io.Reader. It allocates nothing for packets.
func (r *Reader) Next() (*Block, error) {
	if r.err != nil {
		return nil, r.err
	}
	r.win.skip(r.length)
	r.length = 0
	if err := r.next(); err != nil {
		r.err = err
		return nil, err
	}
	return &r.block, nil
}

// All returns the blocks that are left, each valid until the next. An error is
// the last pair.
func (r *Reader) All() iter.Seq2[*Block, error] {
	return func(yield func(*Block, error) bool) {
		for {
			b, err := r.Next()
			if errors.Is(err, io.EOF) || !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// Interfaces returns those of the current section so far, by number.
func (r *Reader) Interfaces() []*Interface { return r.ifaces }

// Offset returns the offset of the next block from the start of the input.
func (r *Reader) Offset() int64 { return r.win.off + int64(r.length) }

func (r *Reader) next() error {
	if done, err := r.fast(); done {
		return err
	}
	b, err := r.win.peek(12)
	if err != nil {
		return r.cut(err)
	}
	// The type of a section header is the same in both orders; only the magic
	// after the length tells how to read the length.
	if binary.LittleEndian.Uint32(b) == BlockSection {
		if err := r.order(b[8:]); err != nil {
			return err
		}
	} else if !r.begun {
		return &FormatError{Msg: "no section header", Off: r.win.off, Err: ErrMagic}
	}
	typ, n := r.u32(b), int64(r.u32(b[4:]))
	if n < 12 || n%4 != 0 || n > MaxBlock {
		return r.bad("impossible length")
	}
	b, err = r.win.peek(int(n))
	if err != nil {
		return r.cut(err)
	}
	if int64(r.u32(b[n-4:])) != n {
		return r.bad("its two lengths differ")
	}
	r.setBlock(typ, b)
	return r.decode(typ, r.block.Body)
}

// fast reads what a file consists of: a little-endian EPB that is complete in
// the window. It leaves everything else, errors included, to next.
func (r *Reader) fast() (done bool, err error) {
	b := r.win.buf[r.win.pos:r.win.end]
	if r.big || len(b) < 32 || binary.LittleEndian.Uint32(b) != BlockEnhanced {
		return false, nil
	}
	n := int(binary.LittleEndian.Uint32(b[4:]))
	if n < 32 || n > len(b) || n > MaxBlock || n&3 != 0 || int(binary.LittleEndian.Uint32(b[n-4:])) != n {
		return false, nil
	}
	iface, size := binary.LittleEndian.Uint32(b[8:]), int(binary.LittleEndian.Uint32(b[20:]))
	end := 28 + (size+3)&^3
	if iface >= uint32(len(r.ifaces)) || end > n-4 {
		return false, nil
	}
	r.setBlock(BlockEnhanced, b[:n])
	r.block.Packet = &r.packet
	p := &r.packet
	p.Interface = int(iface)
	p.Time = r.ifaces[iface].clock.ns(uint64(binary.LittleEndian.Uint32(b[12:]))<<32 | uint64(binary.LittleEndian.Uint32(b[16:])))
	p.Data = b[28 : 28+size : 28+size]
	p.Len = max(int(binary.LittleEndian.Uint32(b[24:])), size)
	p.Options = nil
	if end < n-4 {
		p.Options, err = r.options(b[end:n-4:n-4], packetLayout)
	}
	return true, err
}

// setBlock makes b the current block, of a kind that is still to be set.
func (r *Reader) setBlock(typ uint32, b []byte) {
	n := len(b)
	r.length = n
	v := &r.block
	v.Type, v.Off, v.Body = typ, r.win.off, b[8:n-4:n-4]
	v.Section, v.Interface, v.Packet, v.Statistics = nil, nil, nil, nil
}

// order sets the byte order from the magic of a section header.
func (r *Reader) order(magic []byte) error {
	switch uint32(byteOrderMagic) {
	case binary.LittleEndian.Uint32(magic):
		r.big = false
	case binary.BigEndian.Uint32(magic):
		r.big = true
	default:
		return r.bad("section header without byte-order magic")
	}
	return nil
}

func (r *Reader) u32(b []byte) uint32 {
	if r.big {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

func (r *Reader) u16(b []byte) uint16 {
	if r.big {
		return binary.BigEndian.Uint16(b)
	}
	return binary.LittleEndian.Uint16(b)
}

// bad returns an error about the current block.
func (r *Reader) bad(msg string) error { return &FormatError{Off: r.win.off, Msg: msg} }

// cut gives the end of the input inside a block its place.
func (r *Reader) cut(err error) error { return placeCut(err, r.win.off) }

func placeCut(err error, off int64) error {
	if err == io.ErrUnexpectedEOF {
		return &FormatError{Off: off, Msg: "cut off", Err: err}
	}
	return err
}
