// SPDX-License-Identifier: Apache-2.0

// Package filter compiles packet filter expressions, those of pcap-filter(7)
// that tcpdump takes, without libpcap: to a program that runs in Go over bytes
// and to eBPF instructions that run in the kernel over a window of packet
// headers. Both give the same verdicts.
//
// An expression goes through a lexer that knows all the language, a recursive
// descent parser (parser.go, primitive.go) that builds the tree (ast.go) and
// hands over each primitive as it is complete, and the generator (gen*.go)
// that gives the primitive its meaning on a link: tests of fields, joined by
// "and", "or" and "not". From these come blocks of one test each (ir.go) that
// are optimised (opt.go), evaluated (eval.go) or turned into eBPF (ebpf.go,
// ebpfload.go) that is spliced into a compiled program (splice.go).
//
// # Meaning
//
// The meaning of an expression is that of the program libpcap makes without
// its optimiser, which has known faults. Worth knowing:
//
//   - "and" and "or" bind equally, from left to right.
//   - An id without qualifiers takes those of the primitive on its left, as in
//     "tcp port 80 or 443".
//   - A test of bytes behind the end of what was captured rejects the packet,
//     also under "not".
//   - "port" looks right behind the IPv6 header, and into the first fragment
//     only of IPv4.
//
// # Packets in the kernel
//
// A packet may have no link header where it is seen. Every expression is
// therefore compiled twice, for [LinkSKBL2] and for [LinkSKBL3]. Without a
// link header, primitives about it are unknown: they do not hold, nor do
// their negations, and the rest of the expression decides. [Program.NeedsLink]
// tells that a verdict given there is not the last word. The length of
// "less" and "greater" counts from the link header on and belongs to these.
//
// # What is there
//
// host, net, port, portrange, proto and ether proto with directions and all
// notations of addresses; the protocol names; ether addresses; broadcast and
// multicast; less and greater; logic and parentheses. What else the language
// has is recognised and refused: with an error that wraps [ErrUnsupported]
// where it is to come, in libpcap's words where it belongs to link types that
// are not captured.
package filter
