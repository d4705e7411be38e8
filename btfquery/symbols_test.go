// SPDX-License-Identifier: Apache-2.0

package btfquery

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

const kallsymsSample = `ffffffff81000000 T _stext
ffffffff81000010 T ip_output
ffffffff81000020 t twice
ffffffff81000030 t twice
ffffffff81000040 t ip_fragment.constprop.0
ffffffff81000050 t inlined.cold
ffffffff81000060 T __tcp_retransmit_skb
ffffffff81000070 t __tcp_retransmit_skb.part.0
ffffffff81000080 W weak_one
ffffffff81000090 t dst_output
ffffffff810000a0 D jiffies
ffffffff810000b0 t gre_rcv
ffffffff81000100 T _etext
ffffffffc0000000 t br_handle_frame	[bridge]
ffffffffc0000010 t gre_rcv	[gre]
ffffffffc0000020 t gre_rcv	[ip_gre]
ffffffffc0000030 t e1000_xmit_frame	[e1000e]
ffffffffc0000040 d e1000_data	[e1000]
ffffffffc0001000 t bpf_prog_6deef7357e7b4530	[bpf]
`

const filterSample = `ip_output
twice
twice
__tcp_retransmit_skb
weak_one
gre_rcv
br_handle_frame [bridge]
gre_rcv [gre]
gre_rcv [ip_gre]
e1000_xmit_frame [e1000e]
`

var sampleNames = []string{
	"ip_output", "twice", "ip_fragment", "inlined", "__tcp_retransmit_skb", "weak_one", "dst_output", "jiffies",
	"gre_rcv", "br_handle_frame", "e1000_xmit_frame", "absent",
}

// sampleSymbols reads the lists given; "" leaves one out.
func sampleSymbols(tb testing.TB, kallsyms, filter string) *Symbols {
	tb.Helper()
	s := NewSymbols(sampleNames)
	if kallsyms != "" {
		if err := s.ParseKallsyms(strings.NewReader(kallsyms)); err != nil {
			tb.Fatal(err)
		}
	}
	if filter != "" {
		if err := s.ParseAvailableFilterFunctions(strings.NewReader(filter)); err != nil {
			tb.Fatal(err)
		}
	}
	return s
}

func TestTraceable(t *testing.T) {
	tests := map[string]struct {
		name, module string
		want         Verdict
		text         string
	}{
		"vmlinux":            {"ip_output", "", Verdict{Reason: Traceable}, "ok"},
		"vmlinux by name":    {"ip_output", "vmlinux", Verdict{Reason: Traceable}, "ok"},
		"weak":               {"weak_one", "", Verdict{Reason: Traceable}, "ok"},
		"with a part":        {"__tcp_retransmit_skb", "", Verdict{Reason: Traceable, Symbol: "__tcp_retransmit_skb.part.0"}, "ok"},
		"several":            {"twice", "", Verdict{Reason: Several, Count: 2}, "no: 2 functions of that name"},
		"suffixed":           {"ip_fragment", "", Verdict{Reason: Suffixed, Symbol: "ip_fragment.constprop.0"}, "no: only ip_fragment.constprop.0"},
		"cold part alone":    {"inlined", "", Verdict{Reason: NoSymbol}, "no: not in kallsyms"},
		"notrace":            {"dst_output", "", Verdict{Reason: Unlisted}, "no: not in available_filter_functions"},
		"data":               {"jiffies", "", Verdict{Reason: NoSymbol}, "no: not in kallsyms"},
		"absent":             {"absent", "", Verdict{Reason: NoSymbol}, "no: not in kallsyms"},
		"module":             {"br_handle_frame", "bridge", Verdict{Reason: Traceable}, "ok"},
		"module, elsewhere":  {"gre_rcv", "gre", Verdict{Reason: Traceable, Shadowed: true}, "ok"},
		"vmlinux, elsewhere": {"gre_rcv", "", Verdict{Reason: Traceable, Shadowed: true}, "ok"},
		"wrong module":       {"br_handle_frame", "gre", Verdict{Reason: NoSymbol, Shadowed: true}, "no: not in kallsyms"},
		"module not loaded":  {"vxlan_xmit", "vxlan", Verdict{}, "?"},
		"its module is not":  {"e1000_xmit_frame", "igb", Verdict{Reason: NoModule, Module: "igb"}, "no: module igb is not loaded"},
		"module of data":     {"e1000_xmit_frame", "e1000", Verdict{Reason: NoSymbol, Shadowed: true}, "no: not in kallsyms"},
		"not asked for":      {"ip_input", "", Verdict{}, "?"},
	}
	s := sampleSymbols(t, kallsymsSample, filterSample)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := s.Traceable(tt.name, tt.module)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if got.String() != tt.text {
				t.Errorf("%q, want %q", got, tt.text)
			}
			if got.OK() != (tt.text == "ok") {
				t.Errorf("OK() = %v", got.OK())
			}
		})
	}
}

// TestTraceableWithout asks with only one list, or none.
func TestTraceableWithout(t *testing.T) {
	tests := map[string]struct {
		name                   string
		neither, kalls, filter Reason
	}{
		"traceable": {"ip_output", Unknown, Unknown, Unknown},
		"several":   {"twice", Unknown, Several, Several},
		"suffixed":  {"ip_fragment", Unknown, Suffixed, Unlisted},
		"notrace":   {"dst_output", Unknown, Unknown, Unlisted},
		"absent":    {"absent", Unknown, NoSymbol, Unlisted},
	}
	neither := sampleSymbols(t, "", "")
	kalls := sampleSymbols(t, kallsymsSample, "")
	filter := sampleSymbols(t, "", filterSample)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := []Reason{neither.Traceable(tt.name, "").Reason, kalls.Traceable(tt.name, "").Reason, filter.Traceable(tt.name, "").Reason}
			if diff := cmp.Diff([]Reason{tt.neither, tt.kalls, tt.filter}, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestModules(t *testing.T) {
	s := sampleSymbols(t, kallsymsSample, filterSample)
	for name, tt := range map[string]struct {
		name string
		want []string
	}{
		"three":         {"gre_rcv", []string{"", "gre", "ip_gre"}},
		"vmlinux":       {"ip_output", []string{""}},
		"module":        {"br_handle_frame", []string{"bridge"}},
		"suffix only":   {"ip_fragment", nil},
		"not asked for": {"ip_input", nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, s.Modules(tt.name)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	if got := sampleSymbols(t, "", filterSample).Modules("gre_rcv"); got != nil {
		t.Errorf("without kallsyms: %q", got)
	}
}

// TestParseTwice: a list read again replaces what was read before.
func TestParseTwice(t *testing.T) {
	s := sampleSymbols(t, kallsymsSample, filterSample)
	if err := s.ParseKallsyms(strings.NewReader(kallsymsSample)); err != nil {
		t.Fatal(err)
	}
	if err := s.ParseAvailableFilterFunctions(strings.NewReader(filterSample)); err != nil {
		t.Fatal(err)
	}
	if got := s.Traceable("ip_output", ""); !got.OK() {
		t.Errorf("%s", got)
	}
}

// TestHiddenAddresses: kptr_restrict makes every address 0.
func TestHiddenAddresses(t *testing.T) {
	var hidden strings.Builder
	for line := range strings.Lines(kallsymsSample) {
		hidden.WriteString("0000000000000000" + line[16:])
	}
	shown, s := sampleSymbols(t, kallsymsSample, filterSample), sampleSymbols(t, hidden.String(), filterSample)
	for _, name := range sampleNames {
		if a, b := shown.Traceable(name, ""), s.Traceable(name, ""); a != b {
			t.Errorf("%s: %s with addresses, %s without", name, a, b)
		}
	}
	z, err := ParseSymbolizer(strings.NewReader(hidden.String()))
	if err != nil {
		t.Fatal(err)
	}
	if z.Len() != 0 {
		t.Errorf("%d addresses", z.Len())
	}
	if name, off, ok := z.Lookup(0x10); ok {
		t.Errorf("Lookup: %s+%#x", name, off)
	}
}

var errTest = errors.New("test")

func TestParseErrors(t *testing.T) {
	long := strings.Repeat("x", maxLine+1)
	tests := map[string]struct {
		kallsyms bool
		in       io.Reader
		want     string
	}{
		"kallsyms empty":       {true, strings.NewReader(""), "btfquery: kallsyms: no lines"},
		"kallsyms blank":       {true, strings.NewReader("\n\n"), "btfquery: kallsyms: no lines"},
		"kallsyms other file":  {true, strings.NewReader("ffff T a\n# tracer: nop\n"), "btfquery: kallsyms, line 2: not a line of this list"},
		"kallsyms no name":     {true, strings.NewReader("ffff T "), "btfquery: kallsyms, line 1: not a line of this list"},
		"kallsyms long addr":   {true, strings.NewReader("fffffffffffffffff T a"), "btfquery: kallsyms, line 1: not a line of this list"},
		"kallsyms no addr":     {true, strings.NewReader(" T a"), "btfquery: kallsyms, line 1: not a line of this list"},
		"kallsyms read error":  {true, io.MultiReader(strings.NewReader("ffff T a\n"), iotest.ErrReader(errTest)), "btfquery: kallsyms, after line 1: test"},
		"kallsyms long line":   {true, strings.NewReader("ffff T " + long), "btfquery: kallsyms, after line 0: bufio.Scanner: token too long"},
		"functions empty":      {false, strings.NewReader(""), "btfquery: available_filter_functions: no lines"},
		"functions no name":    {false, strings.NewReader("a\n [mod]\n"), "btfquery: available_filter_functions, line 2: not a line of this list"},
		"functions read error": {false, iotest.ErrReader(errTest), "btfquery: available_filter_functions, after line 0: test"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := sampleSymbols(t, kallsymsSample, filterSample)
			parse := s.ParseAvailableFilterFunctions
			if tt.kallsyms {
				parse = s.ParseKallsyms
			}
			err := parse(tt.in)
			if err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
			if got := s.Traceable("ip_output", ""); got.OK() {
				t.Errorf("a list that failed still counts: %s", got)
			}
			other := sampleSymbols(t, "", filterSample)
			if !tt.kallsyms {
				other = sampleSymbols(t, kallsymsSample, "")
			}
			for _, name := range sampleNames {
				if got, want := s.Traceable(name, ""), other.Traceable(name, ""); got != want {
					t.Errorf("%s: %+v, want %+v as without that list", name, got, want)
				}
			}
		})
	}
}

func TestParseAllocations(t *testing.T) {
	var kallsyms, filter strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&kallsyms, "ffffffff81%06x t some_function_%d\n", i, i)
		fmt.Fprintf(&filter, "some_function_%d\n", i)
	}
	s := NewSymbols([]string{"some_function_7777"})
	for name, f := range map[string]func() error{
		"kallsyms": func() error { return s.ParseKallsyms(strings.NewReader(kallsyms.String())) },
		"filter":   func() error { return s.ParseAvailableFilterFunctions(strings.NewReader(filter.String())) },
	} {
		t.Run(name, func(t *testing.T) {
			n := testing.AllocsPerRun(5, func() {
				if err := f(); err != nil {
					t.Fatal(err)
				}
			})
			if n > 20 {
				t.Errorf("%v allocations for 10,000 lines", n)
			}
		})
	}
	if got := s.Traceable("some_function_7777", ""); !got.OK() {
		t.Errorf("%s", got)
	}
}

func TestLookup(t *testing.T) {
	z, err := ParseSymbolizer(strings.NewReader(kallsymsSample + `ffffffff81000020 t later_alias
ffffffffb0000000 t far_away
ffffffffa0000000 d data
`))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		addr uint64
		want string
	}{
		"start":             {0xffffffff81000010, "ip_output+0x0"},
		"inside":            {0xffffffff8100001f, "ip_output+0xf"},
		"first of aliases":  {0xffffffff81000021, "twice+0x1"},
		"suffix is kept":    {0xffffffff81000044, "ip_fragment.constprop.0+0x4"},
		"data is not code":  {0xffffffff810000a4, "dst_output+0x14"},
		"module":            {0xffffffffc0000005, "br_handle_frame+0x5"},
		"last":              {0xffffffffc0001002, "bpf_prog_6deef7357e7b4530+0x2"},
		"out of order":      {0xffffffffb0000001, "far_away+0x1"},
		"end of the reach":  {0xffffffff81000100 + maxFuncSize - 1, "_etext+0x3ffff"},
		"out of reach":      {0xffffffff81000100 + maxFuncSize, ""},
		"before the first":  {0xffffffff80ffffff, ""},
		"zero":              {0, ""},
		"highest of uint64": {1<<64 - 1, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := ""
			if name, off, ok := z.Lookup(tt.addr); ok {
				got = fmt.Sprintf("%s+%#x", name, off)
			}
			if got != tt.want {
				t.Errorf("%#x is %q, want %q", tt.addr, got, tt.want)
			}
		})
	}
	if got, want := z.Len(), 18; got != want { // the sample's 17 of code, and far_away
		t.Errorf("%d addresses, want %d", got, want)
	}
}

func TestSymbolizerZero(t *testing.T) {
	var z Symbolizer
	if _, _, ok := z.Lookup(0xffffffff81000000); ok || z.Len() != 0 {
		t.Error("the zero value knows something")
	}
}

func TestSymbolizerErrors(t *testing.T) {
	for name, in := range map[string]string{"empty": "", "other file": "ip_output [bridge]\n"} {
		t.Run(name, func(t *testing.T) {
			if z, err := ParseSymbolizer(strings.NewReader(in)); err == nil {
				t.Errorf("no error, %d symbols", z.Len())
			}
		})
	}
}

// FuzzSymbols parses lists twice, the second time byte by byte, and requires the
// same answers, and the answer that a plain look at the lines gives.
func FuzzSymbols(f *testing.F) {
	f.Add(kallsymsSample, filterSample)
	f.Add("0 t a\t[m]\n0 t a.isra.0\n", "a [m]\n")
	f.Add("0000000000000000 T ip_output\r\n", "ip_output\r\n\n")
	f.Add("ff t twice [x] y\n", "twice\t[x]")
	f.Fuzz(func(t *testing.T, kallsyms, filter string) {
		whole, slow := NewSymbols(sampleNames), NewSymbols(sampleNames)
		errs := []error{
			whole.ParseKallsyms(strings.NewReader(kallsyms)),
			whole.ParseAvailableFilterFunctions(strings.NewReader(filter)),
		}
		again := []error{
			slow.ParseKallsyms(iotest.OneByteReader(strings.NewReader(kallsyms))),
			slow.ParseAvailableFilterFunctions(iotest.OneByteReader(strings.NewReader(filter))),
		}
		for i := range errs {
			if (errs[i] == nil) != (again[i] == nil) {
				t.Fatalf("error %v, byte by byte %v", errs[i], again[i])
			}
		}
		for _, name := range sampleNames {
			for _, module := range []string{"", "bridge", "gre", "m"} {
				got := whole.Traceable(name, module)
				if b := slow.Traceable(name, module); got != b {
					t.Errorf("%s of %q: %s, byte by byte %s", name, module, got, b)
				}
				if got.OK() && (errs[0] != nil || errs[1] != nil) {
					t.Errorf("%s of %q: ok without the lists", name, module)
				}
				if got.OK() && !slices.Contains(strings.FieldsFunc(filter, func(r rune) bool { return strings.ContainsRune(" \t\r\n", r) }), name) {
					t.Errorf("%s of %q: ok and not in the list", name, module)
				}
			}
		}
	})
}

// FuzzSymbolizer requires that every symbol it keeps is found at its address,
// and that what Lookup says is in the list.
func FuzzSymbolizer(f *testing.F) {
	f.Add(kallsymsSample, uint64(0xffffffff81000015))
	f.Add("1 t a\n1 t b\n0 t c\n", uint64(1))
	f.Add("ffffffffffffffff t a\n", uint64(1<<64-1))
	f.Fuzz(func(t *testing.T, kallsyms string, addr uint64) {
		z, err := ParseSymbolizer(strings.NewReader(kallsyms))
		if err != nil {
			return
		}
		if name, off, ok := z.Lookup(addr); ok && (off > addr || off >= maxFuncSize || !strings.Contains(kallsyms, name)) {
			t.Errorf("%#x is %s+%#x", addr, name, off)
		}
		for i, s := range z.syms {
			if i > 0 && z.syms[i-1].addr >= s.addr {
				t.Errorf("%#x before %#x", z.syms[i-1].addr, s.addr)
			}
			if _, off, ok := z.Lookup(s.addr); !ok || off != 0 {
				t.Errorf("%#x: offset %d, found %v", s.addr, off, ok)
			}
		}
	})
}
