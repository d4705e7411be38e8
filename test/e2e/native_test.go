// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"
	"testing"
)

// TestNative: the tracepoints profile on the machine the tests run on, whatever
// its kernel: every datagram once, the whole stream, a drop with its reason.
func TestNative(t *testing.T) {
	vethPair(t)
	s := hopdump(t, "--netns", "all", "--hops", "tracepoints", "udp or tcp")
	udpExchange(t, "a", "b", "10.0.0.2:9000", 23)
	stream := tcpTransfer(t, "a", "b", "10.0.0.2:9001", 1<<20)
	sendTo(t, "a", "10.0.0.2:9999", "nobody")
	r := s.stop()

	r.checkAccount(t)
	seen := map[string]int{}
	const hops = "net_dev_queue net_dev_start_xmit netif_rx_entry netif_receive_skb"
	for _, d := range r.udpWith(9000) {
		checkPath(t, d.Record)
		seen[string(d.udp)]++
		if got := funcs(d.Record); !strings.HasPrefix(got, hops) {
			t.Errorf("%s: hops %s", d.udp, got)
		}
	}
	for i := range 23 {
		for _, k := range []string{"ping ", "pong "} {
			if seen[k+itoa(i)] != 1 {
				t.Errorf("%s%d is there %d times", k, i, seen[k+itoa(i)])
			}
		}
	}
	checkStream(t, r, 9001, stream, false)
	closed := r.udpWith(9999)
	if len(closed) != 1 || closed[0].Path.Drop == nil || closed[0].Path.Drop.Reason != "NO_SOCKET" {
		t.Errorf("%d datagrams to a closed port", len(closed))
	}
}

// TestNativeBytes: what is captured is what tcpdump captures.
func TestNativeBytes(t *testing.T) {
	vethPair(t)
	s := hopdump(t, "--netns", "a", "-i", "va", "--hops", "tracepoints")
	other := tcpdump(t, "a", "va", outDir+"/tcpdump.pcap")
	udpExchange(t, "a", "b", "10.0.0.2:9000", 20)
	tcpTransfer(t, "a", "b", "10.0.0.2:9001", 1<<20)
	want := other()
	r := s.interrupt()
	r.checkAccount(t)
	compareBytes(t, r.recs, want)
}
