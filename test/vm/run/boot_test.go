// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary be the guest's init, as the runner's binary is.
func TestMain(m *testing.M) {
	if os.Getpid() == 1 {
		guestMain()
		return
	}
	os.Exit(m.Run())
}

// runArgs calls run as the command line would.
func runArgs(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	if testing.Short() {
		t.Skip("boots a machine")
	}
	var out, errs bytes.Buffer
	status = run(append([]string{"-kernel", "6.12"}, args...), &out, &errs)
	if status == statusFailed && strings.Contains(errs.String(), "make deps") {
		t.Fatalf("no machine can be booted here: %s", &errs)
	}
	return status, out.String(), errs.String()
}

// contains fails for each of these texts that s lacks.
func contains(t *testing.T, what, s string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(s, want) {
			t.Errorf("%s lacks %q", what, want)
		}
	}
	if t.Failed() {
		t.Logf("%s:\n%s", what, s)
	}
}

// TestTestBinary runs a test binary as go test -exec does: one test passes and
// leaves a file, one is skipped and one fails.
func TestTestBinary(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "selftest.test")
	build := exec.Command("go", "test", "-c", "-o", binary, "../selftest")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the test binary: %v\n%s", err, out)
	}
	t.Chdir("../selftest")
	t.Setenv("HOPDUMP_SELFTEST", "TestFailsOnPurpose,TestSkipsOnPurpose")
	files := t.TempDir()
	status, stdout, stderr := runArgs(t, "-out", files, "-nic", "-tools", "ip", "-env", "HOPDUMP_SELFTEST",
		binary, "-test.testlogfile=/nowhere/log", "-test.timeout=10m")
	if status != 1 {
		t.Errorf("exit status %d, want the test binary's 1", status)
	}
	contains(t, "stdout", stdout, "--- SKIP: TestSkipsOnPurpose", "--- FAIL: TestFailsOnPurpose", "\nFAIL")
	contains(t, "stderr", stderr, "skipped in the machine, where nothing may be: TestSkipsOnPurpose")
	for _, line := range []string{"--- FAIL: TestBoots", "--- PASS", "=== RUN"} {
		if strings.Contains(stdout, line) {
			t.Errorf("stdout has %q", line)
		}
	}
	got, err := os.ReadFile(filepath.Join(files, "boots"))
	if want := "binary \x00\xff\r\n"; err != nil || string(got) != want {
		t.Errorf("file from the guest is %q, want %q, error %v", got, want, err)
	}
	if t.Failed() {
		t.Logf("stdout:\n%s\nstderr:\n%s", stdout, stderr)
	}
}

// TestPanic: the machine ends at once, and the console says why.
func TestPanic(t *testing.T) {
	begun := time.Now()
	status, stdout, stderr := runArgs(t, "--", "/bin/sh", "-c", "echo before; echo c >/proc/sysrq-trigger; echo after")
	if status != statusFailed {
		t.Errorf("exit status %d, want %d", status, statusFailed)
	}
	if took := time.Since(begun); took > 2*time.Minute {
		t.Errorf("noticed after %v", took)
	}
	contains(t, "stdout", stdout, "before\n")
	contains(t, "stderr", stderr, "the kernel crashed", "sysrq: Trigger a crash", "Kernel panic")
}

// TestHang: time is up while the command runs, or on a slow host during the boot.
func TestHang(t *testing.T) {
	status, stdout, stderr := runArgs(t, "-v", "-timeout", "12s", "--", "/bin/sh", "-c",
		`trap "echo asked to explain; exit" QUIT; while :; do sleep 1; done`)
	if status != statusTimeout {
		t.Errorf("exit status %d, want %d", status, statusTimeout)
	}
	contains(t, "stderr", stderr, "did not end in time (-timeout 12s)", "kernel console")
	if strings.Contains(stderr, "command started") {
		contains(t, "stdout", stdout, "asked to explain")
	}
}

// TestNoBoot: a machine that does not come up is given a second chance, and no third.
func TestNoBoot(t *testing.T) {
	dir := t.TempDir()
	qemu := "#!/bin/sh\necho started >>" + dir + "/log\nexec sleep 600\n"
	if err := os.WriteFile(filepath.Join(dir, qemuProgram), []byte(qemu), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	status, _, stderr := runArgs(t, "-accel", "tcg", "-boot-timeout", "300ms", "true")
	if status != statusTimeout {
		t.Errorf("exit status %d, want %d", status, statusTimeout)
	}
	contains(t, "stderr", stderr, "the machine did not come up within 300ms, trying again")
	log, err := os.ReadFile(filepath.Join(dir, "log"))
	if n := strings.Count(string(log), "started"); err != nil || n != 2 {
		t.Errorf("%d boots, want 2, error %v", n, err)
	}
}
