// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// Eight bytes at once are judged as one by one, wherever they stand.
func TestIsPlain(t *testing.T) {
	for size := 1; size <= 20; size++ {
		for at := range size {
			for c := range 256 {
				b := []byte(strings.Repeat("x", size))
				b[at] = byte(c)
				for _, also := range []byte("%@+=)") {
					if isPlain(b, also) == escaped(byte(c), also) {
						t.Fatalf("%q with %q: plain %t", b, also, isPlain(b, also))
					}
				}
			}
		}
	}
	// A byte that is to be escaped must be seen beside any other.
	for a := range 256 {
		for c := range 256 {
			b := []byte{'x', byte(a), byte(c), 'x', 'x', 'x', 'x', 'x'}
			if got, want := isPlain(b, '='), !escaped(byte(a), '=') && !escaped(byte(c), '='); got != want {
				t.Fatalf("%q: plain %t", b, got)
			}
		}
	}
}

func TestFigures(t *testing.T) {
	figures := []int64{0, math.MaxInt64, math.MinInt64}
	for n := int64(1); n < math.MaxInt64/10; n *= 10 {
		figures = append(figures, n-1, n, n+1, -n, 1-n, n*9, n*2+n/7)
	}
	for _, n := range figures {
		u, sign := uint64(n), ""
		if n < 0 {
			u, sign = -u, "-"
		}
		figure := fmt.Sprintf("%s%d.%03d", sign, u/1000, u%1000)
		for _, width := range []int{0, 1, 10, 11, 24} {
			if got, want := string(appendMicros([]byte("a"), n, width)), fmt.Sprintf("a%*s", width, figure); got != want {
				t.Errorf("%d in %d columns: %q, want %q", n, width, got, want)
			}
		}
		if n < 0 {
			continue
		}
		if got, want := string(appendPadded([]byte("a"), n, 3)), fmt.Sprintf("a%3d", n); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A tail that was kept is that of its hop alone.
func TestTails(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	names := []string{"", "?", "ip_rcv", "ip_rcw", "udp rcv", "a%b", strings.Repeat("f", 119), strings.Repeat("g ", 60), strings.Repeat("h", 300)}
	devs := []string{"", "eth0", "eth1", "veth 0", strings.Repeat("d", 100)}
	times := []int64{0, -1, 1, 999, 1000, 1e6, 1e9 - 1, 1e9, -1e9, math.MaxInt64, math.MinInt64}
	extra := [][]KV{nil, {{"pid", "1"}, {"comm", "a b"}}}
	var tails hopTails
	for range 20_000 {
		h := Hop{
			Func: names[random.IntN(len(names))], Dev: devs[random.IntN(len(devs))], CPU: random.IntN(5) - 1,
			Tap: random.IntN(2) == 0, Netns: uint32(random.IntN(2)) * 4026531840, Extra: extra[random.IntN(2)],
			Delta: times[random.IntN(len(times))], Elapsed: times[random.IntN(len(times))],
		}
		index := random.IntN(120)
		want, got := h.AppendComment(nil, index), tails.append(nil, &h, index)
		if string(got) != string(want) {
			t.Fatalf("%+v:\n%q\nwant\n%q", h, got, want)
		}
	}
}
