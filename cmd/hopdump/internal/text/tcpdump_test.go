// SPDX-License-Identifier: Apache-2.0

package text

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hopdump/pcapng"
)

// captures is where the captures to compare on lie; the variable names the
// directory.
const captures = "HOPDUMP_PCAPS"

// compared are the packets whose text is meant to equal tcpdump's.
const compared = "tcp or udp port 53 or icmp or icmp6 or arp"

// TestEqualsTcpdump prints the same packets with tcpdump and with this package
// and reports how many texts are equal, blanks folded. What a TCP payload is
// called beyond the protocols here counts as equal up to the length before it.
func TestEqualsTcpdump(t *testing.T) {
	if _, err := exec.LookPath("tcpdump"); err != nil {
		t.Skip("no tcpdump here")
	}
	if os.Getenv(captures) == "" {
		t.Skipf("%s names no directory", captures)
	}
	files := filtered(t)
	tests := map[string]struct {
		flags string
		opt   Options
		least float64 // percent
	}{
		"numeric":      {"-n", Options{Numeric: true}, 95},
		"link header":  {"-n -e", Options{Numeric: true, Link: true}, 95},
		"verbose":      {"-n -v", Options{Numeric: true, Verbose: 1}, 85},
		"very verbose": {"-n -vv", Options{Numeric: true, Verbose: 2}, 80},
		"quiet":        {"-n -q", Options{Numeric: true, Quiet: true}, 95},
		"absolute":     {"-n -S", Options{Numeric: true, AbsSeq: true}, 95},
		"dates":        {"-n -tttt", Options{Numeric: true, Time: TimeDate}, 95},
		// tcpdump leaves out whole days of a difference.
		"deltas":          {"-n -ttt", Options{Numeric: true, Time: TimeDelta}, 90},
		"since first":     {"-n -ttttt", Options{Numeric: true, Time: TimeSinceZero}, 85},
		"unix, nano":      {"-n -tt --nano", Options{Numeric: true, Time: TimeUnix, Nano: true}, 95},
		"counted, no sum": {"-n -# -K", Options{Numeric: true, Number: true, NoChecksum: true}, 95},
		"hex":             {"-n -x", Options{Numeric: true, Dump: Dump{Hex: true}}, 95},
		"hex and text":    {"-n -XX", Options{Numeric: true, Dump: Dump{Hex: true, ASCII: true, Link: true}}, 95},
		// Here the payloads of TCP cannot be told from the dump.
		"text": {"-n -A", Options{Numeric: true, Dump: Dump{ASCII: true}}, 65},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.opt.Zone = time.UTC
			var score score
			for _, file := range files {
				want, got := theirs(t, file, test.flags), ours(t, file, test.opt)
				if test.opt.Dump.Hex {
					want, got = dumps(want), dumps(got)
				}
				score.add(want, got)
			}
			score.report(t, test.least)
		})
	}
}

// filtered writes the packets to be compared of every capture that this
// package can print.
func filtered(t *testing.T) (out []string) {
	t.Helper()
	tmp := t.TempDir()
	for _, path := range captureFiles(t) {
		to := filepath.Join(tmp, fmt.Sprintf("%d.pcap", len(out)))
		exec.Command("tcpdump", "-r", path, "-w", to, compared).Run() // a cut file has packets too
		r, err := open(to)
		if err == nil && LinkFromFile(r.LinkType()).Known() {
			out = append(out, to)
		}
	}
	return out
}

func open(path string) (*pcapng.RecordReader, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return pcapng.NewRecordReader(bytes.NewReader(b))
}

// theirs returns tcpdump's text of each packet.
func theirs(t *testing.T, file, flags string) []string {
	t.Helper()
	cmd := exec.Command("tcpdump", append([]string{"-r", file}, strings.Fields(flags)...)...)
	cmd.Env = append(os.Environ(), "TZ=UTC")
	out, err := cmd.Output()
	if e := (*exec.ExitError)(nil); err != nil && !errors.As(err, &e) {
		t.Fatal(err)
	}
	return packets(string(out))
}

// ours returns the text of each packet.
func ours(t *testing.T, file string, opt Options) []string {
	t.Helper()
	r, err := open(file)
	if err != nil {
		t.Fatal(err)
	}
	p := New(opt)
	var out []byte
	for rec, err := range r.All() {
		if err != nil {
			break
		}
		out = p.Append(out, rec, LinkFromFile(r.LinkType()))
	}
	return packets(string(out))
}

var packetStart = regexp.MustCompile(`^ *(\d+  )?[- ]?(\[Error converting time\]|\d{4}-\d\d-\d\d )?(\d{2,}:\d\d:\d\d\.\d+|\d+\.\d{6,9}|\d{4}-) `)

// packets cuts output into the texts of the packets, blanks folded.
func packets(out string) (all []string) {
	for line := range strings.Lines(out) {
		folded := strings.Join(strings.Fields(line), " ")
		if packetStart.MatchString(line) || len(all) == 0 {
			all = append(all, folded)
		} else {
			all[len(all)-1] += "\n" + folded
		}
	}
	return all
}

var dumpLines = regexp.MustCompile(`(?m)^0x[0-9a-f]{4}: .*$`)

// dumps keeps only the dump of each packet.
func dumps(all []string) (out []string) {
	for _, packet := range all {
		out = append(out, strings.Join(dumpLines.FindAllString(packet, -1), "\n"))
	}
	return out
}

// score counts equal texts and keeps the kinds of differences.
type score struct {
	equal, upTo, all int
	kinds            map[string]int
	example          map[string]string
}

// afterLength is where the printers of TCP payloads take over.
var afterLength = regexp.MustCompile(`(?s)(Flags .*?, length \d+)(: | |, )\S.*`)

func (s *score) add(want, got []string) {
	if s.kinds == nil {
		s.kinds, s.example = map[string]int{}, map[string]string{}
	}
	for i, w := range want {
		s.all++
		g := ""
		if i < len(got) {
			g = got[i]
		}
		switch {
		case g == w:
			s.equal++
		case afterLength.ReplaceAllString(g, "$1") == afterLength.ReplaceAllString(w, "$1"):
			s.upTo++
			s.note("payload of TCP", w, g)
		default:
			s.note(difference(w, g), w, g)
		}
	}
}

func (s *score) note(kind, want, got string) {
	s.kinds[kind]++
	s.example[kind] = fmt.Sprintf("\n    want %.300q\n    got  %.300q", want, got)
}

var numbers = regexp.MustCompile(`[0-9a-f:.]*[0-9][0-9a-f:.]*`)

// difference names a difference by the words around its beginning.
func difference(want, got string) string {
	w, g := strings.Fields(want), strings.Fields(got)
	for i := range w {
		if i >= len(g) || w[i] != g[i] {
			words := strings.Join(w[i:min(i+3, len(w))], " ")
			return numbers.ReplaceAllString(fmt.Sprintf("at %.60q", words), "N")
		}
	}
	return "something added"
}

func (s *score) report(t *testing.T, least float64) {
	t.Helper()
	percent := func(n int) float64 { return 100 * float64(n) / float64(max(s.all, 1)) }
	t.Logf("%d of %d equal (%.1f %%), with payloads of TCP cut off %d (%.1f %%)",
		s.equal, s.all, percent(s.equal), s.equal+s.upTo, percent(s.equal+s.upTo))
	kinds := slices.SortedFunc(maps.Keys(s.kinds), func(a, b string) int {
		return cmp.Or(cmp.Compare(s.kinds[b], s.kinds[a]), strings.Compare(a, b))
	})
	for i, kind := range kinds {
		if i >= 40 {
			t.Logf("and %d kinds more", len(kinds)-i)
			break
		}
		t.Logf("%4d  %s%s", s.kinds[kind], kind, s.example[kind])
	}
	if percent(s.equal+s.upTo) < least {
		t.Errorf("less than %.0f %% equal", least)
	}
}
