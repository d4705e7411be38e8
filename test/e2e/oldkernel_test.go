// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestOldKernel: a kernel that hopdump cannot work on is refused in words that
// name what is missing; what needs no kernel works. It runs on Linux 5.10 alone.
func TestOldKernel(t *testing.T) {
	if !kernelBefore(5, 12) {
		t.Fatal("this kernel is not old: run script/vm-test.sh 5.10")
	}
	file := filepath.Join(t.TempDir(), "x.pcapng")
	refusal := regexp.MustCompile(`^hopdump: this kernel \(5\.10\.\S+\) has no atomic compare-and-swap in BPF \(Linux 5\.12\); hopdump needs Linux 6\.1 or later\n$`)
	for _, args := range [][]string{
		{},
		{"-n", "udp port 53"},
		{"-i", "lo", "-w", file},
		{"--hops", "tracepoints"},
		{"--hops", "drop", "--netns", "all", "-c", "1"},
	} {
		e := run(t, args...)
		if e.status != 1 || e.stdout != "" || !refusal.MatchString(e.stderr) {
			t.Errorf("hopdump %v: status %d\n%s%s", args, e.status, e.stdout, e.stderr)
		}
	}
	if exists(file) {
		t.Error("a capture that did not begin left its file")
	}

	checkReads(t, run(t, "-n", "-r", sampleFile(t)))
	if e := run(t, "--help"); e.status != 0 || e.stderr != "" || !strings.HasPrefix(e.stdout, "Usage: hopdump ") {
		t.Errorf("--help: status %d\n%s%s", e.status, e.stdout, e.stderr)
	}
	run(t, "tcp prot 80").want(t, 2, filterError)
}

// TestOldKernelLockdown: a kernel that is locked down says so. It is the last
// test of its machine, since nothing unlocks a kernel, and stands here because
// the machine with the old kernel has nothing else to do.
func TestOldKernelLockdown(t *testing.T) {
	const file = "/sys/kernel/security/lockdown"
	lock := func(mode string) {
		if err := os.WriteFile(file, []byte(mode), 0); err != nil {
			t.Fatal(err)
		}
	}
	lock("integrity") // which does not concern hopdump
	if e := run(t); e.status != 1 || strings.Contains(e.stderr, "lockdown") {
		t.Errorf("integrity: status %d\n%s", e.status, e.stderr)
	}
	lock("confidentiality")
	run(t).want(t, 1, "hopdump: kernel lockdown is \"confidentiality\": BPF may not read packets here (\"integrity\" would do)\n")
	checkReads(t, run(t, "-n", "-r", sampleFile(t)))
}
