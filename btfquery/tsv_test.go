// SPDX-License-Identifier: Apache-2.0

package btfquery

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// skbRow is a line of skbfuncs-*.tsv, which were measured on booted kernels.
type skbRow struct {
	name, module string // "" for vmlinux
	skb, skb2    int
	pskb, nargs  int
	listed       bool   // in available_filter_functions
	kallsyms     int    // symbols of that name, all modules together
	suffixed     string // the first of them, if there is one
}

// readSKBRows reads the table of one kernel, or skips where it is absent.
func readSKBRows(tb testing.TB, version string) []skbRow {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "shared", "data", "skbfuncs-"+version+".tsv"))
	if err != nil {
		tb.Skip(err)
	}
	head, body, _ := strings.Cut(string(raw), "\n")
	const want = "name\tmodule\tskb_arg\tpskb_arg\tnargs\tin_available_filter_functions\tkallsyms_count\tsuffixed_symbols"
	if head != want {
		tb.Fatalf("columns %q", head)
	}
	var rows []skbRow
	for line := range strings.Lines(body) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		r := skbRow{name: f[0], module: f[1], nargs: number(tb, f[4]), listed: f[5] == "Y", kallsyms: number(tb, f[6])}
		if r.module == "vmlinux" {
			r.module = ""
		}
		first, second, _ := strings.Cut(f[2], ",")
		second, _, _ = strings.Cut(second, ",")
		r.skb, r.skb2 = number(tb, first), number(tb, second)
		first, _, _ = strings.Cut(f[3], ",")
		r.pskb = number(tb, first)
		r.suffixed, _, _ = strings.Cut(f[7], ",")
		rows = append(rows, r)
	}
	return rows
}

// number is 0 for the empty string.
func number(tb testing.TB, s string) int {
	tb.Helper()
	if s == "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// TestTraceableTables makes the two lists out of the tables and requires that
// Traceable finds again what the tables say, for all their names at once.
func TestTraceableTables(t *testing.T) {
	for _, version := range []string{"6.1", "6.12", "6.18", "7.3"} {
		t.Run(version, func(t *testing.T) {
			rows := readSKBRows(t, version)
			s := symbolsOf(t, rows)
			got := make(map[Reason]int)
			for _, r := range rows {
				v := s.Traceable(r.name, r.module)
				got[v.Reason]++
				if want := wantReason(r); v.Reason != want {
					t.Errorf("%s of %q: %s, want %s", r.name, r.module, v, Verdict{Reason: want})
				}
			}
			t.Logf("%d functions, %d traceable", len(rows), got[Traceable])
		})
	}
}

func wantReason(r skbRow) Reason {
	switch {
	case r.module == "" && r.kallsyms > 1:
		return Several
	case r.kallsyms == 0 && r.suffixed != "":
		return Suffixed
	case r.kallsyms == 0:
		return NoSymbol
	case !r.listed:
		return Unlisted
	}
	return Traceable
}

// symbolsOf writes the lists that would give these rows, several symbols of one
// name in vmlinux where the row is vmlinux's, and reads them.
func symbolsOf(tb testing.TB, rows []skbRow) *Symbols {
	tb.Helper()
	var kallsyms, filter strings.Builder
	var names []string
	for _, r := range rows {
		names = append(names, r.name)
		module := ""
		if r.module != "" {
			module = "\t[" + r.module + "]"
		}
		n := r.kallsyms
		if r.module != "" {
			n = min(n, 1)
		}
		for range n {
			fmt.Fprintf(&kallsyms, "%016x t %s%s\n", 0, r.name, module)
		}
		if r.suffixed != "" {
			fmt.Fprintf(&kallsyms, "%016x t %s%s\n", 0, r.suffixed, module)
		}
		if r.module != "" {
			fmt.Fprintf(&kallsyms, "%016x d __this_module%s\n", 0, module)
		}
		if r.listed {
			fmt.Fprintf(&filter, "%s%s\n", r.name, strings.Replace(module, "\t", " ", 1))
		}
	}
	s := NewSymbols(names)
	if err := s.ParseKallsyms(strings.NewReader(kallsyms.String())); err != nil {
		tb.Fatal(err)
	}
	if err := s.ParseAvailableFilterFunctions(strings.NewReader(filter.String())); err != nil {
		tb.Fatal(err)
	}
	return s
}

// agreement is the result of compareRows.
type agreement struct {
	both, positions, args int // functions in both; those with the same positions; the same number of arguments
}

// compareRows compares the functions with the rows of the same modules. Numbers
// of arguments may differ from point release to point release.
func compareRows(tb testing.TB, funcs []Func, rows []skbRow) agreement {
	tb.Helper()
	type key struct{ name, module string }
	byKey := make(map[key]Func, len(funcs))
	for _, f := range funcs {
		byKey[key{f.Name, f.Module}] = f
	}
	var a agreement
	for _, r := range rows {
		f, ok := byKey[key{r.name, r.module}]
		if !ok {
			continue
		}
		a.both++
		if f.Args == r.nargs {
			a.args++
		}
		if f.SKB == r.skb && f.SKB2 == r.skb2 && f.SKBPtr == r.pskb {
			a.positions++
			continue
		}
		tb.Logf("%s of %q: table %+v, BTF %+v", r.name, r.module, r, f)
	}
	return a
}
