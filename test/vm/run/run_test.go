// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string // part of the error
	}{
		"nothing to run":    {nil, "no command"},
		"shell and command": {[]string{"-shell", "ls"}, "-shell takes no command"},
		"unknown accel":     {[]string{"-accel", "hvf", "ls"}, "want auto, kvm or tcg"},
		"counted KVM":       {[]string{"-icount", "-accel", "kvm", "ls"}, "emulation only"},
		"no processor":      {[]string{"-smp", "0", "ls"}, "at least 1"},
		"little memory":     {[]string{"-m", "64", "ls"}, "at least 256"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := parse(tt.args, io.Discard); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	o, err := parse([]string{"-icount", "-tools", "ip, tc", "-tools", "nft", "x.test", "-test.run=A"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if o.smp != 1 || o.accel != "tcg" || !o.noskip || !slices.Equal(o.tools, []string{"ip", "tc", "nft"}) {
		t.Errorf("parsed as %+v", o)
	}
	if o, err = parse([]string{"-noskip=false", "x.test", "-test.run=A"}, io.Discard); err != nil || o.noskip {
		t.Errorf("-noskip=false: noskip is %v, error %v", o.noskip, err)
	}
}

func TestTestArgs(t *testing.T) {
	tests := map[string]struct{ args, want []string }{
		"no test":         {[]string{"-v", "x"}, []string{"-v", "x"}},
		"cache log":       {[]string{"-test.testlogfile=/x", "-test.v=true"}, []string{"-test.v=true"}},
		"long timeout":    {[]string{"-test.v", "-test.timeout=10m0s"}, []string{"-test.v", "-test.timeout=1m30s"}},
		"no timeout":      {[]string{"-test.v", "-test.timeout=0"}, []string{"-test.v", "-test.timeout=1m30s"}},
		"short timeout":   {[]string{"-test.v", "-test.timeout=5s"}, []string{"-test.v", "-test.timeout=5s"}},
		"adds verbosity":  {[]string{"-test.run=A"}, []string{"-test.v=true", "-test.run=A"}},
		"go test -json":   {[]string{"-test.v=test2json"}, []string{"-test.v=test2json"}},
		"verbose is else": {[]string{"-test.vet=off"}, []string{"-test.v=true", "-test.vet=off"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := options{timeout: 100 * time.Second, noskip: true, command: append([]string{"x.test"}, tt.args...)}
			before := slices.Clone(o.command)
			if got := testArgs(o); !slices.Equal(got, tt.want) {
				t.Errorf("arguments %q, want %q", got, tt.want)
			}
			if !slices.Equal(o.command, before) {
				t.Errorf("the command itself became %q", o.command)
			}
		})
	}
}

func TestTestOutput(t *testing.T) {
	in := "=== RUN   TestA\n=== RUN   TestA/sub\n    a_test.go:3: said\n--- PASS: TestA (0.00s)\n    --- PASS: TestA/sub (0.00s)\n" +
		"=== RUN   TestB\n    --- SKIP: TestB/x (0.00s)\n\x16--- SKIP: TestC (0.00s)\n--- FAIL: TestD (0.00s)\nFAIL\nno end"
	want := "    a_test.go:3: said\n    --- SKIP: TestB/x (0.00s)\n\x16--- SKIP: TestC (0.00s)\n--- FAIL: TestD (0.00s)\nFAIL\nno end"
	for _, size := range []int{1, 7, len(in)} {
		var buf bytes.Buffer
		out := testOutput{w: &buf, hide: true}
		for chunk := range slices.Chunk([]byte(in), size) {
			if _, err := out.Write(chunk); err != nil {
				t.Fatal(err)
			}
		}
		if err := out.flush(); err != nil {
			t.Fatal(err)
		}
		if buf.String() != want {
			t.Errorf("in pieces of %d: output %q, want %q", size, buf.String(), want)
		}
		if !slices.Equal(out.skipped, []string{"TestB/x", "TestC"}) {
			t.Errorf("in pieces of %d: skipped %q", size, out.skipped)
		}
	}
}

func TestConsole(t *testing.T) {
	tests := map[string]struct{ console, crash, warning string }{
		"clean":     {console: "[    0.1] x86/mm: no BUG here\n[    0.2] A WARNING: of no kind\n"},
		"panic":     {console: "[    1.0] Kernel panic - not syncing: sysrq\r\n", crash: "Kernel panic - not syncing: sysrq"},
		"first one": {console: "[ 1.0][  T12] BUG: kernel NULL pointer\n[ 1.1] Oops: 0002 [#1]\n", crash: "BUG: kernel NULL pointer"},
		"warning":   {console: "[    3.1] WARNING: CPU: 1 PID: 9 at net/core/dev.c:1\n", warning: "WARNING: CPU: 1 PID: 9 at net/core/dev.c:1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := firstMatch(crashLine, []byte(tt.console)); got != tt.crash {
				t.Errorf("crash %q, want %q", got, tt.crash)
			}
			if got := firstMatch(warningLine, []byte(tt.console)); got != tt.warning {
				t.Errorf("warning %q, want %q", got, tt.warning)
			}
		})
	}
	for n, want := range map[int]string{1: "c", 2: "b\nc", 3: "a\nb\nc", 9: "a\nb\nc"} {
		if got := string(tail([]byte("a\nb\nc\n"), n)); got != want {
			t.Errorf("last %d lines are %q, want %q", n, got, want)
		}
	}
}

// frame is one frame that a guest sends.
type frame struct {
	kind    byte
	payload []byte
}

// ending is what a guest sends at its end.
func ending(status uint32) []frame {
	return []frame{{frameStatus, binary.BigEndian.AppendUint32(nil, status)}, {frameEnd, nil}}
}

// TestVerdict plays what a guest sends and what is on its console.
func TestVerdict(t *testing.T) {
	skip := frame{frameOutput, []byte("--- SKIP: TestX (0.0s)\n")}
	tests := map[string]struct {
		frames  []frame
		console string
		opts    options
		status  int
		err     string // part of it; empty: none
	}{
		"success":        {frames: ending(0)},
		"status":         {frames: ending(3), status: 3},
		"died":           {frames: []frame{{frameStarted, nil}}, err: errNoStatus.Error()},
		"no status":      {frames: []frame{{frameEnd, nil}}, err: errNoStatus.Error()},
		"init":           {frames: []frame{{frameError, []byte("mount")}}, err: "init: mount"},
		"late oops":      {frames: ending(0), console: "[ 1.0] BUG: x\n", status: statusFailed, err: "the kernel crashed: BUG: x"},
		"warning":        {frames: ending(0), console: "[ 1.0] WARNING: x\n"},
		"strict warning": {frames: ending(0), console: "[ 1.0] WARNING: x\n", opts: options{strict: true}, status: statusFailed, err: "WARNING: x"},
		"skip":           {frames: append([]frame{skip}, ending(0)...), err: "TestX"},
		"skip, failure":  {frames: append([]frame{skip}, ending(1)...), status: 1, err: "TestX"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			status, err := play(t, tt.opts, tt.frames, tt.console)
			if status != tt.status {
				t.Errorf("status %d, want %d", status, tt.status)
			}
			if (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}

// play returns the verdict on a guest that sends these frames.
func play(t *testing.T, o options, frames []frame, console string) (int, error) {
	t.Helper()
	var sent bytes.Buffer
	port := &frameWriter{w: &sent}
	for _, f := range frames {
		if err := port.send(f.kind, f.payload); err != nil {
			t.Fatal(err)
		}
	}
	s := &session{opts: o, stderr: io.Discard, up: make(chan struct{}), files: bootFiles{console: filepath.Join(t.TempDir(), "console")}}
	if err := os.WriteFile(s.files.console, []byte(console), 0o644); err != nil {
		t.Fatal(err)
	}
	s.tests.w = io.Discard
	files := newReceiver("")
	err := s.frames(&sent, &s.tests, files)
	if cerr := files.close(err == nil); cerr != nil {
		t.Fatal(cerr)
	}
	return s.verdict(&machine{}, err)
}

func TestFrames(t *testing.T) {
	var port bytes.Buffer
	big := bytes.Repeat([]byte("0123456789"), frameMax/4)
	if n, err := (stream{&frameWriter{w: &port}, frameOutput}).Write(big); n != len(big) || err != nil {
		t.Fatalf("wrote %d of %d bytes, error %v", n, len(big), err)
	}
	var got []byte
	buf := make([]byte, frameMax)
	for {
		kind, payload, err := readFrame(&port, buf)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || kind != frameOutput {
			t.Fatalf("frame %q, error %v", kind, err)
		}
		got = append(got, payload...)
	}
	if !bytes.Equal(got, big) {
		t.Errorf("%d bytes came through, want %d", len(got), len(big))
	}
	if _, _, err := readFrame(strings.NewReader("garbage"), buf); err == nil {
		t.Error("garbage is no frame")
	}
}

func TestModules(t *testing.T) {
	dep := "kernel/a/veth.ko:\nkernel/b/nf-nat.ko: kernel/b/nf_conntrack.ko kernel/c/base.ko\n" +
		"kernel/b/nf_conntrack.ko: kernel/c/base.ko\nkernel/c/base.ko:\n"
	m, err := parseModules(strings.NewReader(dep), strings.NewReader("kernel/d/sch_fq_codel.ko\n"))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		names []string
		want  []string // nil: an error
	}{
		"needs first":   {[]string{"nf_nat", "nf_conntrack"}, []string{"kernel/c/base.ko", "kernel/b/nf_conntrack.ko", "kernel/b/nf-nat.ko"}},
		"built in":      {[]string{"sch-fq-codel", "veth"}, []string{"kernel/a/veth.ko"}},
		"optional":      {[]string{"nft_counter?", "veth"}, []string{"kernel/a/veth.ko"}},
		"not there":     {[]string{"nft_counter"}, nil},
		"twice is once": {[]string{"veth", "veth"}, []string{"kernel/a/veth.ko"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := m.order(tt.names)
			if (err != nil) != (tt.want == nil) || !slices.Equal(got, tt.want) {
				t.Errorf("order %q, want %q, error %v", got, tt.want, err)
			}
		})
	}
}

func TestUnsigned(t *testing.T) {
	head := []byte{0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 5} // a signature of five bytes
	signed := slices.Concat([]byte("module"), []byte("12345"), head, []byte(signatureMark))
	for name, in := range map[string][]byte{"signed": signed, "unsigned": []byte("module")} {
		if got := string(unsigned(in)); got != "module" {
			t.Errorf("%s: %q is left", name, got)
		}
	}
	if cut := []byte("x" + signatureMark); !bytes.Equal(unsigned(cut), cut) {
		t.Error("a mark without a head is no signature")
	}
}

func TestParseLDD(t *testing.T) {
	out := "\tlinux-vdso.so.1 (0x00007ffd)\n\tlibcap.so.2 => /lib/x86_64-linux-gnu/libcap.so.2 (0x1)\n\t/lib64/ld-linux-x86-64.so.2 (0x2)\n"
	got, err := parseLDD(out, "ip")
	if want := []string{"/lib/x86_64-linux-gnu/libcap.so.2", "/lib64/ld-linux-x86-64.so.2"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("libraries %q, want %q, error %v", got, want, err)
	}
	if _, err := parseLDD("\tlibx.so => not found\n", "ip"); err == nil {
		t.Error("a missing library is an error")
	}
}

// TestCPIO lets another program read what we write: two archives in a row, as
// in an image.
func TestCPIO(t *testing.T) {
	cpio, err := exec.LookPath("cpio")
	if err != nil {
		t.Fatal("cpio is missing: run make deps")
	}
	for _, content := range []string{"", "1", "four", "fives"} {
		var buf bytes.Buffer
		c := newCPIO(&buf)
		c.bytes("/a/b/file", []byte(content))
		c.symlink("b/file", "/a/link")
		if err := c.close(); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		cmd := exec.Command(cpio, "-idm", "--quiet")
		cmd.Dir, cmd.Stdin = dir, &buf
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("cpio: %v: %s", err, out)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "a/link")); err != nil || string(got) != content {
			t.Errorf("%q through the link, want %q, error %v", got, content, err)
		}
	}
}

func TestUnpackStaysInside(t *testing.T) {
	for _, name := range []string{"../escaped", "/escaped", "link/escaped"} {
		var buf bytes.Buffer
		tw := tar.NewWriter(&buf)
		for _, head := range []*tar.Header{
			{Name: "link", Typeflag: tar.TypeSymlink, Linkname: ".."},
			{Name: name, Typeflag: tar.TypeReg, Mode: 0o644},
		} {
			if err := tw.WriteHeader(head); err != nil {
				t.Fatal(err)
			}
		}
		if err := tw.Close(); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := unpackTar(filepath.Join(dir, "out"), &buf); err == nil {
			t.Errorf("%s was accepted", name)
		}
		if _, err := os.Stat(filepath.Join(dir, "escaped")); err == nil {
			t.Errorf("%s got out", name)
		}
	}
}
