// SPDX-License-Identifier: Apache-2.0

package text

import "net/netip"

// flowKey is one direction of a TCP connection.
type flowKey struct {
	src, dst         netip.Addr
	srcPort, dstPort uint16
}

// ordered returns the key both directions share, and whether k was turned.
func (k flowKey) ordered() (flowKey, bool) {
	c := k.src.Compare(k.dst)
	if c < 0 || c == 0 && k.srcPort <= k.dstPort {
		return k, false
	}
	return flowKey{k.dst, k.src, k.dstPort, k.srcPort}, true
}

// seqTable remembers where the numbers of each connection began. Connections
// that were not seen for long are forgotten, so memory stays bounded.
type seqTable struct {
	recent, older map[flowKey]seqStart
}

// seqStart are the first numbers of the direction that sorts first, and of the
// other one.
type seqStart struct{ seq, ack uint32 }

// maxFlows is how many connections one half of the table holds.
const maxFlows = 1 << 15

// relative turns the numbers of an acknowledging segment into relative ones.
// The first segment of a connection keeps its own. base is what the other
// direction counts from.
func (t *seqTable) relative(k flowKey, h tcpHeader) (seq, ack, base uint32) {
	key, turned := k.ordered()
	start, known := t.find(key)
	if !known || h.flags&tcpSYN != 0 {
		start = seqStart{h.seq, h.ack - 1}
		if turned {
			start = seqStart{h.ack - 1, h.seq}
		}
		t.store(key, start)
		return h.seq, h.ack, h.ack - 1
	}
	if turned {
		return h.seq - start.ack, h.ack - start.seq, start.seq
	}
	return h.seq - start.seq, h.ack - start.ack, start.ack
}

func (t *seqTable) find(key flowKey) (seqStart, bool) {
	if start, ok := t.recent[key]; ok {
		return start, true
	}
	start, ok := t.older[key]
	if ok {
		t.store(key, start)
	}
	return start, ok
}

func (t *seqTable) store(key flowKey, start seqStart) {
	if len(t.recent) >= maxFlows || t.recent == nil {
		t.recent, t.older = make(map[flowKey]seqStart), t.recent
	}
	t.recent[key] = start
}
