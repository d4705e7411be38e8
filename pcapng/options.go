// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"encoding/binary"
	"iter"
	"strings"
	"unicode/utf8"
)

// Options is an encoded list of options, little-endian and without the end
// mark (draft-ietf-opsawg-pcapng, section 3.5). The Append methods add to it
// as append does; nil is the empty list.
//
// Lists that a [Reader] returns are well-formed and little-endian whatever the
// byte order of the file.
type Options []byte

// Append adds an option with a binary value. A value of more than 65,535
// bytes is cut.
func (o Options) Append(code uint16, value []byte) Options {
	return appendOption(o, code, value[:min(len(value), maxOption)])
}

// AppendText adds an option with a text. Bytes that are not UTF-8 become
// U+FFFD, since editcap would rewrite them; a text of more than 65,535 bytes is
// cut between two characters.
func (o Options) AppendText(code uint16, text string) Options {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	return appendOption(o, code, cutText(text, maxOption))
}

// AppendUint32 adds an option with a 32-bit value.
func (o Options) AppendUint32(code uint16, v uint32) Options {
	o = append(o, byte(code), byte(code>>8), 4, 0)
	return binary.LittleEndian.AppendUint32(o, v)
}

// AppendUint64 adds an option with a 64-bit value.
func (o Options) AppendUint64(code uint16, v uint64) Options {
	o = append(o, byte(code), byte(code>>8), 8, 0)
	return binary.LittleEndian.AppendUint64(o, v)
}

// appendProcess adds epb_processid_threadid: two u32, 0 for unknown.
func (o Options) appendProcess(pid, tid int) Options {
	return o.AppendUint64(OptPacketProcess, uint64(uint32(pid))|uint64(uint32(tid))<<32)
}

// appendTime adds a time as the statistics block stores it: high half first.
func (o Options) appendTime(code uint16, ns int64) Options {
	return o.AppendUint64(code, uint64(ns)>>32|uint64(ns)<<32)
}

// beginText opens an option whose text is appended in place; endText closes it.
// This saves a copy per hop comment.
func (o Options) beginText(code uint16) (Options, int) {
	o = append(o, byte(code), byte(code>>8), 0, 0)
	return o, len(o)
}

func (o Options) endText(start int) Options {
	n := len(o) - start
	binary.LittleEndian.PutUint16(o[start-2:], uint16(n))
	return append(o, 0, 0, 0, 0)[:len(o)+padding(n)] // a fixed number costs less
}

// All returns the options in order: code and value. The values lie in o.
func (o Options) All() iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for {
			code, value, rest, ok := o.next()
			if !ok || !yield(code, value) {
				return
			}
			o = rest
		}
	}
}

// Get returns the value of the first option with that code.
func (o Options) Get(code uint16) ([]byte, bool) {
	for {
		c, value, rest, ok := o.next()
		if !ok {
			return nil, false
		}
		if c == code {
			return value, true
		}
		o = rest
	}
}

// Text returns the first option with that code as text, empty if there is none.
func (o Options) Text(code uint16) string {
	v, _ := o.Get(code)
	return string(v)
}

// Comments returns all comments in order.
func (o Options) Comments() []string {
	var list []string
	for code, v := range o.All() {
		if code == OptComment {
			list = append(list, string(v))
		}
	}
	return list
}

// uint64 returns an option of exactly eight bytes.
func (o Options) uint64(code uint16) (uint64, bool) {
	v, ok := o.Get(code)
	if !ok || len(v) != 8 {
		return 0, false
	}
	return binary.LittleEndian.Uint64(v), true
}

// next splits the first option off; ok is false at the end of the list and for
// what cannot be an option.
func (o Options) next() (code uint16, value []byte, rest Options, ok bool) {
	if len(o) < 4 {
		return 0, nil, nil, false
	}
	code, n := binary.LittleEndian.Uint16(o), int(binary.LittleEndian.Uint16(o[2:]))
	end := 4 + n + padding(n)
	if code == OptEnd || end > len(o) {
		return 0, nil, nil, false
	}
	return code, o[4 : 4+n : 4+n], o[end:], true
}

var zeros [4]byte

// padding returns how many bytes are missing from n to a multiple of four.
func padding(n int) int { return -n & 3 }

func appendOption[T []byte | string](b []byte, code uint16, value T) []byte {
	b = append(b, byte(code), byte(code>>8), byte(len(value)), byte(len(value)>>8))
	b = append(b, value...)
	return append(b, zeros[:padding(len(value))]...)
}

// cutText returns the longest beginning of s that has at most n bytes and does
// not end inside a character.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// plainText returns s as a comment that hopdump may compose: printable ASCII,
// one line, at most MaxComment bytes. Other bytes become "?".
func plainText(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7E {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), MaxComment)]
}
