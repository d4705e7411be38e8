// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"fmt"
	"strconv"
	"strings"
)

// maxIPv6Text bounds the search for the longest IPv6 address in a run of
// hex digits, colons and dots. The longest sensible one has 45 bytes.
const maxIPv6Text = 64

// numberLen returns the length of the decimal, octal or hexadecimal number s
// begins with.
func numberLen(s string) int {
	if len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' && isHex(s[2]) {
		return 2 + hexPrefix(s[2:], len(s))
	}
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

// parseNumber returns the value of a number token, or what is wrong with it.
func parseNumber(s string) (n uint32, msg string) {
	base, name, digits := 10, "decimal", s
	switch {
	case len(s) > 2 && s[1]|0x20 == 'x':
		base, name, digits = 16, "hexadecimal", s[2:]
	case len(s) > 1 && s[0] == '0':
		base, name, digits = 8, "octal", s[1:]
	}
	// Digits are looked at from left to right, so the first fault is named:
	// the sum overflows before a later 8 is found not to be octal.
	sum := uint64(0)
	for i := range len(digits) {
		d, err := strconv.ParseUint(digits[i:i+1], base, 8)
		if err != nil {
			return 0, fmt.Sprintf("number %s contains non-octal digit", s)
		}
		if sum = sum*uint64(base) + d; sum > 0xffffffff {
			return 0, fmt.Sprintf("%s number %s overflows 32 bits", name, s)
		}
	}
	return uint32(sum), ""
}

// dottedLen returns the length of the two to four numbers with dots between
// that s begins with, or 0.
func dottedLen(s string) int {
	n, groups := 0, 0
	for groups < 4 {
		k := numberLen(s[n:])
		if k == 0 {
			break
		}
		groups++
		n += k
		if groups == 4 || n == len(s) || s[n] != '.' || numberLen(s[n+1:]) == 0 {
			break
		}
		n++
	}
	if groups < 2 {
		return 0
	}
	return n
}

// parseDotted returns the bytes of a dotted number, left to right, and how
// many bits they are. Every part is decimal, whatever it looks like.
func parseDotted(s string) (addr uint32, bits int, ok bool) {
	for part := range strings.SplitSeq(s, ".") {
		n := 0
		for i := range len(part) {
			if !isDigit(part[i]) {
				return 0, 0, false
			}
			if n = n*10 + int(part[i]-'0'); n > 255 {
				return 0, 0, false
			}
		}
		addr = addr<<8 | uint32(n)
		bits += 8
	}
	return addr, bits, true
}

// macLen returns the length of the 48-bit address s begins with, or 0.
func macLen(s string) int {
	best := 0
	for _, sep := range []byte{':', '-', '.'} {
		best = max(best, groupsLen(s, sep, 6, 1, 2))
	}
	best = max(best, groupsLen(s, '.', 3, 4, 4))
	if hexPrefix(s, 12) == 12 {
		best = max(best, 12)
	}
	return best
}

// groupsLen returns the length of count groups of lo to hi hex digits with
// sep between them at the start of s, or 0.
func groupsLen(s string, sep byte, count, lo, hi int) int {
	n := 0
	for i := range count {
		if i > 0 {
			if n == len(s) || s[n] != sep {
				return 0
			}
			n++
		}
		k := hexPrefix(s[n:], hi)
		if k < lo {
			return 0
		}
		n += k
	}
	return n
}

// parseMAC returns the address of a tokMAC.
func parseMAC(s string) (mac [6]byte) {
	if len(s) == 12 || len(s) == 14 && s[4] == '.' {
		s = strings.ReplaceAll(s, ".", "")
		for i := range mac {
			n, _ := strconv.ParseUint(s[2*i:2*i+2], 16, 8) // the lexer has seen hex digits
			mac[i] = byte(n)
		}
		return mac
	}
	groups := strings.FieldsFunc(s, func(r rune) bool { return r == ':' || r == '-' || r == '.' })
	for i, g := range groups {
		n, _ := strconv.ParseUint(g, 16, 8)
		mac[i] = byte(n)
	}
	return mac
}

// badMACLen returns the length of what looks like an Ethernet address but
// ends in a colon: at least two groups of one or two hex digits, each with
// colons behind it.
func badMACLen(s string) int {
	n, groups := 0, 0
	for {
		k := hexPrefix(s[n:], 2)
		if k == 0 || n+k == len(s) || s[n+k] != ':' {
			break
		}
		n += k
		for n < len(s) && s[n] == ':' {
			n++
		}
		groups++
	}
	if groups < 2 {
		return 0
	}
	return n
}

// ipv6Len returns the length of the longest IPv6 address s begins with, or 0.
// Numbers of an embedded IPv4 address may be of any size here: they make an
// invalid address, not another token.
func ipv6Len(s string) int {
	n := 0
	for n < len(s) && n < maxIPv6Text && (isHex(s[n]) || s[n] == ':' || s[n] == '.') {
		n++
	}
	for ; n >= 2; n-- {
		if isIPv6(s[:n]) {
			return n
		}
	}
	return 0
}

// isIPv6 reports whether s has the form of an IPv6 address: eight groups, or
// at most seven and one "::"; the last two may be written as four numbers.
func isIPv6(s string) bool {
	head, tail, short := strings.Cut(s, "::")
	a, ok := ipv6Groups(head, !short)
	if !ok {
		return false
	}
	if !short {
		return a == 8
	}
	b, ok := ipv6Groups(tail, true)
	return ok && a+b <= 7
}

// ipv6Groups counts the groups of s; an IPv4 tail counts for two.
func ipv6Groups(s string, mayEndV4 bool) (n int, ok bool) {
	if s == "" {
		return 0, true
	}
	parts := strings.Split(s, ":")
	for i, p := range parts {
		if strings.Contains(p, ".") {
			if !mayEndV4 || i != len(parts)-1 || strings.Count(p, ".") != 3 || dottedLen(p) != len(p) {
				return 0, false
			}
			n += 2
			continue
		}
		if p == "" || len(p) > 4 || hexPrefix(p, 4) != len(p) {
			return 0, false
		}
		n++
	}
	return n, true
}
