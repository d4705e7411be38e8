// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// testArgs returns the arguments for the guest. For a test binary that means:
// no log for go test's cache (its directory is not in the guest), a time limit
// that falls before ours (the panic shows where it hangs), and -test.v, without
// which a skip leaves no trace.
func testArgs(o options) []string {
	args := o.command[1:]
	if !o.isTest() {
		return args
	}
	args = slices.DeleteFunc(slices.Clone(args), func(arg string) bool {
		return strings.HasPrefix(arg, "-test.testlogfile=")
	})
	limit := o.timeout - o.timeout/10
	for i, arg := range args {
		if value, ok := strings.CutPrefix(arg, "-test.timeout="); ok {
			if d, err := time.ParseDuration(value); err == nil && (d == 0 || d > limit) {
				args[i] = "-test.timeout=" + limit.String()
			}
		}
	}
	if addsVerbose(o) {
		args = slices.Insert(args, 0, "-test.v=true")
	}
	return args
}

// addsVerbose tells whether -test.v is ours, so that its lines are not wanted.
func addsVerbose(o options) bool {
	return o.noskip && o.isTest() && !slices.ContainsFunc(o.command[1:], func(arg string) bool {
		return arg == "-test.v" || strings.HasPrefix(arg, "-test.v=")
	})
}

var (
	// go test -json marks its own lines with ^V.
	skipLine = regexp.MustCompile(`^\x16?\s*--- SKIP: (\S+)`)
	// What -test.v adds for tests that pass.
	verboseLine = regexp.MustCompile(`^(=== (RUN|PAUSE|CONT|NAME) |\s*--- PASS: )`)
)

// testOutput passes a test binary's output on, notes skips, and hides the lines
// that are there only because of our own -test.v.
type testOutput struct {
	w       io.Writer
	hide    bool
	skipped []string // tests
	partial []byte   // the line that has not ended yet
}

func (t *testOutput) Write(p []byte) (int, error) {
	t.partial = append(t.partial, p...)
	for {
		end := bytes.IndexByte(t.partial, '\n')
		if end < 0 {
			return len(p), nil
		}
		if err := t.line(t.partial[:end+1]); err != nil {
			return 0, err
		}
		t.partial = t.partial[end+1:]
	}
}

func (t *testOutput) line(line []byte) error {
	if m := skipLine.FindSubmatch(line); m != nil {
		t.skipped = append(t.skipped, string(m[1]))
	}
	if t.hide && verboseLine.Match(line) {
		return nil
	}
	_, err := t.w.Write(line)
	return err
}

// flush passes a last line without an end on.
func (t *testOutput) flush() error {
	line := t.partial
	t.partial = nil
	if len(line) == 0 {
		return nil
	}
	return t.line(line)
}
