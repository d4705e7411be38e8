// SPDX-License-Identifier: Apache-2.0

package pcapng

import "strconv"

// appendMicros appends ns as microseconds with three decimals, right-aligned
// in width columns.
func appendMicros(b []byte, ns int64, width int) []byte {
	var tmp [24]byte
	u, neg := uint64(ns), ns < 0
	if neg {
		u = -u
	}
	i := len(tmp)
	for digits := 0; digits <= 3 || u > 0; digits++ {
		if digits == 3 {
			i--
			tmp[i] = '.'
		}
		i--
		tmp[i] = byte('0' + u%10)
		u /= 10
	}
	if neg {
		i--
		tmp[i] = '-'
	}
	for width = min(width, len(tmp)); len(tmp)-i < width; {
		i--
		tmp[i] = ' '
	}
	return append(b, tmp[i:]...)
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
	for limit := int64(10); width > 1; width, limit = width-1, limit*10 {
		if v < limit {
			b = append(b, ' ')
		}
	}
	return strconv.AppendInt(b, v, 10)
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
	if isPlain(s, also) && (limit == 0 || len(s) <= limit) {
		return append(b, s...)
	}
	start, whole := len(b), len(b) // whole: where a cut does not split an escape
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

// isPlain reports whether nothing in s has to be escaped, as mostly.
func isPlain(s string, also byte) bool {
	for i := range len(s) {
		if escaped(s[i], also) {
			return false
		}
	}
	return true
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
