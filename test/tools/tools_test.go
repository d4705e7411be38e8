// SPDX-License-Identifier: Apache-2.0

// Package tools has other people's programs read what hopdump wrote: Wireshark's
// tools and tcpdump must take every file in silence, and tshark must show paths
// that parse.
//
// The files are those in the directories of $HOPDUMP_OUT (separated by colons),
// else what the virtual machines left in bin/vm and what a short capture on this
// machine gives to root. With HOPDUMP_REQUIRE_TOOLS=1 a missing tool is an error,
// and so is to have no file at all.
package tools

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hopdump/pcapng"
)

// required says that everything must be there that the tests can use.
func required() bool { return os.Getenv("HOPDUMP_REQUIRE_TOOLS") == "1" }

func TestTools(t *testing.T) {
	var files []string
	for _, dir := range directories(t) {
		found, err := filepath.Glob(filepath.Join(dir, "*.pcapng"))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d files", dir, len(found))
		files = append(files, found...)
	}
	if len(files) == 0 && required() {
		t.Fatal("no file to look at: run the tests in the virtual machines first (make vm-test), or this one as root")
	}
	for _, name := range files {
		t.Run(filepath.Base(filepath.Dir(name))+"/"+filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			f := look(t, name)
			if killed := strings.HasPrefix(filepath.Base(name), "killed_"); killed && (f.cut || f.ifaces == 0) {
				f.checkKilled(t)
				return
			} else if f.cut {
				t.Fatalf("ends inside a block after %d packets", len(f.recs))
			}
			f.checkTshark(t)
			f.checkCapinfos(t)
			f.checkTcpdump(t)
			f.checkCopies(t)
			f.checkReordercap(t)
		})
	}
}

// directories says where to look for files.
func directories(t *testing.T) []string {
	if list := os.Getenv("HOPDUMP_OUT"); list != "" {
		return filepath.SplitList(list)
	}
	dirs, err := filepath.Glob("../../bin/vm/*/")
	if err != nil {
		t.Fatal(err)
	}
	if fresh := capture(t); fresh != "" {
		dirs = append(dirs, fresh)
	}
	return dirs
}

// file is a capture as the project's own reader has it.
type file struct {
	name   string
	recs   []*pcapng.Record
	ifaces int
	late   bool // an interface is described behind the first packet
	cut    bool // ends inside a block
	head   int  // bytes before the first interface is described
}

// look reads a file twice: its blocks, and its records.
func look(t *testing.T, name string) *file {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	f := &file{name: name}
	packets := 0
	for b, err := range pcapng.NewReader(bytes.NewReader(data)).All() {
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF):
			f.cut = true
		case err != nil:
			t.Fatalf("%s: %v", name, err)
		case b.Packet != nil:
			packets++
		case b.Interface != nil:
			if f.ifaces == 0 {
				f.head = int(b.Off)
			}
			f.ifaces++
			f.late = f.late || packets > 0
		}
	}
	r, err := pcapng.NewRecordReader(bytes.NewReader(data))
	if err == nil {
		for rec, e := range r.All() {
			if err = e; err == nil {
				f.recs = append(f.recs, rec.Copy())
			}
		}
	}
	if err != nil && !(f.cut && errors.Is(err, io.ErrUnexpectedEOF)) {
		t.Fatalf("%s: %v", name, err)
	}
	if len(f.recs) != packets {
		t.Errorf("%d packet blocks, %d records", packets, len(f.recs))
	}
	return f
}

// outcome is what a tool did.
type outcome struct {
	missing bool // there is no such tool
	status  int
	stdout  string
	stderr  string // without what it may say
}

// try runs a tool.
func try(t *testing.T, name string, args ...string) outcome {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		if required() {
			t.Fatal(err)
		}
		t.Logf("left out: %v", err)
		return outcome{missing: true}
	}
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TZ=UTC")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	o := outcome{status: cmd.ProcessState.ExitCode(), stdout: stdout.String()}
	for line := range strings.Lines(stderr.String()) {
		root := line == "Running as user \"root\" and group \"root\". This could be dangerous.\n"
		reading := name == "tcpdump" && strings.HasPrefix(line, "reading from file ")
		if !root && !reading {
			o.stderr += line
		}
	}
	return o
}

// tool runs a tool that must succeed in silence; false if it is not there or
// did not.
func tool(t *testing.T, name string, args ...string) (string, bool) {
	t.Helper()
	o := try(t, name, args...)
	if o.missing {
		return "", false
	}
	if o.status != 0 || o.stderr != "" {
		t.Errorf("%s %s: status %d\n%s", name, strings.Join(args, " "), o.status, o.stderr)
		return "", false
	}
	return o.stdout, true
}

// between separates the comments of a packet in tshark's output: no comment of
// hopdump's has a control character in it.
const between = "\x01"

// tsharkArgs print a line per packet, then what tshark's experts think.
func tsharkArgs(name string) []string {
	return []string{"-n", "-r", name, "-T", "fields", "-E", "aggregator=" + between, "-e", "frame.number", "-e", "frame.comment", "-z", "expert"}
}

// checkTshark: every packet with its path, and none that is malformed.
func (f *file) checkTshark(t *testing.T) {
	t.Helper()
	out, ok := tool(t, "tshark", tsharkArgs(f.name)...)
	if !ok {
		return
	}
	lines := strings.Split(out, "\n")
	for i, rec := range f.recs {
		number, comments, _ := strings.Cut(lines[i], "\t")
		if number != strconv.Itoa(i+1) {
			t.Errorf("tshark has %d packets of %d; then %q", i, len(f.recs), lines[i])
			return
		}
		checkComments(t, number, comments, rec)
	}
	section := ""
	for _, line := range lines[len(f.recs):] {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 2 && strings.HasPrefix(fields[1], "("):
			section = fields[0]
		case section != "Errors" && section != "Warns" || len(fields) < 3 || fields[0] == "Frequency":
		case fields[1] == "Sequence": // TCP's of a stream, which passes two devices
		default:
			t.Errorf("tshark, %s: %s", section, line)
		}
	}
}

// checkComments holds the comments that tshark shows of a packet against the
// grammar and against the record.
func checkComments(t *testing.T, number, comments string, rec *pcapng.Record) {
	t.Helper()
	var list []string
	if comments != "" {
		list = strings.Split(comments, between)
	}
	path, rest := pcapng.ParsePath(list)
	if len(rest) > 0 {
		t.Errorf("packet %s: no comment of hopdump's: %q", number, rest)
	}
	if !reflect.DeepEqual(path, rec.Path) {
		t.Errorf("packet %s: tshark shows another path:\n%q\nthe file has\n%+v", number, list, rec.Path)
	}
	for _, c := range list {
		plain := strings.IndexFunc(c, func(r rune) bool { return r < 0x20 || r > 0x7e }) < 0
		if !plain || len(c) > pcapng.MaxComment {
			t.Errorf("packet %s: %d bytes, plain %v: %q", number, len(c), plain, c)
		}
	}
	if path != nil && len(path.Hops) > 0 && path.Count != len(path.Hops)+path.Trunc {
		t.Errorf("packet %s: %d hops of %d, %d left out", number, len(path.Hops), path.Count, path.Trunc)
	}
}

// checkCapinfos: the right number of packets.
func (f *file) checkCapinfos(t *testing.T) {
	t.Helper()
	out, ok := tool(t, "capinfos", "-M", "-c", f.name)
	if _, n, _ := strings.Cut(out, "Number of packets:"); ok && strings.TrimSpace(n) != strconv.Itoa(len(f.recs)) {
		t.Errorf("capinfos has not %d packets:\n%s", len(f.recs), out)
	}
}

// checkTcpdump: it prints every packet.
func (f *file) checkTcpdump(t *testing.T) {
	t.Helper()
	out, ok := tool(t, "tcpdump", "-n", "-e", "-#", "-r", f.name)
	last := "0"
	for line := range strings.Lines(out) {
		if fields := strings.Fields(line); line[0] != '\t' && len(fields) > 0 {
			last = fields[0]
		}
	}
	if ok && last != strconv.Itoa(len(f.recs)) {
		t.Errorf("tcpdump has %s packets of %d", last, len(f.recs))
	}
}

// checkCopies: what the tools write anew has the same packets and paths.
func (f *file) checkCopies(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	for name, args := range map[string][]string{
		"editcap":  {f.name, filepath.Join(dir, "editcap.pcapng")},
		"mergecap": {"-w", filepath.Join(dir, "mergecap.pcapng"), f.name},
	} {
		if _, ok := tool(t, name, args...); ok {
			f.checkSame(t, name, look(t, filepath.Join(dir, name+".pcapng")))
		}
	}
}

func (f *file) checkSame(t *testing.T, tool string, copied *file) {
	t.Helper()
	if len(copied.recs) != len(f.recs) {
		t.Errorf("%s makes %d packets of %d", tool, len(copied.recs), len(f.recs))
		return
	}
	for i, rec := range copied.recs {
		was := f.recs[i]
		if rec.Time != was.Time || rec.Len != was.Len || !bytes.Equal(rec.Data, was.Data) || !reflect.DeepEqual(rec.Path, was.Path) {
			t.Errorf("%s changes packet %d:\n%+v\n%+v", tool, i+1, rec.Path, was.Path)
		}
	}
}

// checkReordercap: it can sort the file, or has nothing to do.
func (f *file) checkReordercap(t *testing.T) {
	t.Helper()
	sorted := slices.IsSortedFunc(f.recs, func(a, b *pcapng.Record) int { return int(a.Time - b.Time) })
	out := filepath.Join(t.TempDir(), "reordercap.pcapng")
	args := []string{f.name, out}
	if f.late {
		// Reordercap knows the interfaces before the first packet alone and
		// cannot write the others (4.0), but it can read them.
		if !sorted {
			t.Log("reordercap left out: packets out of order, and interfaces described late")
			return
		}
		args = append([]string{"-n"}, args...)
	}
	said, ok := tool(t, "reordercap", args...)
	if !ok {
		return
	}
	if sorted && !strings.Contains(said, " 0 out of order") {
		t.Errorf("reordercap: %s", said)
	}
	if f.late {
		return
	}
	if copied := look(t, out); len(copied.recs) != len(f.recs) {
		t.Errorf("reordercap makes %d packets of %d", len(copied.recs), len(f.recs))
	}
}

// checkKilled: of a file whose writer was killed tshark shows everything that is
// whole, and complains about nothing but the end.
func (f *file) checkKilled(t *testing.T) {
	t.Helper()
	o := try(t, "tshark", tsharkArgs(f.name)...)
	if o.missing {
		return
	}
	want := 0
	if f.cut {
		want = 2
		if !strings.Contains(o.stderr, "appears to have been cut short in the middle of a packet") || strings.Count(o.stderr, "\n") != 1 {
			t.Errorf("tshark: %s", o.stderr)
		}
	} else if o.stderr != "" {
		t.Errorf("tshark: %s", o.stderr)
	}
	if o.status != want {
		t.Errorf("tshark: status %d, want %d", o.status, want)
	}
	shown := 0
	for line := range strings.Lines(o.stdout) {
		number, comments, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok || number != strconv.Itoa(shown+1) || shown >= len(f.recs) {
			break
		}
		checkComments(t, number, comments, f.recs[shown])
		shown++
	}
	if shown != len(f.recs) {
		t.Errorf("tshark shows %d packets of %d", shown, len(f.recs))
	}
	if !f.cut { // no packet, and nothing that describes an interface
		f.checkCapinfos(t)
	}
}
