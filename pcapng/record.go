// SPDX-License-Identifier: Apache-2.0

package pcapng

// Direction says which way a packet passed its tap; the values are those of
// bits 0-1 of epb_flags (draft-ietf-opsawg-pcapng, section 4.3).
type Direction uint8

const (
	DirUnknown Direction = iota
	In                   // the device handed the packet to the kernel
	Out                  // the kernel handed the packet to the device
)

// Device is the network device at which a packet was tapped. Two devices are
// the same when Netns, Index and Name are.
type Device struct {
	Name      string // as the kernel calls it, "eth0"
	Index     int    // ifindex in its namespace; 0 if unknown
	Netns     uint32 // inode of the network namespace; 0 if unknown
	NetnsName string // name under /run/netns; empty if it has none
	Foreign   bool   // in another namespace than the one hopdump was started in
	Driver    string // kernel driver, for if_hardware; empty if unknown
	Speed     uint64 // bits per second; 0 if unknown
}

// Record is one packet of a capture, with the way it took: what a live capture
// delivers, what the file holds and what is printed.
type Record struct {
	Time  int64     // of the tap, nanoseconds since 1970-01-01 UTC
	Data  []byte    // captured bytes from the link header on
	Len   int       // length on the wire; at least len(Data)
	Dev   *Device   // nil if unknown
	Dir   Direction // at the tap
	ID    uint64    // epb_packetid: unique per journey in one file; 0 if none
	Queue int       // receive queue plus 1; 0 if unknown

	// Lost is the number of packets that were lost on this interface since
	// the record before (epb_dropcount).
	Lost uint64

	// Pid and Tid are the process and thread of epb_processid_threadid, 0 if
	// unknown. They are those of the path; these serve records without one.
	Pid, Tid int

	Path     *Path    // the hops; nil if the packet has none
	Comments []string // comments that are not hopdump's, as they stood in the file
}

// Way is the direction of a whole journey.
type Way string

const (
	WayUnknown Way = "-"
	WayRx      Way = "rx"  // device to local socket
	WayTx      Way = "tx"  // local socket to device
	WayFwd     Way = "fwd" // device to device
	WayLo      Way = "lo"  // local socket to local socket
)

// Path is the way of one packet through the kernel: the summary comment and
// the hop comments of design.md §5.
type Path struct {
	Way   Way
	Hops  []Hop // in kernel order; times never before the first hop's
	Count int   // hops the packet passed as the summary says; len(Hops) if all were kept
	Total int64 // nanoseconds from the first hop to the last

	Drop *Drop // nil unless the packet was dropped

	MaxDelta int64  // largest step, nanoseconds
	MaxFunc  string // the hop that the largest step led to; empty with less than two hops

	Pid, Tid int    // process of the send or receive call; 0 if unknown
	Comm     string // its name, raw bytes

	NIC *NICStamp // hardware stamp; nil if there is none

	Open     int64  // nanoseconds since the last hop of a journey that has not ended
	IsOpen   bool   // whether open= is there
	Clone    uint64 // packet id of the parent; 0 if none
	Gso      uint64 // packet id of the folded parent; 0 if none
	Segs     int    // segments of the parent
	Gro      int    // frames merged into this packet
	Merged   uint64 // packet id this packet's data went on in
	Rtx      int    // transmission number of a retransmission
	Queue    int    // q=: queue, plus 1; 0 if unknown
	Trunc    int    // hops that were passed but not kept
	LostHops int    // hops known to be missing
	FakeL2   bool   // the link header is synthetic
	HostTime bool   // ts=host: the asked-for stamp was not there

	Extra []KV // further keys of the summary, in order, unknown ones included
}

// NICStamp is a time stamp taken by the network card: the keys hw=, phc=, nic=
// and err= of the summary.
type NICStamp struct {
	Raw    int64 // nanoseconds of the card's own clock, as read
	PHC    int   // number of that clock (/dev/ptpN); -1 if unknown
	Mapped bool  // whether At and Err are known
	At     int64 // nanoseconds after the first hop; negative before it
	Err    int64 // bound of the error of At, nanoseconds
}

// Hop is one point of a path.
type Hop struct {
	Func    string // kernel function or tracepoint that fired
	Elapsed int64  // nanoseconds since the first hop
	Delta   int64  // nanoseconds since the hop before
	CPU     int    // -1 if unknown
	Tap     bool   // packet time belongs to this hop
	Dev     string // device, where it changed; else empty
	Netns   uint32 // its namespace, where the device changed; else 0
	Extra   []KV   // further keys in order (drop=, q=, len=, pid=, …)
}

// Drop says why and where a packet died.
type Drop struct {
	Reason string // the kernel's name, without SKB_DROP_REASON_
	Func   string // function that dropped it; empty if unknown
	Offset uint64 // bytes into Func
}

// KV is one key=value of a comment, decoded.
type KV struct{ Key, Value string }
