// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// show writes a tree with all parentheses and with the qualifiers that ids
// have got.
func show(n node) string {
	switch n := n.(type) {
	case *junction:
		op := " and "
		if n.or {
			op = " or "
		}
		return "(" + show(n.l) + op + show(n.r) + ")"
	case *negation:
		return "not " + show(n.x)
	case *primitive:
		if n.form != formID {
			return n.q.proto
		}
		var words []string
		for _, w := range []string{n.q.proto, n.q.dir, n.q.typ, n.id.text} {
			if w != "" {
				words = append(words, w)
			}
		}
		return strings.Join(words, " ")
	}
	return ""
}

func TestParser(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"empty":                     {"  ", ""},
		"equal precedence":          {"tcp or udp and arp", "((tcp or udp) and arp)"},
		"not binds to the next":     {"not tcp and udp", "(not tcp and udp)"},
		"inherited":                 {"tcp port 80 or 443 or 8080", "((tcp port 80 or tcp port 443) or tcp port 8080)"},
		"inherited after not":       {"not host 1.1 and 1.2", "(not host 1.1 and host 1.2)"},
		"inherited by a list":       {"host 1.1 and (1.2 or 1.3)", "(host 1.1 and (host 1.2 or host 1.3))"},
		"list":                      {"tcp port (80 or 443)", "(tcp port 80 or tcp port 443)"},
		"list with not":             {"port (80 and not 443)", "(port 80 and not port 443)"},
		"not before an id":          {"host not 1.1", "not host 1.1"},
		"not before a list":         {"host not (1.1 or 1.2)", "not (host 1.1 or host 1.2)"},
		"number in parentheses":     {"port ((80))", "port 80"},
		"list in a list":            {"port (80 or (81 or 82))", "(port 80 or (port 81 or port 82))"},
		"parentheses keep the left": {"tcp port 80 and (host 1.1) and 81", "((tcp port 80 and host 1.1) and tcp port 81)"},
		"inside parentheses":        {"(udp port 53 or 54)", "(udp port 53 or udp port 54)"},
		"negated list after and":    {"port 80 and (not 81)", "(port 80 and not port 81)"},
		"double negation":           {"not ! tcp", "not not tcp"},
		"directions":                {"src or dst 1.1 or dst and src 1.2", "(src or dst 1.1 or src and dst 1.2)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			n, err := parse(tt.in, func(*primitive) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, show(n)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	tests := map[string]struct {
		in   string
		link Link
		col  int
		len  int
		msg  string
	}{
		"unknown word":       {"tcp prot 80", 0, 5, 4, "can't parse filter expression: syntax error at column 5"},
		"end too early":      {"host 10.0.0.1 and", 0, 18, 0, "can't parse filter expression: syntax error at column 18"},
		"bare id":            {"10.0.0.1", 0, 1, 8, "can't parse filter expression: syntax error at column 1"},
		"bare number":        {"80", 0, 1, 2, "can't parse filter expression: syntax error at column 1"},
		"nothing inherited":  {"tcp and 10.0.0.1", 0, 9, 8, "syntax error in filter expression: no qualifier for '10.0.0.1' at column 9"},
		"after the end":      {"tcp )", 0, 5, 1, "can't parse filter expression: syntax error at column 5"},
		"not closed":         {"( tcp", 0, 6, 0, "can't parse filter expression: syntax error at column 6"},
		"ether alone":        {"ether 1:2:3:4:5:6", 0, 7, 11, "can't parse filter expression: syntax error at column 7"},
		"comma":              {"port 80,443", 0, 8, 1, "can't parse filter expression: syntax error at column 8"},
		"list of lists":      {"host ((1.1 or 1.2) and 1.3)", 0, 7, 1, "can't parse filter expression: syntax error at column 7"},
		"keyword as name":    {"ip proto tcp", 0, 10, 3, "can't parse filter expression: syntax error at column 10"},
		"direction of proto": {"src proto 6", 0, 5, 5, "can't parse filter expression: syntax error at column 5"},
		"not octal":          {"tcp port 08", 0, 10, 2, "number 08 contains non-octal digit"},
		"overflow":           {"host 4294967296", 0, 6, 10, "decimal number 4294967296 overflows 32 bits"},
		"bad IPv4":           {"host 1.2.3.400", 0, 6, 9, "invalid IPv4 address '1.2.3.400'"},
		"bad IPv6":           {"host ::1.2.3.400", 0, 6, 11, "invalid IPv6 address ::1.2.3.400"},
		"bad MAC":            {"ether host 1:2:", 0, 12, 4, "invalid Ethernet address 1:2:"},
		"host bits":          {"net 10.0.0.1/8", 0, 5, 10, "non-network bits set in \"10.0.0.1/8\""},
		"host bits, mask":    {"net 10.1 mask 255.0.0.0", 0, 5, 19, "non-network bits set in \"10.1 mask 255.0.0.0\""},
		"host bits, IPv6":    {"net 1::2/64", 0, 5, 7, "non-network bits set in \"1::2/64\""},
		"long prefix":        {"net 10.0.0.0/33", 0, 5, 11, "mask length must be <= 32"},
		"long IPv6 prefix":   {"net ::/129", 0, 5, 6, "mask length must be <= 128"},
		"prefix of a host":   {"host 10.0.0.0/8", 0, 6, 10, "'host' is not a valid qualifier for '10.0.0.0/8'"},
		"unknown host":       {"src a.example", 0, 5, 9, "unknown host 'a.example'"},
		"unknown net":        {"net a.example", 0, 5, 9, "unknown network 'a.example'"},
		"unknown port":       {"tcp port nosuch", 0, 10, 6, "unknown port 'nosuch'"},
		"unknown proto":      {`ip proto \nosuch`, 0, 10, 7, "unknown 'ip proto' value 'nosuch'"},
		"port of the other":  {"udp port http", 0, 10, 4, "port 'http' is tcp"},
		"port too large":     {"port 65536", 0, 6, 5, "port number 65536 greater than maximum 65535"},
		"proto too large":    {"proto 256", 0, 7, 3, "protocol number 256 greater than maximum 255"},
		"qualifier":          {"icmp port 80", 0, 1, 4, "'icmp' is not a valid qualifier for 'port'"},
		"address for a port": {"port 10.0.0.1", 0, 6, 8, "'port' qualifier applied to IPv4 address"},
		"MAC for a host":     {"host 1:2:3:4:5:6", 0, 6, 11, "Ethernet address used in non-ether expression"},
		"no netmask":         {"ip broadcast", 0, 1, 12, "netmask not known, so 'ip broadcast' not supported"},
		"MAC on raw IP":      {"ether host 1:2:3:4:5:6", LinkRaw, 12, 11, "'link host XX:XX:XX:XX:XX:XX' not supported on DLT_RAW (Raw IP)"},
		"wireless":           {"ether host 1:2:3:4:5:6 or wlan ra 1:2:3:4:5:6", 0, 32, 2, "'ra' is valid for 802.11 syntax only"},
		"other link":         {"tcp or vpi 3", 0, 8, 3, "'vpi' supported only on SUNATM"},
		"first error wins":   {"port nosuch and )", 0, 6, 6, "unknown port 'nosuch'"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.link == 0 {
				tt.link = LinkEthernet
			}
			_, err := Compile(tt.in, tt.link, Options{})
			var got *Error
			if !errors.As(err, &got) {
				t.Fatalf("error %v", err)
			}
			want := &Error{Expr: tt.in, Col: tt.col, Len: tt.len, Msg: tt.msg}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(Error{})); diff != "" {
				t.Error(diff)
			}
			if errors.Is(err, ErrUnsupported) {
				t.Error("is ErrUnsupported")
			}
		})
	}
}

// TestUnsupported checks that what is not there yet is refused, at its place.
func TestUnsupported(t *testing.T) {
	tests := map[string]struct {
		in   string
		col  int
		what string
	}{
		"vlan":           {"vlan 10 and tcp", 1, "vlan"},
		"vlan in a list": {"tcp and (arp or vlan)", 17, "vlan"},
		"mpls":           {"mpls", 1, "mpls"},
		"pppoe":          {"pppoed or pppoes 1", 1, "pppoed"},
		"geneve":         {"udp and geneve", 9, "geneve"},
		"vxlan":          {"not vxlan 5", 5, "vxlan"},
		"index":          {"tcp[13] & 2 != 0", 1, "tcp[...]"},
		"ether index":    {"arp or ether[0] & 1 = 0", 8, "ether[...]"},
		"computed":       {"(5) = ip[0]", 1, "arithmetic"},
		"negative":       {"-1 > len", 1, "arithmetic"},
		"len":            {"(len > 100)", 2, "len"},
		"byte":           {"byte 8 > 5", 1, "byte"},
		"inbound":        {"inbound", 1, "inbound"},
		"ifindex":        {"tcp and ifindex 3", 9, "ifindex"},
		"llc":            {"llc ui", 1, "llc"},
		"gateway":        {"gateway router", 1, "gateway"},
		"protochain":     {"ip6 protochain 6", 5, "protochain"},
		"decnet host":    {"decnet src 1.2", 1, "decnet host"},
		"isis":           {"tcp or l1", 8, "l1"},
		"iso proto":      {"iso proto 0x83", 1, "iso proto"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Compile(tt.in, LinkEthernet, Options{})
			if !errors.Is(err, ErrUnsupported) {
				t.Fatalf("error %v", err)
			}
			var e *Error
			if errors.As(err, &e); e.Col != tt.col || e.Msg != `"`+tt.what+`" is not supported yet` {
				t.Errorf("column %d: %s", e.Col, e.Msg)
			}
		})
	}
}

func TestCaret(t *testing.T) {
	tests := map[string]struct {
		err  Error
		want string
	}{
		"middle":     {Error{Expr: "tcp prot 80", Col: 5, Len: 4}, "    tcp prot 80\n        ^~~~\n"},
		"end":        {Error{Expr: "tcp and", Col: 8}, "    tcp and\n           ^\n"},
		"control":    {Error{Expr: "tcp\n\tand é;", Col: 11, Len: 1}, "    tcp  and é;\n              ^\n"},
		"empty":      {Error{Col: 1}, "    \n    ^\n"},
		"wrong by 9": {Error{Expr: "tcp", Col: 9, Len: 9}, "    tcp\n       ^\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.err.Caret()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestDeep checks that what would exhaust the stack is refused, and what is
// only long is not.
func TestDeep(t *testing.T) {
	for _, s := range []string{strings.Repeat("(", 1<<16), strings.Repeat("!", 1<<16), strings.Repeat("not (", 1<<14),
		"host " + strings.Repeat("(1.1 or ", 1<<14), "port 1 and " + strings.Repeat("(", 1<<16) + "5"} {
		if _, err := Compile(s, LinkEthernet, Options{}); err == nil {
			t.Errorf("%.20s... is accepted", s)
		}
	}
	if _, err := Compile(strings.Repeat(" ", maxExpr+1), LinkEthernet, Options{}); err == nil {
		t.Error("an endless expression is accepted")
	}
	long := "host 10.0.0.1" + strings.Repeat(" or 10.0.0.2", 20000)
	p, err := Compile(long, LinkEthernet, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !p.Match(ethernetPackets()[0], Meta{}) {
		t.Error("no match")
	}
	if _, err := p.EBPF(EBPFOptions{}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v, want ErrTooLarge", err)
	}
}
