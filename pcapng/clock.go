// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// A clock turns the time stamps of an interface into nanoseconds: ts * mul /
// div >> shift + off. Times that do not fit become the nearest that does.
type clock struct {
	mul, div uint64
	shift    uint
	off      int64 // nanoseconds
	plain    bool  // ts are nanoseconds
}

// newClock reads if_tsresol and if_tsoffset
// (draft-ietf-opsawg-pcapng, section 4.2). The default is microseconds.
func newClock(o Options) clock {
	c := clock{mul: 1000, div: 1}
	if v, ok := o.Get(OptIfTSResol); ok && len(v) == 1 {
		c.setResolution(v[0])
	}
	if v, ok := o.Get(OptIfTSOffset); ok && len(v) == 8 {
		c.off = saturatingSeconds(int64(binary.LittleEndian.Uint64(v)))
	}
	c.plain = c == clock{mul: 1, div: 1}
	return c
}

// setResolution sets a negative power of 10, or of 2 if bit 7 is set.
func (c *clock) setResolution(res uint8) {
	c.mul, c.div, c.shift = 1, 1, 0
	if res&0x80 != 0 {
		c.mul, c.shift = 1e9, uint(res&0x7F)
		return
	}
	for n := res; n < 9; n++ {
		c.mul *= 10
	}
	for n := res; n > 9; n-- {
		if c.div > math.MaxUint64/10 { // finer than 10^-28 s: all is 0
			c.mul = 0
			return
		}
		c.div *= 10
	}
}

// ns returns the time of ts.
func (c *clock) ns(ts uint64) int64 {
	if c.plain && ts <= math.MaxInt64 {
		return int64(ts)
	}
	return c.convert(ts)
}

func (c *clock) convert(ts uint64) int64 {
	hi, lo := bits.Mul64(ts, c.mul)
	switch {
	case c.shift >= 64:
		hi, lo = 0, hi>>(c.shift-64)
	case c.shift > 0:
		hi, lo = hi>>c.shift, lo>>c.shift|hi<<(64-c.shift)
	case c.div > 1:
		lo /= c.div // hi is 0: either mul or div is above 1
	}
	if hi != 0 || lo > math.MaxInt64 {
		lo = math.MaxInt64
	}
	return saturatingAdd(int64(lo), c.off)
}

func saturatingSeconds(s int64) int64 {
	const most = math.MaxInt64 / 1_000_000_000
	switch {
	case s > most:
		return math.MaxInt64
	case s < -most:
		return math.MinInt64
	}
	return s * 1_000_000_000
}

func saturatingAdd(a, b int64) int64 {
	sum := a + b
	switch {
	case a > 0 && b > 0 && sum < 0:
		return math.MaxInt64
	case a < 0 && b < 0 && sum >= 0:
		return math.MinInt64
	}
	return sum
}
