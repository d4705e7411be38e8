// SPDX-License-Identifier: Apache-2.0

package text

import (
	"encoding/binary"
	"fmt"
)

const dnsHeaderLen = 12

var dnsOpcodes = [16]string{"", " inv_q", " stat", " op3", " notify", " update", " op6", " op7",
	" op8", " updateA", " updateD", " updateDA", " updateM", " updateMA", " zoneInit", " zoneRef"}

var dnsCodes = map[uint8]string{
	0: "", 1: " FormErr", 2: " ServFail", 3: " NXDomain", 4: " NotImp", 5: " Refused",
	6: " YXDomain", 7: " YXRRSet", 8: " NXRRSet", 9: " NotAuth", 10: " NotZone",
	11: " Resp11", 12: " Resp12", 13: " Resp13", 14: " Resp14", 15: " NoChange",
}

// dnsExtended are the codes that need the four bits more of an OPT record.
var dnsExtended = map[int]string{
	16: " BadVers", 17: " Resp17", 23: " BadCookie",
}

// dnsMessage is a message while it is printed.
type dnsMessage struct {
	p    *Printer
	b    []byte // the whole message, as far as it was captured
	at   int    // next byte
	mdns bool
}

// dns prints a message of n bytes of which b was captured.
func (p *Printer) dns(b []byte, n int, mdns bool) {
	app := "domain"
	if mdns {
		app = "mdns"
	}
	if n < dnsHeaderLen {
		p.f("%s [length %d < %d] (invalid)", app, n, dnsHeaderLen)
		return
	}
	if len(b) < dnsHeaderLen {
		p.truncated(app)
		return
	}
	m := dnsMessage{p: p, b: b, at: dnsHeaderLen, mdns: mdns}
	ok := false
	if b[2]&0x80 != 0 {
		ok = m.response()
	} else {
		ok = m.query()
	}
	if !ok {
		p.truncated(app)
		return
	}
	p.f(" (%d)", n)
}

// count is the number of records in section i: questions, answers, name
// servers, additional ones.
func (m *dnsMessage) count(i int) int { return int(binary.BigEndian.Uint16(m.b[4+2*i:])) }

func (m *dnsMessage) id() uint16 { return binary.BigEndian.Uint16(m.b) }

// code names the result, looking at the OPT record if there is one.
func (m *dnsMessage) code() string {
	low := m.b[3] & 15
	if ext, ok := m.extendedCode(); ok && ext != 0 {
		full := int(ext)<<4 | int(low)
		if name, ok := dnsExtended[full]; ok {
			return name
		}
		return fmt.Sprintf(" Resp%d", full)
	}
	return dnsCodes[low]
}

func (m *dnsMessage) response() bool {
	p := m.p
	p.f("%d%s%s", m.id(), dnsOpcodes[m.b[2]>>3&15], m.code())
	for _, flag := range []struct {
		set  bool
		text string
	}{{m.b[2]&4 != 0, "*"}, {m.b[3]&0x80 == 0, "-"}, {m.b[2]&2 != 0, "|"}, {m.b[3]&0x20 != 0, "$"}} {
		if flag.set {
			p.s(flag.text)
		}
	}
	if m.count(0) != 1 {
		p.f(" [%dq]", m.count(0))
	}
	for i := range m.count(0) {
		if i > 0 && p.opt.Verbose > 1 {
			p.s(",")
		}
		if i == 0 && p.opt.Verbose > 1 {
			p.s(" q:")
		}
		if !m.question(p.opt.Verbose > 1) {
			return false
		}
	}
	p.f(" %d/%d/%d", m.count(1), m.count(2), m.count(3))
	if !m.section(m.count(1), "", true) {
		return false
	}
	return m.section(m.count(2), " ns:", p.opt.Verbose > 1) && m.section(m.count(3), " ar:", p.opt.Verbose > 1)
}

func (m *dnsMessage) query() bool {
	p := m.p
	p.f("%d%s%s", m.id(), dnsOpcodes[m.b[2]>>3&15], m.code())
	if m.b[2]&1 != 0 {
		p.s("+")
	}
	if m.b[3]&0x10 != 0 {
		p.s("%")
	}
	if odd := binary.BigEndian.Uint16(m.b[2:]) & 0x06cf; odd != 0 {
		p.f(" [b2&3=0x%x]", binary.BigEndian.Uint16(m.b[2:]))
	}
	if n := m.count(1); n != 0 {
		p.f(" [%da]", n)
	}
	if n := m.count(0); n != 1 {
		p.f(" [%dq]", n)
	}
	if n := m.count(2); n != 0 {
		p.f(" [%dn]", n)
	}
	if n := m.count(3); n != 0 {
		p.f(" [%dau]", n)
	}
	for i := range m.count(0) {
		if i > 0 {
			p.s(",")
		}
		if !m.question(true) {
			return false
		}
	}
	deep := p.opt.Verbose > 1
	return m.section(m.count(1), " an:", deep) && m.section(m.count(2), " ns:", deep) && m.section(m.count(3), " ar:", deep)
}

// question prints one question, or passes over it.
func (m *dnsMessage) question(show bool) bool {
	name, next, ok := m.name(m.at)
	if !ok || next+4 > len(m.b) {
		return false
	}
	kind, class := binary.BigEndian.Uint16(m.b[next:]), binary.BigEndian.Uint16(m.b[next+2:])
	m.at = next + 4
	if !show {
		return true
	}
	m.p.f(" %s", dnsType(kind))
	if m.mdns && class&0x8000 != 0 {
		m.p.s(" (QU)")
		class &^= 0x8000
	}
	if class != 1 {
		m.p.f(" %s", dnsClass(class))
	}
	m.p.s("? ")
	m.p.b = append(m.p.b, name...)
	return true
}

// section prints n records behind a title, or nothing.
func (m *dnsMessage) section(n int, title string, show bool) bool {
	if !show || n == 0 {
		return true
	}
	m.p.s(title)
	for i := range n {
		if i > 0 {
			m.p.s(",")
		}
		if !m.record() {
			return false
		}
	}
	return true
}

// Limits of a name: RFC 1035 allows 255 bytes, and a name that points to itself
// or to many others would take for ever.
const (
	maxNameJumps = 64
	maxNameLen   = 255
)

// name reads a name at offset at. It returns its text and where it ends.
func (m *dnsMessage) name(at int) (text []byte, next int, ok bool) {
	next = -1
	for jumps, octets := 0, 0; ; {
		if at >= len(m.b) {
			return text, 0, false
		}
		size := int(m.b[at])
		switch {
		case size == 0:
			if next < 0 {
				next = at + 1
			}
			if len(text) == 0 {
				text = append(text, '.')
			}
			return text, next, true
		case size&0xc0 == 0xc0:
			if at+1 >= len(m.b) {
				return text, 0, false
			}
			if next < 0 {
				next = at + 2
			}
			at = size&0x3f<<8 | int(m.b[at+1])
			if jumps++; jumps > maxNameJumps {
				return append(text, "<LOOP>"...), next, true
			}
		case size&0xc0 != 0:
			return append(text, "<UNKNOWN ELT>"...), 0, false
		default:
			if at+1+size > len(m.b) {
				return text, 0, false
			}
			if octets += 1 + size; octets > maxNameLen {
				return append(text, "<TOO LONG>"...), max(next, at), next >= 0
			}
			text = append(appendVisible(text, m.b[at+1:at+1+size]), '.')
			at += 1 + size
		}
	}
}
