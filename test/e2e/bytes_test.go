// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"fmt"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"hopdump/pcapng"
)

// tcpdump captures beside hopdump, on one device.
func tcpdump(t testing.TB, ns, dev, file string, args ...string) (stop func() []*pcapng.Record) {
	t.Helper()
	cmd := exec.Command("ip", append([]string{"netns", "exec", ns, "tcpdump", "-i", dev, "-w", file, "-U", "-B", "8192"}, args...)...)
	out := newWatched()
	cmd.Stderr = out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if !out.waitFor("listening on", patience) {
		t.Fatalf("tcpdump: %s", out)
	}
	return func() []*pcapng.Record {
		time.Sleep(settle)
		_ = cmd.Process.Signal(syscall.SIGINT)
		_ = cmd.Wait()
		return readFile(t, file)
	}
}

// TestBytes: what is captured is byte for byte what tcpdump captures at the same
// time on the same device.
func TestBytes(t *testing.T) {
	tests := map[string]struct {
		snap int
		vlan bool
	}{
		"whole":    {snap: 262144},
		"96 bytes": {snap: 96},
		"vlan":     {snap: 262144, vlan: true},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			vethPair(t)
			addr := "10.0.0.2"
			if c.vlan {
				addVLAN(t)
				addr = "10.1.0.2"
			}
			snap := fmt.Sprint(c.snap)
			s := hopdump(t, "--netns", "a", "-i", "va", "-s", snap)
			other := tcpdump(t, "a", "va", outDir+"/tcpdump_"+snap+".pcap", "-s", snap)
			udpExchange(t, "a", "b", addr+":9000", 10)
			tcpTransfer(t, "a", "b", addr+":9001", 400_000)
			want := other()
			r := s.interrupt()

			r.checkAccount(t)
			compareBytes(t, r.recs, want)
			big, tagged := 0, 0
			for _, rec := range want {
				if rec.Len > 1514 {
					big++
				}
				if len(rec.Data) > 14 && rec.Data[12] == 0x81 && rec.Data[13] == 0 {
					tagged++
				}
			}
			if big == 0 {
				t.Error("no packet larger than a frame: segmentation offload was not met")
			}
			if c.vlan && tagged == 0 {
				t.Error("no packet has a tag")
			}
		})
	}
}

// addVLAN puts a VLAN device on either side. veth keeps the tag out of the
// bytes, like a card with offload.
func addVLAN(t testing.TB) {
	t.Helper()
	for i, ns := range []string{"a", "b"} {
		sh(t, fmt.Sprintf(`ip -n %[1]s link add link v%[1]s name v%[1]s.10 type vlan id 10
			ip -n %[1]s addr add 10.1.0.%[2]d/24 dev v%[1]s.10
			ip -n %[1]s link set v%[1]s.10 up`, ns, i+1))
	}
}

// compareBytes demands the same packets. Two captures do not begin at the same
// moment, so the first and last of one may be missing from the other; tcpdump's
// must all be there.
func compareBytes(t *testing.T, got, want []*pcapng.Record) {
	t.Helper()
	key := func(r *pcapng.Record) string { return fmt.Sprintf("%d/%d %x", len(r.Data), r.Len, r.Data) }
	have := map[string]int{}
	for _, r := range got {
		have[key(r)]++
	}
	missing := 0
	for _, r := range want {
		if have[key(r)] == 0 {
			missing++
			if missing <= 3 {
				t.Errorf("only tcpdump has: %d of %d bytes %x…%s", len(r.Data), r.Len, r.Data[:min(60, len(r.Data))], nearest(r, got))
			}
			continue
		}
		have[key(r)]--
	}
	if missing > 0 || len(want) < 30 {
		t.Errorf("%d of %d packets of tcpdump's are not among %d", missing, len(want), len(got))
	}
}

// nearest names the packet that differs least, for the error message.
func nearest(r *pcapng.Record, all []*pcapng.Record) string {
	for _, o := range all {
		n := min(len(o.Data), len(r.Data), 54)
		if o.Len == r.Len && bytes.Equal(o.Data[:n], r.Data[:n]) {
			at := 0
			for at < min(len(o.Data), len(r.Data)) && o.Data[at] == r.Data[at] {
				at++
			}
			return fmt.Sprintf(" (one of %d of %d bytes differs from byte %d on)", len(o.Data), o.Len, at)
		}
	}
	return ""
}

// TestVLANDevice: a capture on the VLAN device itself sees packets without tag,
// coming in although the kernel hands them over without a tracepoint.
func TestVLANDevice(t *testing.T) {
	vethPair(t)
	addVLAN(t)
	s := hopdump(t, "--netns", "a", "-i", "va.10", "udp port 9000")
	other := tcpdump(t, "a", "va.10", outDir+"/vlandev.pcap", "udp port 9000")
	udpExchange(t, "a", "b", "10.1.0.2:9000", 10)
	want := other()
	r := s.interrupt()

	r.checkAccount(t)
	if len(want) != 20 || len(r.recs) != 20 {
		t.Errorf("%d packets, tcpdump has %d, want 20", len(r.recs), len(want))
	}
	compareBytesExactly(t, r.recs, want)
}

func compareBytesExactly(t *testing.T, got, want []*pcapng.Record) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if !bytes.Equal(got[i].Data, want[i].Data) || got[i].Len != want[i].Len {
			t.Errorf("packet %d:\n%x\nwant\n%x", i, got[i].Data, want[i].Data)
		}
	}
}
