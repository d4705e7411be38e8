// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net"
	"strconv"
	"strings"
	"testing"
)

func itoa(n int) string { return strconv.Itoa(n) }

// trySend sends a datagram that a rule may refuse.
func trySend(addr string) {
	c, err := net.Dial("udp", addr)
	if err != nil {
		return
	}
	defer c.Close()
	_, _ = c.Write([]byte("try"))
}

// TestLoopback: each packet once although it passes lo twice, seen as tcpdump
// sees it, coming in; from socket to socket.
func TestLoopback(t *testing.T) {
	netns(t, "a")
	// With the MTU of 65,536 that lo has, a packet may be larger than a perf
	// record, and before 6.12 it would be cut.
	sh(t, "ip -n a link set lo mtu 9000")
	rtx := counter(t, "a", "TcpRetransSegs")
	s := hopdump(t, "--netns", "a", "-i", "lo", "udp or tcp")
	udpExchange(t, "a", "a", "127.0.0.1:9000", 23)
	stream := tcpTransfer(t, "a", "a", "127.0.0.1:9001", 300_000)
	r := s.stop()

	r.checkAccount(t)
	got := r.udpWith(9000)
	if len(got) != 46 {
		t.Errorf("%d datagrams, want 46", len(got))
	}
	misses := missing{budget: r.lost}
	defer misses.check(t)
	for _, d := range got {
		checkPath(t, d.Record)
		misses.compare(string(d.udp), funcs(d.Record), udpHops())
		if d.Dev.Name != "lo" || d.Dir != 1 || d.Path.Way != "lo" {
			t.Errorf("%s: %s %d %s", d.udp, d.Dev.Name, d.Dir, d.Path.AppendTail(nil))
		}
	}
	checkStream(t, r, 9001, stream, counter(t, "a", "TcpRetransSegs") > rtx)
}

// TestNIC: two virtio cards on a hub; the sender's path ends at the card, the
// receiver's begins there. Segments that the card or the kernel makes of one
// are merged again on the other side; no byte is lost on either.
func TestNIC(t *testing.T) {
	nicPair(t)
	sh(t, "ip netns exec a ethtool -K eth0 tso off >/dev/null; ip netns exec a ping -q -c 1 10.0.0.2")
	s := hopdump(t, "--netns", "all", "udp or tcp")
	udpExchange(t, "a", "b", "10.0.0.2:9000", 23)
	stream := tcpTransfer(t, "a", "b", "10.0.0.2:9001", 300_000)
	r := s.stop()

	r.checkAccount(t)
	tx := "udp_send_skb __ip_local_out ip_output net_dev_queue net_dev_start_xmit"
	rx := "napi_gro_receive_entry netif_receive_skb ip_rcv_core ip_local_deliver udp_rcv __udp_enqueue_schedule_skb " + wakeFunc() + " skb_consume_udp"
	misses := missing{budget: r.lost}
	defer misses.check(t)
	count := map[string]int{}
	for _, d := range r.udpWith(9000) {
		checkPath(t, d.Record)
		side := map[bool]string{true: "rx", false: "tx"}[d.Dir == 1]
		count[side+" "+string(d.udp)]++
		hops := strings.ReplaceAll(funcs(d.Record), " qdisc_enqueue qdisc_dequeue", "")
		misses.compare(side+" "+string(d.udp), hops, map[string]string{"rx": rx, "tx": tx}[side])
		if string(d.Path.Way) != side {
			t.Errorf("%s: %s", d.udp, d.Path.AppendTail(nil))
		}
	}
	for i := range 23 {
		for _, k := range []string{"tx ping ", "rx ping ", "tx pong ", "rx pong "} {
			if count[k+itoa(i)] != 1 {
				t.Errorf("%s%d is there %d times", k, i, count[k+itoa(i)])
			}
		}
	}
	checkNICStream(t, r, stream)
}

// checkNICStream looks at the stream on both cards: segments of a GSO packet on
// the sender's, merged frames on the receiver's.
func checkNICStream(t *testing.T, r *result, stream []byte) {
	t.Helper()
	var out, inn result
	segments, merged := 0, 0
	for _, rec := range r.recs {
		if rec.Dir == 2 {
			out.recs = append(out.recs, rec)
		} else {
			inn.recs = append(inn.recs, rec)
		}
		if rec.Path != nil && rec.Path.Gso != 0 {
			segments++
			if !strings.HasPrefix(funcs(rec), "__tcp_transmit_skb __ip_local_out ip_output net_dev_queue") {
				t.Errorf("segment without its parent's hops: %s", funcs(rec))
			}
			if len(rec.Data) > 1514 {
				t.Errorf("segment of %d bytes", len(rec.Data))
			}
		}
		if rec.Path != nil && rec.Path.Gro > 1 {
			merged++
		}
	}
	checkStream(t, &out, 9001, stream, true)
	checkStream(t, &inn, 9001, stream, true)
	if segments == 0 {
		t.Error("no segments although the card does not segment")
	}
	t.Logf("%d segments, %d merged packets", segments, merged)
}

// TestBridge: one packet, one record, through three devices.
func TestBridge(t *testing.T) {
	netns(t, "a", "b", "r")
	sh(t, `ip link add va netns a type veth peer name p1 netns r
		ip link add vb netns b type veth peer name p2 netns r
		ip -n r link add br0 type bridge
		ip -n r link set p1 master br0; ip -n r link set p2 master br0
		ip -n r link set br0 up; ip -n r link set p1 up; ip -n r link set p2 up`)
	address(t, "a", "va", 1)
	address(t, "b", "vb", 2)
	sh(t, "ip netns exec a ping -q -c 1 10.0.0.2")
	s := hopdump(t, "--netns", "all", "udp port 9000")
	udpExchange(t, "a", "b", "10.0.0.2:9000", 23)
	r := s.stop()

	r.checkAccount(t)
	if len(r.recs) != 46 {
		t.Errorf("%d records of 46 packets", len(r.recs))
	}
	for _, d := range r.udpWith(9000) {
		checkPath(t, d.Record)
		var devs []string
		for _, h := range d.Path.Hops {
			if h.Dev != "" {
				devs = append(devs, h.Dev)
			}
		}
		want := "va p1 p2 vb"
		if strings.HasPrefix(string(d.udp), "pong") {
			want = "vb p2 p1 va"
		}
		if got := strings.Join(devs, " "); got != want {
			t.Errorf("%s: devices %s, want %s", d.udp, got, want)
		}
	}
}

// TestScope: -i and --netns choose packets that pass there, and do not cut the
// path: what comes in at va began in the neighbour namespace.
func TestScope(t *testing.T) {
	vethPair(t)
	s := hopdump(t, "--netns", "a", "-i", "va", "udp port 9000")
	udpExchange(t, "a", "b", "10.0.0.2:9000", 5)
	udpExchange(t, "a", "a", "127.0.0.1:9000", 5)
	r := s.stop()

	r.checkAccount(t)
	if len(r.recs) != 10 {
		t.Errorf("%d packets, want 10: those of lo do not pass va", len(r.recs))
	}
	misses := missing{budget: r.lost}
	defer misses.check(t)
	for _, d := range r.udpWith(9000) {
		checkPath(t, d.Record)
		misses.compare(string(d.udp), funcs(d.Record), udpHops())
		if d.Dev.Name != "va" {
			t.Errorf("%s: tapped at %s", d.udp, d.Dev.Name)
		}
		if in := strings.HasPrefix(string(d.udp), "pong"); in != (d.Dir == 1) {
			t.Errorf("%s: direction %d", d.udp, d.Dir)
		}
	}
}
