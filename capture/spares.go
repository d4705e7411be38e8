// SPDX-License-Identifier: Apache-2.0

package capture

const (
	// spareBytes bounds the memory that is kept for journeys to come.
	spareBytes = windowBytes / 2
	// largeData is from where on packets have memory apart: a small one in the
	// memory of a large one would hold more than it is counted for.
	largeData = 2 << 10
)

// spares are journeys that were delivered, with their memory, in which others
// begin. The last that came is the first that goes: it is in the cache.
type spares struct {
	small, large []*journey
	bytes        int
}

func (s *spares) of(size int) *[]*journey {
	if size > largeData {
		return &s.large
	}
	return &s.small
}

// get returns an empty journey for a packet of about size bytes.
func (s *spares) get(size int) *journey {
	list := s.of(size)
	n := len(*list)
	if n == 0 {
		return &journey{}
	}
	j := (*list)[n-1]
	*list = (*list)[:n-1]
	s.bytes -= j.room()
	*j = journey{data: j.data[:0], path: j.path[:0]}
	return j
}

// put keeps a journey if there is room.
func (s *spares) put(j *journey) {
	n := j.room()
	if s.bytes+n > spareBytes {
		return
	}
	s.bytes += n
	list := s.of(cap(j.data))
	*list = append(*list, j)
}
