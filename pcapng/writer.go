// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
)

// Section is a section header (SHB).
type Section struct {
	Options   Options // OptSection…, OptComment
	BigEndian bool    // byte order as read; a Writer writes little-endian
}

// Interface is an interface description (IDB).
type Interface struct {
	LinkType uint16
	SnapLen  uint32  // 0 means no limit
	Options  Options // OptIf…, OptComment

	clock clock // resolution and offset of the times, as read
}

// Name returns if_name, empty if there is none.
func (i *Interface) Name() string { return i.Options.Text(OptIfName) }

// Description returns if_description, empty if there is none.
func (i *Interface) Description() string { return i.Options.Text(OptIfDescription) }

// Filter returns the capture filter expression, empty if there is none.
func (i *Interface) Filter() string {
	v, _ := i.Options.Get(OptIfFilter)
	if len(v) < 2 || v[0] != 0 { // 0: an expression, not code
		return ""
	}
	return string(v[1:])
}

// Packet is a packet block: an EPB when written, also an SPB or an obsolete
// Packet Block when read.
type Packet struct {
	Interface int   // number of the interface in the section
	Time      int64 // nanoseconds since 1970-01-01 UTC; 0 in an SPB
	Data      []byte
	Len       int     // length on the wire; what is less than len(Data) counts as that
	Options   Options // OptPacket…, OptComment
}

// Statistics is an interface statistics block (ISB). A nil counter is unknown.
type Statistics struct {
	Interface int     // number of the interface in the section
	Dev       *Device // used and set by the record layer instead of Interface
	Time      int64   // of the count, nanoseconds since 1970-01-01 UTC
	Start     int64   // of the capture, likewise; 0 if unknown
	End       int64   // of the capture, likewise; 0 if unknown

	Received  *uint64 // isb_ifrecv: received from the device
	IfDropped *uint64 // isb_ifdrop: dropped by the device for lack of resources
	Accepted  *uint64 // isb_filteraccept: matched the filter
	OSDropped *uint64 // isb_osdrop: matched and were lost on the way to hopdump
	Delivered *uint64 // isb_usrdeliv: written

	Comments []string
}

// Writer writes the blocks of a pcapng file, little-endian and with times in
// nanoseconds. It hands only whole blocks to the io.Writer below, so that what
// arrived there is a valid file at any time.
//
// The first error of the io.Writer is kept: all later calls return it, as it
// is. Mistakes of the caller (the Err… variables) are returned, but not kept.
// A Writer is not safe for concurrent use.
type Writer struct {
	w      io.Writer
	size   int    // hand on when buf holds that many bytes
	buf    []byte // whole blocks
	err    error  // sticky; every exported method checks it first
	begun  bool   // a section header was written
	ifaces int    // interfaces of this section

	packets                int64 // accepted
	safeBytes, safePackets int64 // handed on in whole blocks
	lostBytes              int64 // taken back by an error
}

// NewWriter returns a Writer that hands on each block by one call of w.Write.
func NewWriter(w io.Writer) *Writer { return NewWriterSize(w, 0) }

// NewWriterSize returns a Writer that collects blocks until there are size
// bytes or more and hands them on by one call of w.Write. The caller must call
// Flush at the end.
func NewWriterSize(w io.Writer, size int) *Writer { return &Writer{w: w, size: size} }

// WriteSection begins a section. Interfaces are numbered from 0 again.
func (w *Writer) WriteSection(s *Section) error {
	if w.err != nil {
		return w.err
	}
	if len(s.Options) > MaxPacketBlock {
		return ErrTooLong
	}
	start := len(w.buf)
	w.buf = appendHead(w.buf, BlockSection)
	w.buf = binary.LittleEndian.AppendUint32(w.buf, byteOrderMagic)
	w.buf = binary.LittleEndian.AppendUint32(w.buf, 1)              // version 1.0
	w.buf = binary.LittleEndian.AppendUint64(w.buf, math.MaxUint64) // length unknown
	w.begun, w.ifaces = true, 0
	return w.finish(start, s.Options)
}

// WriteInterface describes the next interface and returns its number. Options
// for the resolution and offset of times are replaced by nanoseconds.
func (w *Writer) WriteInterface(i *Interface) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	if !w.begun {
		return 0, ErrSection
	}
	if len(i.Options) > MaxPacketBlock {
		return 0, ErrTooLong
	}
	opts := make(Options, 0, len(i.Options)+8)
	for code, v := range i.Options.All() {
		if code != OptIfTSResol && code != OptIfTSOffset {
			opts = opts.Append(code, v)
		}
	}
	opts = opts.Append(OptIfTSResol, []byte{9})
	start := len(w.buf)
	w.buf = appendHead(w.buf, BlockInterface)
	w.buf = binary.LittleEndian.AppendUint32(w.buf, uint32(i.LinkType))
	w.buf = binary.LittleEndian.AppendUint32(w.buf, i.SnapLen)
	w.ifaces++
	return w.ifaces - 1, w.finish(start, opts)
}

// WritePacket writes an EPB. Data is cut where the block would become longer
// than MaxPacketBlock. It keeps nothing of p and allocates nothing.
func (w *Writer) WritePacket(p *Packet) error {
	if w.err != nil {
		return w.err
	}
	optsLen := optionsLen(p.Options)
	room := MaxPacketBlock - 32 - optsLen
	if uint(p.Interface) >= uint(w.ifaces) || p.Time < 0 || room < 0 {
		return w.mistake(p)
	}
	n := min(len(p.Data), room&^3)
	end := 28 + (n+3)&^3 // of the data, padded
	total := end + optsLen + 4
	b := w.extend(total)
	binary.LittleEndian.PutUint32(b[end-4:], 0) // padding; else overwritten
	copy(b[28:], p.Data[:n])
	h := b[:28] // two 32-bit fields at a time, the first one low
	binary.LittleEndian.PutUint64(h[0:], uint64(BlockEnhanced)|uint64(total)<<32)
	binary.LittleEndian.PutUint64(h[8:], uint64(p.Interface)|uint64(p.Time)>>32<<32)
	binary.LittleEndian.PutUint64(h[16:], uint64(uint32(p.Time))|uint64(n)<<32)
	binary.LittleEndian.PutUint32(h[24:], uint32(min(max(p.Len, len(p.Data)), math.MaxUint32)))
	if optsLen > 0 {
		copy(b[end:], p.Options)
		binary.LittleEndian.PutUint32(b[total-8:], 0) // OptEnd
	}
	binary.LittleEndian.PutUint32(b[total-4:], uint32(total))
	w.packets++
	if len(w.buf) < w.size {
		return nil
	}
	return w.Flush()
}

// extend makes room for a block of n bytes and returns it, with what was there
// before. Laying a block out at once takes half the time of appending it.
func (w *Writer) extend(n int) []byte {
	start := len(w.buf)
	if cap(w.buf)-start < n {
		w.buf = slices.Grow(w.buf, n)
	}
	w.buf = w.buf[:start+n]
	return w.buf[start:]
}

// mistake says what is wrong with a packet.
func (w *Writer) mistake(p *Packet) error {
	switch {
	case !w.begun:
		return ErrSection
	case p.Interface < 0 || p.Interface >= w.ifaces:
		return fmt.Errorf("interface %d of %d: %w", p.Interface, w.ifaces, ErrInterface)
	case p.Time < 0:
		return ErrTime
	}
	return ErrTooLong
}

// WriteStatistics writes an ISB.
func (w *Writer) WriteStatistics(s *Statistics) error {
	if w.err != nil {
		return w.err
	}
	opts := appendStatistics(nil, s)
	switch {
	case !w.begun:
		return ErrSection
	case s.Interface < 0 || s.Interface >= w.ifaces:
		return fmt.Errorf("interface %d of %d: %w", s.Interface, w.ifaces, ErrInterface)
	case len(opts) > MaxPacketBlock:
		return ErrTooLong
	}
	start := len(w.buf)
	w.buf = appendHead(w.buf, BlockStatistics)
	w.buf = binary.LittleEndian.AppendUint32(w.buf, uint32(s.Interface))
	w.buf = appendTimestamp(w.buf, max(s.Time, 0))
	return w.finish(start, opts)
}

// WriteRaw writes a block of any other type. The body must be little-endian
// where its type cares, and complete with its options; it is padded.
func (w *Writer) WriteRaw(typ uint32, body []byte) error {
	if w.err != nil {
		return w.err
	}
	if !w.begun {
		return ErrSection
	}
	if len(body) > MaxBlock-16 {
		return ErrTooLong
	}
	start := len(w.buf)
	w.buf = appendHead(w.buf, typ)
	w.buf = append(w.buf, body...)
	w.buf = append(w.buf, zeros[:padding(len(body))]...)
	return w.finish(start, nil)
}

// Flush hands on what has been collected.
func (w *Writer) Flush() error {
	if w.err != nil {
		return w.err
	}
	if len(w.buf) == 0 {
		return nil
	}
	n, err := w.w.Write(w.buf)
	if n < len(w.buf) && err == nil {
		err = io.ErrShortWrite
	}
	if err == nil {
		w.safeBytes += int64(len(w.buf))
		w.safePackets = w.packets
	} else {
		before := w.safeBytes
		w.countSafe(w.buf[:max(0, min(n, len(w.buf)))])
		w.lostBytes = int64(len(w.buf)) - (w.safeBytes - before)
	}
	w.buf, w.err = w.buf[:0], err
	return err
}

// Written returns what has been handed on in whole blocks: after an error, the
// length to which a file must be cut back to be valid, and the packets in it.
func (w *Writer) Written() (bytes, packets int64) { return w.safeBytes, w.safePackets }

// Accepted returns what has been written in all, also what is still collected
// or was lost by an error.
func (w *Writer) Accepted() (bytes, packets int64) {
	return w.safeBytes + w.lostBytes + int64(len(w.buf)), w.packets
}

// finish ends the block that begins at start: options, lengths, accounts.
func (w *Writer) finish(start int, opts Options) error {
	b := w.buf
	if len(opts) > 0 {
		b = append(b, opts...)
		b = append(b, zeros[:]...) // OptEnd
	}
	n := len(b) - start + 4
	b = binary.LittleEndian.AppendUint32(b, uint32(n))
	binary.LittleEndian.PutUint32(b[start+4:], uint32(n))
	w.buf = b
	if len(b) < w.size {
		return nil
	}
	return w.Flush()
}

// countSafe adds the whole blocks of a write that was cut short.
func (w *Writer) countSafe(b []byte) {
	for len(b) >= 12 {
		n := int(binary.LittleEndian.Uint32(b[4:]))
		if n > len(b) {
			return
		}
		if binary.LittleEndian.Uint32(b) == BlockEnhanced {
			w.safePackets++
		}
		w.safeBytes += int64(n)
		b = b[n:]
	}
}

const byteOrderMagic = 0x1A2B3C4D

// appendHead appends the type and room for the length.
func appendHead(b []byte, typ uint32) []byte {
	return append(b, byte(typ), byte(typ>>8), byte(typ>>16), byte(typ>>24), 0, 0, 0, 0)
}

func appendTimestamp(b []byte, ns int64) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(uint64(ns)>>32))
	return binary.LittleEndian.AppendUint32(b, uint32(uint64(ns)))
}

// optionsLen is the length of a list with its end mark.
func optionsLen(o Options) int {
	if len(o) == 0 {
		return 0
	}
	return len(o) + 4
}

func appendStatistics(o Options, s *Statistics) Options {
	for _, c := range s.Comments {
		o = o.AppendText(OptComment, c)
	}
	if s.Start > 0 {
		o = o.appendTime(OptStatStart, s.Start)
	}
	if s.End > 0 {
		o = o.appendTime(OptStatEnd, s.End)
	}
	for i, n := range s.counters() {
		if *n != nil {
			o = o.AppendUint64(OptStatReceived+uint16(i), **n)
		}
	}
	return o
}

// counters lists the counters in the order of their option codes, from
// OptStatReceived on.
func (s *Statistics) counters() [5]**uint64 {
	return [5]**uint64{&s.Received, &s.IfDropped, &s.Accepted, &s.OSDropped, &s.Delivered}
}
