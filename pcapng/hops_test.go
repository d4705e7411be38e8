// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// The expressions of the format's documentation, which Lua and Python use too.
var (
	summaryRE = regexp.MustCompile(`^ *([\d.]+)us (\S+) (\d+) hops(.*) hopdump/1$`)
	hopRE     = regexp.MustCompile(`^hop +(\d+) \+ *(-?[\d.]+)us +(-?[\d.]+)us (\S+)(.*)$`)
	keyRE     = regexp.MustCompile(`^( [!-$&-<>-~%]+=[!-~]*)*$`)
)

// checkComment fails unless c obeys the rules for comments and the grammar.
func checkComment(t testing.TB, c string) {
	t.Helper()
	if len(c) > MaxComment {
		t.Errorf("%d bytes: %q", len(c), c)
	}
	for i := range len(c) {
		if c[i] < 0x20 || c[i] > 0x7E {
			t.Errorf("byte %#x in %q", c[i], c)
		}
	}
	m := summaryRE.FindStringSubmatch(c)
	if m == nil {
		m = hopRE.FindStringSubmatch(c)
	}
	if m == nil {
		t.Errorf("not in the grammar: %q", c)
	} else if keys := m[len(m)-1]; !keyRE.MatchString(keys) {
		t.Errorf("keys %q of %q", keys, c)
	}
}

func TestSummary(t *testing.T) {
	tests := map[string]struct {
		path    Path
		summary string
		tail    string
	}{
		"receive with everything known": {
			path: Path{
				Way: WayRx, Count: 10, Total: 827497, MaxDelta: 183337, MaxFunc: "sock_def_readable",
				Pid: 4242, Tid: 4243, Comm: "nginx", NIC: &NICStamp{Raw: 1760000000124730998},
			},
			summary: "    827.497us rx 10 hops max=+183.337us@sock_def_readable pid=4242 tid=4243 comm=nginx hw=1760000000.124730998 phc=0 hopdump/1",
			tail:    "827.497us rx 10 hops max=+183.337us@sock_def_readable pid=4242 tid=4243 comm=nginx hw=1760000000.124730998 phc=0",
		},
		"dropped": {
			path: Path{
				Way: WayRx, Count: 6, Total: 5295, MaxDelta: 1771, MaxFunc: "netif_receive_skb_list_internal",
				Drop: &Drop{"NO_SOCKET", "tcp_v4_rcv", 0x1a2},
			},
			summary: "      5.295us rx 6 hops DROP=NO_SOCKET@tcp_v4_rcv+0x1a2 max=+1.771us@netif_receive_skb_list_internal hopdump/1",
			tail:    "5.295us rx 6 hops DROP=NO_SOCKET@tcp_v4_rcv+0x1a2 max=+1.771us@netif_receive_skb_list_internal",
		},
		"still open": {
			path: Path{
				Way: WayLo, Count: 14, Total: 6113, MaxDelta: 2204, MaxFunc: "sk_data_ready",
				Open: 1000204118, IsOpen: true,
			},
			summary: "      6.113us lo 14 hops max=+2.204us@sk_data_ready open=+1000204.118us hopdump/1",
			tail:    "6.113us lo 14 hops max=+2.204us@sk_data_ready open=+1000204.118us",
		},
		"one hop is hops in the grammar": {
			path:    Path{Count: 1},
			summary: "      0.000us - 1 hops hopdump/1",
			tail:    "0.000us - 1 hops",
		},
		"long times push the column": {
			path:    Path{Way: WayTx, Count: 2, Total: 123456789012345, MaxDelta: 123456789012345, MaxFunc: "f"},
			summary: "123456789012.345us tx 2 hops max=+123456789012.345us@f hopdump/1",
			tail:    "123456789012.345us tx 2 hops max=+123456789012.345us@f",
		},
		"keys of packet and process in their order": {
			path: Path{
				Way: WayFwd, Count: 3, Drop: &Drop{Reason: "R"}, MaxFunc: "f", Pid: 1, Tid: 2, Comm: "c",
				NIC:   &NICStamp{Raw: 5, PHC: 3, Mapped: true, At: -1402, Err: 120},
				Clone: 4, IsOpen: true, Extra: []KV{{"z", "1"}, {"a", "2"}},
			},
			summary: "      0.000us fwd 3 hops DROP=R max=+0.000us@f pid=1 tid=2 comm=c hw=0.000000005 phc=3" +
				" nic=+-1.402us err=120 clone=4 open=+0.000us z=1 a=2 hopdump/1",
		},
		"keys of relations and remarks in their order": {
			path: Path{
				Way: WayFwd, Count: 3, Clone: 4, Gso: 5, Segs: 6, Gro: 7, Merged: 8, Rtx: 9, Queue: 1, Trunc: 10,
				LostHops: 11, FakeL2: true, HostTime: true, IsOpen: true,
			},
			summary: "      0.000us fwd 3 hops clone=4 gso=5 segs=6 gro=7 merged=8 rtx=9 q=0 trunc=10 lost=11" +
				" l2=fake ts=host open=+0.000us hopdump/1",
		},
		"bytes that must be escaped": {
			path:    Path{Count: 2, Comm: "Web Content\x00\n%=\xff", Drop: &Drop{"A@B C", "f+0x1", 2}},
			summary: "      0.000us - 2 hops DROP=A%40B%20C@f%2B0x1+0x2 comm=Web%20Content%00%0A%25=%FF hopdump/1",
		},
		"figures that the grammar has no room for": {
			path:    Path{Way: "sideways", Count: -1, Total: -5},
			summary: "      0.000us - 0 hops hopdump/1",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := string(tc.path.AppendSummary([]byte("x")))
			if diff := cmp.Diff("x"+tc.summary, got); diff != "" {
				t.Errorf("summary (-want +got):\n%s", diff)
			}
			checkComment(t, got[1:])
			if tc.tail == "" {
				tc.tail = strings.TrimLeft(strings.TrimSuffix(got[1:], " hopdump/1"), " ")
			}
			if diff := cmp.Diff("x"+tc.tail, string(tc.path.AppendTail([]byte("x")))); diff != "" {
				t.Errorf("tail (-want +got):\n%s", diff)
			}
			fromTail, ok := ParseSummary(tc.tail)
			fromSummary, ok2 := ParseSummary(got[1:])
			if !ok || !ok2 {
				t.Fatal("ParseSummary refuses what was formatted")
			}
			if diff := cmp.Diff(fromSummary, fromTail); diff != "" {
				t.Errorf("tail and summary differ:\n%s", diff)
			}
		})
	}
}

func TestHopComment(t *testing.T) {
	tests := map[string]struct {
		hop   Hop
		index int
		want  string
	}{
		"first": {
			Hop{Func: "mlx5e_handle_rx_cqe", CPU: 3, Dev: "eth0", Netns: 4026531840}, 1,
			"hop   1 +     0.000us       0.000us mlx5e_handle_rx_cqe cpu=3 dev=eth0 ns=4026531840",
		},
		"later": {
			Hop{Func: "netif_receive_skb_list_internal", Delta: 118899, Elapsed: 272500, CPU: 3}, 3,
			"hop   3 +   118.899us     272.500us netif_receive_skb_list_internal cpu=3",
		},
		"tap": {
			Hop{Func: "f", CPU: 0, Tap: true, Dev: "eth0", Netns: 1, Extra: []KV{{"len", "52"}, {"q", "x y"}}}, 10,
			"hop  10 +     0.000us       0.000us f cpu=0 tap=1 dev=eth0 ns=1 len=52 q=x%20y",
		},
		"step back": {
			Hop{Func: "f", Delta: -1500, Elapsed: 10, CPU: -1}, 1000,
			"hop 1000 +    -1.500us       0.010us f",
		},
		"no name":         {Hop{CPU: -1}, 2, "hop   2 +     0.000us       0.000us ?"},
		"key without key": {Hop{Func: "f", CPU: -1, Extra: []KV{{"", "v"}, {"a=b", ""}}}, 2, "hop   2 +     0.000us       0.000us f a%3Db="},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := string(tc.hop.AppendComment(nil, tc.index))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			checkComment(t, got)
		})
	}
}

func TestFinish(t *testing.T) {
	p := Path{Hops: []Hop{{Func: "a"}, {Func: "b", Elapsed: 60}, {Func: "c", Elapsed: 50}, {Func: "d", Elapsed: 110, Tap: true}}, Trunc: 2}
	p.Finish()
	want := Path{
		Hops: []Hop{
			{Func: "a"}, {Func: "b", Elapsed: 60, Delta: 60}, {Func: "c", Elapsed: 50, Delta: -10},
			{Func: "d", Elapsed: 110, Delta: 60, Tap: true},
		},
		Count: 6, Total: 110, MaxDelta: 60, MaxFunc: "b", Trunc: 2,
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := p.TapElapsed(); got != 110 {
		t.Errorf("TapElapsed() = %d", got)
	}
	if got := (&Path{Hops: []Hop{{Elapsed: 7}}}).TapElapsed(); got != 0 {
		t.Errorf("TapElapsed() without a tap = %d", got)
	}
	empty := Path{MaxFunc: "old", Total: 5}
	empty.Finish()
	if diff := cmp.Diff(Path{}, empty); diff != "" {
		t.Errorf("no hops (-want +got):\n%s", diff)
	}
}

// Whatever a path holds, its comments are short, in the grammar, and the same
// when read and formatted again.
func TestLongComments(t *testing.T) {
	long := strings.Repeat("%long name ", 30)
	var many []KV
	for i := range 50 {
		many = append(many, KV{fmt.Sprint("key", i), strings.Repeat("v", i)})
	}
	most := Path{
		Way: WayFwd, Count: math.MaxInt, Total: math.MaxInt64, Drop: &Drop{long, long, math.MaxUint64},
		MaxDelta: math.MinInt64, MaxFunc: long, Pid: math.MaxInt, Tid: math.MaxInt, Comm: long,
		NIC:  &NICStamp{math.MinInt64, math.MaxInt, true, math.MinInt64, math.MaxInt64},
		Open: math.MinInt64, IsOpen: true, Clone: math.MaxUint64, Gso: math.MaxUint64, Segs: math.MaxInt,
		Gro: math.MaxInt, Merged: math.MaxUint64, Rtx: math.MaxInt, Queue: math.MaxInt, Trunc: math.MaxInt,
		LostHops: math.MaxInt, FakeL2: true, HostTime: true, Extra: many,
		Hops: []Hop{
			{long, math.MaxInt64, math.MinInt64, math.MaxInt, true, long, math.MaxUint32, many},
			{"f", 0, 0, 1, false, "", 0, []KV{{long, long}}},
		},
	}
	tests := map[string]struct {
		path Path
		has  []string // what must not be lost from the summary
	}{
		"most of everything": {most, []string{"DROP=", " max=+", " open=+"}},
		"long command":       {Path{Comm: long, Pid: 1}, []string{"pid=1 comm=%25long", "... hopdump/1"}},
		"many extra keys":    {Path{Pid: 7, Extra: many}, []string{"pid=7", "key0= key1=v", "key9=vvvvvvvvv"}},
		"realistic drop": {
			Path{
				Way: WayRx, Count: 14, Total: 1e9, Drop: &Drop{"NETFILTER_DROP", "nf_hook_slow", 0x1a2}, MaxDelta: 1e9,
				MaxFunc: "__udp_enqueue_schedule_skb", Pid: 4194304, Tid: 4194304, Comm: "a\x01b\x01c\x01d\x01",
				NIC: &NICStamp{1760000000124730998, 0, true, -1402, 120}, Clone: 1000000, Segs: 45,
			},
			[]string{"DROP=NETFILTER_DROP@nf_hook_slow+0x1a2", "pid=4194304", "comm=a%01b%01c%01d%01"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			comments := tc.path.Comments()
			for _, c := range comments {
				checkComment(t, c)
			}
			for _, want := range tc.has {
				if !strings.Contains(comments[0], want) {
					t.Errorf("%q is missing in %q", want, comments[0])
				}
			}
			again, rest := ParsePath(comments)
			if len(rest) > 0 {
				t.Fatalf("not understood: %q", rest)
			}
			if diff := cmp.Diff(comments, again.Comments()); diff != "" {
				t.Errorf("second time (-want +got):\n%s", diff)
			}
		})
	}
}

// randomPath returns a path in normal form: one that the grammar can express.
func randomPath(rnd *rand.Rand) *Path {
	num := func() int { return rnd.IntN(3) * rnd.IntN(1000) }
	text := func() string {
		b := make([]byte, 1+rnd.IntN(6))
		for i := range b {
			b[i] = byte(rnd.IntN(256))
		}
		return string(b)
	}
	p := &Path{
		Way: []Way{WayUnknown, WayRx, WayTx, WayFwd, WayLo}[rnd.IntN(5)], Count: num(), Total: int64(num()),
		Pid: num(), Tid: num(), Clone: uint64(num()), Segs: num(), Rtx: num(), Queue: num(),
		Trunc: num(), FakeL2: rnd.IntN(4) == 0, IsOpen: rnd.IntN(4) == 0,
	}
	if rnd.IntN(2) == 0 {
		p.MaxDelta, p.MaxFunc = int64(num())-500, text()
	}
	if rnd.IntN(4) == 0 {
		p.Drop = &Drop{Reason: text(), Func: text(), Offset: uint64(num())}
	}
	if rnd.IntN(4) == 0 {
		p.NIC = &NICStamp{Raw: rnd.Int64() - rnd.Int64(), PHC: rnd.IntN(3) - 1}
	}
	if p.IsOpen {
		p.Open = int64(num())
	}
	if rnd.IntN(4) == 0 {
		p.Extra = []KV{{"x" + text(), text()}, {"x" + text(), ""}}
	}
	for range rnd.IntN(4) {
		h := Hop{Func: text(), Elapsed: int64(num()), Delta: int64(num()) - 700, CPU: rnd.IntN(9) - 1, Tap: rnd.IntN(3) == 0}
		if rnd.IntN(2) == 0 {
			h.Dev, h.Netns, h.Extra = text(), rnd.Uint32()|1, []KV{{"x" + text(), text()}}
		}
		p.Hops = append(p.Hops, h)
	}
	return p
}

// fits reports whether all comments of p have room without being shortened.
func fits(p *Path) bool {
	for i := range p.Hops {
		if len(p.Hops[i].appendComment(nil, i+1, limit{rank: rankAll})) > MaxComment {
			return false
		}
	}
	return len(p.appendSummary(nil, limit{rank: rankAll})) <= MaxComment
}

func TestPathRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		want := randomPath(rnd)
		if !fits(want) {
			continue
		}
		comments := want.Comments()
		got, rest := ParsePath(comments)
		if len(rest) > 0 {
			t.Fatalf("not understood: %q", rest)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q (-want +got):\n%s", comments, diff)
		}
	}
}

func TestParsePath(t *testing.T) {
	const sum = "      1.500us rx 2 hops hopdump/1"
	base := func(f func(*Path)) *Path {
		p := &Path{Way: WayRx, Count: 2, Total: 1500}
		if f != nil {
			f(p)
		}
		return p
	}
	keys := func(s string) []string { return []string{"1.500us rx 2 hops " + s + " hopdump/1"} }
	extra := func(kv ...string) *Path {
		return base(func(p *Path) {
			for i := 0; i < len(kv); i += 2 {
				p.Extra = append(p.Extra, KV{kv[i], kv[i+1]})
			}
		})
	}
	tests := map[string]struct {
		in   []string
		want *Path
		rest []string
	}{
		"nothing":           {},
		"of others":         {in: []string{"hello", "hop over", "", "hopdump/1", " hopdump/1"}, rest: []string{"hello", "hop over", "", "hopdump/1", " hopdump/1"}},
		"summary":           {in: []string{sum}, want: base(nil)},
		"second summary":    {in: []string{sum, "x", sum}, want: base(nil), rest: []string{"x", sum}},
		"way of the future": {in: []string{"1.500us up 2 hops hopdump/1"}, want: base(func(p *Path) { p.Way = WayUnknown })},
		"two decimals":      {in: []string{"1.50us rx 2 hops hopdump/1"}, rest: []string{"1.50us rx 2 hops hopdump/1"}},
		"four decimals":     {in: []string{"1.5000us rx 2 hops hopdump/1"}, rest: []string{"1.5000us rx 2 hops hopdump/1"}},
		"no digit":          {in: []string{".500us rx 2 hops hopdump/1"}, rest: []string{".500us rx 2 hops hopdump/1"}},
		"two points":        {in: []string{"1.1.500us rx 2 hops hopdump/1"}, rest: []string{"1.1.500us rx 2 hops hopdump/1"}},
		"negative total":    {in: []string{"-1.500us rx 2 hops hopdump/1"}, rest: []string{"-1.500us rx 2 hops hopdump/1"}},
		"time too large":    {in: []string{"9223372036854775.808us rx 2 hops hopdump/1"}, rest: []string{"9223372036854775.808us rx 2 hops hopdump/1"}},
		"largest time":      {in: []string{"9223372036854775.807us rx 2 hops hopdump/1"}, want: base(func(p *Path) { p.Total = math.MaxInt64 })},
		"count too large":   {in: []string{"1.500us rx 9223372036854775808 hops hopdump/1"}, rest: []string{"1.500us rx 9223372036854775808 hops hopdump/1"}},
		"hopsome":           {in: []string{"1.500us rx 2 hopsome hopdump/1"}, rest: []string{"1.500us rx 2 hopsome hopdump/1"}},
		"singular":          {in: []string{"1.500us rx 1 hop hopdump/1"}, rest: []string{"1.500us rx 1 hop hopdump/1"}},
		"other version":     {in: []string{"1.500us rx 2 hops hopdump/2"}, rest: []string{"1.500us rx 2 hops hopdump/2"}},
		"unknown keys":      {in: keys("cgroup=/a%20b x= bare y=1=2"), want: extra("cgroup", "/a b", "x", "", "bare", "", "y", "1=2")},
		"values without sense": {in: keys("pid=x tid=0 segs=-1 l2=real max=5 open=1us ns DROP= err=1"),
			want: extra("pid", "x", "tid", "0", "segs", "-1", "l2", "real", "max", "5", "open", "1us", "ns", "", "DROP", "", "err", "1")},
		"a key twice": {in: keys("pid=5 pid=6 l2=fake l2=fake q=1 q=2 DROP=A DROP=B comm=c comm=d clone=7 clone=8"), want: base(func(p *Path) {
			p.Pid, p.FakeL2, p.Queue, p.Drop, p.Comm, p.Clone = 5, true, 2, &Drop{Reason: "A"}, "c", 7
			p.Extra = []KV{{"pid", "6"}, {"l2", "fake"}, {"q", "2"}, {"DROP", "B"}, {"comm", "d"}, {"clone", "8"}}
		})},
		"broken escapes":    {in: keys("comm=%zz%4"), want: base(func(p *Path) { p.Comm = "%zz%4" })},
		"drop, no function": {in: keys("DROP=A%40"), want: base(func(p *Path) { p.Drop = &Drop{Reason: "A@"} })},
		"drop, no offset":   {in: keys("DROP=A@f+1"), want: base(func(p *Path) { p.Drop = &Drop{Reason: "A", Func: "f+1"} })},
		"max, signed":       {in: keys("max=+-0.500us@f"), want: base(func(p *Path) { p.MaxDelta, p.MaxFunc = -500, "f" })},
		"queue 0":           {in: keys("q=0"), want: base(func(p *Path) { p.Queue = 1 })},
		"stamp, any order": {in: keys("err=7 nic=-1.402us phc=1 hw=3.000000004"), want: base(func(p *Path) {
			p.NIC = &NICStamp{Raw: 3000000004, PHC: 1, Mapped: true, At: -1402, Err: 7}
		})},
		"stamp, values twice": {
			in: keys("hw=1 hw=3.000000004 err=x err=7 phc=z hw=5.000000000 nic=1 nic=+1.000us err=8"),
			want: base(func(p *Path) {
				p.NIC = &NICStamp{Raw: 3000000004, PHC: -1, Mapped: true, At: 1000, Err: 7}
				p.Extra = []KV{{"hw", "1"}, {"err", "x"}, {"phc", "z"}, {"hw", "5.000000000"}, {"nic", "1"}, {"err", "8"}}
			}),
		},
		"stamp without nic": {in: keys("hw=-0.000000001 err=7"), want: base(func(p *Path) {
			p.NIC, p.Extra = &NICStamp{Raw: -1, PHC: -1}, []KV{{"err", "7"}}
		})},
		"stamp without hw": {in: keys("phc=1 nic=+1.402us"), want: extra("phc", "1", "nic", "+1.402us")},
		"hops alone": {
			in: []string{"hop   1 +     0.000us       0.000us a cpu=3", "note", "hop 2 +1.500us 1.500us b"},
			want: &Path{
				Way: WayUnknown, Count: 2, Total: 1500, MaxDelta: 1500, MaxFunc: "b",
				Hops: []Hop{{Func: "a", CPU: 3}, {Func: "b", Delta: 1500, Elapsed: 1500, CPU: -1}},
			},
			rest: []string{"note"},
		},
		"hop keys": {
			in: []string{sum, "hop   1 +     0.000us       0.000us a%20b cpu=x tap=1 tap=1 dev=e%00 ns=4294967296 drop=R"},
			want: base(func(p *Path) {
				p.Hops = []Hop{{Func: "a b", CPU: -1, Tap: true, Dev: "e\x00", Extra: []KV{
					{"cpu", "x"}, {"tap", "1"}, {"ns", "4294967296"}, {"drop", "R"},
				}}}
			}),
		},
		"broken hops": {
			rest: []string{"hop 1 0.000us 0.000us f", "hop x +0.000us 0.000us f", "hop 1 +0.0us 0.000us f", "hop 1 +0.000us 0.000us ", "hop 1 +0.000us f"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if tc.in == nil {
				tc.in = tc.rest
			}
			p, rest := ParsePath(tc.in)
			if diff := cmp.Diff(tc.want, p, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("path (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.rest, rest); diff != "" {
				t.Errorf("rest (-want +got):\n%s", diff)
			}
			if p == nil {
				return
			}
			again, _ := ParsePath(p.Comments())
			if diff := cmp.Diff(p, again); diff != "" {
				t.Errorf("formatted and parsed again (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDropString(t *testing.T) {
	tests := map[string]Drop{
		"NO_SOCKET@tcp_v4_rcv+0x1a2": {"NO_SOCKET", "tcp_v4_rcv", 0x1a2},
		"NO_SOCKET@tcp_v4_rcv":       {"NO_SOCKET", "tcp_v4_rcv", 0},
		"NO_SOCKET":                  {"NO_SOCKET", "", 5},
		"?@f":                        {"", "f", 0},
	}
	for want, d := range tests {
		if got := d.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestParseSummaryRefuses(t *testing.T) {
	for _, s := range []string{"", "x", "hopdump/1", "1.000us", "1.000us  2 hops", "1.000us rx x hops", "1.00us rx 2 hops", "-.000us rx 2 hops"} {
		if p, ok := ParseSummary(s); ok || p != nil {
			t.Errorf("%q: %+v", s, p)
		}
	}
}

func TestMicros(t *testing.T) {
	tests := map[string]int64{
		"0.000": 0, "0.001": 1, "-0.001": -1, "1.000": 1000, "-1.402": -1402, "999999.999": 999999999,
		"9223372036854775.807": math.MaxInt64, "-9223372036854775.808": math.MinInt64,
	}
	for want, ns := range tests {
		if got := string(AppendMicros(nil, ns)); got != want {
			t.Errorf("AppendMicros(%d) = %q, want %q", ns, got, want)
		}
		back, rest, ok := cutMicros([]byte(want+"us!"), "us")
		if back != ns || string(rest) != "!" || !ok {
			t.Errorf("cutMicros(%q) = %d, %q, %v", want, back, rest, ok)
		}
	}
}
