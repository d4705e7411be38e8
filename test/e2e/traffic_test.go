// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"
)

// udpExchange sends n datagrams from a to b and has each answered. Payloads are
// "ping <i>" and "pong <i>".
func udpExchange(t testing.TB, a, b, addr string, n int) {
	t.Helper()
	var srv, cli net.Conn
	in(t, b, func() {
		pc, err := net.ListenPacket("udp", addr)
		if err != nil {
			t.Error(err)
			return
		}
		srv = pc.(*net.UDPConn)
	})
	in(t, a, func() {
		c, err := net.Dial("udp", addr)
		if err != nil {
			t.Error(err)
			return
		}
		cli = c
	})
	if srv == nil || cli == nil {
		t.FailNow()
	}
	defer srv.Close()
	defer cli.Close()
	go answer(srv.(*net.UDPConn))
	buf := make([]byte, 100)
	for i := range n {
		fmt.Fprintf(cli, "ping %d", i)
		_ = cli.SetReadDeadline(time.Now().Add(10 * time.Second))
		m, err := cli.Read(buf)
		if want := fmt.Sprintf("pong %d", i); err != nil || string(buf[:m]) != want {
			t.Fatalf("answer %d: %q, %v", i, buf[:m], err)
		}
	}
}

func answer(srv *net.UDPConn) {
	buf := make([]byte, 100)
	for {
		m, from, err := srv.ReadFrom(buf)
		if err != nil {
			return
		}
		var i int
		_, _ = fmt.Sscanf(string(buf[:m]), "ping %d", &i)
		_, _ = srv.WriteTo([]byte(fmt.Sprintf("pong %d", i)), from)
	}
}

// tcpTransfer sends size random bytes from a to b, which reads them to the end,
// and returns them.
func tcpTransfer(t testing.TB, a, b, addr string, size int) []byte {
	t.Helper()
	data := make([]byte, size)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(data)
	var l net.Listener
	var c net.Conn
	var err error
	in(t, b, func() { l, err = net.Listen("tcp", addr) })
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	sum := make(chan [32]byte, 1)
	go func() {
		s, err := l.Accept()
		if err != nil {
			return
		}
		defer s.Close()
		h := sha256.New()
		_, _ = io.Copy(h, s)
		sum <- [32]byte(h.Sum(nil))
	}()
	in(t, a, func() { c, err = net.Dial("tcp", addr) })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(data); err != nil {
		t.Fatal(err)
	}
	c.Close()
	select {
	case got := <-sum:
		if got != sha256.Sum256(data) {
			t.Fatal("the stream arrived changed")
		}
	case <-time.After(patience):
		t.Fatal("the stream does not arrive")
	}
	return data
}

// sendTo sends one datagram that nobody answers.
func sendTo(t testing.TB, ns, addr, payload string) {
	t.Helper()
	in(t, ns, func() {
		c, err := net.Dial("udp", addr)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_, _ = c.Write([]byte(payload))
	})
}

// trickle sends a datagram every other millisecond until it is told to stop.
func trickle(t testing.TB, ns, addr string) (stop func()) {
	t.Helper()
	var c net.Conn
	in(t, ns, func() { c, _ = net.Dial("udp", addr) })
	if c == nil {
		t.Fatal("no socket")
	}
	ticker := time.NewTicker(2 * time.Millisecond)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				_, _ = c.Write([]byte("tick")) // refused now and then: nobody listens
			}
		}
	}()
	return func() {
		ticker.Stop()
		close(done)
		c.Close()
	}
}
