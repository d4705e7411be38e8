// SPDX-License-Identifier: Apache-2.0

package text

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hopdump/pcapng"
)

func kv(pairs ...string) (list []pcapng.KV) {
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, pcapng.KV{Key: pairs[i], Value: pairs[i+1]})
	}
	return list
}

// table is the table of one path.
func table(opt Options, path *pcapng.Path) string {
	path.Finish()
	opt.Time, opt.Path = TimeNone, PathTable
	out := string(New(opt).Append(nil, &pcapng.Record{Path: path}, Ethernet))
	_, rows, _ := strings.Cut(out, "\n")
	return rows
}

func TestTable(t *testing.T) {
	tests := map[string]struct {
		path *pcapng.Path
		want string
	}{
		"as in ux.md": {
			&pcapng.Path{Way: pcapng.WayRx, Pid: 4242, Tid: 4243, Comm: "dns-cache",
				NIC: &pcapng.NICStamp{Mapped: true, At: -1402, Err: 120},
				Hops: []pcapng.Hop{
					{Func: "napi_gro_receive_entry", CPU: 3, Dev: "eth0", Extra: kv("q", "3")},
					{Func: "__udp_enqueue_schedule_skb", Elapsed: 3298, CPU: 3, Extra: kv("rmem", "1280/212992")},
					{Func: "skb_copy_datagram_iovec", Elapsed: 63977, CPU: 1},
				}},
			`     +previous        total  hop                          cpu  what
         0.000        0.000  napi_gro_receive_entry         3  eth0 queue 3, nic -1.402 err 0.120
         3.298        3.298  __udp_enqueue_schedule_skb     3  socket buffer 1280 of 212992
  *     60.679       63.977  skb_copy_datagram_iovec        1  pid 4242 tid 4243 dns-cache
`},
		"sent": {
			&pcapng.Path{Way: pcapng.WayTx, Pid: 7, Comm: "a b\x1b[31m", Hops: []pcapng.Hop{{Func: "udp_sendmsg"}, {Func: "ip_output", Elapsed: 5, CPU: -1}}},
			`     +previous        total  hop                          cpu  what
         0.000        0.000  udp_sendmsg                    0  pid 7 a b?[31m
  *      0.005        0.005  ip_output                      ?
`},
		"dropped": {
			&pcapng.Path{Drop: &pcapng.Drop{Reason: "NO_SOCKET", Func: "tcp_v4_rcv", Offset: 0x1a2}, Hops: []pcapng.Hop{{Func: "kfree_skb", Dev: "eth0", Extra: kv("drop", "NO_SOCKET")}}},
			`     +previous        total  hop                          cpu  what
         0.000        0.000  kfree_skb                      0  eth0, dropped: NO_SOCKET@tcp_v4_rcv+0x1a2
`},
		"open": {
			&pcapng.Path{IsOpen: true, Open: 1000204118, Hops: []pcapng.Hop{{Func: "sk_data_ready", Extra: kv("len", "97", "new", "x")}}},
			`     +previous        total  hop                          cpu  what
         0.000        0.000  sk_data_ready                  0  len 97, new=x, still here after 1000204.118
`},
		"long name": {
			&pcapng.Path{Hops: []pcapng.Hop{{Func: "a_function_with_a_name_of_thirty_five"}}},
			`     +previous        total  hop                                     cpu  what
         0.000        0.000  a_function_with_a_name_of_thirty_five     0
`},
		"nothing kept": {&pcapng.Path{Count: 3}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, table(Options{}, test.path)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Colours are for terminals: bold for the largest step, red for a drop.
func TestColors(t *testing.T) {
	path := &pcapng.Path{
		Way: pcapng.WayRx, Drop: &pcapng.Drop{Reason: "NO_SOCKET"},
		Hops: []pcapng.Hop{{Func: "a"}, {Func: "b", Elapsed: 9}, {Func: "c", Elapsed: 10}},
	}
	got := table(Options{Color: true}, path)
	lines := strings.Split(got, "\n")
	if !strings.HasPrefix(lines[2], bold+"  *") || !strings.HasSuffix(lines[2], plain) {
		t.Errorf("largest step: %q", lines[2])
	}
	if !strings.HasPrefix(lines[3], red) || !strings.HasSuffix(lines[3], plain) {
		t.Errorf("drop: %q", lines[3])
	}
	if strings.Contains(table(Options{}, path), "\x1b") {
		t.Error("colours without being asked")
	}
	out := string(New(Options{Time: TimeNone, Color: true}).Append(nil, &pcapng.Record{Path: path}, Ethernet))
	if !strings.Contains(out, " "+red+"DROP=NO_SOCKET"+plain+" ") {
		t.Errorf("line: %q", out)
	}
}
