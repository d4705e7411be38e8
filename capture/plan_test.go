// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"slices"
	"strings"
	"testing"

	"hopdump/bpf"
	"hopdump/filter"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
)

func TestPlanWhole(t *testing.T) {
	set := newWorld().plan(t, "")
	for _, c := range set.Choices {
		want := MechFentry
		if c.Hop.Candidates[0].Tracepoint {
			want = MechTP
		}
		if c.State != "ok" || c.Mechanism != want || c.Candidate != c.Hop.Candidates[0] {
			t.Errorf("%s: %s by %s, %s; want %s by %s", c.ID, c.Name, c.Mechanism, c.State, c.Hop.Candidates[0].Name, want)
		}
	}
	fentry, tpBTF := set.Attached()
	if set.Name != "default" || fentry+tpBTF != len(set.Choices) || set.WeakEnd {
		t.Errorf("%s: %d fentry, %d tp_btf of %d, weak end %t", set.Name, fentry, tpBTF, len(set.Choices), set.WeakEnd)
	}
	if d := cmp.Diff(hookNames(fentryHooks), hookNames(set.Hooks)); d != "" || len(set.Missing) > 0 {
		t.Errorf("hooks (-want +got):\n%s\nmissing %v", d, hookNames(set.Missing))
	}
}

// What became of one hop on a kernel that differs in one thing.
func TestPlanChoice(t *testing.T) {
	type choice struct {
		Name  string
		Arg   int
		Mech  Mechanism
		State string
	}
	tests := map[string]struct {
		change func(*world)
		hop    string
		want   choice
	}{
		"as in the table": {
			change: func(w *world) { w.functions["ip_output"] = "net sk skb" },
			hop:    "ip-out",
			want:   choice{"ip_output", 3, MechFentry, "ok"},
		},
		"no such function": {
			change: func(w *world) { delete(w.functions, "ip_output") },
			hop:    "ip-out",
			want:   choice{"ip_output", 3, MechNone, "no: this kernel has no such function"},
		},
		"inlined": {
			change: func(w *world) { w.hidden = []string{"ip_output"} },
			hop:    "ip-out",
			want:   choice{"ip_output", 3, MechNone, "no: not in kallsyms"},
		},
		"other type at that place": {
			change: func(w *world) { w.functions["ip_output"] = "skb sk net" },
			hop:    "ip-out",
			want:   choice{"ip_output", 3, MechNone, "no: argument 3 is not the skb on this kernel"},
		},
		"too few arguments": {
			change: func(w *world) { w.functions["ip_output"] = "sk skb" },
			hop:    "ip-out",
			want:   choice{"ip_output", 3, MechNone, "no: argument 3 is not the skb on this kernel"},
		},
		"more arguments than any kernel allows": {
			change: func(w *world) { w.functions["ip_output"] = "net sk skb" + strings.Repeat(" int", 10) },
			hop:    "ip-out",
			want:   choice{"ip_output", 3, MechNone, "no: 13 arguments, kernels allow 12"},
		},
		"constant skb": {
			change: func(w *world) { w.functions["ip_output"] = "net sk cskb" },
			hop:    "ip-out",
			want:   choice{"ip_output", 3, MechFentry, "ok"},
		},
		"no such tracepoint": {
			change: func(w *world) { delete(w.tracepoints, "qdisc_enqueue") },
			hop:    "qdisc-in",
			want:   choice{"qdisc_enqueue", 3, MechNone, "no: this kernel has no such tracepoint"},
		},
		"tracepoint without skb": {
			change: func(w *world) { w.tracepoints["qdisc_enqueue"] = "dev int int" },
			hop:    "qdisc-in",
			want:   choice{"qdisc_enqueue", 3, MechNone, "no: argument 3 is not the skb on this kernel"},
		},
		"tracepoint with fewer arguments": {
			change: func(w *world) { w.tracepoints["qdisc_enqueue"] = "dev skb" },
			hop:    "qdisc-in",
			want:   choice{"qdisc_enqueue", 3, MechNone, "no: argument 3 is not the skb on this kernel"},
		},
		"first candidate": {
			change: func(*world) {},
			hop:    "wake",
			want:   choice{"sk_data_ready", 1, MechTP, "ok"},
		},
		"second candidate": { // 6.1 has no such tracepoint
			change: func(w *world) { delete(w.tracepoints, "sk_data_ready") },
			hop:    "wake",
			want:   choice{"sock_def_readable", 1, MechFentry, "ok"},
		},
		"no candidate is left: the first one's reason": {
			change: func(w *world) {
				delete(w.tracepoints, "sk_data_ready")
				w.hidden = []string{"sock_def_readable"}
			},
			hop:  "wake",
			want: choice{"sk_data_ready", 1, MechNone, "no: this kernel has no such tracepoint"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			tt.change(w)
			c := w.plan(t, "default").choiceOf(t, tt.hop)
			got := choice{c.Name, c.Arg, c.Mechanism, c.State}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// Without lists of symbols nothing is certain, and nothing is given up.
func TestPlanUnknownSymbols(t *testing.T) {
	k := newWorld().kernel(t)
	k.Symbols = Kernel{Symbols: newSymbols()}.Symbols
	set, err := Plan(k, "ip-out,xmit")
	if err != nil {
		t.Fatal(err)
	}
	if c := set.choiceOf(t, "ip-out"); c.State != "?" || c.Mechanism != MechFentry {
		t.Errorf("ip-out: %s by %s, want ? by fentry", c.State, c.Mechanism)
	}
	if c := set.choiceOf(t, "xmit"); c.State != "ok" || c.Mechanism != MechTP {
		t.Errorf("xmit: %s by %s, want ok by tp_btf", c.State, c.Mechanism)
	}
}

func TestPlanNoFentry(t *testing.T) {
	tests := map[string]struct {
		list, name string
		fentry, tp int
		missing    string // State of a hop that is a function; "" if none is in the set
	}{
		"default becomes tracepoints": {"", "tracepoints", 0, len(selected(t, "tracepoints")), ""},
		"default by name, too":        {"default", "tracepoints", 0, len(selected(t, "tracepoints")), ""},
		"another list stays":          {"ip-out,xmit", "ip-out,xmit", 0, 1, "no: this kernel refuses fentry"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.noFentry = true
			set := w.plan(t, tt.list)
			fentry, tpBTF := set.Attached()
			if set.Name != tt.name || fentry != tt.fentry || tpBTF != tt.tp {
				t.Errorf("%s: %d fentry, %d tp_btf; want %s: %d, %d", set.Name, fentry, tpBTF, tt.name, tt.fentry, tt.tp)
			}
			if tt.missing != "" {
				if c := set.choiceOf(t, "ip-out"); c.State != tt.missing || c.Mechanism != MechNone {
					t.Errorf("ip-out: %s by %s, want %s", c.State, c.Mechanism, tt.missing)
				}
			}
			if d := cmp.Diff([]string{"consume_skb"}, hookNames(set.Hooks)); d != "" || !set.WeakEnd {
				t.Errorf("weak end %t, hooks (-want +got):\n%s", set.WeakEnd, d)
			}
		})
	}
}

func TestPlanHooks(t *testing.T) {
	tests := map[string]struct {
		change         func(*world)
		list           string
		hooks, missing []string
		weak           bool
	}{
		"two are missing": {
			change: func(w *world) {
				delete(w.functions, "skb_attempt_defer_free")
				w.hidden = []string{"__copy_skb_header"}
			},
			list:    "default",
			hooks:   without(hookNames(fentryHooks), "__copy_skb_header", "skb_attempt_defer_free"),
			missing: []string{"__copy_skb_header", "skb_attempt_defer_free"},
		},
		"drops alone need none": {
			change: func(*world) {},
			list:   "drop",
			weak:   true,
		},
		"drops and another hop do": {
			change: func(*world) {},
			list:   "drop,core",
			hooks:  hookNames(fentryHooks),
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			tt.change(w)
			set := w.plan(t, tt.list)
			if d := cmp.Diff(tt.hooks, hookNames(set.Hooks)); d != "" {
				t.Errorf("hooks (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.missing, hookNames(set.Missing)); d != "" {
				t.Errorf("missing (-want +got):\n%s", d)
			}
			if set.WeakEnd != tt.weak {
				t.Errorf("weak end %t, want %t", set.WeakEnd, tt.weak)
			}
		})
	}
}

func TestPlanUnknownHop(t *testing.T) {
	set, err := Plan(newWorld().kernel(t), "nonsense")
	if err == nil {
		t.Fatalf("no error, %s", set.Describe())
	}
}

// Every program of every plan has a template in the committed object, takes
// the compiled filter, and has a name of its own.
func TestPlanPrograms(t *testing.T) {
	everything := "default,rx,tx,tracepoints"
	old := newWorld()
	delete(old.tracepoints, "sk_data_ready")
	tests := map[string]struct {
		w      *world
		dynptr bool
	}{
		"new kernel":        {newWorld(), true},
		"without dynptr":    {newWorld(), false},
		"second candidates": {old, false},
		"no fentry":         {&world{functions: newWorld().functions, tracepoints: newWorld().tracepoints, noFentry: true}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			set := tt.w.plan(t, everything)
			progs := set.programs(tt.dynptr)
			fentry, tpBTF := set.Attached()
			if got, want := len(progs), fentry+tpBTF+len(set.Hooks); got != want {
				t.Errorf("%d programs, want %d", got, want)
			}
			spec, err := bpf.Spec(progs, bpf.Config{Lines: 2, Socks: 2, RingBytes: 4096, SnapLen: 100, CPUs: 1})
			if err != nil {
				t.Fatal(err)
			}
			if len(spec.Programs) != len(progs) {
				t.Errorf("%d names for %d programs", len(spec.Programs), len(progs))
			}
			f, err := compile(Options{Filter: "tcp port 80", Numeric: true})
			if err != nil {
				t.Fatal(err)
			}
			if err := filter.Splice(spec, f.l2, f.l3); err != nil {
				t.Error(err)
			}
			if n := len(table); len(set.Choices) != n {
				t.Errorf("%d hops of %d", len(set.Choices), n)
			}
		})
	}
}

func TestPlanProgram(t *testing.T) {
	tests := map[string]struct {
		hop       string
		want      bpf.Program
		forDynptr bool // another template reads fragments
	}{
		"function": {"ip-out", bpf.Program{Name: "h_ip-out", Target: "ip_output",
			Flags: bpf.HopOrigin | bpf.HopLocal | bpf.HopTake | bpf.HopVerdict | bpf.HopDev}, false},
		"tracepoint": {"qdisc-out", bpf.Program{Name: "h_qdisc-out", Target: "qdisc_dequeue"}, false},
		"tap":        {"xmit", bpf.Program{Name: "h_xmit", Target: "net_dev_start_xmit", Flags: bpf.HopTapTx | bpf.HopDev}, true},
		"drop":       {"drop", bpf.Program{Name: "h_drop", Target: "kfree_skb", Flags: bpf.HopDrop | bpf.HopDev}, true},
		"late tap is a function": {"ip-rcv", bpf.Program{Name: "h_ip-rcv", Target: "ip_rcv_core",
			Flags: bpf.HopTapLate | bpf.HopDev}, false},
		"socket": {"tcp-xmit", bpf.Program{Name: "h_tcp-xmit", Target: "__tcp_transmit_skb", Flags: bpf.HopSock}, false},
		"queue": {"udp-queue", bpf.Program{Name: "h_udp-queue", Target: "__udp_enqueue_schedule_skb",
			Flags: bpf.HopQueued}, false},
		"wake-up": {"wake", bpf.Program{Name: "h_wake", Target: "sk_data_ready", Flags: bpf.HopWake}, false},
	}
	var progs []bpf.Program
	var attach []ebpf.AttachType
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			set := setOf(t, tt.hop)
			plain, dynptr := set.programs(false)[0], set.programs(true)[0]
			if got := plain.Template != dynptr.Template; got != tt.forDynptr {
				t.Errorf("templates %s and %s", plain.Template, dynptr.Template)
			}
			for _, p := range []bpf.Program{plain, dynptr} {
				template := p.Template
				p.Template = ""
				if d := cmp.Diff(tt.want, p); d != "" {
					t.Errorf("%s (-want +got):\n%s", template, d)
				}
				want := ebpf.AttachTraceFEntry
				if set.Choices[0].Mechanism == MechTP {
					want = ebpf.AttachTraceRawTp
				}
				progs, attach = append(progs, bpf.Program{Name: template, Template: template}), append(attach, want)
			}
		})
	}
	// The templates are in the object and attach as the hops do.
	spec, err := bpf.Spec(progs, bpf.Config{Lines: 1, Socks: 1})
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range progs {
		if got := spec.Programs[p.Name].AttachType; got != attach[i] {
			t.Errorf("%s attaches as %v, want %v", p.Template, got, attach[i])
		}
	}
}

// A program's number is the hop's place in the set, missing ones included, as
// records refer to it.
func TestPlanProgramNumbers(t *testing.T) {
	w := newWorld()
	delete(w.functions, "udp_send_skb")
	set := w.plan(t, "udp-send,xmit,drop")
	got := map[string]uint16{}
	for _, p := range set.programs(true) {
		if strings.HasPrefix(p.Name, "h_") {
			got[p.Name] = p.Hop
		}
	}
	if d := cmp.Diff(map[string]uint16{"h_xmit": 1, "h_drop": 2}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if i := slices.IndexFunc(set.Choices, func(c Choice) bool { return c.ID == "xmit" }); i != 1 {
		t.Errorf("xmit is choice %d", i)
	}
}
