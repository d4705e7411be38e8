// SPDX-License-Identifier: Apache-2.0

// Package e2e runs the finished binary against known traffic on a real kernel,
// in a virtual machine (make vm-test), and compares what it wrote with what the
// senders, the kernel's own counters and tcpdump say.
package e2e

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hopdump/pcapng"
)

// hopdumpBin is the binary under test, and outDir where captures go: in the
// machine what is left there comes out of it.
var (
	hopdumpBin = "/bin/hopdump"
	outDir     = "/out"
)

// patience is how long anything may take under emulation before it counts as hanging.
const patience = 90 * time.Second

// TestMain runs everything but TestNative… in a virtual machine, and those alone
// anywhere else: with the tracepoints profile, as far as this kernel allows.
func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv("HOPDUMP_VM") == "1" {
		if flag.Lookup("test.run").Value.String() == "" {
			must(flag.Set("test.skip", "^(TestNative|TestOldKernel)"))
		}
		must(os.MkdirAll(outDir, 0o755))
		os.Exit(m.Run())
	}
	if os.Geteuid() != 0 {
		fmt.Println("end-to-end tests need root, or a virtual machine: make vm-test")
		os.Exit(0)
	}
	dir, err := os.MkdirTemp("", "hopdump-e2e")
	must(err)
	hopdumpBin, outDir = filepath.Join(dir, "hopdump"), dir
	build := exec.Command("go", "build", "-o", hopdumpBin, "hopdump/cmd/hopdump")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		panic(string(out))
	}
	if flag.Lookup("test.run").Value.String() == "" {
		must(flag.Set("test.run", "^TestNative"))
	}
	status := m.Run()
	must(os.RemoveAll(dir))
	os.Exit(status)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// session is a hopdump at work.
type session struct {
	t      testing.TB
	cmd    *exec.Cmd
	file   string
	stderr *watched
	stdout *bytes.Buffer
	began  time.Duration // from start to "listening on"
}

// watched collects output and lets others wait for a line of it.
type watched struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	wake chan struct{}
}

func newWatched() *watched { return &watched{wake: make(chan struct{}, 1)} }

func (w *watched) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return w.buf.Write(b)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

// waitFor waits until the output has the text; false if it did not come.
func (w *watched) waitFor(text string, within time.Duration) bool {
	deadline := time.After(within)
	for !strings.Contains(w.String(), text) {
		select {
		case <-w.wake:
		case <-deadline:
			return strings.Contains(w.String(), text)
		}
	}
	return true
}

// hopdump starts a capture into a file of the test's name and waits until it
// records.
func hopdump(t testing.TB, args ...string) *session {
	t.Helper()
	name := strings.NewReplacer("/", "_", " ", "_").Replace(t.Name())
	s := &session{t: t, file: filepath.Join(outDir, name+".pcapng")}
	s.start(append([]string{"-w", s.file}, args...)...)
	return s
}

// hopdumpText starts a capture that prints.
func hopdumpText(t testing.TB, args ...string) *session {
	t.Helper()
	s := &session{t: t}
	s.start(args...)
	return s
}

func (s *session) start(args ...string) {
	s.t.Helper()
	s.cmd = exec.Command(hopdumpBin, args...)
	s.stderr, s.stdout = newWatched(), &bytes.Buffer{}
	s.cmd.Stderr, s.cmd.Stdout = s.stderr, s.stdout
	start := time.Now()
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = s.cmd.Process.Kill(); _, _ = s.cmd.Process.Wait() })
	if !s.stderr.waitFor("listening on", patience) {
		if os.Getenv("HOPDUMP_VM") != "1" && strings.Contains(s.stderr.String(), "not permitted") {
			s.t.Skip("this kernel does not let us trace: " + s.stderr.String())
		}
		s.t.Fatalf("hopdump %v does not listen:\n%s", args, s.stderr)
	}
	s.began = time.Since(start)
}

// result is what a finished capture left.
type result struct {
	status   int
	stderr   string
	stdout   string
	captured int
	received int
	dropped  int
	hops     int
	lost     int
	recs     []*pcapng.Record

	retransmitted int // segments, by the kernel's count; under emulation a timer may be early
}

// settle gives journeys time to end: longer than nothing is waited for, the
// linger of one second included.
const settle = 1500 * time.Millisecond

// stop ends the capture like Ctrl-C, after what is under way had time to end.
func (s *session) stop() *result {
	s.t.Helper()
	time.Sleep(settle)
	return s.interrupt()
}

func (s *session) interrupt() *result {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil {
		s.t.Fatal(err)
	}
	return s.wait()
}

func (s *session) wait() *result {
	s.t.Helper()
	done := make(chan error, 1)
	go func() { done <- s.cmd.Wait() }()
	select {
	case <-done:
	case <-time.After(patience):
		s.t.Fatalf("hopdump does not end:\n%s", s.stderr)
	}
	r := &result{status: s.cmd.ProcessState.ExitCode(), stderr: s.stderr.String(), stdout: s.stdout.String()}
	r.captured = s.number(r, `(?m)^(\d+) packets? captured$`)
	r.received = s.number(r, `(?m)^(\d+) packets? received by filter$`)
	r.dropped = s.number(r, `(?m)^(\d+) packets? dropped by kernel$`)
	r.hops = s.number(r, `(?m)^(\d+) hops? recorded, \d+ lost$`)
	r.lost = s.number(r, `(?m)^\d+ hops? recorded, (\d+) lost$`)
	if s.file != "" {
		r.recs = readFile(s.t, s.file)
	}
	return r
}

func (s *session) number(r *result, pattern string) int {
	s.t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(r.stderr)
	if m == nil {
		s.t.Errorf("no line %s in\n%s", pattern, r.stderr)
		return -1
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// readFile reads a whole capture with the project's own reader; tshark reads
// the same files outside the machine (test/tools).
func readFile(t testing.TB, name string) []*pcapng.Record {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rr, err := pcapng.NewRecordReader(f)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var out []*pcapng.Record
	for {
		r, err := rr.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out = append(out, r.Copy())
	}
}

// checkAccount holds the end lines against the file, and demands that nothing
// was lost.
func (r *result) checkAccount(t testing.TB) {
	t.Helper()
	if r.status != 0 {
		t.Errorf("exit status %d\n%s", r.status, r.stderr)
	}
	if r.captured != len(r.recs) {
		t.Errorf("%d packets captured by the end lines, %d in the file", r.captured, len(r.recs))
	}
	if r.received != r.captured || r.dropped != 0 {
		t.Errorf("received %d, captured %d, dropped %d\n%s", r.received, r.captured, r.dropped, r.stderr)
	}
	hops := 0
	for _, rec := range r.recs {
		if rec.Path != nil {
			hops += len(rec.Path.Hops)
		}
	}
	if hops != r.hops {
		t.Errorf("%d hops recorded by the end lines, %d in the file", r.hops, hops)
	}
	if strings.Contains(r.stderr, "lost: bytes of") || strings.Contains(r.stderr, ", bytes of") {
		t.Errorf("packets were cut:\n%s", r.stderr)
	}
	if strings.Contains(r.stderr, "order of") {
		t.Errorf("hops out of order:\n%s", r.stderr)
	}
}

// checkPath holds a path against itself: times rise, steps add up, one tap.
func checkPath(t testing.TB, rec *pcapng.Record) {
	t.Helper()
	p := rec.Path
	if p == nil {
		t.Errorf("packet %d has no path", rec.ID)
		return
	}
	var sum int64
	taps := 0
	for i, h := range p.Hops {
		sum += h.Delta
		if h.Delta < 0 || h.Elapsed != sum {
			t.Errorf("packet %d hop %d %s: step %d, elapsed %d, sum of the steps %d", rec.ID, i+1, h.Func, h.Delta, h.Elapsed, sum)
		}
		if h.Tap {
			taps++
		}
	}
	if p.Total != sum || p.Count != len(p.Hops)+p.Trunc {
		t.Errorf("packet %d: total %d of %d, %d hops of %d", rec.ID, p.Total, sum, p.Count, len(p.Hops))
	}
	if taps != 1 {
		t.Errorf("packet %d: %d hops are the tap: %s", rec.ID, taps, p.AppendTail(nil))
	}
}

// funcs lists the hops of a path by name.
func funcs(rec *pcapng.Record) string {
	var names []string
	if rec.Path != nil {
		for _, h := range rec.Path.Hops {
			names = append(names, h.Func)
		}
	}
	return strings.Join(names, " ")
}
