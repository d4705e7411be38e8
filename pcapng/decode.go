// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// decode fills r.block from a body. Types that are not known stay as they are:
// the draft (section 3.1) asks readers to skip them.
func (r *Reader) decode(typ uint32, body []byte) error {
	switch typ {
	case BlockEnhanced:
		return r.enhanced(body)
	case BlockSection:
		return r.section(body)
	case BlockInterface:
		return r.iface(body)
	case BlockSimple:
		return r.simple(body)
	case BlockPacket:
		return r.obsolete(body)
	case BlockStatistics:
		return r.statistics(body)
	}
	return nil
}

func (r *Reader) section(body []byte) error {
	if len(body) < 16 {
		return r.bad("section header too short")
	}
	if r.u16(body[4:]) != 1 { // a minor version changes nothing that we read
		return r.bad("unknown major version")
	}
	opts, err := r.options(body[16:], sectionLayout)
	if err != nil {
		return err
	}
	r.begun, r.ifaces, r.kept = true, nil, 0
	r.block.Section = &Section{Options: slices.Clone(opts), BigEndian: r.big}
	return nil
}

func (r *Reader) iface(body []byte) error {
	if len(body) < 8 {
		return r.bad("interface description too short")
	}
	opts, err := r.options(body[8:], ifaceLayout)
	if err != nil {
		return err
	}
	r.kept += len(opts)
	if len(r.ifaces) == MaxInterfaces || r.kept > MaxBlock {
		return r.bad("too many interfaces")
	}
	i := &Interface{
		LinkType: r.u16(body),
		SnapLen:  r.u32(body[4:]),
		Options:  slices.Clone(opts),
		clock:    newClock(opts),
	}
	r.ifaces = append(r.ifaces, i)
	r.block.Interface = i
	return nil
}

// packetOf starts a packet of an interface.
func (r *Reader) packetOf(iface int) (*Interface, error) {
	if iface >= len(r.ifaces) {
		return nil, r.bad("packet of an unknown interface")
	}
	p := &r.packet
	p.Interface, p.Time, p.Data, p.Len, p.Options = iface, 0, nil, 0, nil
	r.block.Packet = &r.packet
	return r.ifaces[iface], nil
}

func (r *Reader) enhanced(body []byte) error {
	if len(body) < 20 {
		return r.bad("packet block too short")
	}
	i, err := r.packetOf(int(r.u32(body)))
	if err != nil {
		return err
	}
	if err := r.packetBody(i, body[4:]); err != nil {
		return err
	}
	r.packet.Options, err = r.options(r.packet.Options, packetLayout)
	return err
}

// obsolete reads a Packet Block; its drop count becomes an option as in an EPB.
func (r *Reader) obsolete(body []byte) error {
	if len(body) < 20 {
		return r.bad("packet block too short")
	}
	i, err := r.packetOf(int(r.u16(body)))
	if err != nil {
		return err
	}
	if err := r.packetBody(i, body[4:]); err != nil {
		return err
	}
	opts, err := r.options(r.packet.Options, packetLayout)
	if drops := r.u16(body[2:]); drops != 0 && drops != 0xFFFF { // 0xFFFF: unknown
		if !r.big { // else opts lie in scratch already
			r.scratch = append(r.scratch[:0], opts...)
		}
		r.scratch = Options(r.scratch).AppendUint64(OptPacketDropCount, uint64(drops))
		opts = r.scratch
	}
	r.packet.Options = opts
	return err
}

// packetBody reads what EPB and Packet Block have in common: time, lengths,
// data; Options is set to what is left.
func (r *Reader) packetBody(i *Interface, b []byte) error {
	_ = b[15] // the caller has checked
	ts := uint64(r.u32(b))<<32 | uint64(r.u32(b[4:]))
	n, wire := int64(r.u32(b[8:])), int(r.u32(b[12:]))
	b = b[16:]
	if n > int64(len(b)) {
		return r.bad("packet data longer than its block")
	}
	p := &r.packet
	p.Time = i.clock.ns(ts)
	p.Data = b[:n:n]
	p.Len = max(wire, int(n))
	p.Options = b[min(int(n)+padding(int(n)), len(b)):]
	return nil
}

// simple reads an SPB: no time, no options, always interface 0; how much of
// the packet there is follows from the snap length.
func (r *Reader) simple(body []byte) error {
	if len(body) < 4 {
		return r.bad("packet block too short")
	}
	i, err := r.packetOf(0)
	if err != nil {
		return err
	}
	wire := int64(r.u32(body))
	n := min(wire, int64(len(body)-4))
	if i.SnapLen != 0 {
		n = min(n, int64(i.SnapLen))
	}
	r.packet.Data = body[4 : 4+n : 4+n]
	r.packet.Len = int(wire)
	return nil
}

func (r *Reader) statistics(body []byte) error {
	if len(body) < 12 {
		return r.bad("interface statistics too short")
	}
	iface := int64(r.u32(body))
	if iface >= int64(len(r.ifaces)) {
		return r.bad("statistics of an unknown interface")
	}
	opts, err := r.options(body[12:], statisticsLayout)
	if err != nil {
		return err
	}
	c := &r.ifaces[iface].clock
	s := &Statistics{Interface: int(iface), Comments: opts.Comments()}
	s.Time = max(0, c.ns(uint64(r.u32(body[4:]))<<32|uint64(r.u32(body[8:]))))
	s.Start = statisticsTime(c, opts, OptStatStart)
	s.End = statisticsTime(c, opts, OptStatEnd)
	for i, n := range s.counters() {
		if v, ok := opts.uint64(OptStatReceived + uint16(i)); ok {
			*n = &v
		}
	}
	r.block.Statistics = s
	return nil
}

// statisticsTime reads a time whose high half stands first.
func statisticsTime(c *clock, o Options, code uint16) int64 {
	v, ok := o.uint64(code)
	if !ok {
		return 0
	}
	return max(0, c.ns(v<<32|v>>32))
}

// A layout gives the widths of the integers in the options of a block type:
// "4", "8", "44" for two of four bytes, "18" for a byte and then eight. Options
// that are not in it hold bytes.
type layout map[uint16]string

var (
	sectionLayout    = layout{}
	ifaceLayout      = layout{8: "8", 10: "4", 14: "8", 16: "8", 17: "8"}
	packetLayout     = layout{2: "4", 4: "8", 5: "8", 6: "4", 7: "18", 8: "44"}
	statisticsLayout = layout{2: "44", 3: "44", 4: "8", 5: "8", 6: "8", 7: "8", 8: "8"}
)

// options checks a list up to its end mark and returns it little-endian: as it
// lies in the block, or turned round in r.scratch.
func (r *Reader) options(b []byte, l layout) (Options, error) {
	if r.big {
		return r.turn(b, l)
	}
	n := 0
	for len(b)-n >= 4 {
		code, size := binary.LittleEndian.Uint16(b[n:]), int(binary.LittleEndian.Uint16(b[n+2:]))
		if code == OptEnd {
			return Options(b[:n:n]), nil
		}
		n += 4 + size + padding(size)
		if n > len(b) {
			return nil, r.bad("option longer than its block")
		}
	}
	return r.rest(b, n)
}

// rest ends a list without an end mark.
func (r *Reader) rest(b []byte, n int) (Options, error) {
	if n != len(b) {
		return nil, r.bad("options with bytes left over")
	}
	return Options(b), nil
}

// turn is options for a big-endian section.
func (r *Reader) turn(b []byte, l layout) (Options, error) {
	out := Options(r.scratch[:0])
	for len(b) >= 4 {
		code, size := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if code == OptEnd {
			r.scratch = out
			return out, nil
		}
		end := 4 + size + padding(size)
		if end > len(b) {
			return nil, r.bad("option longer than its block")
		}
		out = out.Append(code, b[4:4+size])
		l.turn(code, out[len(out)-(end-4):][:size])
		b = b[end:]
	}
	r.scratch = out
	if _, err := r.rest(b, 0); err != nil {
		return nil, err
	}
	return out, nil
}

// turn reverses the integers of one value in place.
func (l layout) turn(code uint16, v []byte) {
	widths := l[code]
	switch code {
	case 2988, 2989, 19372, 19373: // custom: the enterprise number comes first
		widths = "4"
	}
	for _, w := range []byte(widths) {
		n := int(w - '0')
		if n > len(v) {
			return
		}
		slices.Reverse(v[:n])
		v = v[n:]
	}
}

// isPcapng tells the magic of a section header.
func isPcapng(magic []byte) bool {
	return bytes.Equal(magic, []byte{0x0A, 0x0D, 0x0D, 0x0A})
}
