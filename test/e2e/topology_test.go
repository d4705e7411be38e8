// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// sh runs a line and fails the test if it fails.
func sh(t testing.TB, line string) string {
	t.Helper()
	out, err := exec.Command("/bin/sh", "-c", line).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}

// netns makes namespaces with a loopback device that is up, and removes them
// with everything in them at the end.
func netns(t testing.TB, names ...string) {
	t.Helper()
	for _, n := range names {
		sh(t, "ip netns add "+n+" && ip -n "+n+" link set lo up")
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", n).Run() })
	}
}

// vethPair joins namespaces a and b: va 10.0.0.1 fd00::1 and vb 10.0.0.2 fd00::2.
func vethPair(t testing.TB) {
	t.Helper()
	netns(t, "a", "b")
	sh(t, "ip link add va netns a type veth peer name vb netns b")
	address(t, "a", "va", 1)
	address(t, "b", "vb", 2)
}

// address gives a device the host number n and brings it up; IPv6 addresses are
// usable at once.
func address(t testing.TB, ns, dev string, n int) {
	t.Helper()
	sh(t, fmt.Sprintf(`ip -n %[1]s addr add 10.0.0.%[3]d/24 dev %[2]s
		ip -n %[1]s addr add fd00::%[3]d/64 dev %[2]s nodad
		ip -n %[1]s link set %[2]s up`, ns, dev, n))
}

// nicPair moves the machine's two virtio cards, which share a hub, into
// namespaces a and b.
func nicPair(t testing.TB) {
	t.Helper()
	netns(t, "a", "b")
	sh(t, "ip link set eth0 netns a; ip link set eth1 netns b")
	t.Cleanup(func() {
		sh(t, "ip -n a link set eth0 netns 1; ip -n b link set eth1 netns 1")
	})
	address(t, "a", "eth0", 1)
	address(t, "b", "eth1", 2)
}

// in runs f in a network namespace. Sockets that f makes stay there.
func in(t testing.TB, ns string, f func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // the thread ends with the goroutine
		fd, err := unix.Open("/run/netns/"+ns, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			err = unix.Setns(fd, unix.CLONE_NEWNET)
			unix.Close(fd)
		}
		if err == nil {
			f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatalf("namespace %s: %v", ns, err)
	}
}

// counter reads a counter of the kernel's in a namespace, as nstat names it.
func counter(t testing.TB, ns, name string) int {
	t.Helper()
	out := sh(t, "ip netns exec "+ns+" nstat -asz "+name)
	var n int
	for _, line := range strings.Split(out, "\n") {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == name {
			_, _ = fmt.Sscan(f[1], &n)
		}
	}
	return n
}

// kernelBefore says whether the kernel under test is older than the given one.
func kernelBefore(major, minor int) bool {
	var u unix.Utsname
	_ = unix.Uname(&u)
	var a, b int
	_, _ = fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &a, &b)
	return a < major || a == major && b < minor
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
