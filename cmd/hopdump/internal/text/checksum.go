// SPDX-License-Identifier: Apache-2.0

package text

import "encoding/binary"

// checksum is the Internet checksum of b on top of sum; 0 means that the data,
// its checksum included, is right.
func checksum(sum uint32, b []byte) uint16 {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
		sum = sum&0xffff + sum>>16
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// pseudo is the sum over the pseudo header of IPv4 or IPv6 for a transport
// header and data of n bytes.
func pseudo(ctx *ipContext, proto uint8, n int) uint32 {
	src, dst := ctx.src.AsSlice(), ctx.dst.AsSlice()
	sum := uint32(^checksum(0, src)) + uint32(^checksum(0, dst))
	return sum + uint32(proto) + uint32(n>>16) + uint32(n&0xffff)
}

// wantChecksum says what should have been in the checksum field, given what was
// there and what the sum over everything came to.
func wantChecksum(got, sum uint16) uint16 {
	want := uint32(got) + uint32(sum)
	want = want&0xffff + want>>16
	if want == 0xffff { // minus zero
		return 0
	}
	return uint16(want)
}
