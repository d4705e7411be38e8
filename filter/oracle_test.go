// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
)

// dataDir returns the directory with the conformance data, "" if there is
// none. HOPDUMP_DATA names it; by default it lies beside the repository.
func dataDir() string {
	dir := os.Getenv("HOPDUMP_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "data")
	}
	if _, err := os.Stat(filepath.Join(dir, "filter-cases.tsv")); err != nil {
		return ""
	}
	return dir
}

// classic makes a virtual machine of a classic BPF program written as
// "code jt jf k;code jt jf k;...".
func classic(tb testing.TB, text string) *bpf.VM {
	tb.Helper()
	var prog []bpf.Instruction
	for line := range strings.SplitSeq(strings.TrimRight(text, ";\n"), ";") {
		var raw bpf.RawInstruction
		if _, err := fmt.Sscan(line, &raw.Op, &raw.Jt, &raw.Jf, &raw.K); err != nil {
			tb.Fatalf("instruction %q: %v", line, err)
		}
		prog = append(prog, raw.Disassemble())
	}
	vm, err := bpf.NewVM(prog)
	if err != nil {
		tb.Fatalf("classic program %q: %v", text, err)
	}
	return vm
}

// accepts runs the oracle on a packet.
func accepts(tb testing.TB, vm *bpf.VM, pkt []byte) bool {
	tb.Helper()
	n, err := vm.Run(pkt)
	if err != nil {
		tb.Fatal(err)
	}
	return n > 0
}

// capture is what was read from a file.
type capture struct {
	link Link
	pkts [][]byte
	lens []int // on the wire
}

// readCapture reads a pcap file, or the enhanced packets of a pcapng file of
// one interface; ok is false for anything else.
func readCapture(name string) (c capture, ok bool) {
	b, err := os.ReadFile(name)
	if err != nil || len(b) < 28 {
		return c, false
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch binary.LittleEndian.Uint32(b) {
	case 0xa1b2c3d4, 0xa1b23c4d:
	case 0xd4c3b2a1, 0x4d3cb2a1:
		order = binary.BigEndian
	case 0x0a0d0d0a:
		return readPcapNG(b), true
	default:
		return c, false
	}
	c.link = Link(order.Uint32(b[20:]) & 0xffff)
	for b = b[24:]; len(b) >= 16; {
		n, wire := int(order.Uint32(b[8:])), int(order.Uint32(b[12:]))
		if n > len(b)-16 {
			break
		}
		c.pkts, c.lens = append(c.pkts, b[16:16+n]), append(c.lens, wire)
		b = b[16+n:]
	}
	return c, true
}

func readPcapNG(b []byte) (c capture) {
	order := binary.ByteOrder(binary.LittleEndian)
	if binary.LittleEndian.Uint32(b[8:]) != 0x1a2b3c4d {
		order = binary.BigEndian
	}
	for len(b) >= 12 {
		n := int(order.Uint32(b[4:]))
		if n < 12 || n > len(b) {
			break
		}
		switch order.Uint32(b) {
		case 1:
			c.link = Link(order.Uint16(b[8:]))
		case 6:
			caplen := int(order.Uint32(b[20:]))
			c.pkts, c.lens = append(c.pkts, b[28:28+caplen]), append(c.lens, int(order.Uint32(b[24:])))
		}
		b = b[n:]
	}
	return c
}

// savedPackets returns the packets of the data directory for a link, at most
// limit of each file; those of raw IP are taken out of Ethernet frames too.
func savedPackets(tb testing.TB, link Link, limit int) [][]byte {
	tb.Helper()
	dir := dataDir()
	if dir == "" {
		return nil
	}
	files, err := filepath.Glob(filepath.Join(dir, "pcaps", "*", "*.pcap*"))
	if err != nil {
		tb.Fatal(err)
	}
	var pkts [][]byte
	for _, f := range files {
		c, ok := readCapture(f)
		if !ok {
			continue
		}
		c.pkts = c.pkts[:min(limit, len(c.pkts))]
		switch {
		case c.link == link:
			pkts = append(pkts, c.pkts...)
		case link == LinkRaw && c.link == LinkEthernet:
			for _, p := range c.pkts {
				if len(p) > 14 && (p[14]>>4 == 4 || p[14]>>4 == 6) {
					pkts = append(pkts, p[14:])
				}
			}
		}
	}
	return pkts
}

// testCase is one line of filter-cases.tsv.
type testCase struct {
	kind, name, dlt string
	num             int
	opts            map[string]string
	expr, x1, x2    string
}

func (c *testCase) link() Link {
	if c.num == int(LinkRawBSD) {
		return LinkRaw
	}
	return Link(c.num)
}

// options returns the compiler's options for the case.
func (c *testCase) options(tb testing.TB, dir string) Options {
	var o Options
	if m, ok := c.opts["netmask"]; ok {
		n, _, ok := parseDotted(m)
		if !ok {
			tb.Fatalf("netmask %q", m)
		}
		o.Netmask, o.NetmaskSet = n, true
	}
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, "names", name))
		if err != nil {
			tb.Fatal(err)
		}
		return b
	}
	o.Names = NewTables(Files{Hosts: read("hosts"), Networks: read("networks"), Ethers: read("ethers")})
	return o
}

// readCases reads the conformance cases.
func readCases(tb testing.TB, dir string) (cases []testCase) {
	tb.Helper()
	f, err := os.Open(filepath.Join(dir, "filter-cases.tsv"))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<24)
	unescape := strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t")
	for s.Scan() {
		w := strings.Split(s.Text(), "\t")
		if strings.HasPrefix(s.Text(), "#") || len(w) < 8 {
			continue
		}
		num, _ := strconv.Atoi(w[3]) // "-" for a file
		c := testCase{kind: w[0], name: w[1], dlt: w[2], num: num, opts: map[string]string{},
			expr: unescape.Replace(w[5]), x1: w[6], x2: w[7]}
		for o := range strings.SplitSeq(w[4], ",") {
			k, v, _ := strings.Cut(o, "=")
			c.opts[k] = v
		}
		cases = append(cases, c)
	}
	if s.Err() != nil {
		tb.Fatal(s.Err())
	}
	return cases
}
