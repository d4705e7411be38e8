// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// SectionInfo is what a section header says about the capture.
type SectionInfo struct {
	Hardware, OS, Application string

	Keys  []KV     // of the comment that begins with "hopdump/1", in order; nil if there is none
	Notes []string // other comments
}

// RecordReader reads the packets of a pcapng or classic pcap file as records.
// A RecordReader is not safe for concurrent use.
type RecordReader struct {
	ng  *Reader     // nil for classic pcap
	pc  *pcapReader // nil for pcapng
	err error       // sticky

	section SectionInfo
	own     uint32 // namespace that hopdump ran in, from the section comment
	devs    []*Device
	stats   []Statistics
	counted map[int]int // interface of this section to index in stats
	last    int         // interface of the record returned last
	filter  string

	rec    Record
	path   Path
	parser parser
}

// NewRecordReader decides by the magic which kind of file r is, and reads what
// stands before the first packet as far as the first interface. Input that is
// neither kind gives an error that wraps [ErrMagic].
func NewRecordReader(r io.Reader) (*RecordReader, error) {
	win := &window{r: r}
	magic, err := win.peek(4)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, placeCut(err, 0)
	}
	rr := &RecordReader{}
	if isPcapng(magic) {
		rr.ng = &Reader{win: win}
		if err := rr.begin(); err != nil {
			return nil, err
		}
		return rr, nil
	}
	order, unit, ok := pcapMagic(magic)
	if !ok {
		return nil, &FormatError{Msg: ErrMagic.Error(), Err: ErrMagic}
	}
	rr.pc = &pcapReader{win: win, order: order, unit: unit}
	if err := rr.pc.header(); err != nil {
		return nil, err
	}
	return rr, nil
}

// Next returns the next record, valid until the next call; [Record.Copy]
// copies it. Errors are as those of [Reader.Next].
func (r *RecordReader) Next() (*Record, error) {
	if r.err != nil {
		return nil, r.err
	}
	if r.pc != nil {
		r.err = r.pc.next(&r.rec)
	} else {
		r.err = r.next()
	}
	if r.err != nil {
		return nil, r.err
	}
	return &r.rec, nil
}

// All returns the records that are left, each valid until the next. An error
// is the last pair.
func (r *RecordReader) All() iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		for {
			rec, err := r.Next()
			if errors.Is(err, io.EOF) || !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

// LinkType returns the link type of the record returned last, before the first
// that of the first interface. It is LinkEthernet if there is none.
func (r *RecordReader) LinkType() uint16 {
	if r.pc != nil {
		return r.pc.link
	}
	if i := r.current(); i != nil {
		return i.LinkType
	}
	return LinkEthernet
}

// SnapLen returns the snap length, in bytes, that goes with LinkType; 0 means
// no limit.
func (r *RecordReader) SnapLen() uint32 {
	if r.pc != nil {
		return r.pc.snap
	}
	if i := r.current(); i != nil {
		return i.SnapLen
	}
	return 0
}

// Classic reports whether the file is a classic pcap file.
func (r *RecordReader) Classic() bool { return r.pc != nil }

// Section returns what the current section's header says; nothing for a
// classic pcap file.
func (r *RecordReader) Section() SectionInfo { return r.section }

// Devices returns the devices of the current section so far, nil for those
// without a description.
func (r *RecordReader) Devices() []*Device { return r.devs }

// Filter returns the capture filter of the interface described last, empty if
// there is none.
func (r *RecordReader) Filter() string { return r.filter }

// Statistics returns those read so far, for each interface the last ones. At
// the end of the file they are complete.
func (r *RecordReader) Statistics() []Statistics { return r.stats }

func (r *RecordReader) current() *Interface {
	if all := r.ng.Interfaces(); r.last < len(all) {
		return all[r.last]
	}
	return nil
}

// begin reads up to the first interface or packet.
func (r *RecordReader) begin() error {
	for len(r.devs) == 0 {
		b, err := r.ng.Next()
		if err == io.EOF {
			return nil // an empty file; Next will say so
		}
		if err != nil {
			return err
		}
		r.take(b)
	}
	return nil
}

func (r *RecordReader) next() error {
	for {
		b, err := r.ng.Next()
		if err != nil {
			return err
		}
		if b.Packet != nil {
			r.record(b.Packet)
			return nil
		}
		r.take(b)
	}
}

// take keeps what a block other than a packet says.
func (r *RecordReader) take(b *Block) {
	switch {
	case b.Section != nil:
		r.section = newSectionInfo(b.Section)
		r.devs, r.last, r.own, r.counted = nil, 0, 0, map[int]int{}
		for _, kv := range r.section.Keys {
			if n, err := strconv.ParseUint(kv.Value, 10, 32); err == nil && kv.Key == "ns" {
				r.own = uint32(n)
			}
		}
	case b.Interface != nil:
		r.devs = append(r.devs, newDevice(b.Interface, r.own, &r.parser))
		if f := b.Interface.Filter(); f != "" {
			r.filter = f
		}
	case b.Statistics != nil:
		r.takeStatistics(b.Statistics)
	}
}

// takeStatistics replaces earlier statistics of the same interface. Sections
// add up; a limit keeps the memory bounded.
func (r *RecordReader) takeStatistics(s *Statistics) {
	s.Dev = r.devs[s.Interface]
	if i, ok := r.counted[s.Interface]; ok {
		r.stats[i] = *s
	} else if len(r.stats) < MaxInterfaces {
		r.counted[s.Interface] = len(r.stats)
		r.stats = append(r.stats, *s)
	}
}

// record fills r.rec from a packet.
func (r *RecordReader) record(p *Packet) {
	rec := &r.rec
	comments := rec.Comments[:0]
	*rec = Record{}
	rec.Time, rec.Data, rec.Len = p.Time, p.Data, p.Len
	rec.Dev, rec.Comments = r.devs[p.Interface], comments
	r.last = p.Interface
	r.parser.begin(&r.path)
	for o := p.Options; ; {
		code, v, rest, ok := o.next()
		if !ok {
			break
		}
		r.option(rec, code, v)
		o = rest
	}
	if r.parser.end() {
		rec.Path = &r.path
		r.completeProcess(rec)
	}
}

// completeProcess makes record and path agree on the process: the summary
// counts, unless it had no room or the option no place in an editor's output.
func (r *RecordReader) completeProcess(rec *Record) {
	p := &r.path
	if p.Pid == 0 {
		p.Pid = rec.Pid
	}
	if p.Tid == 0 && p.Pid == rec.Pid {
		p.Tid = rec.Tid
	}
	rec.Pid, rec.Tid = p.Pid, p.Tid
}

func (r *RecordReader) option(rec *Record, code uint16, v []byte) {
	switch {
	case code == OptComment:
		if !r.parser.comment(v) {
			rec.Comments = append(rec.Comments, string(v))
		}
	case code == OptPacketFlags && len(v) == 4:
		rec.Dir = Direction(v[0] & 3)
		if rec.Dir > Out {
			rec.Dir = DirUnknown
		}
	case code == OptPacketDropCount && len(v) == 8:
		rec.Lost = binary.LittleEndian.Uint64(v)
	case code == OptPacketID && len(v) == 8:
		rec.ID = binary.LittleEndian.Uint64(v)
	case code == OptPacketQueue && len(v) == 4:
		rec.Queue = int(binary.LittleEndian.Uint32(v)) + 1
	case code == OptPacketProcess && len(v) == 8:
		rec.Pid = int(binary.LittleEndian.Uint32(v))
		rec.Tid = int(binary.LittleEndian.Uint32(v[4:]))
	}
}

func newSectionInfo(s *Section) SectionInfo {
	info := SectionInfo{
		Hardware:    s.Options.Text(OptSectionHardware),
		OS:          s.Options.Text(OptSectionOS),
		Application: s.Options.Text(OptSectionApplication),
	}
	var ps parser
	for _, c := range s.Options.Comments() {
		keys, ok := strings.CutPrefix(c, version)
		if !ok || info.Keys != nil || keys != "" && keys[0] != ' ' {
			info.Notes = append(info.Notes, c)
			continue
		}
		info.Keys = []KV{}
		for rest := []byte(keys); len(rest) > 0; {
			var key, value []byte
			if key, value, rest = cutKey(rest); len(key) > 0 {
				info.Keys = append(info.Keys, ps.kv(key, value))
			}
		}
	}
	return info
}

// Copy returns a copy that stays valid. The device is shared: a reader never
// changes it.
func (r *Record) Copy() *Record {
	c := *r
	c.Data = slices.Clone(r.Data)
	c.Comments = slices.Clone(r.Comments)
	if r.Path != nil {
		c.Path = r.Path.Copy()
	}
	return &c
}

// Copy returns a copy that shares no memory with p.
func (p *Path) Copy() *Path {
	c := *p
	c.Hops = slices.Clone(p.Hops)
	for i := range c.Hops {
		c.Hops[i].Extra = slices.Clone(c.Hops[i].Extra)
	}
	c.Extra = slices.Clone(p.Extra)
	if p.Drop != nil {
		drop := *p.Drop
		c.Drop = &drop
	}
	if p.NIC != nil {
		nic := *p.NIC
		c.NIC = &nic
	}
	return &c
}
