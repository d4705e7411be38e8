// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"bytes"
	"math"
	"strconv"
)

// cutKey splits " key=value" off.
func cutKey(b []byte) (key, value, rest []byte) {
	word, rest, _ := cutByte(trimBlanks(b), ' ')
	key, value, _ = cutByte(word, '=')
	return key, value, rest
}

// cutByte is bytes.Cut for one byte, which is what parsing spends its time on.
func cutByte(b []byte, sep byte) (before, after []byte, found bool) {
	if i := bytes.IndexByte(b, sep); i >= 0 {
		return b[:i], b[i+1:], true
	}
	return b, nil, false
}

func trimBlanks(b []byte) []byte {
	for len(b) > 0 && b[0] == ' ' {
		b = b[1:]
	}
	return b
}

func trimPlus(b []byte) []byte {
	if len(b) > 0 && b[0] == '+' {
		return b[1:]
	}
	return b
}

// cutMicros parses ["-"] 1*DIGIT "." 3DIGIT unit at the beginning of b and
// returns nanoseconds and what follows.
func cutMicros(b []byte, unit string) (ns int64, rest []byte, ok bool) {
	ns, b, ok = cutFixed(b, 3)
	if !ok || len(b) < len(unit) || string(b[:len(unit)]) != unit {
		return 0, nil, false
	}
	return ns, b[len(unit):], true
}

// cutFixed parses a number with exactly that many decimals at the beginning of
// b and returns it without the point.
func cutFixed(b []byte, decimals int) (v int64, rest []byte, ok bool) {
	neg := len(b) > 0 && b[0] == '-'
	i := 0
	if neg {
		i = 1
	}
	var u uint64
	first, point := i, -1
	for ; i < len(b); i++ {
		if c := b[i]; c >= '0' && c <= '9' {
			if u > (1<<63-9)/10 { // keeps the sum below 1<<63
				return cutExtreme(b, decimals)
			}
			u = u*10 + uint64(c-'0')
		} else if c == '.' && point < 0 {
			point = i
		} else {
			break
		}
	}
	if point <= first || i-point-1 != decimals {
		return 0, nil, false
	}
	if neg {
		return -int64(u), b[i:], true
	}
	return int64(u), b[i:], true
}

// cutExtreme is cutFixed for numbers near the ends of int64, where the digits
// are worth a copy.
func cutExtreme(b []byte, decimals int) (int64, []byte, bool) {
	n := 0
	for n < len(b) && (b[n] >= '0' && b[n] <= '9' || b[n] == '.' || n == 0 && b[n] == '-') {
		n++
	}
	point := n - decimals - 1
	if point < 1 || b[point] != '.' || b[point-1] == '-' {
		return 0, nil, false
	}
	v, err := strconv.ParseInt(string(b[:point])+string(b[point+1:n]), 10, 64)
	return v, b[n:], err == nil
}

// parseInt parses digits, and nothing but digits, as an int.
func parseInt(b []byte) (int, bool) {
	var v uint64
	if len(b) == 0 || !setDigits(&v, b) || v > math.MaxInt {
		return 0, false
	}
	return int(v), true
}

// setDigits parses at most 20 digits; the caller has checked that there are any.
func setDigits(field *uint64, b []byte) bool {
	var v uint64
	for _, c := range b {
		d := uint64(c - '0')
		if c < '0' || c > '9' || v > (math.MaxUint64-d)/10 {
			return false
		}
		v = v*10 + d
	}
	*field = v
	return true
}

// setInt sets a field that has no value yet to a number above 0.
func setInt(field *int, value []byte) bool {
	n, ok := parseInt(value)
	if !ok || n == 0 || *field != 0 {
		return false
	}
	*field = n
	return true
}

// setUint is setInt for packet ids.
func setUint(field *uint64, value []byte) bool {
	var v uint64
	if *field != 0 || len(value) == 0 || !setDigits(&v, value) || v == 0 {
		return false
	}
	*field = v
	return true
}

// setQueue sets a queue number, kept plus 1.
func setQueue(field *int, value []byte) bool {
	n, ok := parseInt(value)
	if !ok || n == math.MaxInt || *field != 0 {
		return false
	}
	*field = n + 1
	return true
}

func setFlag(field *bool, value []byte, want string) bool {
	if *field || string(value) != want {
		return false
	}
	*field = true
	return true
}
