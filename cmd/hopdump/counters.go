// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"hopdump/capture"
	"hopdump/cmd/hopdump/internal/output"
)

// printCounters writes the account of the capture so far to standard error.
func (r *recording) printCounters() {
	lines := counterLines(r.engine.Stats(), r.captured.Load(), r.notKept.Load())
	fmt.Fprintln(r.stderr, strings.Join(lines, "\n"))
}

// counterLines words an account: tcpdump's three lines, one more, and what is
// not zero.
func counterLines(s capture.Stats, captured, notKept uint64) []string {
	lines := []string{
		plural(captured, "packet") + " captured",
		plural(s.Received, "packet") + " received by filter",
		plural(s.Dropped, "packet") + " dropped by kernel",
		fmt.Sprintf("%s recorded, %d lost", plural(s.Hops, "hop"), s.HopsLost),
	}
	if len(s.Lost) > 0 {
		lines = append(lines, "lost: "+visible(strings.Join(s.Lost, ", ")))
	}
	if notKept > 0 {
		lines = append(lines, plural(notKept, "packet")+" not kept")
	}
	if s.Late > 0 {
		lines = append(lines, plural(s.Late, "packet")+" written late, out of order")
	}
	for _, d := range s.IfDropped {
		if d.N > 0 {
			lines = append(lines, visible(fmt.Sprintf("%s dropped by interface (%s: %s)", plural(d.N, "packet"), d.Dev, d.Counter)))
		}
	}
	return lines
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && output.IsTerminal(f)
}
