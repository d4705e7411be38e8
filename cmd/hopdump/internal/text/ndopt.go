// SPDX-License-Identifier: Apache-2.0

package text

import (
	"encoding/binary"
	"fmt"
)

var ndOptionNames = map[uint8]string{
	1: "source link-address", 2: "destination link-address", 3: "prefix info",
	4: "redirected header", 5: "mtu", 24: "route info", 25: "rdnss", 31: "dnssl",
}

// ndOptions prints the options of neighbour discovery, one per line.
func (p *Printer) ndOptions(b []byte) {
	for len(b) >= 2 {
		size := int(b[1]) * 8
		if size == 0 || size > len(b) {
			p.truncated("icmp6")
			return
		}
		name, ok := ndOptionNames[b[0]]
		if !ok {
			name = "unknown"
		}
		p.f("\n\t  %s option (%d), length %d (%d): ", name, b[0], size, b[1])
		p.ndOption(b[:size])
		b = b[size:]
	}
}

// ndOption prints one option, which is at least eight bytes long.
func (p *Printer) ndOption(b []byte) {
	be := binary.BigEndian
	switch {
	case b[0] == 1 || b[0] == 2:
		p.s(hexColon(b[2:8]))
	case b[0] == 3 && len(b) == 32:
		p.f("%s/%d, Flags [%s], valid time %s, pref. time %s", p.host(addr(b[16:32])), b[2],
			flagList(b[3], "onlink", "auto", "router"), ndLifetime(be.Uint32(b[4:])), ndLifetime(be.Uint32(b[8:])))
	case b[0] == 5:
		p.f(" %d", be.Uint32(b[4:]))
	case b[0] == 25 && len(b) >= 24:
		p.f(" lifetime %ds,", be.Uint32(b[4:]))
		for at := 8; at+16 <= len(b); at += 16 {
			p.f(" addr: %s", p.host(addr(b[at:at+16])))
		}
	default:
		p.f("\n\t    0x0000:  %s", hexPairs(b[2:]))
	}
}

func ndLifetime(s uint32) string {
	if s == 0xffffffff {
		return "infinity"
	}
	return fmt.Sprintf("%ds", s)
}

// hexPairs writes bytes two by two, as a dump line does.
func hexPairs(b []byte) string {
	var out []byte
	for i, c := range b {
		if i > 0 && i%2 == 0 {
			out = append(out, ' ')
		}
		out = fmt.Appendf(out, "%02x", c)
	}
	return string(out)
}
