// SPDX-License-Identifier: Apache-2.0

package bpf

// The types that kernel and user side share; see hop.h for their fields.
type (
	Slot     = hopSlot
	Tap      = hopTap
	More     = hopMore
	HopRec   = hopHopRec
	DevRec   = hopDevRec
	ProcRec  = hopProcRec
	Stats    = hopStatRec
	ScopeKey = hopScopeKey
)

// Limits of a slot.
const (
	Ways    = 8 // keys in a line
	MaxHops = 49
	MaxDevs = 4
)

// Kinds of records in the ring.
const (
	RecTap  = uint32(hopRecKindREC_TAP)
	RecPath = uint32(hopRecKindREC_PATH)
)

// Flags of a hop: what its program does.
const (
	HopOrigin  = uint32(hopHopFlagsHOP_ORIGIN)
	HopBirth   = uint32(hopHopFlagsHOP_BIRTH)
	HopVerdict = uint32(hopHopFlagsHOP_VERDICT)
	HopTapTx   = uint32(hopHopFlagsHOP_TAP_TX)
	HopTapRx   = uint32(hopHopFlagsHOP_TAP_RX)
	HopTapLate = uint32(hopHopFlagsHOP_TAP_LATE)
	HopDev     = uint32(hopHopFlagsHOP_DEV)
	HopQueued  = uint32(hopHopFlagsHOP_QUEUED)
	HopWake    = uint32(hopHopFlagsHOP_WAKE)
	HopRead    = uint32(hopHopFlagsHOP_READ)
	HopSend    = uint32(hopHopFlagsHOP_SEND)
	HopSock    = uint32(hopHopFlagsHOP_SOCK)
	HopTake    = uint32(hopHopFlagsHOP_TAKE)
	HopDrop    = uint32(hopHopFlagsHOP_DROP)
	HopEnd     = uint32(hopHopFlagsHOP_END)
	HopDriver  = uint32(hopHopFlagsHOP_DRIVER)
	HopLocal   = uint32(hopHopFlagsHOP_LOCAL)
)

// States of a slot, in the low bits of its state word.
const (
	StateMask   = uint64(7)
	StateGen    = uint64(8)
	SlotFree    = uint64(hopSlotStateSLOT_FREE)
	SlotEarly   = uint64(hopSlotStateSLOT_EARLY)
	SlotLive    = uint64(hopSlotStateSLOT_LIVE)
	SlotOpen    = uint64(hopSlotStateSLOT_OPEN)
	SlotClosing = uint64(hopSlotStateSLOT_CLOSING)
	SlotWritten = uint64(hopSlotStateSLOT_WRITTEN)
)

// Flags of a slot.
const (
	SlotClone   = uint32(hopSlotFlagsSLOT_CLONE)
	SlotNoEnd   = uint32(hopSlotFlagsSLOT_NOEND)
	SlotDropped = uint32(hopSlotFlagsSLOT_DROPPED)
	SlotReader  = uint32(hopSlotFlagsSLOT_READER)
	SlotSender  = uint32(hopSlotFlagsSLOT_SENDER)
)

// Flags of a tap record.
const (
	TapOut    = uint32(hopTapFlagsTAP_OUT)
	TapNoLink = uint32(hopTapFlagsTAP_NOLINK)
	TapDrop   = uint32(hopTapFlagsTAP_DROP)
	TapMore   = uint32(hopTapFlagsTAP_MORE)
	TapNoSlot = uint32(hopTapFlagsTAP_NOSLOT)
	TapVLAN   = uint32(hopTapFlagsTAP_VLAN)
	TapCut    = uint32(hopTapFlagsTAP_CUT)
)

// Counters of what was lost; indexes of Stats.N.
const (
	StatRingPackets = int(hopStatSTAT_RING_PACKETS)
	StatScratch     = int(hopStatSTAT_SCRATCH)
	StatRingPaths   = int(hopStatSTAT_RING_PATHS)
	StatRingHops    = int(hopStatSTAT_RING_HOPS)
	StatNoSlot      = int(hopStatSTAT_NO_SLOT)
	StatUnreadable  = int(hopStatSTAT_UNREADABLE)
	StatUndecided   = int(hopStatSTAT_UNDECIDED)
	StatNoEnd       = int(hopStatSTAT_NOEND)
)

// Which devices a capture is about.
const (
	ScopeAll    = uint32(hopScopeModeSCOPE_ALL)
	ScopeNetns  = uint32(hopScopeModeSCOPE_NETNS)
	ScopeListed = uint32(hopScopeModeSCOPE_LISTED)
)
