// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"net/netip"
	"strings"
)

// lexer splits an expression into tokens as the flex rules of libpcap do:
// the longest match wins, among equals the rule that stands first.
type lexer struct {
	expr string
	pos  int
}

// operators in the order in which they must be tried: long before short.
var operators = []string{"&&", "||", ">=", "<=", "!=", "==", "<<", ">>",
	"+", "-", "*", "/", "%", ":", "[", "]", "!", "<", ">", "(", ")", "&", "|", "^", "="}

// next returns the next token; at the end tokEOF, again and again.
func (l *lexer) next() token {
	for l.pos < len(l.expr) && strings.IndexByte(" \t\r\n", l.expr[l.pos]) >= 0 {
		l.pos++
	}
	rest := l.expr[l.pos:]
	if rest == "" {
		return token{kind: tokEOF, span: span{l.pos, l.pos}}
	}
	if t, ok := l.word(rest); ok {
		return t
	}
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			t := l.take(tokOp, len(op))
			switch op {
			case "&&":
				t.word = "and"
			case "||":
				t.word = "or"
			case "==":
				t.word = "="
			default:
				t.word = op
			}
			return t
		}
	}
	t := l.take(tokError, 1)
	t.err = syntaxError(l.expr, t.span)
	return t
}

// take makes a token of the next n bytes.
func (l *lexer) take(k kind, n int) token {
	t := token{kind: k, span: span{l.pos, l.pos + n}, text: l.expr[l.pos : l.pos+n]}
	l.pos += n
	return t
}

// word recognises everything that is not an operator. The candidates stand in
// the order of libpcap's rules, so the first of the longest is the token.
func (l *lexer) word(rest string) (token, bool) {
	if rest[0] == '\\' {
		n := 1 + strings.IndexAny(rest[1:]+" ", " !()\n\t")
		if n == 1 {
			return token{}, false
		}
		t := l.take(tokName, n)
		t.text = t.text[1:]
		return t, true
	}
	if rest[0] == '$' {
		if n := 1 + hexPrefix(rest[1:], 2); n > 1 {
			return l.take(tokMAC8, n), true
		}
		return token{}, false
	}
	id := nameLen(rest)
	best, class := 0, tokName
	for _, c := range [...]struct {
		kind kind
		n    int
	}{
		{tokKeyword, wordLen(rest[:id])}, {tokMAC, macLen(rest)}, {tokNumber, numberLen(rest)},
		{tokDotted, dottedLen(rest)}, {tokIPv6, ipv6Len(rest)}, {tokError, badMACLen(rest)}, {tokName, id},
	} {
		if c.n > best {
			best, class = c.n, c.kind
		}
	}
	if best == 0 {
		return token{}, false
	}
	return l.finish(l.take(class, best)), true
}

// finish fills in the value of a token and checks it.
func (l *lexer) finish(t token) token {
	switch t.kind {
	case tokKeyword:
		if n, ok := constants[t.text]; ok {
			t.kind, t.num = tokNumber, n
			return t
		}
		t.word = keywords[t.text]
	case tokNumber:
		var msg string
		if t.num, msg = parseNumber(t.text); msg != "" {
			t.kind, t.err = tokError, errorAt(l.expr, t.span, "%s", msg)
		}
	case tokIPv6:
		if _, err := netip.ParseAddr(t.text); err != nil {
			t.kind, t.err = tokError, errorAt(l.expr, t.span, "invalid IPv6 address %s", t.text)
		}
	case tokError:
		t.err = errorAt(l.expr, t.span, "invalid Ethernet address %s", t.text)
	}
	return t
}

// wordLen returns the length of s if it is a keyword or a named constant.
func wordLen(s string) int {
	if _, ok := keywords[s]; ok {
		return len(s)
	}
	if _, ok := constants[s]; ok {
		return len(s)
	}
	return 0
}

// nameLen returns the length of the name s begins with. A hyphen or an
// underscore may stand inside a name, not at its end: "len-4" is one name.
func nameLen(s string) int {
	if s == "" || !isAlnum(s[0]) {
		return 0
	}
	n := 1
	for i := 1; i < len(s); i++ {
		switch {
		case isAlnum(s[i]) || s[i] == '.':
			n = i + 1
		case s[i] != '-' && s[i] != '_':
			return n
		}
	}
	return n
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

// hexPrefix returns how many hex digits s begins with, at most limit.
func hexPrefix(s string, limit int) int {
	n := 0
	for n < len(s) && n < limit && isHex(s[n]) {
		n++
	}
	return n
}
