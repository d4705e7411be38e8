// SPDX-License-Identifier: Apache-2.0

package tools

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take on a busy machine.
const patience = 60 * time.Second

// TestMain is also the process that makes traffic, inside a namespace.
func TestMain(m *testing.M) {
	if os.Getenv("HOPDUMP_TOOLS_TRAFFIC") != "" {
		if err := traffic(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// traffic is a little of everything: datagrams there and back, a stream, both
// over IPv4 and IPv6 on the loopback device, and a datagram that a neighbour
// refuses.
func traffic() error {
	for _, host := range []string{"127.0.0.1", "::1"} {
		if err := datagrams(net.JoinHostPort(host, "19200"), 20); err != nil {
			return err
		}
		if err := stream(net.JoinHostPort(host, "19201"), 300_000); err != nil {
			return err
		}
	}
	for range 3 {
		c, err := net.Dial("udp", "10.77.0.2:19209")
		if err != nil {
			return err
		}
		_, _ = c.Write([]byte("nobody"))
		c.Close()
	}
	return nil
}

func datagrams(addr string, n int) error {
	srv, err := net.ListenPacket("udp", addr)
	if err != nil {
		return err
	}
	defer srv.Close()
	c, err := net.Dial("udp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	for i := range n {
		if _, err := c.Write(bytes.Repeat([]byte{byte(i)}, 10+i)); err != nil {
			return err
		}
		if _, _, err := srv.ReadFrom(make([]byte, 100)); err != nil {
			return err
		}
	}
	return nil
}

func stream(addr string, size int) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	defer l.Close()
	failed := make(chan error, 1)
	go func() {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_, err = io.CopyN(c, rand.Reader, int64(size))
			c.Close()
		}
		failed <- err
	}()
	s, err := l.Accept()
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := io.Copy(io.Discard, s); err != nil {
		return err
	}
	return <-failed
}

// variants are captures of the same traffic in different forms.
var variants = map[string][]string{
	"full":      {"-w", "full.pcapng"},
	"summary":   {"-w", "summary.pcapng", "--comments", "summary"},
	"none":      {"-w", "none.pcapng", "--comments", "none"},
	"short":     {"-w", "short.pcapng", "-s", "60", "-U"},
	"drops":     {"-w", "drops.pcapng", "--hops", "drop"},
	"nothing":   {"-w", "nothing.pcapng", "tcp port 1"},
	"pipe":      {"-w", "-"},
	"killed_at": {"-w", "killed_at.pcapng", "-U"},
}

// capture makes files on this machine; empty if that cannot be.
func capture(t *testing.T) (dir string) {
	if os.Geteuid() != 0 {
		t.Log("no capture on this machine: not root")
		return ""
	}
	dir = filepath.Join(t.TempDir(), "native")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "hopdump")
	build := exec.Command("go", "build", "-o", bin, "hopdump/cmd/hopdump")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ns := namespaces(t)
	all := map[string]*running{}
	for name, args := range variants {
		if all[name] = start(t, bin, dir, name, append([]string{"--netns", ns}, args...)); all[name] == nil {
			return ""
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	send := exec.Command("ip", "netns", "exec", ns, self)
	send.Env = append(os.Environ(), "HOPDUMP_TOOLS_TRAFFIC=1")
	var said bytes.Buffer
	send.Stderr = &said
	if err := send.Start(); err != nil {
		t.Fatal(err)
	}
	waitSize(t, filepath.Join(dir, "killed_at.pcapng"), 8<<10)
	all["killed_at"].stop(t, syscall.SIGKILL, -1)
	delete(all, "killed_at")
	if err := send.Wait(); err != nil {
		t.Fatalf("traffic: %v\n%s", err, &said)
	}
	for _, r := range all {
		r.stop(t, syscall.SIGINT, 0)
	}
	copies(t, bin, dir)
	return dir
}

// namespaces makes one with two devices, whose neighbour is another, and returns
// its name.
func namespaces(t *testing.T) string {
	t.Helper()
	a, b := fmt.Sprintf("hoptools%da", os.Getpid()), fmt.Sprintf("hoptools%db", os.Getpid())
	t.Cleanup(func() {
		_ = exec.Command("ip", "netns", "del", a).Run()
		_ = exec.Command("ip", "netns", "del", b).Run()
	})
	line := fmt.Sprintf(`set -e; ip netns add %[1]s; ip netns add %[2]s; ip -n %[1]s link set lo up
		ip link add va netns %[1]s type veth peer name vb netns %[2]s
		ip -n %[1]s addr add 10.77.0.1/24 dev va; ip -n %[2]s addr add 10.77.0.2/24 dev vb
		ip -n %[1]s link set va up; ip -n %[2]s link set vb up`, a, b)
	if out, err := exec.Command("/bin/sh", "-c", line).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return a
}

// running is a hopdump at work.
type running struct {
	name  string
	cmd   *exec.Cmd
	ended chan struct{}

	mu     sync.Mutex
	stderr bytes.Buffer
	listen chan struct{} // closed when it records
}

// Write takes standard error in.
func (r *running) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	const word = "listening on"
	before := bytes.Contains(r.stderr.Bytes(), []byte(word))
	r.stderr.Write(b)
	if !before && bytes.Contains(r.stderr.Bytes(), []byte(word)) {
		close(r.listen)
	}
	return len(b), nil
}

func (r *running) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stderr.String()
}

// start begins a capture in dir; nil if this kernel lets nobody trace.
func start(t *testing.T, bin, dir, name string, args []string) *running {
	t.Helper()
	r := &running{name: name, cmd: exec.Command(bin, args...), ended: make(chan struct{}), listen: make(chan struct{})}
	r.cmd.Dir, r.cmd.Stderr = dir, r
	if name == "pipe" {
		f, err := os.Create(filepath.Join(dir, "pipe.pcapng"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		r.cmd.Stdout = struct{ io.Writer }{f} // not a file: there will be a pipe
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = r.cmd.Wait(); close(r.ended) }()
	t.Cleanup(func() { _ = r.cmd.Process.Kill(); <-r.ended })
	select {
	case <-r.listen:
		return r
	case <-r.ended:
	case <-time.After(patience):
	}
	if strings.Contains(r.said(), "not permitted") {
		t.Logf("no capture on this machine: %s", r.said())
		return nil
	}
	t.Fatalf("%v does not listen:\n%s", args, r.said())
	return nil
}

// stop ends a capture with a signal and wants an exit status, -1 for the end by
// the signal.
func (r *running) stop(t *testing.T, sig syscall.Signal, status int) {
	t.Helper()
	_ = r.cmd.Process.Signal(sig)
	select {
	case <-r.ended:
	case <-time.After(patience):
		t.Fatalf("%s does not end:\n%s", r.name, r.said())
	}
	if got := r.cmd.ProcessState.ExitCode(); got != status {
		t.Errorf("%s: status %d, want %d\n%s", r.name, got, status, r.said())
	}
}

// waitSize waits until a file is larger than size.
func waitSize(t *testing.T, name string, size int64) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if info, err := os.Stat(name); err == nil && info.Size() > size {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not grow to %d bytes", name, size)
		}
	}
}

// copies makes further files of what was captured: one by hopdump itself, and
// two as a killed writer leaves them.
func copies(t *testing.T, bin, dir string) {
	t.Helper()
	full := filepath.Join(dir, "full.pcapng")
	if out, err := exec.Command(bin, "-r", full, "-w", filepath.Join(dir, "copy.pcapng"), "udp").CombinedOutput(); err != nil {
		t.Errorf("hopdump -r: %v\n%s", err, out)
	}
	data, err := os.ReadFile(full)
	if err != nil {
		t.Fatal(err)
	}
	f := look(t, full)
	if len(f.recs) < 60 || !f.late {
		t.Errorf("%d packets, interfaces described late: %v: not the traffic that was made", len(f.recs), f.late)
	}
	for name, size := range map[string]int{"killed_inside": len(data)/2 | 1, "killed_early": f.head} {
		if err := os.WriteFile(filepath.Join(dir, name+".pcapng"), data[:size], 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
