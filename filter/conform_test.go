// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// TestConformance runs libpcap's own cases: what it accepts must match the
// same packets as its unoptimised program or be refused as not supported yet,
// what it rejects must be rejected.
func TestConformance(t *testing.T) {
	dir := dataDir()
	if dir == "" {
		t.Skip("no conformance data: HOPDUMP_DATA is not set")
	}
	count := map[string]int{}
	defer func() { t.Logf("%v", count) }()
	for _, c := range readCases(t, dir) {
		if c.kind != "apply" && layouts[c.link()].name == "" {
			count[c.kind+" of another link"]++
			continue
		}
		switch c.kind {
		case "accept":
			count["accept "+accept(t, &c, dir)]++
		case "reject":
			count["reject "+refuse(t, &c, dir)]++
		case "apply":
			count["apply "+apply(t, &c, dir)]++
		}
	}
}

// accept checks that the expression matches what libpcap's program matches.
func accept(t *testing.T, c *testCase, dir string) string {
	p, err := Compile(c.expr, c.link(), c.options(t, dir))
	if errors.Is(err, ErrUnsupported) {
		return "unsupported"
	}
	if err != nil {
		t.Errorf("%s %q on %s: %v", c.name, c.expr, c.dlt, err)
		return "failed"
	}
	want := classic(t, strings.SplitN(c.x2, ";", 2)[1])
	for _, pkt := range packets(c.link()) {
		if got := p.Match(pkt, Meta{}); got != accepts(t, want, pkt) {
			t.Errorf("%s %q on %s: match %t, libpcap differs; packet %x", c.name, c.expr, c.dlt, got, pkt)
			return "failed"
		}
	}
	return "passed"
}

// refuse checks that the expression is rejected. Where libpcap's optimiser
// finds that nothing can match, it is enough to find that too.
func refuse(t *testing.T, c *testCase, dir string) string {
	p, err := Compile(c.expr, c.link(), c.options(t, dir))
	switch {
	case err == nil && strings.Contains(c.x1, "expression rejects all packets") && p.MatchesNone():
		return "passed as MatchesNone"
	case err == nil && c.opts["skip"] != "":
		return "of another system"
	case err == nil:
		t.Errorf("%s %q on %s: accepted, want %q", c.name, c.expr, c.dlt, c.x1)
		return "failed"
	case strings.Contains(err.Error(), c.x1):
		return "passed, same words"
	case errors.Is(err, ErrUnsupported):
		return "unsupported"
	}
	t.Logf("%s %q on %s: %q, libpcap %q", c.name, c.expr, c.dlt, err, c.x1)
	return "passed, other words"
}

// apply checks the result for each packet of a file.
func apply(t *testing.T, c *testCase, dir string) string {
	file, ok := readCapture(filepath.Join(dir, "pcaps", "libpcap", c.x1))
	if !ok || layouts[file.link].name == "" {
		return "of another link"
	}
	p, err := Compile(c.expr, file.link, c.options(t, dir))
	if errors.Is(err, ErrUnsupported) {
		return "unsupported"
	}
	if err != nil {
		t.Errorf("%s %q on %s: %v", c.name, c.expr, c.x1, err)
		return "failed"
	}
	want := strings.Split(c.x2, ",")
	if len(want) != len(file.pkts) {
		t.Fatalf("%s: %d results for %d packets", c.x1, len(want), len(file.pkts))
	}
	for i, pkt := range file.pkts {
		if got := p.Match(pkt, Meta{Len: file.lens[i]}); got != (want[i] != "0") {
			t.Errorf("%s %q on %s: packet %d: match %t", c.name, c.expr, c.x1, i+1, got)
			return "failed"
		}
	}
	return "passed"
}
