// SPDX-License-Identifier: Apache-2.0

package btfquery

import (
	"bytes"
	"io"
	"slices"
)

// Symbols knows, of a set of function names, what the running kernel's lists
// say about them. It keeps nothing about other names, so that lists of 200,000
// lines cost little.
//
// Either list may be missing: [Symbols.Traceable] then answers as far as it can.
// The methods that parse must not run at the same time as others.
type Symbols struct {
	wanted  map[string]*symbol
	modules map[string]bool // seen in a list

	kallsyms bool // was read to the end
	filter   bool // available_filter_functions was
}

// symbol is what the lists say about one name.
type symbol struct {
	places []place
	suffix string // the first symbol that is this name plus .constprop.0 or the like
}

// place counts the symbols of one name in vmlinux or in one module.
type place struct {
	module string
	ksyms  int // lines of code in kallsyms
	ftrace int // lines in available_filter_functions
}

// NewSymbols returns Symbols about these names, without a list so far. A name
// that is not among them stays unknown.
func NewSymbols(names []string) *Symbols {
	s := &Symbols{wanted: make(map[string]*symbol, len(names)), modules: make(map[string]bool)}
	for _, name := range names {
		s.wanted[name] = new(symbol)
	}
	return s
}

// ParseKallsyms reads /proc/kallsyms. Addresses do not matter, so it is as good
// without CAP_SYSLOG. After an error the list counts as unread.
func (s *Symbols) ParseKallsyms(r io.Reader) error {
	s.forgetKallsyms()
	var last lastModule
	err := eachLine(r, "kallsyms", func(line []byte) error {
		k, ok := parseKsym(line)
		if !ok {
			return errFormat
		}
		module := last.name(k.module, s.modules)
		if k.text() {
			s.addKsym(k.name, module)
		}
		return nil
	})
	if err != nil {
		s.forgetKallsyms()
		return err
	}
	s.kallsyms = true
	return nil
}

func (s *Symbols) forgetKallsyms() {
	s.kallsyms = false
	for _, sym := range s.wanted {
		sym.suffix = ""
		for i := range sym.places {
			sym.places[i].ksyms = 0
		}
	}
}

// addKsym counts a code symbol under its name or, if it has one, under its name
// without suffix. What follows ".cold" is no function.
func (s *Symbols) addKsym(name []byte, module string) {
	if sym := s.wanted[string(name)]; sym != nil {
		sym.at(module).ksyms++
	}
	dot := bytes.IndexByte(name, '.')
	if dot <= 0 || bytes.HasSuffix(name, []byte(".cold")) {
		return
	}
	if sym := s.wanted[string(name[:dot])]; sym != nil && sym.suffix == "" {
		sym.suffix = string(name)
	}
}

// ParseAvailableFilterFunctions reads available_filter_functions of tracefs,
// the list of what ftrace, and so fentry, can attach to. After an error the
// list counts as unread.
func (s *Symbols) ParseAvailableFilterFunctions(r io.Reader) error {
	s.forgetFilter()
	var last lastModule
	err := eachLine(r, "available_filter_functions", func(line []byte) error {
		name, module := cutModule(line)
		if len(name) == 0 {
			return errFormat
		}
		in := last.name(module, s.modules)
		if sym := s.wanted[string(name)]; sym != nil {
			sym.at(in).ftrace++
		}
		return nil
	})
	if err != nil {
		s.forgetFilter()
		return err
	}
	s.filter = true
	return nil
}

func (s *Symbols) forgetFilter() {
	s.filter = false
	for _, sym := range s.wanted {
		for i := range sym.places {
			sym.places[i].ftrace = 0
		}
	}
}

// Modules returns where kallsyms has code of that very name, sorted: "" is
// vmlinux. It returns nil if it has none, was not read, or the name was not
// asked for.
func (s *Symbols) Modules(name string) []string {
	sym := s.wanted[name]
	if sym == nil || !s.kallsyms {
		return nil
	}
	var out []string
	for _, p := range sym.places {
		if p.ksyms > 0 {
			out = append(out, p.module)
		}
	}
	slices.Sort(out)
	return out
}

// at returns the counts of one module, new ones if need be.
func (y *symbol) at(module string) *place {
	for i := range y.places {
		if y.places[i].module == module {
			return &y.places[i]
		}
	}
	y.places = append(y.places, place{module: module})
	return &y.places[len(y.places)-1]
}

// lastModule turns the module of a line into a string. Lines of one module
// follow one another, so a string is rarely made.
type lastModule struct{ module string }

// name returns the module and enters it into seen.
func (l *lastModule) name(module []byte, seen map[string]bool) string {
	if len(module) == 0 {
		return ""
	}
	if l.module != string(module) {
		l.module = string(module)
		seen[l.module] = true
	}
	return l.module
}
