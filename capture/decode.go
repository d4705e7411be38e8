// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"errors"
	"unsafe"

	"hopdump/bpf"
)

var errShortRecord = errors.New("capture: record in the ring is too short")

const (
	sizeTap  = int(unsafe.Sizeof(bpf.Tap{}))
	sizeMore = int(unsafe.Sizeof(bpf.More{}))
	sizeSlot = int(unsafe.Sizeof(bpf.Slot{}))
	sizeHop  = int(unsafe.Sizeof(bpf.HopRec{}))
	// slotHead is the part of a path record in front of the hops.
	slotHead = int(unsafe.Offsetof(bpf.Slot{}.Hop))
)

// kindOf returns the kind of a record, bpf.RecTap or bpf.RecPath.
func kindOf(raw []byte) uint32 {
	if len(raw) < 4 {
		return 0
	}
	return native(raw)
}

// decodeTap splits a tap record into its head and the packet's bytes, which
// alias raw.
func decodeTap(raw []byte, t *bpf.Tap) ([]byte, error) {
	if len(raw) < sizeTap {
		return nil, errShortRecord
	}
	copy(bytesOf(t, sizeTap), raw)
	if uint64(sizeTap)+uint64(t.Cap) > uint64(len(raw)) {
		return nil, errShortRecord
	}
	return raw[sizeTap : sizeTap+int(t.Cap)], nil
}

// decodePath copies a path record into s: as much of a slot as it has hops.
func decodePath(raw []byte, s *bpf.Slot) error {
	if len(raw) < slotHead {
		return errShortRecord
	}
	copy(bytesOf(s, sizeSlot), raw[:slotHead])
	n := int(s.Hops)
	if n > bpf.MaxHops || slotHead+n*sizeHop > len(raw) {
		return errShortRecord
	}
	copy(bytesOf(s, sizeSlot)[slotHead:], raw[slotHead:slotHead+n*sizeHop])
	return nil
}

// decodeMore splits a perf record. The kernel pads it, and fills the room that
// the packet does not need.
func decodeMore(raw []byte, m *bpf.More) ([]byte, error) {
	if len(raw) < sizeMore {
		return nil, errShortRecord
	}
	copy(bytesOf(m, sizeMore), raw)
	data := raw[sizeMore:]
	if uint64(len(data)) > uint64(m.Size) {
		data = data[:m.Size]
	}
	return data, nil
}

// bytesOf is the memory of a record, whose layout is the kernel side's.
func bytesOf[T any](p *T, size int) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(p)), size)
}

// text is a NUL-terminated string of the kernel.
func text(b *[16]int8) string {
	var out [16]byte
	for i, c := range b {
		if c == 0 {
			return string(out[:i])
		}
		out[i] = byte(c)
	}
	return string(out[:])
}
