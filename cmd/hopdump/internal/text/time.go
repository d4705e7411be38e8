// SPDX-License-Identifier: Apache-2.0

package text

import (
	"fmt"
	"time"
)

// TimeStyle is the form of the time in front of a line: -t, -tt and so on.
type TimeStyle uint8

const (
	TimeOfDay     TimeStyle = iota
	TimeNone                // -t: no time
	TimeUnix                // -tt: seconds since 1970
	TimeDelta               // -ttt: since the line before
	TimeDate                // -tttt: with the date
	TimeSinceZero           // -ttttt: since the first line
)

// clock formats packet times and remembers the one that deltas start from.
type clock struct {
	style TimeStyle
	nano  bool
	zone  *time.Location

	ref   int64 // nanoseconds since 1970
	valid bool  // whether ref is set
}

// append appends the time ns and the blank behind it.
func (c *clock) append(b []byte, ns int64) []byte {
	switch c.style {
	case TimeNone:
		return b
	case TimeUnix:
		sec, frac := ns/1e9, ns%1e9
		if frac < 0 {
			sec, frac = sec-1, frac+1e9
		}
		b = fmt.Appendf(b, "%d.", sec)
		return append(c.fraction(b, frac), ' ')
	case TimeDelta, TimeSinceZero:
		return c.delta(b, ns)
	}
	t := time.Unix(0, ns).In(c.zone)
	if c.style == TimeDate {
		b = t.AppendFormat(b, "2006-01-02 ")
	}
	b = t.AppendFormat(b, "15:04:05.")
	return append(c.fraction(b, int64(t.Nanosecond())), ' ')
}

func (c *clock) delta(b []byte, ns int64) []byte {
	if !c.valid {
		c.ref, c.valid = ns, true
	}
	d := c.round(ns) - c.round(c.ref)
	if c.style == TimeDelta {
		c.ref = ns
	}
	sign := byte(' ')
	if d < 0 {
		sign, d = '-', -d
	}
	sec := d / 1e9
	b = append(b, sign)
	b = fmt.Appendf(b, "%02d:%02d:%02d.", sec/3600, sec/60%60, sec%60)
	return append(c.fraction(b, d%1e9), ' ')
}

// round cuts ns to the digits shown, so that differences add up on screen.
func (c *clock) round(ns int64) int64 {
	if c.nano {
		return ns
	}
	return ns / 1000 * 1000
}

// fraction appends ns, which is below a second, with six or nine digits.
func (c *clock) fraction(b []byte, ns int64) []byte {
	if c.nano {
		return fmt.Appendf(b, "%09d", ns)
	}
	return fmt.Appendf(b, "%06d", ns/1000)
}
