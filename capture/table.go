// SPDX-License-Identifier: Apache-2.0

package capture

import "hopdump/bpf"

// Place is the layer of the stack that a hop belongs to.
type Place string

const (
	PlaceSocket Place = "socket"
	PlaceTCP    Place = "tcp"
	PlaceUDP    Place = "udp"
	PlaceIP     Place = "ip"
	PlaceNeigh  Place = "neigh"
	PlaceQdisc  Place = "qdisc"
	PlaceDevice Place = "device"
	PlaceDriver Place = "driver"
	PlaceCore   Place = "core"
	PlaceDrop   Place = "drop"
)

// Role is what a hop may do to a path (design.md §1).
type Role string

const (
	RoleOrigin  Role = "origin"  // may start a provisional path
	RoleTransit Role = "transit" // only extends one
	RoleTap     Role = "tap"     // bytes are copied and the last verdict falls
	RoleEnd     Role = "end"     // the path is emitted
)

// Side says which way packets pass a hop; it decides a journey's direction.
type Side uint8

const (
	SideNone   Side = iota
	SideSend        // made by a local socket or by the stack itself
	SideOut         // on its way to a device
	SideIn          // came from a device
	SideLocal       // was delivered to this host
	SideRouted      // is being forwarded
)

// Candidate is one way to have a hop: a tracepoint (through tp_btf) or a
// function (through fentry).
type Candidate struct {
	Tracepoint bool
	Name       string
	Arg        int // position of the skb (or of the socket, for a wake-up), from 1
}

// Hop is one line of the hop table.
type Hop struct {
	ID         string
	Place      Place
	Role       Role
	Side       Side
	Flags      uint32 // bpf.Hop…
	Candidates []Candidate
	Profiles   []string // besides "full"
}

func tp(name string, arg int) Candidate { return Candidate{Tracepoint: true, Name: name, Arg: arg} }
func fn(name string, arg int) Candidate { return Candidate{Name: name, Arg: arg} }

var (
	inTx   = []string{"default", "tx"}
	inRx   = []string{"default", "rx"}
	inBoth = []string{"default", "rx", "tx"}
	onlyRx = []string{"rx"}
	onlyTx = []string{"tx"}
)

const (
	sendFlags = bpf.HopOrigin | bpf.HopBirth | bpf.HopSend
	outFlags  = bpf.HopOrigin | bpf.HopLocal | bpf.HopTake
)

// table is the hop table: every hop that hopdump knows, in the order of the
// layers a packet passes when it is sent and received.
//
// A tracepoint stands before functions, because it costs less than half per hit
// and keeps its name. Functions that look right and are never met are not here:
// ip_rcv and __netif_receive_skb (a NAPI driver's packets come as a list),
// ip_local_out (inlined into __ip_queue_xmit on 6.18).
var table = []Hop{
	{ID: "tcp-xmit", Place: PlaceTCP, Role: RoleOrigin, Side: SideSend, Flags: bpf.HopSock,
		Candidates: []Candidate{fn("__tcp_transmit_skb", 1)}, Profiles: inTx},
	{ID: "udp-send", Place: PlaceUDP, Role: RoleOrigin, Side: SideSend, Flags: sendFlags,
		Candidates: []Candidate{fn("udp_send_skb", 1)}, Profiles: inTx},
	{ID: "udp6-send", Place: PlaceUDP, Role: RoleOrigin, Side: SideSend, Flags: sendFlags,
		Candidates: []Candidate{fn("udp_v6_send_skb", 1)}, Profiles: inTx},
	{ID: "local-out", Place: PlaceIP, Role: RoleOrigin, Side: SideSend, Flags: outFlags,
		Candidates: []Candidate{fn("__ip_local_out", 3)}, Profiles: inTx},
	{ID: "ip-out", Place: PlaceIP, Role: RoleOrigin, Side: SideOut, Flags: outFlags | bpf.HopVerdict | bpf.HopDev,
		Candidates: []Candidate{fn("ip_output", 3)}, Profiles: inTx},
	{ID: "ip-mcast", Place: PlaceIP, Role: RoleOrigin, Side: SideOut, Flags: outFlags | bpf.HopVerdict | bpf.HopDev,
		Candidates: []Candidate{fn("ip_mc_output", 3)}, Profiles: onlyTx},
	{ID: "ip6-out", Place: PlaceIP, Role: RoleOrigin, Side: SideOut, Flags: outFlags | bpf.HopVerdict | bpf.HopDev,
		Candidates: []Candidate{fn("ip6_output", 3)}, Profiles: inTx},
	{ID: "neigh", Place: PlaceNeigh, Role: RoleTransit, Side: SideOut, Flags: bpf.HopDev,
		Candidates: []Candidate{fn("ip_finish_output2", 3)}, Profiles: onlyTx},
	{ID: "neigh6", Place: PlaceNeigh, Role: RoleTransit, Side: SideOut, Flags: bpf.HopDev,
		Candidates: []Candidate{fn("ip6_finish_output2", 3)}, Profiles: onlyTx},
	{ID: "dev-queue", Place: PlaceDevice, Role: RoleOrigin, Side: SideOut, Flags: bpf.HopOrigin | bpf.HopLocal | bpf.HopDev,
		Candidates: []Candidate{tp("net_dev_queue", 1)}, Profiles: inTx},
	{ID: "qdisc-in", Place: PlaceQdisc, Role: RoleTransit, Side: SideOut,
		Candidates: []Candidate{tp("qdisc_enqueue", 3)}, Profiles: inTx},
	{ID: "qdisc-out", Place: PlaceQdisc, Role: RoleTransit, Side: SideOut,
		Candidates: []Candidate{tp("qdisc_dequeue", 4)}, Profiles: inTx},
	{ID: "xmit", Place: PlaceDriver, Role: RoleTap, Side: SideOut, Flags: bpf.HopTapTx | bpf.HopDev,
		Candidates: []Candidate{tp("net_dev_start_xmit", 1)}, Profiles: inBoth},

	{ID: "gro", Place: PlaceDriver, Role: RoleOrigin, Side: SideIn, Flags: bpf.HopOrigin | bpf.HopDriver | bpf.HopDev,
		Candidates: []Candidate{tp("napi_gro_receive_entry", 1)}, Profiles: inRx},
	{ID: "gro-frags", Place: PlaceDriver, Role: RoleOrigin, Side: SideIn, Flags: bpf.HopOrigin | bpf.HopDriver | bpf.HopDev,
		Candidates: []Candidate{tp("napi_gro_frags_entry", 1)}, Profiles: inRx},
	{ID: "netif-rx", Place: PlaceDriver, Role: RoleTransit, Side: SideIn, Flags: bpf.HopDev,
		Candidates: []Candidate{tp("netif_rx_entry", 1)}, Profiles: onlyRx},
	{ID: "backlog", Place: PlaceCore, Role: RoleTransit, Side: SideIn, Flags: bpf.HopDev,
		Candidates: []Candidate{fn("enqueue_to_backlog", 1)}, Profiles: onlyRx},
	{ID: "core", Place: PlaceCore, Role: RoleTap, Side: SideIn, Flags: bpf.HopTapRx | bpf.HopDev,
		Candidates: []Candidate{tp("netif_receive_skb", 1)}, Profiles: inBoth},
	{ID: "ip-rcv", Place: PlaceIP, Role: RoleTransit, Side: SideIn, Flags: bpf.HopTapLate | bpf.HopDev,
		Candidates: []Candidate{fn("ip_rcv_core", 1)}, Profiles: inRx},
	{ID: "ip6-rcv", Place: PlaceIP, Role: RoleTransit, Side: SideIn, Flags: bpf.HopTapLate | bpf.HopDev,
		Candidates: []Candidate{fn("ip6_rcv_core", 1)}, Profiles: inRx},
	{ID: "ip-forward", Place: PlaceIP, Role: RoleTransit, Side: SideRouted,
		Candidates: []Candidate{fn("ip_forward", 1)}, Profiles: inBoth},
	{ID: "ip6-forward", Place: PlaceIP, Role: RoleTransit, Side: SideRouted,
		Candidates: []Candidate{fn("ip6_forward", 1)}, Profiles: onlyRx},
	{ID: "ip-local", Place: PlaceIP, Role: RoleTransit, Side: SideLocal,
		Candidates: []Candidate{fn("ip_local_deliver", 1)}, Profiles: inRx},
	{ID: "ip6-local", Place: PlaceIP, Role: RoleTransit, Side: SideLocal,
		Candidates: []Candidate{fn("ip6_input", 1)}, Profiles: onlyRx},
	{ID: "tcp-rcv", Place: PlaceTCP, Role: RoleTransit, Side: SideLocal,
		Candidates: []Candidate{fn("tcp_v4_rcv", 1)}, Profiles: inRx},
	{ID: "tcp6-rcv", Place: PlaceTCP, Role: RoleTransit, Side: SideLocal,
		Candidates: []Candidate{fn("tcp_v6_rcv", 1)}, Profiles: onlyRx},
	{ID: "udp-rcv", Place: PlaceUDP, Role: RoleTransit, Side: SideLocal,
		Candidates: []Candidate{fn("udp_rcv", 1)}, Profiles: inRx},
	{ID: "udp6-rcv", Place: PlaceUDP, Role: RoleTransit, Side: SideLocal,
		Candidates: []Candidate{fn("udpv6_rcv", 1)}, Profiles: onlyRx},
	{ID: "icmp-rcv", Place: PlaceIP, Role: RoleTransit, Side: SideLocal,
		Candidates: []Candidate{fn("icmp_rcv", 1)}, Profiles: onlyRx},
	{ID: "tcp-queue", Place: PlaceSocket, Role: RoleTransit, Side: SideLocal, Flags: bpf.HopQueued,
		Candidates: []Candidate{fn("tcp_queue_rcv", 2)}, Profiles: inRx},
	{ID: "udp-queue", Place: PlaceSocket, Role: RoleTransit, Side: SideLocal, Flags: bpf.HopQueued,
		Candidates: []Candidate{fn("__udp_enqueue_schedule_skb", 2)}, Profiles: inRx},
	{ID: "wake", Place: PlaceSocket, Role: RoleTransit, Side: SideLocal, Flags: bpf.HopWake,
		Candidates: []Candidate{tp("sk_data_ready", 1), fn("sock_def_readable", 1)}, Profiles: inRx},
	{ID: "read", Place: PlaceSocket, Role: RoleEnd, Side: SideLocal, Flags: bpf.HopRead,
		Candidates: []Candidate{tp("skb_copy_datagram_iovec", 1)}, Profiles: inRx},
	// A small datagram is copied inline, past the tracepoint.
	{ID: "udp-read", Place: PlaceSocket, Role: RoleEnd, Side: SideLocal, Flags: bpf.HopRead,
		Candidates: []Candidate{fn("skb_consume_udp", 2)}, Profiles: inRx},
	{ID: "drop", Place: PlaceDrop, Role: RoleEnd, Flags: bpf.HopDrop | bpf.HopDev,
		Candidates: []Candidate{tp("kfree_skb", 1)}, Profiles: []string{"default", "rx", "tx", "drop"}},
}

// Hook is a program that is no hop: it tells where skbs are born, copied and
// freed. Without the fentry ones only the tracepoints profile can run.
type Hook struct {
	Candidate
	Template string
}

// fentryHooks keep identity and end of life with functions (facts: on 6.1 to
// 7.3 together they see every free; consume_skb alone sees one in eight).
var fentryHooks = []Hook{
	{fn("__copy_skb_header", 2), "fentry_alias"},
	{fn("skb_release_head_state", 1), "fentry_end"},
	{fn("__consume_stateless_skb", 1), "fentry_end"},
	{fn("skb_attempt_defer_free", 1), "fentry_end"},
	{fn("napi_skb_free_stolen_head", 1), "fentry_end"},
	{fn("tcp_sendmsg_locked", 1), "fentry_sender"},
}

// tracepointHooks are what is left of it where fentry is refused.
var tracepointHooks = []Hook{
	{tp("consume_skb", 1), "tp_btf_end"},
}
