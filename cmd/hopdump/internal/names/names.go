// SPDX-License-Identifier: Apache-2.0

// Package names turns numbers into names by the files of this host. It never
// asks the network.
package names

import (
	"bufio"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// Table holds the names of one host. A nil table knows none.
type Table struct {
	hosts    map[netip.Addr]string
	services map[service]string
}

type service struct {
	port  uint16
	proto string // tcp, udp, sctp
}

// Load reads /etc/hosts and /etc/services below root, which is normally "/".
// A file that cannot be read has no names.
func Load(root string) *Table {
	t := &Table{hosts: map[netip.Addr]string{}, services: map[service]string{}}
	eachLine(root+"/etc/hosts", t.host)
	eachLine(root+"/etc/services", t.service)
	return t
}

// Host returns the first name of a.
func (t *Table) Host(a netip.Addr) (string, bool) {
	if t == nil {
		return "", false
	}
	name, ok := t.hosts[a.Unmap()]
	return name, ok
}

// Service returns the name of a port; proto is tcp, udp or sctp.
func (t *Table) Service(proto string, port uint16) (string, bool) {
	if t == nil {
		return "", false
	}
	name, ok := t.services[service{port, proto}]
	return name, ok
}

// host takes a line "address name alias…". The first line of an address wins.
func (t *Table) host(fields []string) {
	a, err := netip.ParseAddr(fields[0])
	if err != nil {
		return
	}
	if _, known := t.hosts[a.Unmap()]; !known {
		t.hosts[a.Unmap()] = fields[1]
	}
}

// service takes a line "name port/proto alias…".
func (t *Table) service(fields []string) {
	number, proto, ok := strings.Cut(fields[1], "/")
	port, err := strconv.ParseUint(number, 10, 16)
	if !ok || err != nil {
		return
	}
	key := service{uint16(port), proto}
	if _, known := t.services[key]; !known {
		t.services[key] = fields[0]
	}
}

// eachLine calls f with the fields of every line that has at least two.
func eachLine(path string, f func(fields []string)) {
	file, err := os.Open(path)
	if err != nil {
		return
	}
	defer file.Close()
	for s := bufio.NewScanner(file); s.Scan(); {
		line, _, _ := strings.Cut(s.Text(), "#")
		if fields := strings.Fields(line); len(fields) >= 2 {
			f(fields)
		}
	}
}
