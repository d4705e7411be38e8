// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"hopdump/pcapng"
)

// inKernel lists programs, links and maps as bpftool sees them, and what stands
// in /run.
func inKernel(t testing.TB) string {
	t.Helper()
	var lines []string
	for _, kind := range []string{"prog", "link", "map"} {
		out, err := exec.Command("bpftool", "-j", kind, "list").Output()
		if err != nil {
			t.Fatalf("bpftool %s list: %v", kind, err)
		}
		var list []struct {
			ID   int    `json:"id"`
			Type string `json:"type"`
			Name string `json:"name"`
		}
		if err := json.Unmarshal(out, &list); err != nil && len(strings.TrimSpace(string(out))) > 0 {
			t.Fatalf("bpftool %s list: %v: %s", kind, err, out)
		}
		for _, e := range list {
			// bpftool has programs of its own while it looks.
			if !strings.HasPrefix(e.Name, "pid_iter") && !strings.HasPrefix(e.Name, "libbpf_") && e.Type != "iter" {
				lines = append(lines, fmt.Sprintf("%s %d %s %s", kind, e.ID, e.Type, e.Name))
			}
		}
	}
	run, _ := os.ReadDir("/run")
	for _, e := range run {
		lines = append(lines, "/run/"+e.Name())
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// waitKernel waits until nothing is left: the kernel frees in its own time.
func waitKernel(t testing.TB, want string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for inKernel(t) != want {
		if time.Now().After(deadline) {
			t.Fatalf("left in the kernel:\n%s\nbefore:\n%s", inKernel(t), want)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// TestNothingLeft: after a normal end and after SIGKILL.
func TestNothingLeft(t *testing.T) {
	vethPair(t)
	before := inKernel(t)
	s := hopdump(t, "--netns", "all")
	udpExchange(t, "a", "b", "10.0.0.2:9000", 3)
	if during := inKernel(t); !strings.Contains(during, "h_xmit") {
		t.Fatalf("bpftool does not see the programs:\n%s", during)
	}
	s.stop()
	waitKernel(t, before)

	// Killed before its first packet a file has no more than its head.
	s = &session{t: t, file: filepath.Join(outDir, "killed_first.pcapng")}
	s.start("-w", s.file, "--netns", "all")
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	waitKernel(t, before)
}

// TestNativeKilled: whatever the moment of a SIGKILL, every whole block of the file is
// readable, by hopdump too, which says where it is cut.
func TestNativeKilled(t *testing.T) {
	vethPair(t)
	rng := rand.New(rand.NewPCG(1, 2))
	defer trickle(t, "a", "10.0.0.2:9000")()
	packets := 0
	for i := range 20 {
		s := &session{t: t, file: filepath.Join(outDir, fmt.Sprintf("killed_%02d.pcapng", i))}
		s.start("-U", "-w", s.file, "--netns", "all", "--hops", "tracepoints", "udp port 9000")
		time.Sleep(time.Duration(rng.IntN(400)) * time.Millisecond)
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		n, cut := readBlocks(t, s.file)
		packets += n
		out, err := exec.Command(hopdumpBin, "-n", "-r", s.file).CombinedOutput()
		status := 0
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			status = exit.ExitCode()
		}
		if want := map[bool]int{false: 0, true: 1}[cut]; status != want {
			t.Errorf("%s: cut %v, hopdump -r exits %d\n%s", s.file, cut, status, out)
		}
		if got := strings.Count(string(out), "UDP, length"); got != n {
			t.Errorf("%s: %d packets, hopdump -r shows %d", s.file, n, got)
		}
	}
	if packets == 0 {
		t.Error("no file has a packet")
	}
}

// readBlocks reads a file block by block; cut says that it ends inside one.
func readBlocks(t testing.TB, name string) (packets int, cut bool) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := pcapng.NewReader(f)
	for {
		b, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return packets, false
		case errors.Is(err, io.ErrUnexpectedEOF):
			return packets, true
		case err != nil:
			t.Fatalf("%s: %v", name, err)
		case b.Packet != nil:
			packets++
		}
	}
}

// TestStopped: a hopdump that is stopped and goes on has lost nothing it did not
// count, and the host was not held up meanwhile.
func TestStopped(t *testing.T) {
	vethPair(t)
	s := hopdump(t, "--netns", "all", "-B", "64", "udp port 9000")
	_ = s.cmd.Process.Signal(syscall.SIGSTOP)
	udpExchange(t, "a", "b", "10.0.0.2:9000", 300)
	_ = s.cmd.Process.Signal(syscall.SIGCONT)
	time.Sleep(settle)
	udpExchange(t, "a", "b", "10.0.0.2:9000", 5)
	r := s.stop()

	if r.received != 610 || r.captured+r.dropped != r.received || r.captured != len(r.recs) {
		t.Errorf("received %d (want 610), captured %d, dropped %d, in the file %d\n%s", r.received, r.captured, r.dropped, len(r.recs), r.stderr)
	}
	if r.dropped == 0 || !strings.Contains(r.stderr, "with the ring full") {
		t.Errorf("600 packets in a ring of 64 KiB that nobody read, and none was lost:\n%s", r.stderr)
	}
	last := r.udpWith(9000)
	if n := len(last); n < 10 || string(last[n-1].udp) != "pong 4" {
		t.Error("what came after the stop is not there")
	}
	lostInFile := uint64(0)
	for _, rec := range r.recs {
		lostInFile += rec.Lost
	}
	if lostInFile != uint64(r.dropped) {
		t.Errorf("%d dropped, epb_dropcount sums up to %d", r.dropped, lostInFile)
	}
}

// TestTwoAtOnce: two captures do not see or disturb each other.
func TestTwoAtOnce(t *testing.T) {
	vethPair(t)
	one := &session{t: t, file: outDir + "/two_1.pcapng"}
	one.start("-w", one.file, "--netns", "all", "udp port 9000")
	two := &session{t: t, file: outDir + "/two_2.pcapng"}
	two.start("-w", two.file, "--netns", "all", "udp port 9000")
	udpExchange(t, "a", "b", "10.0.0.2:9000", 23)
	time.Sleep(settle)
	for _, r := range []*result{one.interrupt(), two.interrupt()} {
		r.checkAccount(t)
		misses := missing{budget: r.lost}
		for _, d := range r.udpWith(9000) {
			misses.compare(string(d.udp), funcs(d.Record), udpHops())
		}
		misses.check(t)
		if len(r.recs) != 46 {
			t.Errorf("%d packets, want 46", len(r.recs))
		}
	}
}

// TestDevicesComeAndGo: namespaces and devices that are made and removed while
// it records.
func TestDevicesComeAndGo(t *testing.T) {
	s := hopdump(t, "--netns", "all", "udp port 9000")
	for i := range 3 {
		sh(t, `ip netns add x; ip netns add y; ip link add vx netns x type veth peer name vy netns y
			ip -n x addr add 10.9.0.1/24 dev vx; ip -n y addr add 10.9.0.2/24 dev vy
			ip -n x link set vx up; ip -n y link set vy up; ip -n y link set lo up`)
		udpExchange(t, "x", "y", "10.9.0.2:9000", 4)
		sh(t, "ip netns del x; ip netns del y")
		_ = i
	}
	r := s.stop()
	r.checkAccount(t)
	if len(r.recs) != 3*8 {
		t.Errorf("%d packets, want 24", len(r.recs))
	}
	// The inode of a namespace that is gone may be given to the next one.
	devices := map[string]int{}
	for _, rec := range r.recs {
		checkPath(t, rec)
		devices[rec.Dev.Name]++
	}
	if devices["vx"] != 12 || devices["vy"] != 12 {
		t.Errorf("packets by device %v, want 12 on vx and on vy", devices)
	}
}
