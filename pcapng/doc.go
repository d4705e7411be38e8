// SPDX-License-Identifier: Apache-2.0

// Package pcapng writes and reads pcapng files as streams, and the way of each
// packet through the kernel in the comments of its block. It also reads
// classic pcap files. It follows draft-ietf-opsawg-pcapng.
//
// There are three layers, each usable without the one above:
//
//   - [Writer] and [Reader] deal in blocks with [Options]. They know the format
//     and nothing of hopdump.
//   - [FileWriter] and [RecordReader] deal in [Record] values: packets with
//     their device, direction, id and path. A file has one section, an
//     interface per device, one enhanced packet block per packet and statistics
//     at the end; only standard options are used, because everything else was
//     seen to hurt some released version of Wireshark, editcap or tcpdump.
//   - [Path.AppendSummary], [Hop.AppendComment] and [ParsePath] are the grammar
//     of the comments: one summary first, then one comment per hop.
//
// A figure of a hop belongs to the way to that hop: Delta is the time between
// the hop before and this one. All times are integers in nanoseconds; comments
// show microseconds with exactly three decimals, so nothing is rounded.
//
// The package makes no system calls. Writing a packet and reading a block
// allocate nothing; values handed out by a reader are valid until its next
// call.
package pcapng
