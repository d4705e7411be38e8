// SPDX-License-Identifier: Apache-2.0

package text

import (
	"bytes"
	"encoding/binary"
)

const (
	tcpFIN = 1 << iota
	tcpSYN
	tcpRST
	tcpPSH
	tcpACK
	tcpURG
	tcpECE
	tcpCWR
)

// tcp prints a segment of n bytes of which b was captured.
func (p *Printer) tcp(ctx *ipContext, b []byte, n int) {
	if len(b) < 4 {
		p.addresses(ctx)
		p.truncated("tcp")
		return
	}
	src, dst := p.ports(ctx, "tcp", b)
	h, ok := p.dec.tcpSegment(b)
	if !ok {
		p.truncated("tcp")
		return
	}
	if h.hlen < tcpHeaderLen {
		p.f(" tcp %d [bad hdr length %d, too short, < %d]", n-h.hlen, h.hlen, tcpHeaderLen)
		return
	}
	data := n - h.hlen
	if p.opt.Quiet {
		p.f("tcp %d", data)
		if h.hlen > n {
			p.f(" [bad hdr length %d, too long, > %d]", h.hlen, n)
		}
		return
	}
	p.f("Flags [%s]", tcpFlags(h.flags))
	p.tcpChecksum(ctx, h, b, n)
	base := p.tcpNumbers(ctx, h, src, dst, data)
	p.f(", win %d", h.win)
	if h.flags&tcpURG != 0 {
		p.f(", urg %d", h.urgent)
	}
	if h.hlen > tcpHeaderLen && !p.tcpOptions(h, base) {
		return
	}
	p.f(", length %d", max(data, 0)&0xffffffff)
	if data > 0 && len(b) > h.hlen {
		p.tcpPayload(h, src, dst, b[h.hlen:min(len(b), n)], data)
	}
}

// tcpFlags prints the flags in tcpdump's letters.
func tcpFlags(flags uint8) string {
	var b []byte
	for i, c := range []byte("FSRP.UEW") {
		if flags&(1<<i) != 0 {
			b = append(b, c)
		}
	}
	if b == nil {
		return "none"
	}
	return string(b)
}

func (p *Printer) tcpChecksum(ctx *ipContext, h tcpHeader, b []byte, n int) {
	if p.opt.NoChecksum || p.opt.Verbose == 0 || ctx.fragment {
		return
	}
	if len(b) < n {
		return
	}
	p.f(", cksum 0x%04x", h.checksum)
	if sum := checksum(pseudo(ctx, protoTCP, n), b[:n]); sum != 0 {
		p.f(" (incorrect -> 0x%04x)", wantChecksum(h.checksum, sum))
	} else {
		p.s(" (correct)")
	}
}

// tcpNumbers prints sequence and acknowledgement number, relative to the first
// ones seen unless -S was given. It returns what the other direction's numbers
// are relative to.
func (p *Printer) tcpNumbers(ctx *ipContext, h tcpHeader, src, dst uint16, data int) (base uint32) {
	seq, ack := h.seq, h.ack
	if !p.opt.AbsSeq && h.flags&tcpACK != 0 {
		seq, ack, base = p.seqs.relative(flowKey{ctx.src, ctx.dst, src, dst}, h)
	}
	if p.opt.Verbose > 1 || data > 0 || h.flags&(tcpSYN|tcpFIN|tcpRST) != 0 {
		p.f(", seq %d", seq)
		if data > 0 {
			p.f(":%d", seq+uint32(data))
		}
	}
	if h.flags&tcpACK != 0 {
		p.f(", ack %d", ack)
	}
	return base
}

// tcpPayload names what the segment carries where its port tells, with the
// first line of the protocols that are text.
func (p *Printer) tcpPayload(h tcpHeader, src, dst uint16, b []byte, n int) {
	if h.flags&tcpRST != 0 && p.opt.Verbose > 0 {
		p.tcpReset(b, n)
		return
	}
	if src == 53 || dst == 53 {
		p.tcpDNS(b, n)
		return
	}
	if app, ok := lineProtocol(src, dst); ok {
		p.lines(app, b)
		return
	}
	switch {
	case src == 179 || dst == 179:
		p.s(": BGP")
	case src == 22 || dst == 22:
		if bytes.HasPrefix(b, []byte("SSH-")) {
			p.s(": SSH: ")
			line, _, _ := bytes.Cut(b, []byte("\n"))
			p.b = appendVisible(p.b, bytes.TrimSuffix(line, []byte("\r")))
		}
	}
}

// maxResetText is how much of the reason in a reset is shown.
const maxResetText = 30

// tcpReset prints why the sender reset the connection; some say so.
func (p *Printer) tcpReset(b []byte, n int) {
	mark := " [RST"
	if len(b) < n {
		mark = " [!RST"
	}
	p.s(mark)
	if n > maxResetText {
		p.s("+")
	}
	p.s(" ")
	p.b = appendVisible(p.b, b[:min(len(b), maxResetText)])
	p.s("]")
}

// tcpDNS prints a DNS message behind its length.
func (p *Printer) tcpDNS(b []byte, n int) {
	if len(b) < 2 {
		return
	}
	size := int(binary.BigEndian.Uint16(b))
	p.s(" ")
	if size != n-2 {
		p.f("[prefix length(%d) != length(%d)] (invalid)", size, n-2)
		return
	}
	p.dns(b[2:], n-2, false)
}
