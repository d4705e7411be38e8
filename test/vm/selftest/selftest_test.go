// SPDX-License-Identifier: Apache-2.0

//go:build linux

package selftest

import (
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// inMachine skips outside the test machine.
func inMachine(t *testing.T) {
	t.Helper()
	if os.Getenv("HOPDUMP_VM") != "1" {
		t.Skip("only in the test machine: make vm-test")
	}
}

// onPurpose tells whether HOPDUMP_SELFTEST asks for this test.
func onPurpose(t *testing.T) bool {
	return slices.Contains(strings.Split(os.Getenv("HOPDUMP_SELFTEST"), ","), t.Name())
}

func TestBoots(t *testing.T) {
	inMachine(t)
	t.Run("kernel", testKernel)
	t.Run("mounts", testMounts)
	t.Run("veth", testVeth)
	t.Run("testdata", testTestdata)
	t.Run("devices", testDevices)
	if err := os.WriteFile("/out/boots", []byte("binary \x00\xff\r\n"), 0o644); err != nil {
		t.Error(err)
	}
}

// testKernel checks that the kernel is of the series asked for: 6.1 is not 6.12.
func testKernel(t *testing.T) {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		t.Fatal(err)
	}
	release := unix.ByteSliceToString(uts.Release[:])
	if want := os.Getenv("HOPDUMP_KERNEL"); want == "" || !strings.HasPrefix(release, want+".") {
		t.Errorf("kernel %s runs, want %s", release, want)
	}
}

func testMounts(t *testing.T) {
	for _, path := range []string{
		"/sys/kernel/btf/vmlinux",
		"/sys/kernel/tracing/available_filter_functions",
		"/sys/fs/cgroup/cgroup.procs",
		"/proc/kallsyms",
		"/dev/null",
	} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	var st unix.Statfs_t
	if err := unix.Statfs("/sys/fs/bpf", &st); err != nil || st.Type != unix.BPF_FS_MAGIC {
		t.Errorf("/sys/fs/bpf is of type %#x, error %v", st.Type, err)
	}
}

// testVeth makes the kernel load a module by itself.
func testVeth(t *testing.T) {
	out, err := exec.Command("ip", "link", "add", "va", "type", "veth", "peer", "name", "vb").CombinedOutput()
	if err != nil {
		t.Fatalf("ip: %v: %s", err, out)
	}
	for _, name := range []string{"va", "vb"} {
		if _, err := net.InterfaceByName(name); err != nil {
			t.Error(err)
		}
	}
	if os.Getenv("HOPDUMP_KERNEL") == "5.10" {
		return // modules have had BTF since 5.11
	}
	if _, err := os.Stat("/sys/kernel/btf/veth"); err != nil {
		t.Error(err)
	}
}

func testTestdata(t *testing.T) {
	if _, err := os.ReadFile("testdata/hello.txt"); err != nil {
		t.Error(err)
	}
}

// testDevices checks that there is no device that nobody asked for. The cards of
// -nic are two or none.
func testDevices(t *testing.T) {
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, dev := range all {
		names = append(names, dev.Name)
	}
	slices.Sort(names)
	want := []string{"eth0", "eth1", "lo", "va", "vb"}
	if !slices.Contains(names, "eth0") && os.Getenv("HOPDUMP_SELFTEST") == "" {
		want = want[2:]
	}
	if !slices.Equal(names, want) {
		t.Errorf("devices %v, want %v", names, want)
	}
}

func TestFailsOnPurpose(t *testing.T) {
	if onPurpose(t) {
		t.Error("this is the failure that was asked for")
	}
}

func TestSkipsOnPurpose(t *testing.T) {
	if onPurpose(t) {
		t.Skip("this is the skip that was asked for")
	}
}
