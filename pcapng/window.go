// SPDX-License-Identifier: Apache-2.0

package pcapng

import "io"

// A window is a buffered input from which whole blocks are looked at without
// copying. It grows as data arrives, so a length that lies costs no memory.
type window struct {
	r        io.Reader
	buf      []byte
	pos, end int   // unread bytes: buf[pos:end]
	off      int64 // of pos, from the start of the input
	err      error // of r, reported when the unread bytes do not suffice
}

const windowSize = 64 << 10

// peek returns the next n bytes, valid until the next call. At the end of the
// input the error is io.EOF if there are no more bytes and io.ErrUnexpectedEOF
// if there are fewer.
func (w *window) peek(n int) ([]byte, error) {
	if w.end-w.pos < n {
		if err := w.fill(n); err != nil {
			return nil, err
		}
	}
	return w.buf[w.pos : w.pos+n], nil
}

// skip drops n bytes that were looked at.
func (w *window) skip(n int) {
	w.pos += n
	w.off += int64(n)
}

// fill reads until there are n bytes.
func (w *window) fill(n int) error {
	w.end = copy(w.buf, w.buf[w.pos:w.end])
	w.pos = 0
	for w.end < n {
		if w.err != nil {
			return w.fault()
		}
		if w.end == len(w.buf) {
			grown := make([]byte, max(windowSize, 2*len(w.buf)))
			copy(grown, w.buf)
			w.buf = grown
		}
		w.read()
	}
	return nil
}

// read calls the input once, or a few times if it returns nothing.
func (w *window) read() {
	for range 100 {
		n, err := w.r.Read(w.buf[w.end:])
		w.end += n
		if n > 0 || err != nil {
			w.err = err
			return
		}
	}
	w.err = io.ErrNoProgress
}

func (w *window) fault() error {
	if w.err == io.EOF && w.end > w.pos {
		return io.ErrUnexpectedEOF
	}
	return w.err
}
