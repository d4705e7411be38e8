// SPDX-License-Identifier: Apache-2.0

package text

import (
	"encoding/binary"
	"fmt"
)

const (
	dnsA     = 1
	dnsNS    = 2
	dnsCNAME = 5
	dnsSOA   = 6
	dnsPTR   = 12
	dnsMX    = 15
	dnsTXT   = 16
	dnsAAAA  = 28
	dnsSRV   = 33
	dnsDNAME = 39
	dnsOPT   = 41
	dnsSPF   = 99
	dnsURI   = 256
)

var dnsTypes = map[uint16]string{
	dnsA: "A", dnsNS: "NS", 3: "MD", 4: "MF", dnsCNAME: "CNAME", dnsSOA: "SOA", 7: "MB", 8: "MG", 9: "MR",
	10: "NULL", 11: "WKS", dnsPTR: "PTR", 13: "HINFO", 14: "MINFO", dnsMX: "MX", dnsTXT: "TXT", 17: "RP",
	18: "AFSDB", 19: "X25", 20: "ISDN", 21: "RT", 22: "NSAP", 23: "NSAP_PTR", 24: "SIG", 25: "KEY", 26: "PX",
	27: "GPOS", dnsAAAA: "AAAA", 29: "LOC", 30: "NXT", 31: "EID", 32: "NIMLOC", dnsSRV: "SRV", 34: "ATMA",
	35: "NAPTR", 36: "KX", 37: "CERT", 38: "A6", dnsDNAME: "DNAME", 40: "SINK", dnsOPT: "OPT", 42: "APL",
	43: "DS", 44: "SSHFP", 45: "IPSECKEY", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 50: "NSEC3", 51: "NSEC3PARAM",
	52: "TLSA", 53: "SMIMEA", 55: "HIP", 59: "CDS", 60: "CDNSKEY", 61: "OPENPGPKEY", 62: "CSYNC", 63: "ZONEMD",
	64: "SVCB", 65: "HTTPS", dnsSPF: "SPF", 249: "TKEY", 250: "TSIG", 251: "IXFR", 252: "AXFR", 255: "ANY",
	dnsURI: "URI", 257: "CAA", 32769: "DLV",
}

func dnsType(kind uint16) string {
	if name, ok := dnsTypes[kind]; ok {
		return name
	}
	return fmt.Sprintf("Type%d", kind)
}

func dnsClass(class uint16) string {
	switch class {
	case 1:
		return "IN"
	case 3:
		return "CHAOS"
	case 4:
		return "HS"
	case 255:
		return "ANY"
	}
	return fmt.Sprintf("(Class %d)", class)
}

// dnsRecord is a resource record without its name.
type dnsRecord struct {
	kind, class uint16
	ttl         uint32
	data        int // offset of the data
	size        int
}

// header reads the record whose name ends at next.
func (m *dnsMessage) header(next int) (dnsRecord, bool) {
	if next+10 > len(m.b) {
		return dnsRecord{}, false
	}
	be := binary.BigEndian
	return dnsRecord{
		kind: be.Uint16(m.b[next:]), class: be.Uint16(m.b[next+2:]), ttl: be.Uint32(m.b[next+4:]),
		data: next + 10, size: int(be.Uint16(m.b[next+8:])),
	}, true
}

// extendedCode finds the upper bits of the result in the OPT record.
func (m *dnsMessage) extendedCode() (uint8, bool) {
	at := dnsHeaderLen
	for range m.count(0) {
		_, next, ok := m.name(at)
		if !ok {
			return 0, false
		}
		at = next + 4
	}
	for range m.count(1) + m.count(2) + m.count(3) {
		_, next, ok := m.name(at)
		if !ok {
			return 0, false
		}
		r, ok := m.header(next)
		if !ok {
			return 0, false
		}
		if r.kind == dnsOPT {
			return uint8(r.ttl >> 24), true
		}
		at = r.data + r.size
	}
	return 0, false
}

// record prints one resource record; false means that its end is missing.
func (m *dnsMessage) record() bool {
	p := m.p
	name, next, ok := m.name(m.at)
	if !ok {
		return false
	}
	r, ok := m.header(next)
	if !ok {
		return false
	}
	if p.opt.Verbose > 0 {
		p.s(" ")
		p.b = append(p.b, name...)
	}
	p.f(" %s", dnsType(r.kind))
	flush := m.mdns && r.class&0x8000 != 0
	if flush {
		r.class &^= 0x8000
	}
	if r.class != 1 && r.kind != dnsOPT {
		p.f(" %s", dnsClass(r.class))
	}
	if flush {
		p.s(" (Cache flush)")
	}
	if p.opt.Verbose > 2 && r.kind != dnsOPT {
		p.f(" [%ds]", r.ttl)
	}
	m.at = r.data + r.size
	if m.at > len(m.b) {
		return false
	}
	return m.value(r)
}

// value prints the data of the types people look for.
func (m *dnsMessage) value(r dnsRecord) bool {
	p, be, d := m.p, binary.BigEndian, m.b[r.data:r.data+r.size]
	switch r.kind {
	case dnsA:
		if len(d) == 4 {
			p.f(" %s", addr(d))
		}
	case dnsAAAA:
		if len(d) == 16 {
			p.f(" %s", addr(d))
		}
	case dnsNS, dnsCNAME, dnsPTR, dnsDNAME:
		return m.target(r.data, " ")
	case dnsMX:
		if len(d) < 2 || !m.target(r.data+2, " ") {
			return false
		}
		p.f(" %d", be.Uint16(d))
	case dnsSRV:
		if len(d) < 6 || !m.target(r.data+6, " ") {
			return false
		}
		p.f(":%d %d %d", be.Uint16(d[4:]), be.Uint16(d), be.Uint16(d[2:]))
	case dnsURI:
		if len(d) < 4 {
			return false
		}
		p.f(" %d %d ", be.Uint16(d), be.Uint16(d[2:]))
		p.b = appendVisible(p.b, d[4:])
	case dnsTXT, dnsSPF:
		return m.strings(d)
	case dnsSOA:
		return p.opt.Verbose == 0 || m.soa(r)
	case dnsOPT:
		m.opt(r, d)
	}
	return true
}

// target prints the name at offset at.
func (m *dnsMessage) target(at int, before string) bool {
	name, _, ok := m.name(at)
	if !ok {
		return false
	}
	m.p.s(before)
	m.p.b = append(m.p.b, name...)
	return true
}

// strings prints character strings in quotes.
func (m *dnsMessage) strings(d []byte) bool {
	for len(d) > 0 {
		size := int(d[0])
		if 1+size > len(d) {
			return false
		}
		m.p.s(` "`)
		m.p.b = appendVisible(m.p.b, d[1:1+size])
		m.p.s(`"`)
		d = d[1+size:]
	}
	return true
}

func (m *dnsMessage) soa(r dnsRecord) bool {
	_, next, ok := m.name(r.data)
	if !ok || !m.target(r.data, " ") {
		return false
	}
	_, end, ok := m.name(next)
	if !ok || !m.target(next, " ") || end+20 > len(m.b) {
		return false
	}
	for i := range 5 {
		m.p.f(" %d", binary.BigEndian.Uint32(m.b[end+4*i:]))
	}
	return true
}

// opt prints what an OPT record asks for.
func (m *dnsMessage) opt(r dnsRecord, d []byte) {
	m.p.f(" UDPsize=%d", r.class)
	if r.ttl&0x8000 != 0 {
		m.p.s(" DO")
	}
	before := " ["
	for len(d) >= 4 {
		kind, size := binary.BigEndian.Uint16(d), int(binary.BigEndian.Uint16(d[2:]))
		if 4+size > len(d) {
			break
		}
		m.p.s(before)
		m.p.s(dnsOption(kind, d[4:4+size]))
		before, d = ",", d[4+size:]
	}
	if before == "," {
		m.p.s("]")
	}
}

// dnsOption describes an EDNS option: its name, and its bytes if it has some.
func dnsOption(kind uint16, d []byte) string {
	names := map[uint16]string{
		1: "LLQ", 2: "UL", 3: "NSID", 5: "DAU", 6: "DHU", 7: "N3U", 8: "ECS", 9: "EXPIRE",
		10: "COOKIE", 11: "KEEPALIVE", 12: "PADDING", 13: "CHAIN", 14: "KEY-TAG",
	}
	name, ok := names[kind]
	if !ok {
		name = fmt.Sprintf("Opt%d", kind)
	}
	switch {
	case len(d) == 0:
		return name
	case kind == 8 && len(d) >= 4:
		return fmt.Sprintf("%s %s/%d/%d", name, ednsSubnet(d), d[2], d[3])
	case kind == 9 && len(d) == 4:
		return fmt.Sprintf("%s %d sec", name, binary.BigEndian.Uint32(d))
	case kind == 11 && len(d) == 2:
		return fmt.Sprintf("%s %.1f sec", name, float64(binary.BigEndian.Uint16(d))/10)
	case kind == 12:
		return fmt.Sprintf("%s (%d)", name, len(d))
	case kind == 14:
		for ; len(d) >= 2; d = d[2:] {
			name += fmt.Sprintf(" %d", binary.BigEndian.Uint16(d))
		}
		return name
	}
	return fmt.Sprintf("%s %x", name, d)
}

// ednsSubnet is the address in a client subnet option, of which only the bytes
// that matter are sent.
func ednsSubnet(d []byte) string {
	var a [16]byte
	copy(a[:], d[4:])
	if binary.BigEndian.Uint16(d) == 1 {
		return addr(a[:4]).String()
	}
	return addr(a[:]).String()
}
