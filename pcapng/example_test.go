// SPDX-License-Identifier: Apache-2.0

package pcapng_test

import (
	"bytes"
	"fmt"
	"log"

	"hopdump/pcapng"
)

// Write a packet with its path and read it again.
func Example() {
	path := &pcapng.Path{
		Way: pcapng.WayTx, Pid: 4242, Comm: "dns-cache",
		Hops: []pcapng.Hop{
			{Func: "udp_sendmsg", CPU: 1},
			{Func: "ip_output", Elapsed: 2_104, CPU: 1},
			{Func: "net_dev_start_xmit", Elapsed: 33_322, CPU: 1, Tap: true, Dev: "eth0", Netns: 4026531840},
		},
	}
	path.Finish()

	var file bytes.Buffer
	w := pcapng.NewFileWriter(&file, pcapng.FileOptions{Application: "example"})
	err := w.Write(&pcapng.Record{
		Time: 1_760_000_000_000_000_000,
		Data: make([]byte, 60),
		Dev:  &pcapng.Device{Name: "eth0", Index: 2, Netns: 4026531840},
		Dir:  pcapng.Out,
		Path: path,
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}

	r, err := pcapng.NewRecordReader(&file)
	if err != nil {
		log.Fatal(err)
	}
	for rec, err := range r.All() {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s %d bytes\n", rec.Dev.Name, rec.Len)
		for _, c := range rec.Path.Comments() {
			fmt.Println(c)
		}
	}
	// Output:
	// eth0 60 bytes
	//      33.322us tx 3 hops max=+31.218us@net_dev_start_xmit pid=4242 comm=dns-cache hopdump/1
	// hop   1 +     0.000us       0.000us udp_sendmsg cpu=1
	// hop   2 +     2.104us       2.104us ip_output cpu=1
	// hop   3 +    31.218us      33.322us net_dev_start_xmit cpu=1 tap=1 dev=eth0 ns=4026531840
}

func ExamplePath_AppendTail() {
	p := pcapng.Path{
		Way: pcapng.WayRx, Count: 6, Total: 5_295, MaxDelta: 1_901, MaxFunc: "kfree_skb",
		Drop: &pcapng.Drop{Reason: "NO_SOCKET", Func: "tcp_v4_rcv", Offset: 0x1a2},
	}
	fmt.Printf("%s\n", p.AppendTail(nil))
	// Output:
	// 5.295us rx 6 hops DROP=NO_SOCKET@tcp_v4_rcv+0x1a2 max=+1.901us@kfree_skb
}

// Count the packets of each interface, one block after the other.
func ExampleReader() {
	var file bytes.Buffer
	w := pcapng.NewFileWriter(&file, pcapng.FileOptions{})
	for range 3 {
		if err := w.Write(&pcapng.Record{Dev: &pcapng.Device{Name: "lo", Index: 1}}); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}

	r := pcapng.NewReader(&file)
	count := map[string]int{}
	for b, err := range r.All() {
		if err != nil {
			log.Fatal(err) // a *pcapng.FormatError says where
		}
		if b.Packet != nil {
			count[r.Interfaces()[b.Packet.Interface].Name()]++
		}
	}
	fmt.Println(count)
	// Output: map[lo:3]
}
