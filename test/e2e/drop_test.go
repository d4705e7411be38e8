// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"
	"testing"
)

// TestNftDrop: what a rule drops on the way out and on the way in, and one
// packet that passes beside it.
func TestNftDrop(t *testing.T) {
	vethPair(t)
	sh(t, `ip netns exec a nft 'add table ip f; add chain ip f out { type filter hook output priority 0; }; add rule ip f out udp dport 7001 counter drop'
		ip netns exec b nft 'add table ip f; add chain ip f in { type filter hook input priority 0; }; add rule ip f in udp dport 7002 counter drop'`)
	s := hopdump(t, "--netns", "all", "udp")
	for range 5 {
		in(t, "a", func() { trySend("10.0.0.2:7001") })
	}
	for range 7 {
		sendTo(t, "a", "10.0.0.2:7002", "in")
	}
	udpExchange(t, "a", "b", "10.0.0.2:7003", 3)
	r := s.stop()

	r.checkAccount(t)
	for _, c := range []struct {
		port, n   int
		ns, chain string
		last      string // hops in front of kfree_skb
	}{
		{7001, 5, "a", "out", "__ip_local_out"},
		{7002, 7, "b", "in", "ip_local_deliver"},
	} {
		rule := sh(t, "ip netns exec "+c.ns+" nft list chain ip f "+c.chain)
		if want := "packets " + itoa(c.n) + " "; !strings.Contains(rule, want) {
			t.Errorf("nft counted otherwise than %s: %s", want, rule)
		}
		got := r.udpWith(c.port)
		if len(got) != c.n {
			t.Errorf("port %d: %d packets, want %d", c.port, len(got), c.n)
		}
		for _, d := range got {
			checkPath(t, d.Record)
			drop := d.Path.Drop
			if drop == nil || drop.Reason != "NETFILTER_DROP" || drop.Func == "" {
				t.Errorf("port %d: %s", c.port, d.Path.AppendTail(nil))
				continue
			}
			if !strings.HasSuffix(funcs(d.Record), c.last+" kfree_skb") {
				t.Errorf("port %d: hops %s", c.port, funcs(d.Record))
			}
		}
	}
	if n := len(r.udpWith(7003)); n != 6 {
		t.Errorf("%d packets beside the rules, want 6", n)
	}
}

// TestDropProfile: the drop profile records drops alone.
func TestDropProfile(t *testing.T) {
	vethPair(t)
	s := hopdump(t, "--netns", "all", "--hops", "drop", "udp")
	udpExchange(t, "a", "b", "10.0.0.2:7003", 3)
	for range 4 {
		sendTo(t, "a", "10.0.0.2:7009", "nobody")
	}
	noPorts := counter(t, "b", "UdpNoPorts")
	r := s.stop()

	r.checkAccount(t)
	if len(r.recs) != 4 || noPorts != 4 {
		t.Errorf("%d drops recorded, the kernel counted %d, want 4", len(r.recs), noPorts)
	}
	for _, rec := range r.recs {
		checkPath(t, rec)
		if rec.Path.Drop == nil || rec.Path.Drop.Reason != "NO_SOCKET" || funcs(rec) != "kfree_skb" {
			t.Errorf("%s: %s", rec.Path.AppendTail(nil), funcs(rec))
		}
	}
}
