// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"bytes"
	"math"
	"strconv"
)

// ParsePath finds the path in the comments of a packet. Comments that are
// neither the first summary nor a hop are returned in rest, in order. Hops
// without a summary are a path of unknown way.
//
// Unknown keys are kept in Extra, and so are known keys with a value that has
// no meaning or for the second time: formatting the result gives them again.
func ParsePath(comments []string) (p *Path, rest []string) {
	var (
		ps   parser
		path Path
	)
	ps.begin(&path)
	for _, c := range comments {
		if !ps.comment([]byte(c)) {
			rest = append(rest, c)
		}
	}
	if !ps.end() {
		return nil, rest
	}
	return &path, rest
}

// ParseSummary parses a summary with or without padding and version word: a
// comment of a file or what [Path.AppendTail] wrote.
func ParseSummary(s string) (*Path, bool) {
	var (
		ps   parser
		path Path
	)
	text, _ := bytes.CutSuffix([]byte(s), []byte(" "+version))
	if !ps.summary(&path, text) {
		return nil, false
	}
	return &path, true
}

// A parser parses the comments of one packet after the other. It interns
// strings, since a capture has few different ones, and reuses the path's Hops.
type parser struct {
	path    *Path
	summed  bool // path has a summary
	strings map[string]string
	buf     []byte // for decoding
}

// begin starts a packet, whose path will be in p.
func (ps *parser) begin(p *Path) {
	hops := p.Hops[:0]
	*p = Path{}
	p.Hops, p.Way = hops, WayUnknown
	ps.path, ps.summed = p, false
}

// comment takes a comment in; false if it is none of hopdump's.
func (ps *parser) comment(c []byte) bool {
	if h, ok := bytes.CutPrefix(c, []byte("hop ")); ok {
		return ps.hop(h)
	}
	if ps.summed {
		return false
	}
	text, ok := bytes.CutSuffix(c, []byte(" "+version))
	if !ok {
		return false
	}
	ps.summed = ps.summary(ps.path, text)
	return ps.summed
}

// end finishes a packet; false if it has no path.
func (ps *parser) end() bool {
	if !ps.summed && len(ps.path.Hops) > 0 {
		ps.path.sum()
		return true
	}
	return ps.summed
}

// summary parses a summary less its version word into p, of which it leaves
// Hops alone. If it is none, p is unchanged.
func (ps *parser) summary(p *Path, c []byte) bool {
	total, c, ok := cutMicros(trimBlanks(c), "us ")
	if !ok || total < 0 {
		return false
	}
	way, c, ok := cutByte(c, ' ')
	if !ok || len(way) == 0 {
		return false
	}
	digits, c, _ := cutByte(c, ' ')
	count, ok := parseInt(digits)
	if !ok {
		return false
	}
	keys, ok := bytes.CutPrefix(c, []byte("hops"))
	if !ok || len(keys) > 0 && keys[0] != ' ' {
		return false
	}
	p.Way, p.Count, p.Total = parseWay(way), count, total
	var s stampParser
	if s.scan(keys); s.has[0] {
		p.NIC = new(s.stamp)
	}
	for len(keys) > 0 {
		var key, value []byte
		key, value, keys = cutKey(keys)
		if len(key) == 0 || s.take(key, value) || ps.summaryKey(p, key, value) {
			continue
		}
		p.Extra = append(p.Extra, ps.kv(key, value))
	}
	return true
}

// summaryKey takes a key in; false if it is unknown, has no meaning or came
// before, so that it belongs into Extra.
func (ps *parser) summaryKey(p *Path, key, value []byte) bool {
	switch string(key) {
	case "DROP":
		return ps.drop(p, value)
	case "max":
		return ps.max(p, value)
	case "pid":
		return setInt(&p.Pid, value)
	case "tid":
		return setInt(&p.Tid, value)
	case "comm":
		return ps.setText(&p.Comm, value)
	case "clone":
		return setUint(&p.Clone, value)
	case "gso":
		return setUint(&p.Gso, value)
	case "segs":
		return setInt(&p.Segs, value)
	case "gro":
		return setInt(&p.Gro, value)
	case "merged":
		return setUint(&p.Merged, value)
	case "rtx":
		return setInt(&p.Rtx, value)
	case "q":
		return setQueue(&p.Queue, value)
	case "trunc":
		return setInt(&p.Trunc, value)
	case "lost":
		return setInt(&p.LostHops, value)
	case "l2":
		return setFlag(&p.FakeL2, value, "fake")
	case "ts":
		return setFlag(&p.HostTime, value, "host")
	case "open":
		ns, rest, ok := cutMicros(trimPlus(value), "us")
		if !ok || len(rest) > 0 || p.IsOpen {
			return false
		}
		p.Open, p.IsOpen = ns, true
		return true
	}
	return false
}

// drop parses reason ["@" func ["+0x" offset]].
func (ps *parser) drop(p *Path, value []byte) bool {
	reason, fn, at := cutByte(value, '@')
	if p.Drop != nil || len(reason) == 0 {
		return false
	}
	var offset uint64
	if i := bytes.LastIndex(fn, []byte("+0x")); at && i >= 0 {
		if v, err := strconv.ParseUint(string(fn[i+3:]), 16, 64); err == nil {
			fn, offset = fn[:i], v
		}
	}
	if offset != 0 && len(fn) == 0 {
		return false
	}
	p.Drop = &Drop{Reason: ps.text(reason), Func: ps.text(fn), Offset: offset}
	return true
}

// max parses "+" us "us@" func.
func (ps *parser) max(p *Path, value []byte) bool {
	ns, fn, ok := cutMicros(trimPlus(value), "us@")
	if !ok || len(fn) == 0 || p.MaxFunc != "" {
		return false
	}
	p.MaxDelta, p.MaxFunc = ns, ps.text(fn)
	return true
}

// A stampParser collects the keys of a hardware stamp, which have a meaning only
// together: phc and nic with hw, err with nic.
type stampParser struct {
	stamp NICStamp
	has   [4]bool // by index in stampKeys: there is a value with a meaning
}

var stampKeys = [4]string{"hw", "phc", "nic", "err"}

// scan looks through all keys of a summary.
func (s *stampParser) scan(keys []byte) {
	if !bytes.Contains(keys, []byte(" hw=")) {
		return
	}
	for len(keys) > 0 {
		var key, value []byte
		key, value, keys = cutKey(keys)
		for i, name := range stampKeys {
			if string(key) == name && !s.has[i] {
				s.has[i] = s.set(i, value)
			}
		}
	}
	s.has = [4]bool{s.has[0], s.has[0] && s.has[1], s.has[0] && s.has[2], s.has[0] && s.has[2] && s.has[3]}
	if !s.has[1] {
		s.stamp.PHC = -1
	}
	if !s.has[2] {
		s.stamp.At = 0
	}
	if !s.has[3] {
		s.stamp.Err = 0
	}
	s.stamp.Mapped = s.has[2]
}

// set sets the value of a key; false if it has no meaning.
func (s *stampParser) set(i int, value []byte) (ok bool) {
	var rest []byte
	switch i {
	case 0:
		s.stamp.Raw, rest, ok = cutFixed(value, 9)
	case 1:
		s.stamp.PHC, ok = parseInt(value)
	case 2:
		s.stamp.At, rest, ok = cutMicros(trimPlus(value), "us")
	case 3:
		var bound int
		bound, ok = parseInt(value)
		s.stamp.Err = int64(bound)
	}
	return ok && len(rest) == 0
}

// take reports whether a key went into the stamp. It says so once per key, for
// the first value with a meaning, which is the one that scan took.
func (s *stampParser) take(key, value []byte) bool {
	for i, name := range stampKeys {
		if string(key) == name && s.has[i] {
			var trial stampParser
			s.has[i] = !trial.set(i, value)
			return !s.has[i]
		}
	}
	return false
}

// hop parses a hop comment after "hop ".
func (ps *parser) hop(c []byte) bool {
	digits, c, ok := cutByte(trimBlanks(c), ' ')
	if _, isNum := parseInt(digits); !ok || !isNum || len(c) == 0 || c[0] != '+' {
		return false
	}
	delta, c, ok := cutMicros(trimBlanks(c[1:]), "us ")
	if !ok {
		return false
	}
	elapsed, c, ok := cutMicros(trimBlanks(c), "us ")
	if !ok {
		return false
	}
	fn, keys, _ := cutByte(c, ' ')
	if len(fn) == 0 {
		return false
	}
	h := Hop{Func: ps.text(fn), Delta: delta, Elapsed: elapsed, CPU: -1}
	for len(keys) > 0 {
		var key, value []byte
		key, value, keys = cutKey(keys)
		if len(key) > 0 && !ps.hopKey(&h, key, value) {
			h.Extra = append(h.Extra, ps.kv(key, value))
		}
	}
	ps.path.Hops = append(ps.path.Hops, h)
	return true
}

func (ps *parser) hopKey(h *Hop, key, value []byte) bool {
	switch string(key) {
	case "cpu":
		n, ok := parseInt(value)
		if !ok || h.CPU >= 0 {
			return false
		}
		h.CPU = n
		return true
	case "tap":
		return setFlag(&h.Tap, value, "1")
	case "dev":
		return ps.setText(&h.Dev, value)
	case "ns":
		var ns uint64
		if h.Netns != 0 || !setUint(&ns, value) || ns > math.MaxUint32 {
			return false
		}
		h.Netns = uint32(ns)
		return true
	}
	return false
}

func (ps *parser) setText(field *string, value []byte) bool {
	if *field != "" || len(value) == 0 {
		return false
	}
	*field = ps.text(value)
	return true
}

func (ps *parser) kv(key, value []byte) KV {
	return KV{ps.text(key), ps.text(value)}
}

// text decodes %XX and returns the text. What is no escape stands for itself.
func (ps *parser) text(b []byte) string {
	if bytes.IndexByte(b, '%') >= 0 {
		b = ps.decode(b)
	}
	if s, ok := ps.strings[string(b)]; ok {
		return s
	}
	s := string(b)
	const most, longest = 4096, 64 // bounds the memory: 256 KiB of texts
	if len(s) <= longest && len(ps.strings) < most {
		if ps.strings == nil {
			ps.strings = make(map[string]string)
		}
		ps.strings[s] = s
	}
	return s
}

func (ps *parser) decode(b []byte) []byte {
	d := ps.buf[:0]
	for i := 0; i < len(b); i++ {
		if b[i] == '%' && i+2 < len(b) {
			if v, err := strconv.ParseUint(string(b[i+1:i+3]), 16, 8); err == nil {
				d = append(d, byte(v))
				i += 2
				continue
			}
		}
		d = append(d, b[i])
	}
	ps.buf = d
	return d
}

func parseWay(b []byte) Way {
	for _, w := range [...]Way{WayRx, WayTx, WayFwd, WayLo} {
		if string(b) == string(w) {
			return w
		}
	}
	return WayUnknown
}
