// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrUnsupported is wrapped by the [Error] for a construct that belongs to the
// pcap-filter language but that this package does not compile.
var ErrUnsupported = errors.New("not supported yet")

// ErrTooLarge is returned by [Program.EBPF] when a program is longer than the
// 16-bit jumps of BPF reach.
var ErrTooLarge = errors.New("filter program is too large")

// Error is a filter expression that cannot be compiled, with the place.
type Error struct {
	Expr string // the whole expression
	Col  int    // of the first offending byte, counted from 1
	Len  int    // bytes underlined by Caret; 0 is taken as 1
	Msg  string // in libpcap's words where libpcap has some

	cause error
}

// Error returns the message alone; Caret shows the place.
func (e *Error) Error() string { return e.Msg }

// Unwrap returns [ErrUnsupported] for what is refused because it is not
// there yet, otherwise nil.
func (e *Error) Unwrap() error { return e.cause }

// Caret returns two lines, each indented by four spaces and ended by a
// newline: the expression, and a marker below the offending part. Bytes that
// would move the cursor are shown as spaces, so the marker stays in place.
func (e *Error) Caret() string {
	at := min(max(e.Col-1, 0), len(e.Expr))
	end := min(at+max(e.Len, 1), max(len(e.Expr), at+1))
	var line strings.Builder
	for _, r := range e.Expr {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			r = ' '
		}
		line.WriteRune(r)
	}
	width := 1
	if end <= len(e.Expr) {
		width = max(utf8.RuneCountInString(e.Expr[at:end]), 1)
	}
	pad := utf8.RuneCountInString(e.Expr[:at])
	return "    " + line.String() + "\n    " + strings.Repeat(" ", pad) +
		"^" + strings.Repeat("~", width-1) + "\n"
}

// span is a part of the expression, in bytes from 0.
type span struct{ pos, end int }

// to returns the span from the start of s to the end of t.
func (s span) to(t span) span { return span{s.pos, t.end} }

// errorAt makes an Error about the part s of expr.
func errorAt(expr string, s span, format string, args ...any) *Error {
	return &Error{Expr: expr, Col: s.pos + 1, Len: s.end - s.pos, Msg: fmt.Sprintf(format, args...)}
}

// syntaxError is the one message for everything the grammar does not allow.
func syntaxError(expr string, s span) *Error {
	return errorAt(expr, s, "can't parse filter expression: syntax error at column %d", s.pos+1)
}

// unsupported refuses a construct of the language that is not compiled yet.
func unsupported(expr string, s span, what string) *Error {
	e := errorAt(expr, s, "%q is not supported yet", what)
	e.cause = ErrUnsupported
	return e
}
