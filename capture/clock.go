// SPDX-License-Identifier: Apache-2.0

package capture

import "golang.org/x/sys/unix"

// wallClock turns times of CLOCK_MONOTONIC, which the programs record, into
// times since 1970. The distance of the two clocks is measured again and again,
// because a step of the system time or its slewing changes it.
type wallClock struct {
	samples [64]clockSample // a ring; the newest is at n-1
	n       int
}

// clockSample is one measurement of both clocks at the same moment.
type clockSample struct {
	mono int64 // CLOCK_MONOTONIC, ns
	real int64 // CLOCK_REALTIME, ns
}

// stepNS is the change of the distance from which on it is taken as a step and
// not as slewing. The kernel slews by at most 500 ppm.
const stepNS = 1_000_000

// add takes a measurement; they come in the order of their mono times.
func (c *wallClock) add(s clockSample) {
	c.samples[c.n%len(c.samples)] = s
	c.n++
}

// real returns the wall-clock time of a monotonic one. Between two samples the
// distance is interpolated, unless the clock was stepped there: then the
// distance before the step holds up to the sample that saw it.
func (c *wallClock) real(mono int64) int64 {
	if c.n == 0 {
		return mono
	}
	after := clockSample{}
	for i := c.n - 1; i >= 0 && i >= c.n-len(c.samples); i-- {
		s := c.samples[i%len(c.samples)]
		if s.mono <= mono {
			return between(s, after, mono)
		}
		after = s
	}
	return mono + after.real - after.mono
}

// between converts a time that lies behind sample a, and in front of b if b is one.
func between(a, b clockSample, mono int64) int64 {
	off := a.real - a.mono
	if b.mono > a.mono {
		change := (b.real - b.mono) - off
		if change > -stepNS && change < stepNS {
			off += int64(float64(change) * float64(mono-a.mono) / float64(b.mono-a.mono))
		}
	}
	return mono + off
}

// measureClocks reads both clocks, three times, and keeps the reading during
// which the least time passed.
func measureClocks() clockSample {
	var best clockSample
	narrowest := int64(1) << 62
	for range 3 {
		before := clockNS(unix.CLOCK_MONOTONIC)
		wall := clockNS(unix.CLOCK_REALTIME)
		after := clockNS(unix.CLOCK_MONOTONIC)
		if after-before < narrowest {
			narrowest = after - before
			best = clockSample{mono: before + (after-before)/2, real: wall}
		}
	}
	return best
}

func clockNS(id int32) int64 {
	var ts unix.Timespec
	if unix.ClockGettime(id, &ts) != nil {
		return 0
	}
	return ts.Nano()
}
