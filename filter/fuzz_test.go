// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"errors"
	"testing"
)

// FuzzCompile: whatever the expression, compiling ends with a program that
// every back end takes, or with an error at a place in the expression.
func FuzzCompile(f *testing.F) {
	for _, expr := range corpus {
		f.Add(expr)
	}
	for _, expr := range linkCorpus {
		f.Add(expr)
	}
	for _, expr := range []string{"tcp[13]&2!=0", "host ((80", "vlan and (", "ether host 1:2:", "net ::/129", `\`, "!(!(", "port 0x"} {
		f.Add(expr)
	}
	pkt := ethernetPackets()[0]
	f.Fuzz(func(t *testing.T, expr string) {
		for link := range layouts {
			p, err := Compile(expr, link, corpusOptions)
			var e *Error
			switch {
			case err == nil:
				p.Match(pkt, Meta{})
				p.Match(nil, Meta{Len: 9})
				if _, err := p.EBPF(EBPFOptions{}); err != nil && !errors.Is(err, ErrTooLarge) {
					t.Errorf("%q on %d: %v", expr, link, err)
				}
			case !errors.As(err, &e):
				t.Errorf("%q on %d: %T", expr, link, err)
			case e.Col < 1 || e.Len < 0 || e.Col+e.Len > len(expr)+1 || e.Msg == "" || e.Expr != expr:
				t.Errorf("%q on %d: error at %d, length %d", expr, link, e.Col, e.Len)
			default:
				e.Caret()
			}
		}
	})
}

// FuzzDifferential: an optimised program says of every packet what the
// predicate says that it was made from.
func FuzzDifferential(f *testing.F) {
	pkts := ethernetPackets()
	for i, expr := range corpus {
		f.Add(expr, pkts[i%len(pkts)], uint16(i%3), uint16(etherIPv4))
	}
	f.Fuzz(func(t *testing.T, expr string, pkt []byte, more, proto uint16) {
		for link := range layouts {
			p, err := Compile(expr, link, corpusOptions)
			if err != nil {
				continue
			}
			pred, err := meaning(expr, link, corpusOptions)
			if err != nil {
				t.Fatal(err)
			}
			meta := Meta{Len: len(pkt) + int(more), Proto: proto}
			got, want := p.code.run(pkt, meta), verdictOf(pred, pkt, meta)
			if got != want && !(got == reject && want == undecided) {
				t.Errorf("%q on %d: %d, want %d", expr, link, got, want)
			}
			if p.MatchesAll() && want != match || p.MatchesNone() && want == match {
				t.Errorf("%q on %d: all %t, none %t, but %d", expr, link, p.MatchesAll(), p.MatchesNone(), want)
			}
		}
	})
}
