// SPDX-License-Identifier: Apache-2.0

package filter_test

import (
	"errors"
	"fmt"

	"hopdump/filter"
)

func ExampleCompile() {
	p, err := filter.Compile("tcp port (80 or 443)", filter.LinkRaw, filter.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	syn := []byte{
		0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, // IPv4, TCP
		0x9c, 0x40, 0x01, 0xbb, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 2, 0, 0, 0, 0, 0, 0, // to port 443
	}
	fmt.Println(p.Match(syn, filter.Meta{}))
	// Output: true
}

func ExampleError_Caret() {
	_, err := filter.Compile("tcp prot 80", filter.LinkEthernet, filter.Options{})
	var e *filter.Error
	if errors.As(err, &e) {
		fmt.Printf("hopdump: %s\n%s", e, e.Caret())
	}
	// Output:
	// hopdump: can't parse filter expression: syntax error at column 5
	//     tcp prot 80
	//         ^~~~
}

func ExampleNewTables() {
	names := filter.NewTables(filter.Files{Hosts: []byte("10.0.0.2 db.example db\n")})
	p, err := filter.Compile("host db and port postgresql", filter.LinkSKBL2, filter.Options{Names: names})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p, p.NeedsLink())
	// Output: host db and port postgresql false
}

func ExampleProgram_NeedsLink() {
	for _, expr := range []string{"tcp port 80", "ether broadcast or arp"} {
		p, err := filter.Compile(expr, filter.LinkSKBL3, filter.Options{})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(expr, p.NeedsLink())
	}
	// Output:
	// tcp port 80 false
	// ether broadcast or arp true
}

func ExampleProgram_EBPF() {
	p, err := filter.Compile("ip", filter.LinkSKBL2, filter.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	insns, err := p.EBPF(filter.EBPFOptions{Prefix: filter.FuncL2})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(insns), "instructions")
	// Output: 14 instructions
}
