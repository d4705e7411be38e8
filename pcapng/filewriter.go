// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// CommentMode says how much of the path goes into the file.
type CommentMode uint8

// Modes of --comments.
const (
	CommentsFull    CommentMode = iota // the summary and one comment per hop
	CommentsSummary                    // the summary
	CommentsNone
)

// FileOptions describe a capture. The zero value is a valid description.
type FileOptions struct {
	Hardware    string // shb_hardware: the CPU; empty leaves it out
	OS          string // shb_os and if_os: "Linux 6.12.0"; empty leaves it out
	Application string // shb_userappl: "hopdump 1.0"; empty leaves it out
	Filter      string // if_filter: the expression; empty leaves it out

	LinkType uint16 // of every packet; 0 means LinkEthernet
	SnapLen  uint32 // bytes kept of each packet; 0 means 262144

	// Devices are described at the beginning, others when their first packet
	// comes. A file without any packet and device describes one, "any".
	Devices []*Device

	TS    string // what packet times are: empty means "tap"
	Clock string // which clock they come from: empty means "realtime"
	Netns uint32 // namespace that hopdump runs in, by which a reader sets Device.Foreign; 0 if unknown

	// Keys follow the ones above in the section comment while there is room;
	// values of more than 64 bytes are cut.
	Keys []KV
	// Notes are further section comments, one line of text each. They are
	// reduced to ASCII and cut at MaxComment bytes.
	Notes []string

	Comments CommentMode // how much of the paths is written

	// Buffer is how many bytes are collected before they are handed on; 0
	// hands on every block.
	Buffer int
}

// maxHops is how many hops of a path are written at most: their comments then
// take half of the largest block that dumpcap accepts. Others count as trunc=.
const maxHops = MaxPacketBlock / 2 / (MaxComment + 8)

// FileWriter writes records as hopdump's files are defined in design.md §5:
// one section, an interface per device, an EPB per packet with the path in its
// comments, statistics at the end. It does not put records in order. Its errors
// are those of [Writer]: the ones of the io.Writer unchanged and kept.
type FileWriter struct {
	w      *Writer
	opts   FileOptions
	begun  bool
	closed bool
	ifaces []fileInterface
	index  map[deviceKey]int
	last   int   // interface of the packet before
	time   int64 // of the latest packet

	options Options
	path    Path // of a record whose path is cut
	tails   hopTails
	pad     [MinData]byte
}

type fileInterface struct {
	key       deviceKey
	delivered uint64
}

// deviceKey identifies a device; known is false for packets without one.
type deviceKey struct {
	netns uint32
	index int
	name  string
	known bool
}

func keyOf(d *Device) deviceKey {
	if d == nil {
		return deviceKey{}
	}
	return deviceKey{d.Netns, d.Index, d.Name, true}
}

// NewFileWriter returns a FileWriter on w. Nothing is written before the first
// call of a method.
func NewFileWriter(w io.Writer, opts FileOptions) *FileWriter {
	if opts.LinkType == 0 {
		opts.LinkType = LinkEthernet
	}
	if opts.SnapLen == 0 {
		opts.SnapLen = MaxPacketBlock
	}
	return &FileWriter{w: NewWriterSize(w, opts.Buffer), opts: opts, index: make(map[deviceKey]int)}
}

// Write writes one record. Data of less than MinData bytes is filled up with
// zeros, data of more than the snap length is cut. It keeps nothing of r and
// allocates only when r's device is new.
func (f *FileWriter) Write(r *Record) error {
	if !f.begun || f.closed {
		if err := f.begin(); err != nil {
			return err
		}
	}
	if !f.isLast(r.Dev) {
		if err := f.iface(r.Dev); err != nil {
			return err
		}
	}
	f.options = f.appendRecord(f.options[:0], r)
	var p Packet // filled field by field: a literal would be copied
	p.Interface, p.Time, p.Options = f.last, r.Time, f.options
	p.Data, p.Len = r.Data, max(r.Len, len(r.Data))
	if len(p.Data) < MinData {
		f.pad = [MinData]byte{}
		copy(f.pad[:], p.Data)
		p.Data, p.Len = f.pad[:], max(p.Len, MinData)
	}
	p.Data = p.Data[:min(len(p.Data), max(int(f.opts.SnapLen), MinData))]
	if err := f.w.WritePacket(&p); err != nil {
		return err
	}
	f.ifaces[f.last].delivered++
	f.time = max(f.time, r.Time)
	return nil
}

// Flush hands on everything written so far, the header of the file included.
func (f *FileWriter) Flush() error {
	if err := f.begin(); err != nil {
		return err
	}
	return f.w.Flush()
}

// Close writes the statistics of each interface and flushes. It does not close
// the io.Writer. Each element of stats is about its Dev, or the first interface
// if that is nil; Delivered, if nil, is the number of packets written.
func (f *FileWriter) Close(stats ...Statistics) error {
	if err := f.begin(); err != nil {
		return err
	}
	for i := range stats {
		if stats[i].Dev != nil {
			if err := f.iface(stats[i].Dev); err != nil {
				return err
			}
		}
	}
	if len(f.ifaces) == 0 {
		if err := f.iface(&Device{Name: "any"}); err != nil {
			return err
		}
	}
	for i := range f.ifaces {
		s := f.statistics(i, stats)
		if err := f.w.WriteStatistics(&s); err != nil {
			return err
		}
	}
	f.closed = true
	return f.w.Flush()
}

// Written is as [Writer.Written]: what is safe.
func (f *FileWriter) Written() (bytes, packets int64) { return f.w.Written() }

// Accepted is as [Writer.Accepted]: what is safe or still collected.
func (f *FileWriter) Accepted() (bytes, packets int64) { return f.w.Accepted() }

// begin writes the section header and the known devices, once.
func (f *FileWriter) begin() error {
	if f.closed {
		return ErrClosed
	}
	if f.begun {
		return nil
	}
	o := &f.opts
	var opts Options
	opts = opts.AppendText(OptComment, o.sectionComment())
	for _, n := range o.Notes {
		opts = opts.AppendText(OptComment, plainText(n))
	}
	opts = appendKnown(opts, OptSectionHardware, o.Hardware)
	opts = appendKnown(opts, OptSectionOS, o.OS)
	opts = appendKnown(opts, OptSectionApplication, o.Application)
	if err := f.w.WriteSection(&Section{Options: opts}); err != nil {
		return err
	}
	f.begun = true
	for _, d := range o.Devices {
		if err := f.iface(d); err != nil {
			return err
		}
	}
	return nil
}

// sectionComment returns "hopdump/1 ts=tap clock=realtime …".
func (o *FileOptions) sectionComment() string {
	keys := []KV{{"ts", o.TS}, {"clock", o.Clock}}
	if o.TS == "" {
		keys[0].Value = "tap"
	}
	if o.Clock == "" {
		keys[1].Value = "realtime"
	}
	if o.Netns != 0 {
		keys = append(keys, KV{"ns", strconv.FormatUint(uint64(o.Netns), 10)})
	}
	b := appendExtra([]byte(version), append(keys, o.Keys...), MaxComment, limit{value: 64, fit: true})
	return string(b)
}

// isLast reports whether d is the device of the last call of iface: mostly so,
// and cheaper than the index.
func (f *FileWriter) isLast(d *Device) bool {
	if f.last >= len(f.ifaces) {
		return false
	}
	key := &f.ifaces[f.last].key
	if d == nil || !key.known {
		return d == nil && !key.known
	}
	return d.Netns == key.netns && d.Index == key.index && d.Name == key.name
}

// iface sets f.last to a device's interface, which it may describe first.
func (f *FileWriter) iface(d *Device) error {
	key := keyOf(d)
	n, ok := f.index[key]
	if !ok {
		var err error
		i := Interface{LinkType: f.opts.LinkType, SnapLen: f.opts.SnapLen, Options: f.ifaceOptions(d)}
		if n, err = f.w.WriteInterface(&i); err != nil {
			return err
		}
		f.index[key] = n
		f.ifaces = append(f.ifaces, fileInterface{key: key})
	}
	f.last = n
	return nil
}

func (f *FileWriter) ifaceOptions(d *Device) Options {
	var o Options
	if d == nil {
		o = o.AppendText(OptIfName, unknownDevice)
	} else {
		o = appendKnown(o, OptIfName, strings.ToValidUTF8(d.Name, "?"))
		o = appendKnown(o, OptIfDescription, d.description())
		if d.Speed != 0 {
			o = o.AppendUint64(OptIfSpeed, d.Speed)
		}
		o = appendKnown(o, OptIfHardware, strings.ToValidUTF8(d.Driver, "?"))
	}
	if f.opts.Filter != "" {
		o = o.AppendText(OptIfFilter, "\x00"+f.opts.Filter)
	}
	return appendKnown(o, OptIfOS, f.opts.OS)
}

func appendKnown(o Options, code uint16, text string) Options {
	if text == "" {
		return o
	}
	return o.AppendText(code, text)
}

// appendRecord appends the options of a packet, comments first: the summary is
// the first comment, by which Wireshark's column sorts.
func (f *FileWriter) appendRecord(o Options, r *Record) Options {
	pid, tid := r.Pid, r.Tid
	if r.Path != nil {
		o = f.cut(r.Path).appendComments(o, f.opts.Comments, &f.tails)
		if r.Path.Pid != 0 {
			pid, tid = r.Path.Pid, r.Path.Tid
		}
	}
	for _, c := range r.Comments {
		o = o.AppendText(OptComment, c)
	}
	if r.Dir != DirUnknown {
		o = o.AppendUint32(OptPacketFlags, uint32(r.Dir)&3)
	}
	if r.Lost > 0 {
		o = o.AppendUint64(OptPacketDropCount, r.Lost)
	}
	if r.ID != 0 {
		o = o.AppendUint64(OptPacketID, r.ID)
	}
	if r.Queue > 0 && int64(r.Queue-1) <= math.MaxUint32 {
		o = o.AppendUint32(OptPacketQueue, uint32(r.Queue-1))
	}
	if pid != 0 || tid != 0 {
		o = o.appendProcess(pid, tid)
	}
	return o
}

// cut returns a path with at most maxHops hops.
func (f *FileWriter) cut(p *Path) *Path {
	if len(p.Hops) <= maxHops {
		return p
	}
	f.path = *p
	f.path.Trunc += len(p.Hops) - maxHops
	f.path.Hops = p.Hops[:maxHops]
	return &f.path
}

// statistics returns those of one interface, from the caller's.
func (f *FileWriter) statistics(n int, stats []Statistics) Statistics {
	var s Statistics
	for i := range stats {
		if d := stats[i].Dev; d == nil && n == 0 || d != nil && keyOf(d) == f.ifaces[n].key {
			s = stats[i]
			break
		}
	}
	if s.Delivered == nil {
		s.Delivered = &f.ifaces[n].delivered
	}
	if s.Time = max(s.Time, s.End); s.Time == 0 {
		s.Time = f.time
	}
	s.Interface = n
	s.Comments = slices.Clone(s.Comments)
	for i, c := range s.Comments {
		s.Comments[i] = plainText(c)
	}
	return s
}
