// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLexer(t *testing.T) {
	names := map[kind]string{tokError: "error", tokKeyword: "word", tokOp: "op", tokNumber: "num", tokName: "name",
		tokDotted: "dotted", tokIPv6: "ip6", tokMAC: "mac", tokMAC8: "mac8"}
	tests := map[string]struct{ in, want string }{
		"keywords":            {"tcp src or dst port", "word:tcp word:src word:or word:dst word:port"},
		"aliases":             {"ether es-is length not rulenum", "word:link word:esis word:len word:! word:rnr"},
		"case counts":         {"TCP Port", "name:TCP name:Port"},
		"operators":           {"&& || ! != == = >= << >>", "op:and op:or op:! op:!= op:= op:= op:>= op:<< op:>>"},
		"no spaces":           {"!(tcp)", "op:! op:( word:tcp op:)"},
		"index":               {"tcp[13:1]&2!=0", "word:tcp op:[ num:13 op:: num:1 op:] op:& num:2 op:!= num:0"},
		"decimal":             {"80 0", "num:80 num:0"},
		"octal":               {"0120", "num:80"},
		"hex":                 {"0x1F 0X1f", "num:31 num:31"},
		"constants":           {"tcpflags tcp-syn icmp6-echo", "num:13 num:2 num:128"},
		"hyphen is in a name": {"len-4 80-443 ftp-data", "name:len-4 name:80-443 name:ftp-data"},
		"hyphen at the end":   {"80- a_", "num:80 op:- name:a error:_"},
		"dotted":              {"10.0 10.0.0 10.0.0.1", "dotted:10.0 dotted:10.0.0 dotted:10.0.0.1"},
		"dotted with a dot":   {"10.0.0.1.", "name:10.0.0.1."},
		"dotted with letters": {"10.0.0.1a", "name:10.0.0.1a"},
		"five numbers":        {"1.2.3.4.5", "name:1.2.3.4.5"},
		"prefix":              {"10.0.0.0/8", "dotted:10.0.0.0 op:/ num:8"},
		"MAC":                 {"0:1:2:3:4:5 0-1-2-3-4-5 0.1.2.3.4.5", "mac:0:1:2:3:4:5 mac:0-1-2-3-4-5 mac:0.1.2.3.4.5"},
		"MAC of words":        {"0011.2233.4455 001122334455", "mac:0011.2233.4455 mac:001122334455"},
		"MAC of 12 digits":    {"000000000080", "mac:000000000080"},
		"13 digits":           {"0000000000120", "num:80"},
		"MAC cut off":         {"1:2:3:4:5:", "error:1:2:3:4:5:"},
		"IPv6":                {":: ::1 fe80:: 1::2 1:2:3:4:5:6:7:8", "ip6::: ip6:::1 ip6:fe80:: ip6:1::2 ip6:1:2:3:4:5:6:7:8"},
		"IPv6 with IPv4":      {"::ffff:10.0.0.1 1:2:3:4:5:6:1.2.3.4", "ip6:::ffff:10.0.0.1 ip6:1:2:3:4:5:6:1.2.3.4"},
		"IPv6, nine groups":   {"a1b:2:3:4:5:6:7:8:9", "ip6:a1b:2:3:4:5:6:7:8 op:: num:9"},
		"IPv6, bad IPv4":      {"::256.0.0.1", "error:::256.0.0.1"},
		"ARCnet":              {"$7 $c0", "mac8:$7 mac8:$c0"},
		"escape":              {`\tcp \host(`, "name:tcp name:host op:("},
		"lone backslash":      {`\ a`, `error:\ name:a`},
		"overflow":            {"4294967295 4294967296", "num:4294967295 error:4294967296"},
		"not octal":           {"08", "error:08"},
		"foreign":             {"tcp;", "word:tcp error:;"},
		"not ASCII":           {"é", "error:\xc3 error:\xa9"},
		"blanks":              {" \t\r\n", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			l := lexer{expr: tt.in}
			for tok := l.next(); tok.kind != tokEOF; tok = l.next() {
				what := tok.text
				switch tok.kind {
				case tokKeyword, tokOp:
					what = tok.word
				case tokNumber:
					what = fmt.Sprint(tok.num)
				}
				got = append(got, names[tok.kind]+":"+what)
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseMAC(t *testing.T) {
	for _, s := range []string{"00:11:22:33:44:05", "0-11-22-33-44-5", "0.11.22.33.44.5", "0011.2233.4405", "001122334405"} {
		if got := parseMAC(s); got != [6]byte{0, 0x11, 0x22, 0x33, 0x44, 5} {
			t.Errorf("%s: %x", s, got)
		}
	}
}
