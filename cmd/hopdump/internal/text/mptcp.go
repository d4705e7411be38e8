// SPDX-License-Identifier: Apache-2.0

package text

import "encoding/binary"

// Subtypes of the multipath TCP option (RFC 8684).
const (
	mptcpCapable   = 0
	mptcpJoin      = 1
	mptcpDSS       = 2
	mptcpAddAddr   = 3
	mptcpRemove    = 4
	mptcpPrio      = 5
	mptcpFail      = 6
	mptcpFastClose = 7
)

// mptcp prints the body of a multipath option; false means a wrong length.
func (p *Printer) mptcp(b []byte, flags uint8) bool {
	p.f(" %d", len(b)+2)
	if len(b) < 1 {
		return false
	}
	switch b[0] >> 4 {
	case mptcpCapable:
		return p.mptcpCapable(b)
	case mptcpJoin:
		return p.mptcpJoin(b, flags)
	case mptcpDSS:
		return p.mptcpDSS(b)
	case mptcpAddAddr:
		return p.mptcpAddAddr(b)
	case mptcpRemove:
		p.s(" rem-addr id")
		for _, id := range b[1:] {
			p.f(" %d", id)
		}
	case mptcpPrio:
		p.s(" prio")
		if b[0]&1 != 0 {
			p.s(" backup")
		}
		if len(b) == 2 {
			p.f(" id %d", b[1])
		}
	case mptcpFail:
		if len(b) != 10 {
			return false
		}
		p.f(" fail seq %d", binary.BigEndian.Uint64(b[2:]))
	case mptcpFastClose:
		if len(b) != 10 {
			return false
		}
		p.f(" fast-close key 0x%x", binary.BigEndian.Uint64(b[2:]))
	default:
		p.s(" unknown")
	}
	return true
}

func (p *Printer) mptcpCapable(b []byte) bool {
	if len(b) < 2 {
		return false
	}
	p.f(" capable v%d", b[0]&15)
	if b[1]&0x80 != 0 {
		p.s(" csum")
	}
	switch {
	case len(b) >= 18:
		p.f(" {0x%x,0x%x}", binary.BigEndian.Uint64(b[2:]), binary.BigEndian.Uint64(b[10:]))
	case len(b) >= 10:
		p.f(" {0x%x}", binary.BigEndian.Uint64(b[2:]))
	}
	return true
}

func (p *Printer) mptcpJoin(b []byte, flags uint8) bool {
	p.s(" join")
	if len(b) < 2 {
		return false
	}
	if flags&tcpSYN != 0 && b[0]&1 != 0 {
		p.s(" backup")
	}
	if flags&tcpSYN != 0 {
		p.f(" id %d", b[1])
	}
	switch len(b) {
	case 10: // SYN
		p.f(" token 0x%x nonce 0x%x", binary.BigEndian.Uint32(b[2:]), binary.BigEndian.Uint32(b[6:]))
	case 14: // SYN and ACK
		p.f(" hmac 0x%x nonce 0x%x", binary.BigEndian.Uint64(b[2:]), binary.BigEndian.Uint32(b[10:]))
	case 22: // ACK
		p.f(" hmac 0x%x", b[2:])
	default:
		return false
	}
	return true
}

// mptcpDSS prints the data sequence mapping.
func (p *Printer) mptcpDSS(b []byte) bool {
	p.s(" dss")
	if len(b) < 2 {
		return false
	}
	flags, rest := b[1], b[2:]
	if flags&0x10 != 0 {
		p.s(" fin")
	}
	if flags&0x01 != 0 {
		v, tail, ok := dssNumber(rest, flags&0x02 != 0)
		if !ok {
			return false
		}
		p.f(" ack %d", v)
		rest = tail
	}
	if flags&0x04 != 0 {
		v, tail, ok := dssNumber(rest, flags&0x08 != 0)
		if !ok || len(tail) < 6 {
			return false
		}
		p.f(" seq %d subseq %d len %d", v, binary.BigEndian.Uint32(tail), binary.BigEndian.Uint16(tail[4:]))
		if rest = tail[6:]; len(rest) >= 2 {
			p.f(" csum 0x%x", binary.BigEndian.Uint16(rest))
		}
	}
	return true
}

// dssNumber reads a number of eight or four bytes.
func dssNumber(b []byte, long bool) (v uint64, rest []byte, ok bool) {
	switch {
	case long && len(b) >= 8:
		return binary.BigEndian.Uint64(b), b[8:], true
	case !long && len(b) >= 4:
		return uint64(binary.BigEndian.Uint32(b)), b[4:], true
	}
	return 0, nil, false
}

func (p *Printer) mptcpAddAddr(b []byte) bool {
	p.s(" add-addr")
	if len(b) < 2 {
		return false
	}
	if b[0]&1 != 0 {
		p.s(" echo")
	}
	p.f(" id %d", b[1])
	rest := b[2:]
	size := 4
	if len(rest) >= 16 {
		size = 16
	}
	if len(rest) < size {
		return false
	}
	p.f(" %s", p.host(addr(rest[:size])))
	if rest = rest[size:]; len(rest) == 2 || len(rest) == 10 {
		p.f(":%d", binary.BigEndian.Uint16(rest))
		rest = rest[2:]
	}
	if len(rest) >= 8 {
		p.f(" hmac 0x%x", binary.BigEndian.Uint64(rest))
	}
	return true
}
