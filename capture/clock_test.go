// SPDX-License-Identifier: Apache-2.0

package capture

import "testing"

func TestWallClock(t *testing.T) {
	const day = 86400 * 1000 * ms
	// Both clocks 100 ms apart; the wall clock was slewed by 50 µs in between.
	slewed := []clockSample{{1000 * ms, day}, {1100 * ms, day + 100*ms + 50_000}}
	back := []clockSample{{1000 * ms, day}, {1100 * ms, day + 100*ms - 50_000}}
	stepped := []clockSample{{1000 * ms, day}, {1100 * ms, day + 7100*ms}, {1200 * ms, day + 7200*ms}}
	tests := map[string]struct {
		samples []clockSample
		mono    int64
		want    int64
	}{
		"no sample":                     {nil, 12345, 12345},
		"at the only sample":            {slewed[:1], 1000 * ms, day},
		"behind the only sample":        {slewed[:1], 1070 * ms, day + 70*ms},
		"before the only sample":        {slewed[:1], 990 * ms, day - 10*ms},
		"at the first":                  {slewed, 1000 * ms, day},
		"at the second":                 {slewed, 1100 * ms, day + 100*ms + 50_000},
		"half way: half of the slewing": {slewed, 1050 * ms, day + 50*ms + 25_000},
		"a tenth of the way":            {slewed, 1010 * ms, day + 10*ms + 5_000},
		"behind the last":               {slewed, 1300 * ms, day + 300*ms + 50_000},
		"before the first":              {slewed, 400 * ms, day - 600*ms},
		"slewed back, half way":         {back, 1050 * ms, day + 50*ms - 25_000},
		"before a step":                 {stepped, 1000 * ms, day},
		"between: as before the step":   {stepped, 1099 * ms, day + 99*ms},
		"at the sample that saw it":     {stepped, 1100 * ms, day + 7100*ms},
		"behind a step":                 {stepped, 1150 * ms, day + 7150*ms},
		"step back":                     {[]clockSample{{1000 * ms, day}, {1100 * ms, day - 3900*ms}}, 1050 * ms, day + 50*ms},
		"smallest step":                 {[]clockSample{{1000 * ms, day}, {1100 * ms, day + 100*ms + stepNS}}, 1050 * ms, day + 50*ms},
		"largest slewing": {[]clockSample{{1000 * ms, day}, {1100 * ms, day + 100*ms + stepNS - 2}},
			1050 * ms, day + 50*ms + stepNS/2 - 1},
		"two samples at one time: the newer": {[]clockSample{{1000 * ms, day}, {1000 * ms, day + 5}}, 1000 * ms, day + 5},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := &wallClock{}
			for _, s := range tt.samples {
				c.add(s)
			}
			if got := c.real(tt.mono); got != tt.want {
				t.Errorf("%d, want %d (%d ns off)", got, tt.want, got-tt.want)
			}
		})
	}
}

// The clock remembers 64 samples; what lies before them has the oldest one's
// distance.
func TestWallClockForgets(t *testing.T) {
	c := &wallClock{}
	for i := range int64(200) { // sample i at i seconds; the distance grows by 1 µs each time
		c.add(clockSample{mono: i * 1000 * ms, real: epoch + i*1000*ms + i*1000})
	}
	tests := map[string]struct{ mono, want int64 }{
		"newest":                 {199_000 * ms, epoch + 199_000*ms + 199_000},
		"behind it":              {250_000 * ms, epoch + 250_000*ms + 199_000},
		"oldest remembered":      {136_000 * ms, epoch + 136_000*ms + 136_000},
		"between two":            {136_500 * ms, epoch + 136_500*ms + 136_500},
		"forgotten":              {135_000 * ms, epoch + 135_000*ms + 136_000},
		"just before the oldest": {136_000*ms - 1, epoch + 136_000*ms - 1 + 136_000},
		"long ago":               {0, epoch + 136_000},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := c.real(tt.mono); got != tt.want {
				t.Errorf("%d ns off", got-tt.want)
			}
		})
	}
}

// Times in order stay in order while the clock is slewed, whenever they are asked for.
func TestWallClockMonotonic(t *testing.T) {
	c := &wallClock{}
	off := epoch
	var last int64
	for i := range int64(300) {
		off += []int64{9000, -9000, 0, -10_000, 10_000}[i%5] // 500 ppm of 20 ms
		c.add(clockSample{mono: i * 20 * ms, real: i*20*ms + off})
		if i < 2 {
			continue
		}
		for at := (i - 1) * 20 * ms; at < i*20*ms; at += ms {
			if got := c.real(at); got < last {
				t.Fatalf("at %d: %d ns back", at, last-got)
			} else {
				last = got
			}
		}
	}
}

func TestMeasureClocks(t *testing.T) {
	a, b := measureClocks(), measureClocks()
	if a.mono <= 0 || b.mono < a.mono || a.real < 1_600_000_000_000_000_000 {
		t.Errorf("measured %+v, then %+v", a, b)
	}
	if clockNS(-1) != 0 {
		t.Error("a clock that does not exist has a time")
	}
}
