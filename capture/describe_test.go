// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"errors"
	"fmt"
	"testing"

	"hopdump/btfquery"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func newSymbols() *btfquery.Symbols { return btfquery.NewSymbols(Wanted()) }

// missing marks hops of a set as such.
func (s *HopSet) missing(ids ...string) *HopSet {
	for _, id := range ids {
		s.refuse("h_"+id, errors.New("test"))
	}
	return s
}

func TestDescribe(t *testing.T) {
	named := func(name string, s *HopSet) *HopSet { s.Name = name; return s }
	tests := map[string]struct {
		set  *HopSet
		want string
	}{
		"all there": {named("drop", setOf(t, "drop")), "drop: 1 of 1 hops (0 fentry, 1 tp_btf)"},
		"some missing": {
			named("default", setOf(t, "ip-out", "ip6-out", "neigh", "xmit", "gro", "drop").missing("ip6-out", "neigh")),
			"default: 4 of 6 hops (1 fentry, 3 tp_btf); missing ip6-out, neigh (--list-hops says why)",
		},
		"one missing": {
			named("-drop,wake", setOf(t, "xmit", "wake").missing("wake")),
			"-drop,wake: 1 of 2 hops (0 fentry, 1 tp_btf); missing wake (--list-hops says why)",
		},
		"all missing": {
			named("xmit", setOf(t, "xmit").missing("xmit")),
			"xmit: 0 of 1 hops (0 fentry, 0 tp_btf); missing xmit (--list-hops says why)",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.set.Describe(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestListHopsTable(t *testing.T) {
	w := newWorld()
	delete(w.functions, "ip6_output")
	delete(w.functions, "skb_attempt_defer_free")
	set := w.plan(t, "ip-out,ip6-out,xmit,qdisc-out")
	header, rows := set.table("6.12.0-test")
	wantHeader := "kernel 6.12.0-test, hops ip-out,ip6-out,xmit,qdisc-out: 3 of 4; " +
		"without skb_attempt_defer_free: ends or copies of packets may be missed"
	if header != wantHeader {
		t.Errorf("header %q\nwant   %q", header, wantHeader)
	}
	want := []HopRow{
		{"ip-out", "ip", "origin", "fentry", "ip_output", "-", "3", "ok"},
		{"ip6-out", "ip", "origin", "-", "ip6_output", "-", "3", "no: this kernel has no such function"},
		{"qdisc-out", "qdisc", "transit", "tp_btf", "qdisc_dequeue", "-", "4", "ok"},
		{"xmit", "driver", "tap", "tp_btf", "net_dev_start_xmit", "-", "1", "ok"},
	}
	if d := cmp.Diff(want, rows); d != "" {
		t.Errorf("rows (-want +got):\n%s", d)
	}
}

func TestListHopsHeader(t *testing.T) {
	tests := map[string]struct{ list, want string }{
		"profile by default": {"", "kernel 6.1, profile default: 24 of 24"},
		"profile":            {"drop", "kernel 6.1, profile drop: 1 of 1"},
		"list":               {"drop,xmit", "kernel 6.1, hops drop,xmit: 2 of 2"},
	}
	n := len(selected(t, "default"))
	tests["profile by default"] = struct{ list, want string }{"", fmt.Sprintf("kernel 6.1, profile default: %d of %d", n, n)}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			header, rows := newWorld().plan(t, tt.list).table("6.1")
			if header != tt.want {
				t.Errorf("got  %s\nwant %s", header, tt.want)
			}
			if len(rows) == 0 {
				t.Error("no rows")
			}
		})
	}
}

func TestRefuse(t *testing.T) {
	set := setOf(t, "ip-out", "xmit")
	set.Hooks = fentryHooks[:2]
	set.refuse("h_ip-out", fmt.Errorf("load: %w", unix.EINVAL))
	set.refuse("e_skb_release_head_state", unix.ENOTSUP)
	c := set.choiceOf(t, "ip-out")
	if c.Mechanism != MechNone || c.State != "no: the kernel refuses it (EINVAL)" {
		t.Errorf("ip-out: %s, %s", c.Mechanism, c.State)
	}
	if c := set.choiceOf(t, "xmit"); c.Mechanism != MechTP || c.State != "ok" {
		t.Errorf("xmit: %s, %s", c.Mechanism, c.State)
	}
	if d := cmp.Diff([]string{"skb_release_head_state"}, hookNames(set.Missing)); d != "" {
		t.Errorf("missing (-want +got):\n%s", d)
	}
	if got, want := reason(errors.New("verifier")), "the kernel refuses it"; got != want {
		t.Errorf("reason %q, want %q", got, want)
	}
}
