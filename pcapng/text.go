// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strconv"
)

// extend makes b longer by n bytes, which the caller sets.
func extend(b []byte, n int) []byte {
	if cap(b)-len(b) < n {
		b = slices.Grow(b, n)
	}
	return b[:len(b)+n]
}

const twoDigits = "00010203040506070809" +
	"10111213141516171819" +
	"20212223242526272829" +
	"30313233343536373839" +
	"40414243444546474849" +
	"50515253545556575859" +
	"60616263646566676869" +
	"70717273747576777879" +
	"80818283848586878889" +
	"90919293949596979899"

var powersOfTen = [20]uint64{
	0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
	1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
}

// decimals is the number of digits of u.
func decimals(u uint64) int {
	n := bits.Len64(u) * 1233 >> 12 // log10(2) is 1233/4096
	if u >= powersOfTen[n] {
		n++
	}
	return n
}

// putDigits fills b with the last digits of u.
func putDigits(b []byte, u uint64) {
	i := len(b)
	for ; i >= 2; i -= 2 {
		two := u % 100 * 2
		u /= 100
		b[i-1], b[i-2] = twoDigits[two+1], twoDigits[two]
	}
	if i == 1 {
		b[0] = byte('0' + u%10)
	}
}

// putBlanks fills the first n bytes of b.
func putBlanks(b []byte, n int) {
	for i := range b[:n] {
		b[i] = ' '
	}
}

// appendMicros appends ns as microseconds with three decimals, right-aligned
// in width columns. The length is worked out first, so that nothing is moved.
func appendMicros(b []byte, ns int64, width int) []byte {
	if uint64(ns) < 1e9 && width >= 10 {
		return appendShort(b, uint32(ns), width)
	}
	u, sign := uint64(ns), 0
	if ns < 0 {
		u, sign = -u, 1
	}
	whole, thousandths := u/1000, u%1000
	digits := decimals(whole)
	pad := max(width-sign-digits-4, 0)
	start := len(b)
	b = extend(b, pad+sign+digits+4)
	out := b[start:]
	putBlanks(out, pad)
	if sign != 0 {
		out[pad] = '-'
	}
	out = out[pad+sign:]
	putDigits(out[:digits], whole)
	two := thousandths % 100 * 2
	end := out[digits:][:4]
	end[0], end[1], end[2], end[3] = '.', byte('0'+thousandths/100), twoDigits[two], twoDigits[two+1]
	return b
}

// appendShort is appendMicros for less than a second, as mostly, and ten columns
// or more: six digits, the dot and three, then the leading zeros are taken away.
func appendShort(b []byte, ns uint32, width int) []byte {
	for ; width > 10; width-- {
		b = append(b, ' ')
	}
	whole, thousandths := ns/1000, ns%1000
	hi, mid, lo, end := whole/10000*2, whole/100%100*2, whole%100*2, thousandths%100*2
	b = append(b,
		twoDigits[hi], twoDigits[hi+1], twoDigits[mid], twoDigits[mid+1], twoDigits[lo], twoDigits[lo+1],
		'.', byte('0'+thousandths/100), twoDigits[end], twoDigits[end+1])
	out := b[len(b)-10:]
	for i := 0; i < 5 && out[i] == '0'; i++ {
		out[i] = ' '
	}
	return b
}

// AppendMicros appends ns as microseconds with exactly three decimals, as in
// all texts of hopdump: "-1.402" for -1402.
func AppendMicros(b []byte, ns int64) []byte { return appendMicros(b, ns, 0) }

// appendStep appends key and a figure with its unit: " max=+31.218us".
func appendStep(b []byte, key string, ns int64) []byte {
	b = appendMicros(append(b, key...), ns, 0)
	return append(b, "us"...)
}

// appendSeconds appends ns as seconds with nine decimals.
func appendSeconds(b []byte, ns int64) []byte {
	u := uint64(ns)
	if ns < 0 {
		b, u = append(b, '-'), -u
	}
	b = strconv.AppendUint(b, u/1e9, 10)
	b = append(b, '.')
	for scale, frac := uint64(1e8), u%1e9; scale > 0; scale /= 10 {
		b = append(b, byte('0'+frac/scale%10))
	}
	return b
}

// appendPadded appends v right-aligned in width columns.
func appendPadded(b []byte, v int64, width int) []byte {
	if v < 0 { // as wide as 0
		b = extend(b, width-1)
		putBlanks(b[len(b)-(width-1):], width-1)
		return strconv.AppendInt(b, v, 10)
	}
	digits := decimals(uint64(v))
	pad := max(width-digits, 0)
	start := len(b)
	b = extend(b, pad+digits)
	putBlanks(b[start:], pad)
	putDigits(b[start+pad:], uint64(v))
	return b
}

// appendCount appends key and v, nothing if v is not above 0.
func appendCount[T int | uint32 | uint64](b []byte, key string, v T) []byte {
	if v <= 0 {
		return b
	}
	return strconv.AppendUint(append(b, key...), uint64(v), 10)
}

// appendValue appends s as the grammar wants values: bytes outside %x21-7E and
// "%" as %XX. With limit > 0 at most so many bytes, the last three then "...".
func appendValue(b []byte, s string, limit int) []byte {
	return appendEscaped(b, s, '%', limit)
}

// appendEscaped is appendValue with one more byte to be escaped.
func appendEscaped(b []byte, s string, also byte, limit int) []byte {
	const digits = "0123456789ABCDEF"
	start, whole := len(b), len(b) // whole: where a cut does not split an escape
	if limit == 0 || len(s) <= limit {
		b = append(b, s...)
		if isPlain(b[start:], also) {
			return b
		}
		b = b[:start]
	}
	for i := range len(s) {
		if c := s[i]; !escaped(c, also) {
			b = append(b, c)
		} else {
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
		if limit == 0 {
			continue
		}
		if len(b)-start <= limit-3 {
			whole = len(b)
		} else if len(b)-start > limit {
			return append(b[:whole], "..."...)
		}
	}
	return b
}

// escaped reports whether the grammar wants c as %XX.
func escaped(c, also byte) bool { return c <= 0x20 || c >= 0x7F || c == '%' || c == also }

// isPlain reports whether nothing in b has to be escaped, as mostly.
func isPlain(b []byte, also byte) bool {
	if len(b) < 8 {
		for _, c := range b {
			if escaped(c, also) {
				return false
			}
		}
		return true
	}
	for i := 0; i+8 < len(b); i += 8 {
		if !arePlain(binary.LittleEndian.Uint64(b[i:]), also) {
			return false
		}
	}
	return arePlain(binary.LittleEndian.Uint64(b[len(b)-8:]), also)
}

// arePlain is isPlain for eight bytes at once. x-n*ones has the high bit of a
// byte set where that is below n, if it was not set before (Bit Twiddling Hacks,
// "Determine if a word has a byte less than n"); a byte is equal to another if
// their XOR is below 1.
func arePlain(x uint64, also byte) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	percent, other := x^'%'*ones, x^uint64(also)*ones
	bad := x | (x + ones) // 0x80 and above, 0x7F
	bad |= (x - 0x21*ones) & ^x
	bad |= (percent-ones)&^percent | (other-ones)&^other
	return bad&high == 0
}

// appendExtra appends further keys; with c.fit only up to the length max, and
// not those after the first that has no room.
func appendExtra(b []byte, list []KV, max int, c limit) []byte {
	for _, kv := range list {
		if kv.Key == "" {
			continue
		}
		before := len(b)
		b = appendEscaped(append(b, ' '), kv.Key, '=', c.value)
		b = appendValue(append(b, '='), kv.Value, c.value)
		if c.fit && len(b) > max {
			return b[:before]
		}
	}
	return b
}
