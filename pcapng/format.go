// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"errors"
	"fmt"
)

// Block types (draft-ietf-opsawg-pcapng, section 11.1).
const (
	BlockInterface  uint32 = 0x00000001 // IDB
	BlockPacket     uint32 = 0x00000002 // obsolete Packet Block
	BlockSimple     uint32 = 0x00000003 // SPB
	BlockNames      uint32 = 0x00000004 // NRB
	BlockStatistics uint32 = 0x00000005 // ISB
	BlockEnhanced   uint32 = 0x00000006 // EPB
	BlockSecrets    uint32 = 0x0000000A // DSB
	BlockCustom     uint32 = 0x00000BAD
	BlockSection    uint32 = 0x0A0D0D0A // SHB, the same in both byte orders
)

// Option codes; they mean different things in different blocks
// (draft-ietf-opsawg-pcapng, sections 3.5 and 4).
const (
	OptEnd     uint16 = 0 // ends a list; [Options] neither stores nor yields it
	OptComment uint16 = 1 // any block, repeatable

	OptSectionHardware    uint16 = 2
	OptSectionOS          uint16 = 3
	OptSectionApplication uint16 = 4

	OptIfName        uint16 = 2
	OptIfDescription uint16 = 3
	OptIfSpeed       uint16 = 8 // u64, bit/s
	OptIfTSResol     uint16 = 9 // u8
	OptIfFilter      uint16 = 11
	OptIfOS          uint16 = 12
	OptIfTSOffset    uint16 = 14 // i64, seconds
	OptIfHardware    uint16 = 15

	OptPacketFlags     uint16 = 2 // u32; bits 0-1 are the [Direction]
	OptPacketHash      uint16 = 3
	OptPacketDropCount uint16 = 4 // u64
	OptPacketID        uint16 = 5 // u64
	OptPacketQueue     uint16 = 6 // u32
	OptPacketVerdict   uint16 = 7
	OptPacketProcess   uint16 = 8 // pid u32, tid u32

	OptStatStart     uint16 = 2 // time, high u32 then low u32
	OptStatEnd       uint16 = 3 // likewise
	OptStatReceived  uint16 = 4 // u64, as the next four
	OptStatIfDropped uint16 = 5
	OptStatAccepted  uint16 = 6
	OptStatOSDropped uint16 = 7
	OptStatDelivered uint16 = 8
)

// LinkEthernet and LinkSLL2 are the link types that hopdump writes
// (https://www.tcpdump.org/linktypes.html).
const (
	LinkEthernet uint16 = 1
	LinkSLL2     uint16 = 276
)

const (
	// MaxPacketBlock is the length in bytes of the largest packet block that
	// is written: dumpcap refuses longer ones on a pipe (dumpcap.c,
	// WTAP_MAX_PACKET_SIZE_STANDARD). Longer data is cut.
	MaxPacketBlock = 262144

	// MaxBlock is the length in bytes of the largest block that is read, as
	// in Wireshark (wiretap, MAX_BLOCK_SIZE). A [Reader] needs at most twice
	// that much memory for its buffer, and no more than the input is long.
	MaxBlock = 16 << 20

	// MaxInterfaces is how many interfaces a [Reader] keeps per section.
	MaxInterfaces = 1 << 16

	// MaxComment is the length in bytes of the longest comment that hopdump
	// composes: Wireshark cuts labels at 240 (epan/proto.h, ITEM_LABEL_LENGTH).
	MaxComment = 200

	// MinData is the least number of bytes of a packet that a [FileWriter]
	// writes: tcpdump reports an invalid header for none.
	MinData = 14

	maxOption = 65535 // option lengths are 16 bits
)

// Mistakes of the caller: nothing was written, and writing may go on.
var (
	ErrSection   = errors.New("pcapng: no section header written yet")
	ErrInterface = errors.New("pcapng: unknown interface")
	ErrTime      = errors.New("pcapng: time before 1970")
	ErrTooLong   = errors.New("pcapng: options too long for a block")
	ErrClosed    = errors.New("pcapng: writer is closed")
)

// ErrMagic is wrapped by the error for input that is neither pcapng nor pcap.
var ErrMagic = errors.New("neither pcapng nor pcap")

// FormatError reports malformed input. If the input ends inside a block, the
// error wraps [io.ErrUnexpectedEOF] and all blocks before Off were read.
type FormatError struct {
	Off int64  // of the block (in pcap files: of the packet) from the start of the input
	Msg string // what is wrong with it
	Err error  // class of the error, or nil
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("pcapng: block at byte %d: %s", e.Off, e.Msg)
}

// Unwrap returns [io.ErrUnexpectedEOF] for input that was cut off, [ErrMagic]
// for input of another kind, else nil.
func (e *FormatError) Unwrap() error { return e.Err }
