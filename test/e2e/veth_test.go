// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// wakeFunc is the hop of a wake-up: the tracepoint came with 6.2.
func wakeFunc() string {
	if kernelBefore(6, 2) {
		return "sock_def_readable"
	}
	return "sk_data_ready"
}

func udpHops() string {
	return "udp_send_skb __ip_local_out ip_output net_dev_queue net_dev_start_xmit netif_receive_skb " +
		"ip_rcv_core ip_local_deliver udp_rcv __udp_enqueue_schedule_skb " + wakeFunc() + " skb_consume_udp"
}

func udp6Hops() string {
	return "udp_v6_send_skb ip6_output net_dev_queue net_dev_start_xmit netif_receive_skb " +
		"ip6_rcv_core __udp_enqueue_schedule_skb " + wakeFunc() + " skb_consume_udp"
}

// TestVeth: everything between two namespaces, in one capture.
func TestVeth(t *testing.T) {
	vethPair(t)
	before := counter(t, "a", "UdpOutDatagrams")
	rtx := counter(t, "a", "TcpRetransSegs")
	s := hopdump(t, "--netns", "all", "-s", "0", "udp or tcp or icmp or icmp6")
	udpExchange(t, "a", "b", "10.0.0.2:9000", 23)
	udpExchange(t, "a", "b", "[fd00::2]:9006", 23)
	stream := tcpTransfer(t, "a", "b", "10.0.0.2:9001", 1<<20)
	stream6 := tcpTransfer(t, "a", "b", "[fd00::2]:9061", 100_000)
	sh(t, "ip netns exec a ping -q -c 3 -i 0.2 10.0.0.2; ip netns exec a ping -q -c 3 -i 0.2 fd00::2")
	sendTo(t, "a", "10.0.0.2:9999", "nobody")
	sent := counter(t, "a", "UdpOutDatagrams") - before
	r := s.stop()
	r.retransmitted = counter(t, "a", "TcpRetransSegs") - rtx

	r.checkAccount(t)
	for _, rec := range r.recs {
		checkPath(t, rec)
	}
	t.Run("udp", func(t *testing.T) {
		checkExchange(t, r, 9000, 23, udpHops())
		if sent != 23+1 {
			t.Errorf("the kernel counted %d datagrams", sent)
		}
	})
	t.Run("udp6", func(t *testing.T) { checkExchange(t, r, 9006, 23, udp6Hops()) })
	t.Run("tcp", func(t *testing.T) { checkTCP(t, r, 9001, stream) })
	t.Run("tcp6", func(t *testing.T) { checkStream(t, r, 9061, stream6, r.retransmitted > 0) })
	t.Run("ping", func(t *testing.T) { checkPings(t, r, 3) })
	t.Run("closed port", func(t *testing.T) { checkClosedPort(t, r, 9999) })
}

// checkExchange: every datagram exactly once, on the device of its sender, with
// exactly these hops.
func checkExchange(t *testing.T, r *result, port, n int, hops string) {
	seen := map[string]int{}
	misses := missing{budget: r.lost}
	defer misses.check(t)
	for _, d := range r.udpWith(port) {
		seen[string(d.udp)]++
		misses.compare(string(d.udp), funcs(d.Record), hops)
		if d.Path.Way != "lo" || d.Path.IsOpen {
			t.Errorf("%s: %s", d.udp, d.Path.AppendTail(nil))
		}
		if d.Path.Comm == "" || d.Path.Pid == 0 {
			t.Errorf("%s: no process: %s", d.udp, d.Path.AppendTail(nil))
		}
		wantDev := "va"
		if strings.HasPrefix(string(d.udp), "pong") {
			wantDev = "vb"
		}
		if d.Dev.Name != wantDev {
			t.Errorf("%s: tapped at %s, want %s", d.udp, d.Dev.Name, wantDev)
		}
	}
	for i := range n {
		for _, word := range []string{"ping", "pong"} {
			if k := fmt.Sprintf("%s %d", word, i); seen[k] != 1 {
				t.Errorf("%s is there %d times", k, seen[k])
			}
		}
	}
	if len(seen) != 2*n {
		t.Errorf("%d different datagrams, want %d", len(seen), 2*n)
	}
}

// checkTCP: the whole stream once; every segment from the socket to the reader
// or into a queue; the process of the send call.
func checkTCP(t *testing.T, r *result, port int, stream []byte) {
	resent := r.retransmitted > 0
	checkStream(t, r, port, stream, resent)
	misses := missing{budget: r.lost}
	defer misses.check(t)
	const start = "__tcp_transmit_skb __ip_local_out ip_output net_dev_queue net_dev_start_xmit netif_receive_skb ip_rcv_core ip_local_deliver tcp_v4_rcv"
	data := 0
	fins := map[uint32]bool{} // sequence numbers behind a FIN
	for _, d := range r.tcpWith(port) {
		if d.tcp.FIN {
			fins[d.tcp.Seq+uint32(len(d.tcp.Payload))+1] = true
		}
		got := funcs(d.Record)
		want := start
		// No TCP socket sends these: a request socket the one, a time-wait
		// socket the other.
		if d.tcp.SYN && d.tcp.ACK || !d.tcp.FIN && fins[d.tcp.Ack] {
			want = strings.TrimPrefix(start, "__tcp_transmit_skb ")
		}
		misses.prefix(fmt.Sprintf("seq %d SYN=%v FIN=%v len %d", d.tcp.Seq, d.tcp.SYN, d.tcp.FIN, len(d.tcp.Payload)), got, want)
		if len(d.tcp.Payload) == 0 || d.dport != port || resent && d.Path.Drop != nil {
			continue
		}
		data++
		if !strings.Contains(got, "tcp_queue_rcv") {
			t.Errorf("seq %d: data that no socket queued: %s", d.tcp.Seq, got)
		}
		if d.Path.Pid == 0 {
			t.Errorf("seq %d: no process: %s", d.tcp.Seq, d.Path.AppendTail(nil))
		}
	}
	if data == 0 {
		t.Error("no data segments")
	}
}

// missing collects paths that lack hops. As many as hopdump counts as lost may
// (a program that interrupts itself is skipped); none may have others.
type missing struct {
	budget int
	found  int
	what   []string
	wrong  []string
}

func (m *missing) compare(name, got, want string) {
	// A reader that is awake may have the packet before its queue wakes it.
	if wake := " " + wakeFunc() + " "; !strings.Contains(got, wake) {
		want = strings.Replace(want, wake, " ", 1)
	}
	if got == want {
		return
	}
	m.add(name, got, want)
}

func (m *missing) prefix(name, got, want string) {
	if strings.HasPrefix(got, want) {
		return
	}
	// Of what follows only the hops that belong to the start matter here.
	var start []string
	for _, h := range strings.Fields(got) {
		if strings.Contains(" "+want+" ", " "+h+" ") {
			start = append(start, h)
		}
	}
	m.add(name, strings.Join(start, " "), want)
}

// add takes a path that differs: a part of what is wanted, in order, or wrong.
func (m *missing) add(name, got, want string) {
	g, w := strings.Fields(got), strings.Fields(want)
	i := 0
	for _, h := range w {
		if i < len(g) && g[i] == h {
			i++
		}
	}
	text := fmt.Sprintf("%s: hops\n%s\nwant\n%s", name, got, want)
	if i < len(g) {
		m.wrong = append(m.wrong, text)
		return
	}
	m.found += len(w) - len(g)
	m.what = append(m.what, text)
}

func (m *missing) check(t testing.TB) {
	t.Helper()
	for _, w := range m.wrong {
		t.Error(w)
	}
	if m.found > m.budget {
		t.Errorf("%d hops are missing, %d were counted as lost:\n%s", m.found, m.budget, strings.Join(m.what, "\n"))
	}
}

func checkPings(t *testing.T, r *result, n int) {
	v4, v6 := 0, 0
	for _, d := range r.find(func(d *decoded) bool { return d.icmp }) {
		echo := len(d.Data) == 98 || len(d.Data) == 118 // Ethernet, IP, 64 bytes of ICMP
		switch {
		case !echo:
		case strings.Contains(d.src, ":"):
			v6++
		default:
			v4++
		}
	}
	if v4 != 2*n || v6 != 2*n {
		t.Errorf("%d echo packets over IPv4, %d over IPv6, want %d of each", v4, v6, 2*n)
	}
}

func checkClosedPort(t *testing.T, r *result, port int) {
	found := 0
	for _, d := range r.udpWith(port) {
		if d.icmp || d.dport != port {
			continue
		}
		found++
		drop := d.Path.Drop
		if drop == nil || drop.Reason != "NO_SOCKET" || !strings.HasPrefix(drop.Func, "__udp4_lib_rcv") && drop.Func != "udp_rcv" {
			t.Errorf("drop: %s", d.Path.AppendTail(nil))
		}
		if !strings.HasSuffix(funcs(d.Record), "udp_rcv kfree_skb") {
			t.Errorf("hops: %s", funcs(d.Record))
		}
	}
	if found != 1 {
		t.Errorf("the datagram to a closed port is there %d times", found)
	}
}
