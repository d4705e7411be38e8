// SPDX-License-Identifier: Apache-2.0

package text

import "strings"

// printable reports whether c may reach a terminal as it is.
func printable(c byte) bool { return c >= 0x20 && c < 0x7f }

// appendVisible appends s the way tcpdump shows text from packets: ^X for
// control characters, M- in front of bytes with the top bit set.
func appendVisible(b []byte, s []byte) []byte {
	for _, c := range s {
		if c >= 0x80 {
			b = append(b, 'M', '-')
			c &= 0x7f
		}
		if !printable(c) {
			b = append(b, '^')
			c ^= 0x40
		}
		b = append(b, c)
	}
	return b
}

// sanitize replaces what must not reach a terminal in b[from:]. Printers have
// escaped the text of packets already, so normally it changes nothing; newline
// and tab are theirs and stay.
func sanitize(b []byte, from int) []byte {
	for i := from; i < len(b); i++ {
		if !printable(b[i]) && b[i] != '\n' && b[i] != '\t' {
			b[i] = '?'
		}
	}
	return b
}

// clean returns s without control characters; UTF-8 is left alone.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\uFFFD' {
			return '?'
		}
		return r
	}, s)
}
