// SPDX-License-Identifier: Apache-2.0

package text

import (
	"encoding/hex"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hopdump/cmd/hopdump/internal/names"
	"hopdump/pcapng"
)

// frame turns hexadecimal digits with blanks into bytes.
func frame(t testing.TB, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(digits), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	macs = "020000000002 020000000001 "
	// ip4 wants total length, flags and offset, protocol.
	udp4 = macs + "0800 4500 0020 0001 0000 40 11 0000 0a000001 0a000002 "
	tcp4 = macs + "0800 4500 0028 0001 4000 40 06 0000 0a000001 0a000002 "
)

func TestLines(t *testing.T) {
	tests := map[string]struct {
		frame string
		wire  int // length on the wire, if more than was captured
		opt   Options
		want  string
	}{
		"udp":              {frame: udp4 + "9c40 2328 000c 0000 01020304", want: "IP 10.0.0.1.40000 > 10.0.0.2.9000: UDP, length 4"},
		"udp quiet":        {frame: udp4 + "9c40 2328 000c 0000 01020304", opt: Options{Quiet: true}, want: "IP 10.0.0.1.40000 > 10.0.0.2.9000: UDP, length 4"},
		"udp longer":       {frame: udp4 + "9c40 2328 0fff 0000 01020304", want: "IP 10.0.0.1.40000 > 10.0.0.2.9000: UDP, bad length 4087 > 4"},
		"tcp syn":          {frame: tcp4 + "c350 0051 00000001 00000000 5002 faf0 0000 0000", want: "IP 10.0.0.1.50000 > 10.0.0.2.81: Flags [S], seq 1, win 64240, length 0"},
		"tcp quiet":        {frame: tcp4 + "c350 0051 00000001 00000000 5002 faf0 0000 0000", opt: Options{Quiet: true}, want: "IP 10.0.0.1.50000 > 10.0.0.2.81: tcp 0"},
		"tcp cut":          {frame: tcp4 + "c350 0051 0000", wire: 54, want: "IP 10.0.0.1.50000 > 10.0.0.2.81:  [|tcp]"},
		"tcp no ports":     {frame: tcp4 + "c350", wire: 54, want: "IP 10.0.0.1 > 10.0.0.2:  [|tcp]"},
		"tcp short header": {frame: tcp4 + "c350 0051 00000001 00000000 4002 faf0 0000 0000", want: "IP 10.0.0.1.50000 > 10.0.0.2.81:  tcp 4 [bad hdr length 16, too short, < 20]"},
		"wire shorter": {
			frame: tcp4 + "c350 0051", wire: 40,
			want: "IP truncated-ip - 14 bytes missing! 10.0.0.1.50000 > 10.0.0.2.81:  [|tcp]",
		},
		"ip cut":       {frame: macs + "0800 4500", wire: 54, want: "IP [|ip]"},
		"later part":   {frame: macs + "0800 4500 0020 0001 00b9 40 11 0000 0a000001 0a000002 0102030405060708090a0b0c", want: "IP 10.0.0.1 > 10.0.0.2: udp"},
		"arp request":  {frame: "ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 0a000001 000000000000 0a000002", want: "ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28"},
		"arp reply":    {frame: macs + "0806 0001 0800 06 04 0002 020000000001 0a000001 020000000002 0a000002", want: "ARP, Reply 10.0.0.1 is-at 02:00:00:00:00:01, length 28"},
		"arp cut":      {frame: macs + "0806 0001 0800 ff ff 0001 00", want: "ARP,  [|arp]"},
		"echo":         {frame: macs + "0800 4500 0020 0001 0000 40 01 0000 0a000001 0a000002 0800 0000 0007 0003 01020304", want: "IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 3, length 12"},
		"port closed":  {frame: macs + "0800 4500 0038 0001 0000 40 01 0000 0a000001 0a000002 0303 0000 00000000 4500 0020 0001 0000 40 11 0000 0a000002 0a000001 9c40 0035 000c 0000", want: "IP 10.0.0.1 > 10.0.0.2: ICMP 10.0.0.1 udp port 53 unreachable, length 36"},
		"dns query":    {frame: macs + "0800 4500 0039 0001 0000 40 11 0000 0a000001 0a000002 9c40 0035 0025 0000 1234 0100 0001 0000 0000 0000 07 6578616d706c65 03 636f6d 00 0001 0001", want: "IP 10.0.0.1.40000 > 10.0.0.2.53: 4660+ A? example.com. (29)"},
		"dns loop":     {frame: macs + "0800 4500 002e 0001 0000 40 11 0000 0a000001 0a000002 9c40 0035 001a 0000 1234 0100 0001 0000 0000 0000 c00c 0001 0001", want: "IP 10.0.0.1.40000 > 10.0.0.2.53: 4660+ A? <LOOP> (18)"},
		"dns escapes":  {frame: macs + "0800 4500 0031 0001 0000 40 11 0000 0a000001 0a000002 9c40 0035 001d 0000 1234 0100 0001 0000 0000 0000 03 1b5b9b 00 0001 0001", want: "IP 10.0.0.1.40000 > 10.0.0.2.53: 4660+ A? ^[[M-^[. (21)"},
		"vlan":         {frame: macs + "8100 6064 0800 4500 0020 0001 0000 40 11 0000 0a000001 0a000002 9c40 2328 000c 0000 01020304", opt: Options{Link: true}, want: "02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 802.1Q (0x8100), length 50: vlan 100, p 3, ethertype IPv4 (0x0800), 10.0.0.1.40000 > 10.0.0.2.9000: UDP, length 4"},
		"unknown type": {frame: macs + "88b5 0102", want: "02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype Unknown (0x88b5), length 16: \n\t0x0000:  0102                                     .."},
		"verbose":      {frame: udp4 + "9c40 2328 000c 0000 01020304", opt: Options{Verbose: 2}, want: "IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto UDP (17), length 32, bad cksum 0 (->66ca)!)\n    10.0.0.1.40000 > 10.0.0.2.9000: [no cksum] UDP, length 4"},
		"neighbour":    {frame: macs + "86dd 60000000 0018 3a ff fe800000000000000000000000000001 ff020000000000000000000000000001 8700 0000 00000000 fe800000000000000000000000000002", want: "IP6 fe80::1 > ff02::1: ICMP6, neighbor solicitation, who has fe80::2, length 24"},
		"large tcp":    {frame: macs + "86dd 60000000 0000 06 40 fe800000000000000000000000000001 fe800000000000000000000000000002 c350 0051 00000001 00000001 5010 faf0 0000 0000", wire: 100074, want: "IP6 fe80::1.50000 > fe80::2.81: Flags [.], seq 1:100001, ack 1, win 64240, length 100000"},
		"too short":    {frame: "0102", want: " [|ether]"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.opt.Time = TimeNone
			test.opt.Numeric = name != "later part"
			b := frame(t, test.frame)
			r := &pcapng.Record{Data: b, Len: max(test.wire, len(b))}
			if test.wire > 0 && test.wire < len(b) {
				t.Fatal("shorter than what was captured")
			}
			got := string(New(test.opt).Append(nil, r, Ethernet))
			if diff := cmp.Diff(test.want+"\n", got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The numbers of a connection count from its beginning, in both directions.
func TestRelativeNumbers(t *testing.T) {
	segment := func(from byte, seq, ack, flags string) string {
		to := "02"
		ports := "c350 0051 "
		if from == 2 {
			to, ports = "01", "0051 c350 "
		}
		return macs + "0800 4500 0028 0001 4000 40 06 0000 0a0000" + hex.EncodeToString([]byte{from}) + " 0a0000" + to +
			ports + seq + ack + flags + " faf0 0000 0000"
	}
	p := New(Options{Time: TimeNone, Numeric: true})
	var got []byte
	for _, f := range []string{
		segment(1, "000003e8", "00000000", "5002"), segment(2, "000007d0", "000003e9", "5012"),
		segment(1, "000003e9", "000007d1", "5010"), segment(2, "000007db", "000003f3", "5011"),
	} {
		got = p.Append(got, &pcapng.Record{Data: frame(t, f)}, Ethernet)
	}
	want := `IP 10.0.0.1.50000 > 10.0.0.2.81: Flags [S], seq 1000, win 64240, length 0
IP 10.0.0.2.81 > 10.0.0.1.50000: Flags [S.], seq 2000, ack 1001, win 64240, length 0
IP 10.0.0.1.50000 > 10.0.0.2.81: Flags [.], ack 1, win 64240, length 0
IP 10.0.0.2.81 > 10.0.0.1.50000: Flags [F.], seq 11, ack 11, win 64240, length 0
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

// A table of connections stays bounded and remembers the ones in use.
func TestManyConnections(t *testing.T) {
	var table seqTable
	key := func(i int) flowKey {
		return flowKey{netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), netip.AddrFrom4([4]byte{11}), 1, 2}
	}
	table.relative(key(0), tcpHeader{seq: 100, ack: 200})
	for i := range 3 * maxFlows {
		table.relative(key(i+1), tcpHeader{seq: 1, ack: 1})
		if seq, _, _ := table.relative(key(0), tcpHeader{seq: 105, ack: 200}); seq != 5 {
			t.Fatalf("after %d others: seq %d", i+1, seq)
		}
	}
	if n := len(table.recent) + len(table.older); n > 2*maxFlows {
		t.Errorf("%d entries", n)
	}
}

func TestTimes(t *testing.T) {
	at := time.Date(2026, 11, 21, 14, 45, 2, 397145999, time.UTC).UnixNano()
	tests := map[string]struct {
		style TimeStyle
		nano  bool
		want  []string // of at, 61.000001 s later, and 1 ms before at
	}{
		"of day":     {TimeOfDay, false, []string{"14:45:02.397145 ", "14:46:03.397147 ", "14:45:02.396145 "}},
		"none":       {TimeNone, false, []string{"", "", ""}},
		"unix":       {TimeUnix, false, []string{"1795272302.397145 ", "1795272363.397147 ", "1795272302.396145 "}},
		"delta":      {TimeDelta, false, []string{" 00:00:00.000000 ", " 00:01:01.000002 ", "-00:01:01.001002 "}},
		"date":       {TimeDate, true, []string{"2026-11-21 14:45:02.397145999 ", "2026-11-21 14:46:03.397147000 ", "2026-11-21 14:45:02.396145999 "}},
		"since zero": {TimeSinceZero, true, []string{" 00:00:00.000000000 ", " 00:01:01.000001001 ", "-00:00:00.001000000 "}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := clock{style: test.style, nano: test.nano, zone: time.UTC}
			var got []string
			for _, ns := range []int64{at, at + 61_000_001_001, at - 1_000_000} {
				got = append(got, string(c.append(nil, ns)))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNames(t *testing.T) {
	p := New(Options{Time: TimeNone, ShortHosts: true, Names: names.Load("testdata")})
	got := string(p.Append(nil, &pcapng.Record{Data: frame(t, udp4+"9c40 0007 000c 0000 01020304")}, Ethernet))
	if want := "IP client.40000 > 10.0.0.2.echo: UDP, length 4\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestColumns(t *testing.T) {
	tests := map[string]struct {
		dev  *pcapng.Device
		dir  pcapng.Direction
		want string
	}{
		"here":      {&pcapng.Device{Name: "eth0"}, pcapng.Out, "eth0  Out "},
		"namespace": {&pcapng.Device{Name: "lo", NetnsName: "c1", Foreign: true}, pcapng.In, "c1:lo In  "},
		"no name":   {&pcapng.Device{Name: "lo", Netns: 4026532000, Foreign: true}, pcapng.In, "4026532000:lo In  "},
		"unknown":   {nil, pcapng.DirUnknown, "?     ?   "},
		"hostile":   {&pcapng.Device{Name: "e\x1b[2J"}, pcapng.In, "e?[2J In  "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := New(Options{Time: TimeNone, Columns: true})
			got := string(p.Append(nil, &pcapng.Record{Dev: test.dev, Dir: test.dir}, Ethernet))
			if !strings.HasPrefix(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// captureFiles are the captures of the directory to compare on, if there is one.
func captureFiles(t testing.TB) (files []string) {
	t.Helper()
	dir := os.Getenv(captures)
	if dir == "" {
		return nil
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Whatever is captured, printing it ends, and no control character gets out.
func FuzzAppend(f *testing.F) {
	for _, digits := range []string{udp4, tcp4 + "c350 0051 00000001 00000000 f002 faf0 0000 0000 0204 05b4", macs + "86dd 6000"} {
		f.Add(frame(f, digits), uint16(1), uint8(2), 2000)
	}
	for _, path := range captureFiles(f) {
		r, err := open(path)
		if err != nil {
			continue
		}
		n := 0
		for rec, err := range r.All() {
			if n++; err != nil || n > 3 {
				break
			}
			f.Add(rec.Data, r.LinkType(), uint8(2), rec.Len)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, link uint16, flags uint8, wire int) {
		p := New(Options{
			Time: TimeNone, Verbose: int(flags & 3), Link: flags&4 != 0, Quiet: flags&8 != 0, Columns: flags&16 != 0,
			Dump: Dump{Hex: flags&32 != 0, ASCII: flags&64 != 0, Link: flags&128 != 0},
		})
		r := &pcapng.Record{Data: data, Len: max(len(data), wire%(1<<20))}
		for range 2 { // the second time with a connection that is known
			got := string(p.Append(nil, r, LinkFromFile(link)))
			if !strings.HasSuffix(got, "\n") {
				t.Errorf("no line: %q", got)
			}
			for i := range len(got) {
				if c := got[i]; !printable(c) && c != '\n' && c != '\t' {
					t.Fatalf("byte %#x in %q", c, got)
				}
			}
		}
	})
}
