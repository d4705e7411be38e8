// SPDX-License-Identifier: Apache-2.0

// Command traffic is both ends of the demo's connections: a server that says
// "ready" once everybody can reach it, and a client that ends when all it sent
// has been answered.
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// datagrams are the sizes of those sent to each address.
var datagrams = []int{100, 400, 1000}

const (
	udpPort    = 9000
	tcpPort    = 9001
	closedPort = 9999

	stream = 64_000 // bytes over TCP: frames of several segments each

	patience = time.Minute // how long one answer may take, also in an emulated machine
)

func main() {
	if len(os.Args) < 3 || os.Args[1] != "serve" && os.Args[1] != "send" {
		fmt.Fprintln(os.Stderr, "usage: traffic serve|send address...")
		os.Exit(2)
	}
	role := serve
	if os.Args[1] == "send" {
		role = send
	}
	if err := role(os.Args[2:]); err != nil {
		fmt.Fprintf(os.Stderr, "traffic: %v\n", err)
		os.Exit(1)
	}
}

// serve answers datagrams and counts streams on these addresses until it is
// killed.
func serve(addrs []string) error {
	failed := make(chan error)
	for _, text := range addrs {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return err
		}
		packets, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, udpPort)))
		if err != nil {
			return err
		}
		streams, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(addr, tcpPort)))
		if err != nil {
			return err
		}
		go func() { failed <- answer(packets) }()
		go func() { failed <- count(streams) }()
	}
	fmt.Println("ready")
	return <-failed
}

// answer sends every datagram back.
func answer(conn *net.UDPConn) error {
	buf := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return err
		}
		if _, err := conn.WriteToUDPAddrPort(buf[:n], from); err != nil {
			return err
		}
	}
}

// count reads every stream to its end and says how many bytes it had.
func count(l *net.TCPListener) error {
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		n, err := io.Copy(io.Discard, conn)
		if err == nil {
			_, err = fmt.Fprint(conn, n)
		}
		conn.Close()
		if err != nil {
			return err
		}
	}
}

// send talks to the server at each address, then to a port where nobody is.
func send(addrs []string) error {
	for _, text := range addrs {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return err
		}
		if err := ask(netip.AddrPortFrom(addr, udpPort)); err != nil {
			return err
		}
		if err := transfer(netip.AddrPortFrom(addr, tcpPort)); err != nil {
			return err
		}
	}
	return knock(netip.AddrPortFrom(netip.MustParseAddr(addrs[0]), closedPort))
}

// dial connects, with a limit for everything that follows.
func dial(network string, to netip.AddrPort) (net.Conn, error) {
	conn, err := net.DialTimeout(network, to.String(), patience)
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Now().Add(patience))
}

// ask sends datagrams, each when the one before has been answered.
func ask(to netip.AddrPort) error {
	conn, err := dial("udp", to)
	if err != nil {
		return err
	}
	defer conn.Close()
	buf := make([]byte, 1500)
	for _, size := range datagrams {
		if _, err := conn.Write(make([]byte, size)); err != nil {
			return err
		}
		n, err := conn.Read(buf)
		if err != nil {
			return err
		}
		if n != size {
			return fmt.Errorf("%v answered %d bytes to %d", to, n, size)
		}
	}
	return nil
}

// transfer sends a stream in one write and waits until it has been read.
func transfer(to netip.AddrPort) error {
	conn, err := dial("tcp", to)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write(make([]byte, stream)); err != nil {
		return err
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		return err
	}
	got, err := io.ReadAll(conn)
	if err != nil {
		return err
	}
	if string(got) != fmt.Sprint(stream) {
		return fmt.Errorf("%v counted %q bytes, %d were sent", to, got, stream)
	}
	return nil
}

// knock sends a datagram to a closed port and waits for the refusal.
func knock(to netip.AddrPort) error {
	conn, err := dial("udp", to)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "is anybody there?"); err != nil {
		return err
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%v: want a refusal, got %v", to, err)
	}
	return nil
}
