// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"hopdump/bpf"
	"hopdump/btfquery"

	"github.com/cilium/ebpf/btf"
)

// Mechanism is how a hop is had.
type Mechanism string

const (
	MechNone   Mechanism = "-"
	MechFentry Mechanism = "fentry"
	MechTP     Mechanism = "tp_btf"
)

// Kernel is what is known of a kernel when hops are planned for it. Planning
// reads nothing else, so equal kernels give equal plans on any machine.
type Kernel struct {
	Release  string
	Spec     *btf.Spec         // BTF of vmlinux
	Symbols  *btfquery.Symbols // about Wanted()
	NoFentry bool              // fentry programs are refused, tp_btf ones are not

	// cache holds Spec for the loader, so that the kernel's BTF is decoded
	// once; nil is as good, and slower.
	cache *btf.Cache
}

// Choice is what became of one hop on a kernel.
type Choice struct {
	*Hop
	Candidate           // the one chosen, or the first if there is none
	Mechanism Mechanism // MechNone: the hop is missing
	Module    string    // "" for vmlinux
	State     string    // "ok", "?", or "no: " and why
}

// HopSet is what a profile or a list of hops became on a kernel.
type HopSet struct {
	Name    string // profile, or the list as it was given
	Choices []Choice
	Hooks   []Hook // programs that are no hops
	Missing []Hook // hooks that this kernel does not have
	WeakEnd bool   // ends of life are not seen, only reads and drops

	rest bool // fragments at taps come through the perf buffer
}

// Attached returns how many hops there are by mechanism.
func (s *HopSet) Attached() (fentry, tpBTF int) {
	for _, c := range s.Choices {
		switch c.Mechanism {
		case MechFentry:
			fentry++
		case MechTP:
			tpBTF++
		}
	}
	return fentry, tpBTF
}

// Describe words the set for the line at the start.
func (s *HopSet) Describe() string {
	fentry, tpBTF := s.Attached()
	var missing []string
	for _, c := range s.Choices {
		if c.Mechanism == MechNone {
			missing = append(missing, c.ID)
		}
	}
	text := fmt.Sprintf("%s: %d of %d hops (%d fentry, %d tp_btf)", s.Name, fentry+tpBTF, len(s.Choices), fentry, tpBTF)
	if len(missing) > 0 {
		text += "; missing " + strings.Join(missing, ", ") + " (--list-hops says why)"
	}
	return text
}

var profiles = []string{"default", "rx", "tx", "drop", "tracepoints"}

// Wanted lists every function that the hop table and the hooks name: those that
// Kernel.Symbols must know about.
func Wanted() []string {
	var names []string
	for i := range table {
		for _, c := range table[i].Candidates {
			if !c.Tracepoint {
				names = append(names, c.Name)
			}
		}
	}
	for _, h := range fentryHooks {
		names = append(names, h.Name)
	}
	return names
}

// Plan resolves a --hops list on a kernel: for every hop the first candidate
// that can be had, or why there is none.
func Plan(k Kernel, list string) (*HopSet, error) {
	if list == "" {
		list = "default"
	}
	hops, err := selectHops(list)
	if err != nil {
		return nil, err
	}
	set := &HopSet{Name: list, WeakEnd: k.NoFentry}
	if k.NoFentry && list == "default" {
		set.Name = "tracepoints"
		hops, _ = selectHops(set.Name)
	}
	for _, h := range withTaps(hops) {
		if set.Name == "tracepoints" {
			h = h.onlyTracepoints()
		}
		set.Choices = append(set.Choices, choose(k, h))
	}
	set.planHooks(k)
	return set, nil
}

// withTaps adds the taps to hops that have none: nothing would be recorded. A
// drop is a tap of its own.
func withTaps(hops []*Hop) []*Hop {
	const taps = bpf.HopTapTx | bpf.HopTapRx | bpf.HopDrop
	if slices.ContainsFunc(hops, func(h *Hop) bool { return h.Flags&taps != 0 }) {
		return hops
	}
	chosen := map[string]bool{"xmit": true, "core": true}
	for _, h := range hops {
		chosen[h.ID] = true
	}
	return hopsOf(chosen)
}

// onlyTracepoints is the hop without its functions.
func (h *Hop) onlyTracepoints() *Hop {
	c := *h
	c.Candidates = slices.DeleteFunc(slices.Clone(h.Candidates), func(c Candidate) bool { return !c.Tracepoint })
	return &c
}

func (s *HopSet) planHooks(k Kernel) {
	hooks := fentryHooks
	if k.NoFentry {
		hooks = tracepointHooks
	}
	if onlyDrop(s.Choices) {
		// Nothing is followed: a drop is the whole journey.
		hooks, s.WeakEnd = nil, true
	}
	for _, h := range hooks {
		if state, _ := attachable(k, h.Candidate); strings.HasPrefix(state, "no") {
			s.Missing = append(s.Missing, h)
			continue
		}
		s.Hooks = append(s.Hooks, h)
	}
}

func onlyDrop(choices []Choice) bool {
	return !slices.ContainsFunc(choices, func(c Choice) bool { return c.Flags&bpf.HopDrop == 0 })
}

func choose(k Kernel, h *Hop) Choice {
	c := Choice{Hop: h, Candidate: h.Candidates[0], Mechanism: MechNone}
	for _, cand := range h.Candidates {
		state, module := attachable(k, cand)
		if strings.HasPrefix(state, "no") {
			if c.State == "" {
				c.State = state
			}
			continue
		}
		c.Candidate, c.State, c.Module, c.Mechanism = cand, state, module, MechFentry
		if cand.Tracepoint {
			c.Mechanism = MechTP
		}
		return c
	}
	return c
}

// attachable says whether a candidate can be had: "ok", "?" or "no: why".
func attachable(k Kernel, c Candidate) (state, module string) {
	if c.Tracepoint {
		t, err := btfquery.FindTracepoint(k.Spec, c.Name, "")
		switch {
		case err != nil:
			return "no: this kernel has no such tracepoint", ""
		case c.Arg > len(t.Args) || !takesSkbOrSock(t.Args[c.Arg-1]):
			return fmt.Sprintf("no: argument %d is not the skb on this kernel", c.Arg), ""
		}
		return "ok", ""
	}
	if k.NoFentry {
		return "no: this kernel refuses fentry", ""
	}
	f, err := btfquery.FindFunc(k.Spec, c.Name, "")
	switch {
	case err != nil:
		return "no: this kernel has no such function", ""
	case f.Refused != "":
		return "no: " + f.Refused, ""
	case c.Arg > f.Args || !takesSkbOrSock(f.Types[c.Arg-1]):
		return fmt.Sprintf("no: argument %d is not the skb on this kernel", c.Arg), ""
	}
	return k.Symbols.Traceable(c.Name, "").String(), ""
}

func takesSkbOrSock(typ string) bool {
	typ = strings.TrimPrefix(typ, "const ")
	return typ == "struct sk_buff *" || typ == "struct sock *"
}

// selectHops reads a --hops list from left to right: a profile adds its hops, a
// glob those with such an id or function name, and -glob takes them away. A
// list that begins with "-" starts from the default profile.
func selectHops(list string) ([]*Hop, error) {
	chosen := map[string]bool{}
	if strings.HasPrefix(list, "-") {
		addMatching(chosen, "default", true)
	}
	for _, item := range strings.Split(list, ",") {
		name, remove := strings.CutPrefix(item, "-")
		if item == "full" {
			return nil, &HopError{Name: item, Why: "this version has no profile full; profiles: " + strings.Join(profiles, ", ")}
		}
		if !addMatching(chosen, name, !remove) {
			return nil, &HopError{Name: name, Near: near(name, hopNames())}
		}
	}
	hops := hopsOf(chosen)
	if len(hops) == 0 {
		return nil, &HopError{Name: list, Why: "no hop is left"}
	}
	return hops, nil
}

// hopsOf returns the hops with these ids in the order of the table.
func hopsOf(chosen map[string]bool) []*Hop {
	var hops []*Hop
	for i := range table {
		if chosen[table[i].ID] {
			hops = append(hops, &table[i])
		}
	}
	return hops
}

func addMatching(chosen map[string]bool, name string, add bool) bool {
	found := false
	for i := range table {
		if h := &table[i]; h.matches(name) {
			chosen[h.ID] = add
			found = true
		}
	}
	return found
}

// matches says whether a word of --hops means this hop: a profile it is in, or
// a glob for its id or for one of its functions.
func (h *Hop) matches(word string) bool {
	if slices.Contains(h.Profiles, word) {
		return true
	}
	if word == "tracepoints" {
		return h.Candidates[0].Tracepoint
	}
	if ok, err := path.Match(word, h.ID); ok && err == nil {
		return true
	}
	return slices.ContainsFunc(h.Candidates, func(c Candidate) bool {
		ok, err := path.Match(word, c.Name)
		return ok && err == nil
	})
}

func hopNames() []string {
	var names []string
	for i := range table {
		names = append(names, table[i].ID)
		for _, c := range table[i].Candidates {
			names = append(names, c.Name)
		}
	}
	names = append(names, profiles...)
	slices.Sort(names)
	return slices.Compact(names)
}

// programs lists the copies of the BPF templates that the set needs. With
// dynptr, taps can read fragments.
func (s *HopSet) programs(dynptr bool) []bpf.Program {
	var out []bpf.Program
	for i, c := range s.Choices {
		if c.Mechanism == MechNone {
			continue
		}
		out = append(out, bpf.Program{
			Name: "h_" + c.ID, Template: template(c, dynptr), Target: c.Name,
			Hop: uint16(i), Flags: c.Flags,
		})
	}
	for _, h := range s.Hooks {
		out = append(out, bpf.Program{Name: "e_" + h.Name, Template: h.Template, Target: h.Name})
	}
	return out
}

// template names the program in hop.bpf.c that a hop is a copy of: mechanism,
// kind, place of the argument.
func template(c Choice, dynptr bool) string {
	name := fmt.Sprintf("%s_%s_%d", c.Mechanism, kind(c.Flags), c.Arg)
	if dynptr && c.Mechanism == MechTP && c.Flags&(bpf.HopTapTx|bpf.HopTapRx|bpf.HopDrop) != 0 {
		name += "_dynptr"
	}
	return name
}

func kind(flags uint32) string {
	for _, k := range []struct {
		flags uint32
		name  string
	}{
		{bpf.HopWake, "wake"},
		{bpf.HopSock, "sock"},
		{bpf.HopDrop, "drop"},
		{bpf.HopQueued, "queued"},
		{bpf.HopRead, "read"},
		{bpf.HopTapTx | bpf.HopTapRx, "tap"},
		{bpf.HopTapLate, "late"},
		{bpf.HopOrigin, "origin"},
	} {
		if flags&k.flags != 0 {
			return k.name
		}
	}
	return "transit"
}
