// SPDX-License-Identifier: Apache-2.0

package btfquery

import "strconv"

// Reason is why a function can or cannot be traced.
type Reason uint8

// The reasons, as far as the lists of symbols tell.
const (
	Unknown   Reason = iota // a list could not be read, or the name was not asked for: worth a try
	Traceable               // it can
	NoSymbol                // not in kallsyms: inlined everywhere, or not in this kernel
	Suffixed                // only as name.constprop.0 or the like, which BTF does not describe
	Several                 // several functions of that name: which one is met is chance
	Unlisted                // not in available_filter_functions: notrace, __init, or inlined by header
	NoModule                // its module is not loaded
)

// Verdict says whether a function can be traced. The zero value is unknown.
type Verdict struct {
	Reason Reason

	// Symbol is, for Suffixed, the symbol there is. For the other reasons it
	// is a suffixed symbol beside the function, "" if there is none: callers
	// may have been made to go past the function (tcp_retransmit_skb on 6.1
	// calls __tcp_retransmit_skb.part.0).
	Symbol string
	// Count is, for Several, how many there are.
	Count int
	// Module is the module of NoModule.
	Module string
	// Shadowed says that another module, or vmlinux, has a function of that
	// name too. Kernels before 6.4 (31bf1dbccfb0 "bpf: Fix attaching
	// fentry/fexit/fmod_ret/lsm to modules") may attach to that one instead
	// of a module's.
	Shadowed bool
}

// OK reports whether the function can be traced for all we know.
func (v Verdict) OK() bool { return v.Reason == Traceable }

// String is the state shown to people: "ok", "?", or "no: " and the reason.
func (v Verdict) String() string {
	switch v.Reason {
	case Traceable:
		return "ok"
	case NoSymbol:
		return "no: not in kallsyms"
	case Suffixed:
		return "no: only " + v.Symbol
	case Several:
		return "no: " + strconv.Itoa(v.Count) + " functions of that name"
	case Unlisted:
		return "no: not in available_filter_functions"
	case NoModule:
		return "no: module " + v.Module + " is not loaded"
	}
	return "?"
}

// Traceable says whether fentry and fexit can attach to the function of that
// name in that module ("" or "vmlinux" for vmlinux), as far as the lists read
// so far tell. Its prototype is another matter: see [Func].
func (s *Symbols) Traceable(name, module string) Verdict {
	if module == "vmlinux" {
		module = ""
	}
	sym := s.wanted[name]
	if sym == nil || !s.kallsyms && !s.filter {
		return Verdict{}
	}
	if module != "" && !s.modules[module] {
		return Verdict{Reason: NoModule, Module: module}
	}
	v := Verdict{Symbol: sym.suffix}
	var here place
	for _, p := range sym.places {
		switch {
		case p.module == module:
			here = p
		case p.ksyms > 0 || p.ftrace > 0:
			v.Shadowed = true
		}
	}
	v.Reason = s.judge(here, sym.suffix != "")
	if v.Reason == Several {
		v.Count = max(here.ksyms, here.ftrace)
	}
	return v
}

// judge weighs what the lists say about a name in its module.
func (s *Symbols) judge(here place, suffixed bool) Reason {
	switch {
	case here.ksyms > 1 || here.ftrace > 1:
		return Several
	case s.kallsyms && here.ksyms == 0 && suffixed:
		return Suffixed
	case s.kallsyms && here.ksyms == 0:
		return NoSymbol
	case s.filter && here.ftrace == 0:
		return Unlisted
	case s.kallsyms && s.filter:
		return Traceable
	}
	return Unknown
}
