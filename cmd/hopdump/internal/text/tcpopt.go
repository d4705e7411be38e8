// SPDX-License-Identifier: Apache-2.0

package text

import (
	"encoding/binary"
	"fmt"
)

var tcpOptionNames = map[uint8]string{
	0: "eol", 1: "nop", 2: "mss", 3: "wscale", 4: "sackOK", 5: "sack", 6: "echo", 7: "echoreply",
	8: "TS", 11: "cc", 12: "ccnew", 13: "", 19: "md5", 20: "scps", 27: "uto", 28: "uto",
	29: "tcp-ao", 30: "mptcp", 34: "tfo", 254: "exp",
}

// tcpOptions prints the options in brackets. It returns false if they are bad,
// which ends the line. base is what the other direction's numbers are relative
// to.
func (p *Printer) tcpOptions(h tcpHeader, base uint32) bool {
	p.s(", options [")
	b, left := h.options, h.hlen-tcpHeaderLen
	for first := true; left > 0; first = false {
		if !first {
			p.s(",")
		}
		if len(b) == 0 {
			p.truncated("tcp")
			return false
		}
		kind, size := b[0], 1
		if kind > 1 {
			if left < 2 {
				p.f("%s[bad opt]]", tcpOptionName(kind))
				return false
			}
			if len(b) < 2 {
				p.truncated("tcp")
				return false
			}
			size = int(b[1])
		}
		p.s(tcpOptionName(kind))
		if kind > 1 && (size < 2 || size > left) {
			p.s("[bad opt]]")
			return false
		}
		if kind > 1 {
			if len(b) < size {
				p.truncated("tcp")
				return false
			}
			if !p.tcpOption(kind, b[2:size], h.flags, base) {
				p.s("[bad opt]]")
				return false
			}
		}
		if kind == 0 {
			break
		}
		b, left = b[size:], left-size
	}
	p.s("]")
	return true
}

func tcpOptionName(kind uint8) string {
	if name, ok := tcpOptionNames[kind]; ok {
		return name
	}
	return fmt.Sprintf("unknown-%d", kind)
}

// tcpOption prints the value of one option; false means a wrong length.
func (p *Printer) tcpOption(kind uint8, b []byte, flags uint8, base uint32) bool {
	switch kind {
	case 2: // maximum segment size
		if len(b) != 2 {
			return false
		}
		p.f(" %d", binary.BigEndian.Uint16(b))
	case 3: // window scale
		if len(b) != 1 {
			return false
		}
		p.f(" %d", b[0])
	case 4:
		return len(b) == 0
	case 5:
		return p.tcpSack(b, base)
	case 8: // timestamps
		if len(b) != 8 {
			return false
		}
		p.f(" val %d ecr %d", binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:]))
	case 28: // user timeout
		if len(b) != 2 {
			return false
		}
		p.f(" 0x%x", binary.BigEndian.Uint16(b))
	case 30:
		return p.mptcp(b, flags)
	case 34: // fast open
		p.fastOpen(b)
	case 19: // signature, which needs a secret to be checked
		p.f(" %x", b)
	case 20:
		return len(b) > 0
	case 29: // authentication
		if len(b) < 2 {
			return false
		}
		p.f(" keyid %d rnextkeyid %d mac 0x%x", b[0], b[1], b[2:])
	case 254: // experiments, told apart by a magic number
		p.tcpExperiment(b)
	default:
		if len(b) > 0 {
			p.f(" 0x%x", b)
		}
	}
	return true
}

// tcpSack prints the blocks of a selective acknowledgement.
func (p *Printer) tcpSack(b []byte, base uint32) bool {
	if len(b)%8 != 0 || len(b) == 0 {
		return false
	}
	p.f(" %d ", len(b)/8)
	for ; len(b) > 0; b = b[8:] {
		p.f("{%d:%d}", binary.BigEndian.Uint32(b)-base, binary.BigEndian.Uint32(b[4:])-base)
	}
	return true
}

func (p *Printer) fastOpen(b []byte) {
	if len(b) == 0 {
		p.s(" cookiereq")
		return
	}
	p.f("  cookie %x", b)
}

func (p *Printer) tcpExperiment(b []byte) {
	if len(b) < 2 {
		return
	}
	if magic := binary.BigEndian.Uint16(b); magic == 0xf989 {
		p.s("-tfo")
		if len(b) == 2 {
			p.s(" cookiereq")
		} else {
			p.f(" cookie %x", b[2:])
		}
		return
	}
	p.f("-0x%04x", binary.BigEndian.Uint16(b))
}
