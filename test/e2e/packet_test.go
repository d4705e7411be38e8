// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"sort"
	"testing"

	"hopdump/pcapng"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// decoded is a record with what the tests look at in it.
type decoded struct {
	*pcapng.Record
	src, dst string
	sport    int
	dport    int
	udp      []byte // payload
	tcp      *layers.TCP
	icmp     bool
}

// decode looks into a packet from the link header on.
func decode(r *pcapng.Record) decoded {
	d := decoded{Record: r}
	p := gopacket.NewPacket(r.Data, layers.LayerTypeEthernet, gopacket.DecodeOptions{Lazy: true, NoCopy: true})
	if n := p.NetworkLayer(); n != nil {
		d.src, d.dst = n.NetworkFlow().Src().String(), n.NetworkFlow().Dst().String()
	}
	switch l := p.TransportLayer().(type) {
	case *layers.UDP:
		d.sport, d.dport, d.udp = int(l.SrcPort), int(l.DstPort), l.Payload
	case *layers.TCP:
		d.sport, d.dport, d.tcp = int(l.SrcPort), int(l.DstPort), l
	}
	d.icmp = p.Layer(layers.LayerTypeICMPv4) != nil || p.Layer(layers.LayerTypeICMPv6) != nil
	return d
}

func (r *result) udpWith(port int) []decoded {
	return r.find(func(d *decoded) bool { return d.udp != nil && (d.sport == port || d.dport == port) })
}

func (r *result) tcpWith(port int) []decoded {
	return r.find(func(d *decoded) bool { return d.tcp != nil && (d.sport == port || d.dport == port) })
}

func (r *result) find(want func(*decoded) bool) []decoded {
	var out []decoded
	for _, rec := range r.recs {
		if d := decode(rec); want(&d) {
			out = append(out, d)
		}
	}
	return out
}

// checkStream demands that the data segments to port hold every byte of a
// stream, each exactly once unless it was sent again.
func checkStream(t testing.TB, r *result, port int, want []byte, resent bool) {
	t.Helper()
	type piece struct {
		seq  uint32
		data []byte
	}
	var start uint32
	var pieces []piece
	total := 0
	for _, d := range r.tcpWith(port) {
		if d.dport != port {
			continue
		}
		if d.tcp.SYN {
			start = d.tcp.Seq + 1
		}
		if len(d.tcp.Payload) > 0 {
			pieces = append(pieces, piece{d.tcp.Seq, d.tcp.Payload})
			total += len(d.tcp.Payload)
		}
	}
	sort.SliceStable(pieces, func(i, j int) bool { return int32(pieces[i].seq-pieces[j].seq) < 0 })
	var got []byte
	for _, p := range pieces {
		at := int(p.seq - start)
		if at > len(got) {
			t.Errorf("%d bytes are missing at %d of the stream", at-len(got), len(got))
			return
		}
		if over := len(got) - at; over < len(p.data) {
			got = append(got, p.data[over:]...)
		}
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the captured stream differs: %d bytes of %d", len(got), len(want))
	}
	if !resent && total != len(want) {
		t.Errorf("%d payload bytes captured of %d sent once", total, len(want))
	}
}
