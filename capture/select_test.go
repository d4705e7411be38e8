// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// selected is selectHops, which must work.
func selected(tb testing.TB, list string) []string {
	tb.Helper()
	hops, err := selectHops(list)
	if err != nil {
		tb.Fatalf("%s: %v", list, err)
	}
	return idsOf(hops)
}

// without returns ids but for these.
func without(ids []string, not ...string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(not, id) })
}

func TestSelectHops(t *testing.T) {
	def := selected(t, "default")
	tests := map[string]struct {
		list string
		want []string
	}{
		"drop profile":          {"drop", []string{"drop"}},
		"one id":                {"xmit", []string{"xmit"}},
		"name of a tracepoint":  {"kfree_skb", []string{"drop"}},
		"name of a function":    {"ip_output", []string{"ip-out"}},
		"second candidate":      {"sock_def_readable", []string{"wake"}},
		"glob of ids":           {"tcp*-rcv", []string{"tcp-rcv", "tcp6-rcv"}},
		"glob of functions":     {"napi_gro_*", []string{"gro", "gro-frags"}},
		"question mark":         {"neigh?", []string{"neigh6"}},
		"order is the table's":  {"drop,xmit,udp-send", []string{"udp-send", "xmit", "drop"}},
		"twice is once":         {"xmit,net_dev_start_xmit,xmit", []string{"xmit"}},
		"profile and more":      {"drop,gro", []string{"gro", "drop"}},
		"less of a profile":     {"default,-drop,-wake", without(def, "drop", "wake")},
		"minus begins: default": {"-drop", without(def, "drop")},
		"minus, then more":      {"-drop,drop", def},
		"left to right":         {"drop,-drop,gro", []string{"gro"}},
		// A glob also means functions; __ip_local_out does not begin with ip.
		"minus glob":                 {"-ip*", without(def, "ip-out", "ip6-out", "ip-rcv", "ip6-rcv", "ip-forward", "ip-local", "ip6-local")},
		"minus what is not in":       {"drop,-gro", []string{"drop"}},
		"default and default's name": {"default,default", def},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, selected(t, tt.list)); d != "" {
				t.Errorf("%s (-want +got):\n%s", tt.list, d)
			}
		})
	}
}

func TestSelectHopsRefused(t *testing.T) {
	tests := map[string]struct{ list, want string }{
		"near a name":       {"ip_recv", "--hops ip_recv: no such hop; near: ip-rcv, ip_rcv_core"},
		"near with minus":   {"default,-wak", "--hops wak: no such hop; near: wake"},
		"near nothing":      {"zzzzzz", "--hops zzzzzz: no such hop"},
		"glob of nothing":   {"zz*", "--hops zz*: no such hop"},
		"full":              {"full", "--hops full: this version has no profile full; profiles: default, rx, tx, drop, tracepoints"},
		"full after others": {"drop,full", "--hops full: this version has no profile full; profiles: default, rx, tx, drop, tracepoints"},
		"nothing left":      {"drop,-drop", "--hops drop,-drop: no hop is left"},
		"everything away":   {"-*", "--hops -*: no hop is left"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			hops, err := selectHops(tt.list)
			var he *HopError
			if !errors.As(err, &he) {
				t.Fatalf("error %v, hops %v", err, idsOf(hops))
			}
			if got := he.Error(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestProfiles(t *testing.T) {
	if n := len(selected(t, "default")); n < 15 || n > 25 {
		t.Errorf("default has %d hops, want 15 to 25", n)
	}
	hops, err := selectHops("tracepoints")
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range hops {
		if !h.Candidates[0].Tracepoint {
			t.Errorf("tracepoints has %s, which is the function %s", h.ID, h.Candidates[0].Name)
		}
	}
	for _, profile := range []string{"tracepoints", "default", "rx", "tx"} {
		have := selected(t, profile)
		for _, id := range []string{"xmit", "core", "drop"} { // the taps, and what dies before one
			if !slices.Contains(have, id) {
				t.Errorf("%s lacks %s", profile, id)
			}
		}
	}
}

// The table's own rules: what else reads it relies on them.
func TestHopTable(t *testing.T) {
	seen := map[string]bool{}
	for i := range table {
		h := &table[i]
		if seen[h.ID] || h.ID == "" || strings.ContainsAny(h.ID, ",* ?[]") || strings.HasPrefix(h.ID, "-") {
			t.Errorf("hop %d: id %q is empty, there already, or no word of --hops", i, h.ID)
		}
		seen[h.ID] = true
		if len(h.Candidates) == 0 || len(h.Profiles) == 0 || h.Place == "" || h.Role == "" {
			t.Errorf("%s: something is missing in %+v", h.ID, *h)
		}
		for _, p := range h.Profiles {
			if !slices.Contains(profiles, p) {
				t.Errorf("%s: profile %q does not exist", h.ID, p)
			}
		}
		for j, c := range h.Candidates {
			if c.Name == "" || c.Arg < 1 {
				t.Errorf("%s: candidate %+v", h.ID, c)
			}
			if j > 0 && c.Tracepoint && !h.Candidates[j-1].Tracepoint {
				t.Errorf("%s: function %s stands before a tracepoint", h.ID, h.Candidates[j-1].Name)
			}
		}
	}
}

// Every function of the table is asked for in the kernel's lists.
func TestWanted(t *testing.T) {
	got := Wanted()
	for i := range table {
		for _, c := range table[i].Candidates {
			if slices.Contains(got, c.Name) == c.Tracepoint {
				t.Errorf("%s: tracepoint %t, wanted %t", c.Name, c.Tracepoint, !c.Tracepoint)
			}
		}
	}
	for _, h := range fentryHooks {
		if !slices.Contains(got, h.Name) {
			t.Errorf("%s is not asked for", h.Name)
		}
	}
}
