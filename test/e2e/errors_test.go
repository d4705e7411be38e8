// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hopdump/pcapng"

	"golang.org/x/sys/unix"
)

// What goes wrong on a live kernel, and how a capture ends. What needs no kernel
// is in cmd/hopdump/testdata.

// soon is what ends at once may take on a machine with other work to do. It is
// less than patience so that a hopdump that waits for somebody shows.
const soon = 15 * time.Second

// TestErrors runs in the machine what another kernel or another set of hops
// could change.
func TestErrors(t *testing.T) {
	t.Run("not root", testNotRoot)
	t.Run("no BTF", testNoBTF)
	t.Run("fentry", func(t *testing.T) {
		netns(t, "a")
		if testDescribed(t) {
			t.Error("this kernel allows fentry, and hopdump says it does not")
		}
	})
	t.Run("full disk", func(t *testing.T) { testFullDisk(t, "TestErrors_full.pcapng") })
}

func TestNativeNotRoot(t *testing.T) { testNotRoot(t) }
func TestNativeNoBTF(t *testing.T)   { testNoBTF(t) }

func TestNativeFullDisk(t *testing.T) {
	t.Run("buffered", func(t *testing.T) { testFullDisk(t, "full.pcapng") })
	t.Run("packet by packet", func(t *testing.T) { testFullDisk(t, "full_each.pcapng", "-U") })
}

// ended is a hopdump that ended by itself.
type ended struct {
	status         int
	stdout, stderr string
}

// run runs hopdump to its end.
func run(t testing.TB, args ...string) ended {
	t.Helper()
	return end(t, exec.Command(hopdumpBin, args...))
}

func end(t testing.TB, cmd *exec.Cmd) ended {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &stdout
	}
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitEnd(t, cmd, patience)
	return ended{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// waitEnd waits for the end of a process, which it brings about if it has to.
func waitEnd(t testing.TB, cmd *exec.Cmd, within time.Duration) {
	t.Helper()
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(within):
		_ = cmd.Process.Kill()
		<-done
		t.Errorf("%v has not ended after %v", cmd.Args, within)
	}
}

// want compares all that a hopdump said in an error with what it should say.
func (e ended) want(t testing.TB, status int, stderr string) {
	t.Helper()
	if e.status != status || e.stderr != stderr || e.stdout != "" {
		t.Errorf("status %d, want %d; standard error:\n%swant\n%s%s", e.status, status, e.stderr, stderr, e.stdout)
	}
}

// nobody is a user without rights.
const nobody = 65534

// openDir makes a directory that everybody can go into.
func openDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} { // the upper one is for its maker alone
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// forOthers copies the binary to where other users can run it.
func forOthers(t testing.TB) string {
	t.Helper()
	name := filepath.Join(openDir(t), "hopdump")
	data, err := os.ReadFile(hopdumpBin)
	if err == nil {
		err = os.WriteFile(name, data, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// sampleFile is a capture of one packet with a path, readable by everybody.
func sampleFile(t testing.TB) string {
	t.Helper()
	src, dst := netip.MustParseAddr("10.0.0.1").As4(), netip.MustParseAddr("10.0.0.2").As4()
	frame := []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0x66, 0xca}
	frame = append(append(frame, src[:]...), dst[:]...)
	frame = append(frame, 0x9c, 0x40, 0x23, 0x28, 0, 12, 0, 0, 't', 'e', 's', 't')
	path := &pcapng.Path{Way: pcapng.WayTx, Hops: []pcapng.Hop{{Func: "udp_send_skb"}, {Func: "net_dev_start_xmit", Elapsed: 2100, Tap: true}}}
	path.Finish()
	var b bytes.Buffer
	w := pcapng.NewFileWriter(&b, pcapng.FileOptions{})
	err := w.Write(&pcapng.Record{Time: 1, Data: frame, Len: len(frame), Dev: &pcapng.Device{Name: "eth0", Index: 2}, Dir: pcapng.Out, Path: path})
	if err == nil {
		err = w.Close()
	}
	name := filepath.Join(openDir(t), "sample.pcapng")
	if err == nil {
		err = os.WriteFile(name, b.Bytes(), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// checkReads: reading a file needs nothing of the kernel.
func checkReads(t testing.TB, e ended) {
	t.Helper()
	const line = "IP 10.0.0.1.40000 > 10.0.0.2.9000: UDP, length 4  | 2.100us tx 2 hops max=+2.100us@net_dev_start_xmit"
	if e.status != 0 || !strings.Contains(e.stdout, line) || strings.Contains(e.stderr, "hopdump:") {
		t.Errorf("-r: status %d\n%s%s", e.status, e.stdout, e.stderr)
	}
}

func testNotRoot(t *testing.T) {
	file := filepath.Join(openDir(t), "x.pcapng")
	if err := os.Chown(filepath.Dir(file), nobody, nobody); err != nil {
		t.Fatal(err)
	}
	bin := forOthers(t)
	run := func(args ...string) ended {
		cmd := exec.Command(bin, args...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		return end(t, cmd)
	}
	const text = "hopdump: not permitted: recording needs root, or CAP_BPF and CAP_PERFMON; -r, -d, -D and --list-hops do not\n"
	run().want(t, 1, text)
	run("-w", file, "udp").want(t, 1, text)
	if exists(file) {
		t.Error("a capture that did not begin left its file")
	}

	checkReads(t, run("-n", "-r", sampleFile(t)))
	if e := run("-D"); e.status != 0 || e.stderr != "" || !strings.Contains(e.stdout, ".lo ") {
		t.Errorf("-D: status %d\n%s%s", e.status, e.stdout, e.stderr)
	}
	e := run("--list-hops")
	for _, want := range []string{"kernel ", "hop ", "drop ", "kfree_skb"} {
		if e.status != 0 || e.stderr != "" || !strings.Contains(e.stdout, want) {
			t.Errorf("--list-hops: status %d, no %q in\n%s%s", e.status, want, e.stdout, e.stderr)
		}
	}

	// What is wrong with the command line is said before rights matter.
	run("tcp prot 80").want(t, 2, filterError)
	if e := run("--hops", "no_such_hop"); e.status != 2 {
		t.Errorf("--hops: status %d: %s", e.status, e.stderr)
	}
	run("-w", "/nonexistent/x.pcapng").want(t, 1, "hopdump: /nonexistent/x.pcapng: no such file or directory\n")
}

const filterError = `hopdump: can't parse filter expression: syntax error at column 5
    tcp prot 80
        ^~~~
`

// TestNativeNames: devices, hops and expressions that are misspelt, and that a
// capture which does not begin for that reason touches no file.
func TestNativeNames(t *testing.T) {
	vethPair(t)
	sh(t, "ip link add va10 netns a type veth peer name va9 netns b")
	tests := map[string]struct {
		args   []string
		status int
		stderr string
	}{
		"device":        {[]string{"--netns", "a", "-i", "va9"}, 1, "hopdump: va9: no such device in this namespace; near: va, va10; in other namespaces: va9 in b\n"},
		"second device": {[]string{"--netns", "a", "-i", "va", "-i", "xyz"}, 1, "hopdump: xyz: no such device in this namespace\n"},
		"hop":           {[]string{"--netns", "a", "--hops", "default,ip_rcv_cor"}, 2, "hopdump: --hops ip_rcv_cor: no such hop; near: ip_rcv_core, ip6_rcv_core\n"},
		"expression":    {[]string{"--netns", "a", "tcp prot 80"}, 2, filterError},
		"directory":     {[]string{"--netns", "a", "-w", "/nonexistent/x.pcapng"}, 1, "hopdump: /nonexistent/x.pcapng: no such file or directory\n"},
	}
	dir := t.TempDir()
	old := filepath.Join(dir, "old.pcapng")
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			run(t, c.args...).want(t, c.status, c.stderr)
			if name == "directory" {
				return
			}
			run(t, append([]string{"-w", filepath.Join(dir, "new.pcapng")}, c.args...)...).want(t, c.status, c.stderr)
			if exists(filepath.Join(dir, "new.pcapng")) {
				t.Error("a capture that did not begin left its file")
			}
			if err := os.WriteFile(old, []byte("precious"), 0o600); err != nil {
				t.Fatal(err)
			}
			run(t, append([]string{"-w", old}, c.args...)...).want(t, c.status, c.stderr)
			if got, err := os.ReadFile(old); string(got) != "precious" {
				t.Errorf("a capture that did not begin emptied the file that was there: %q, %v", got, err)
			}
		})
	}
}

// testNoBTF hides the kernel's BTF from hopdump alone.
func testNoBTF(t *testing.T) {
	hidden := func(args ...string) ended {
		line := `mount -t tmpfs none /sys/kernel/btf && exec "$0" "$@"`
		cmd := exec.Command("/bin/sh", append([]string{"-c", line, hopdumpBin}, args...)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS} // and private
		return end(t, cmd)
	}
	const text = "hopdump: no BTF in /sys/kernel/btf/vmlinux: this kernel was built without CONFIG_DEBUG_INFO_BTF\n"
	hidden().want(t, 1, text)
	hidden("--list-hops").want(t, 1, text)
	checkReads(t, hidden("-n", "-r", sampleFile(t)))
}

var (
	refusedLine  = regexp.MustCompile(`(?m)^hopdump: this kernel refuses fentry \(E[A-Z]+\); using the profile tracepoints: (\d+) hops instead of (\d+)\n`)
	describeLine = regexp.MustCompile(`(?m)^hopdump: (\S+): (\d+) of (\d+) hops \((\d+) fentry, (\d+) tp_btf\).*\n(.*)\n`)
)

// testDescribed starts the default profile and holds the lines at the start
// against each other; refused says that this kernel refuses fentry.
func testDescribed(t *testing.T) (refused bool) {
	r := hopdumpText(t, "--netns", "a").interrupt()
	d := describeLine.FindStringSubmatch(r.stderr)
	if d == nil || !strings.HasPrefix(d[6], "listening on any, link-type EN10MB") {
		t.Fatalf("the lines at the start:\n%s", r.stderr)
	}
	m := refusedLine.FindStringSubmatch(r.stderr)
	if m == nil {
		if d[1] != "default" || d[4] == "0" {
			t.Errorf("fentry is not refused, and is not used:\n%s", r.stderr)
		}
		return false
	}
	have, _ := strconv.Atoi(m[1])
	instead, _ := strconv.Atoi(m[2])
	if d[1] != "tracepoints" || d[2] != m[1] || d[4] != "0" || d[5] != m[1] || have == 0 || instead <= have {
		t.Errorf("the lines do not agree:\n%s", r.stderr)
	}
	return true
}

// TestNativeRefused: a kernel that refuses fentry is told of once, and not to
// those who did not ask for what it refuses.
func TestNativeRefused(t *testing.T) {
	netns(t, "a")
	t.Logf("fentry refused here: %v", testDescribed(t))
	r := hopdumpText(t, "--netns", "a", "--hops", "tracepoints").interrupt()
	if strings.Contains(r.stderr, "refuses") {
		t.Errorf("nothing that was asked for is missing:\n%s", r.stderr)
	}
}

// testFullDisk fills a disk of 1 MiB in the middle of a capture. The file is put
// where the other tools find it.
func testFullDisk(t *testing.T, keep string, args ...string) {
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	vethPair(t)
	s := &session{t: t, file: filepath.Join(dir, "x.pcapng")}
	s.start(append([]string{"--netns", "a", "-w", s.file}, args...)...)
	udpExchange(t, "a", "b", "10.0.0.2:19100", 20)
	until(t, "a full disk", func() bool {
		tcpTransfer(t, "a", "b", "10.0.0.2:19101", 1<<19)
		return strings.Contains(s.stderr.String(), "no space left")
	})
	r := s.wait() // reads the whole file, which must end on a whole block

	m := regexp.MustCompile(`(?m)^hopdump: ` + s.file + `: no space left on device; (\d+) packets are safe, (\d+) not written\n`).FindStringSubmatch(r.stderr)
	if r.status != 1 || m == nil {
		t.Fatalf("status %d\n%s", r.status, r.stderr)
	}
	safe, _ := strconv.Atoi(m[1])
	missing, _ := strconv.Atoi(m[2])
	if safe != len(r.recs) || safe == 0 || missing == 0 || safe+missing < r.captured || safe+missing > r.received {
		t.Errorf("%d packets in the file\n%s", len(r.recs), r.stderr)
	}
	if _, cut := readBlocks(t, s.file); cut {
		t.Error("the file ends inside a block")
	}
	data, err := os.ReadFile(s.file)
	if err == nil {
		err = os.WriteFile(filepath.Join(outDir, keep), data, 0o600)
	}
	if err != nil {
		t.Error(err)
	}
	for _, rec := range r.recs {
		checkPath(t, rec)
	}
}

// TestNativeFullDevice: a device without any room.
func TestNativeFullDevice(t *testing.T) {
	netns(t, "a")
	e := run(t, "--netns", "a", "-w", "/dev/full")
	if e.status != 1 || !strings.Contains(e.stderr, "hopdump: /dev/full: no space left on device; 0 packets are safe, 0 not written\n") {
		t.Errorf("status %d\n%s", e.status, e.stderr)
	}
}

// piped starts hopdump with a pipe as standard output.
func piped(t testing.TB, args ...string) (cmd *exec.Cmd, stderr *watched, out *os.File) {
	t.Helper()
	out, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	cmd, stderr = exec.Command(hopdumpBin, args...), newWatched()
	cmd.Stdout, cmd.Stderr = w, stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close(); _ = cmd.Process.Kill(); _, _ = cmd.Process.Wait() })
	if !stderr.waitFor("listening on", patience) {
		t.Fatalf("hopdump %v does not listen:\n%s", args, stderr)
	}
	return cmd, stderr, out
}

// TestNativeReaderGone: the reader of the output has seen enough, as head has.
func TestNativeReaderGone(t *testing.T) {
	vethPair(t)
	defer trickle(t, "a", "10.0.0.2:19100")()
	tests := map[string]struct {
		args []string
		read func(io.Reader) error
	}{
		"file": {[]string{"-w", "-"}, func(r io.Reader) error { _, err := io.ReadFull(r, make([]byte, 1000)); return err }},
		"text": {[]string{"-n"}, func(r io.Reader) error { _, err := bufio.NewReader(r).ReadString('\n'); return err }},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			cmd, stderr, out := piped(t, append(c.args, "--netns", "a", "udp port 19100")...)
			if err := c.read(out); err != nil {
				t.Fatal(err)
			}
			out.Close()
			closed := time.Now()
			waitEnd(t, cmd, soon)
			t.Logf("ended after %v", time.Since(closed))
			if status := cmd.ProcessState.ExitCode(); status != 0 || strings.Contains(stderr.String(), "pipe") {
				t.Errorf("status %d\n%s", status, stderr)
			}
		})
	}
}

// openTerminal opens a new terminal's both sides.
func openTerminal(t testing.TB) (master, terminal *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	master = os.NewFile(uintptr(fd), "ptmx")
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return master, terminal
}

// TestNativeTerminal: packets are not text.
func TestNativeTerminal(t *testing.T) {
	_, terminal := openTerminal(t)
	cmd := exec.Command(hopdumpBin, "-w", "-")
	cmd.Stdout = terminal
	end(t, cmd).want(t, 2, "hopdump: -w -: standard output is a terminal, and packets are not text\n")
}

// signal sends a signal to a hopdump.
func (s *session) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatalf("%v: %v\n%s", sig, err, s.stderr)
	}
}

// until asks again and again, a tenth of a second apart.
func until(t testing.TB, what string, ask func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ask(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never came: %s", what)
		}
	}
}

// last makes the account of a result that of the last counters printed.
func (s *session) last(r *result) {
	s.t.Helper()
	all := counters.FindAllStringIndex(r.stderr, -1)
	if len(all) == 0 {
		s.t.Fatalf("no counters:\n%s", r.stderr)
	}
	r.stderr = r.stderr[all[len(all)-1][0]:]
	r.captured = s.number(r, `(?m)^(\d+) packets? captured$`)
	r.received = s.number(r, `(?m)^(\d+) packets? received by filter$`)
	r.hops = s.number(r, `(?m)^(\d+) hops? recorded, \d+ lost$`)
}

var counters = regexp.MustCompile(`(?m)^(\d+) packets? captured\n(\d+) packets? received by filter\n(\d+) packets? dropped by kernel\n\d+ hops? recorded, \d+ lost\n`)

// TestNativeSignals: those that ask for something, and SIGHUP, which ends.
func TestNativeSignals(t *testing.T) {
	vethPair(t)
	s := hopdump(t, "--netns", "a", "udp port 19100")
	udpExchange(t, "a", "b", "10.0.0.2:19100", 10)
	until(t, "counters of 20 packets", func() bool { return s.ask() == "20" })
	s.signal(syscall.SIGUSR2)
	until(t, "20 packets in the file", func() bool { n, _ := readBlocks(t, s.file); return n == 20 })
	udpExchange(t, "a", "b", "10.0.0.2:19100", 5)
	s.signal(syscall.SIGHUP)
	r := s.wait()
	s.last(r)
	r.checkAccount(t)
	if len(r.recs) != 30 {
		t.Errorf("%d packets, want 30", len(r.recs))
	}
}

// TestNativeNohup: who ignores SIGHUP for hopdump wants it ignored.
func TestNativeNohup(t *testing.T) {
	vethPair(t)
	bin := hopdumpBin
	defer func() { hopdumpBin = bin }()
	script := filepath.Join(t.TempDir(), "nohup.sh")
	if err := os.WriteFile(script, []byte("#!/bin/sh\ntrap '' HUP\nexec "+hopdumpBin+" \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	hopdumpBin = script
	s := hopdump(t, "--netns", "a", "udp port 19100")
	s.signal(syscall.SIGHUP)
	udpExchange(t, "a", "b", "10.0.0.2:19100", 5)
	r := s.stop()
	r.checkAccount(t)
	if len(r.recs) != 10 {
		t.Errorf("%d packets, want 10", len(r.recs))
	}
}

// TestNativeStuck: nobody reads what hopdump writes, so that it cannot end
// properly. It still answers, and a second SIGINT ends it.
func TestNativeStuck(t *testing.T) {
	vethPair(t)
	defer trickle(t, "a", "10.0.0.2:19100")()
	tests := map[string][]syscall.Signal{
		"interrupted": {syscall.SIGINT},
		"flushed":     {syscall.SIGUSR2, syscall.SIGINT},
	}
	for name, signals := range tests {
		t.Run(name, func(t *testing.T) {
			cmd, stderr, out := piped(t, "-w", "-", "--netns", "a", "udp port 19100")
			if _, err := unix.FcntlInt(out.Fd(), unix.F_SETPIPE_SZ, os.Getpagesize()); err != nil {
				t.Fatal(err)
			}
			s := &session{t: t, cmd: cmd, stderr: stderr}
			same, before := 0, ""
			until(t, "a hopdump that is stuck", func() bool {
				if now := s.ask(); now != before {
					same, before = 0, now
				}
				same++
				return before != "0" && same > 5 // half a second, and 250 packets
			})
			for _, m := range counters.FindAllStringSubmatch(stderr.String(), -1) {
				captured, _ := strconv.Atoi(m[1])
				received, _ := strconv.Atoi(m[2])
				if captured > received {
					t.Errorf("%d packets captured of %d received", captured, received)
					break
				}
			}
			for _, sig := range signals {
				s.signal(sig)
			}
			s.ask() // the answer shows that the signals before were received
			s.signal(syscall.SIGINT)
			waitEnd(t, cmd, soon)
			if status := cmd.ProcessState.ExitCode(); status != 1 {
				t.Errorf("status %d\n%s", status, stderr)
			}
		})
	}
}

// ask has the counters printed and returns how many packets were captured.
func (s *session) ask() string {
	s.t.Helper()
	before := len(counters.FindAllString(s.stderr.String(), -1))
	s.signal(syscall.SIGUSR1)
	for deadline := time.Now().Add(soon); ; time.Sleep(time.Millisecond) {
		if all := counters.FindAllStringSubmatch(s.stderr.String(), -1); len(all) > before {
			return all[len(all)-1][1]
		}
		if time.Now().After(deadline) {
			s.t.Errorf("no answer to SIGUSR1:\n%s", s.stderr)
			return ""
		}
	}
}

// TestNativeEnds: a capture that ends by itself.
func TestNativeEnds(t *testing.T) {
	vethPair(t)
	t.Run("by count", func(t *testing.T) {
		s := hopdump(t, "--netns", "a", "-c", "5", "udp port 19100")
		udpExchange(t, "a", "b", "10.0.0.2:19100", 10)
		r := s.wait()
		if r.status != 0 || len(r.recs) != 5 || r.captured != 5 || r.received < 5 {
			t.Errorf("status %d, %d packets in the file\n%s", r.status, len(r.recs), r.stderr)
		}
	})
	t.Run("by count in the middle", func(t *testing.T) {
		// Fragments: some of them are always under way.
		ping := exec.Command("ip", "netns", "exec", "a", "ping", "-q", "-i", "0.002", "-s", "10000", "10.0.0.2")
		if err := ping.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = ping.Process.Kill(); _ = ping.Wait() }()
		r := hopdumpText(t, "--netns", "a", "-nq", "-c", "5").wait()
		if r.status != 0 || strings.Count(r.stdout, "\n") != 5 || r.captured != 5 {
			t.Errorf("status %d\n%s%s", r.status, r.stdout, r.stderr)
		}
		if strings.Contains(r.stderr, "was not written") {
			t.Errorf("what nobody asked for any more is not lost:\n%s", r.stderr)
		}
	})
	t.Run("by time", func(t *testing.T) {
		const span = 3 * time.Second
		s := hopdump(t, "--netns", "a", "--duration", span.String(), "udp port 19100")
		began := time.Now()
		udpExchange(t, "a", "b", "10.0.0.2:19100", 10)
		r := s.wait()
		// It is heard that recording has begun a moment after it has.
		if took := time.Since(began); took < span-time.Second || took > span+soon {
			t.Errorf("it took %v", took)
		}
		r.checkAccount(t)
		if len(r.recs) != 20 {
			t.Errorf("%d packets, want 20", len(r.recs))
		}
	})
	t.Run("at once", func(t *testing.T) {
		s := hopdump(t, "--netns", "a")
		r := s.interrupt()
		r.checkAccount(t)
		if n, cut := readBlocks(t, s.file); n != 0 || cut {
			t.Errorf("%d packets, cut %v", n, cut)
		}
	})
}
