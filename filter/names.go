// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"net/netip"
	"strconv"
	"strings"
)

// Names looks up what stands as a name in an expression. The methods report
// with false, or nil, that they do not know the name.
type Names interface {
	// Host returns the addresses of a host, in any order.
	Host(name string) []netip.Addr
	// Network returns the number of an IPv4 network, which may be short: 10
	// and 10.0.0.0 (0x0a000000) are the same network.
	Network(name string) (uint32, bool)
	// Ether returns the MAC address of a host.
	Ether(name string) ([6]byte, bool)
	// Port returns the port of a service, given "tcp" or "udp".
	Port(service, transport string) (uint16, bool)
	// Protocol returns the number of an IP protocol.
	Protocol(name string) (uint8, bool)
}

// Files are the contents of the five files of /etc that hold names. A nil
// one is as an empty one.
type Files struct {
	Hosts, Networks, Ethers, Services, Protocols []byte
}

// Tables are names that were read before. What they do not know about ports
// and protocols is looked up in a small built-in table, so that the zero
// value knows the well-known ones.
type Tables struct {
	hosts     map[string][]netip.Addr
	networks  map[string]uint32
	ethers    map[string][6]byte
	services  map[string]uint16 // "name/transport"
	protocols map[string]uint8
}

// NewTables reads f. Lines that make no sense are passed over, as the C
// library does.
func NewTables(f Files) *Tables {
	t := &Tables{
		hosts: map[string][]netip.Addr{}, networks: map[string]uint32{}, ethers: map[string][6]byte{},
		services: map[string]uint16{}, protocols: map[string]uint8{},
	}
	eachLine(f.Hosts, t.addHost)
	eachLine(f.Networks, t.addNetwork)
	eachLine(f.Ethers, t.addEther)
	eachLine(f.Services, t.addService)
	eachLine(f.Protocols, t.addProtocol)
	return t
}

// eachLine calls add with the words of each line that has at least two.
func eachLine(file []byte, add func(words []string)) {
	for line := range strings.Lines(string(file)) {
		line, _, _ = strings.Cut(line, "#")
		if words := strings.Fields(line); len(words) >= 2 {
			add(words)
		}
	}
}

// first keeps what stands first in a file, as the C library does.
func first[V any](m map[string]V, names []string, v V) {
	for _, name := range names {
		if _, ok := m[name]; !ok {
			m[name] = v
		}
	}
}

func (t *Tables) addHost(words []string) {
	addr, err := netip.ParseAddr(words[0])
	if err != nil {
		return
	}
	for _, name := range words[1:] {
		name = strings.ToLower(name)
		t.hosts[name] = append(t.hosts[name], addr)
	}
}

func (t *Tables) addNetwork(words []string) {
	if addr, _, ok := parseDotted(words[1]); ok {
		names := append([]string{words[0]}, words[2:]...)
		for i := range names {
			names[i] = strings.ToLower(names[i])
		}
		first(t.networks, names, addr)
	}
}

func (t *Tables) addEther(words []string) {
	if macLen(words[0]) == len(words[0]) {
		first(t.ethers, []string{strings.ToLower(words[1])}, parseMAC(words[0]))
	}
}

func (t *Tables) addService(words []string) {
	num, transport, ok := strings.Cut(words[1], "/")
	n, err := strconv.ParseUint(num, 10, 16)
	if !ok || err != nil {
		return
	}
	for _, name := range append([]string{words[0]}, words[2:]...) {
		first(t.services, []string{name + "/" + transport}, uint16(n))
	}
}

func (t *Tables) addProtocol(words []string) {
	if n, err := strconv.ParseUint(words[1], 10, 8); err == nil {
		first(t.protocols, append([]string{words[0]}, words[2:]...), uint8(n))
	}
}

// Host returns the addresses of a name of the hosts file, in any case.
func (t *Tables) Host(name string) []netip.Addr { return t.hosts[strings.ToLower(name)] }

// Network returns the number of a name of the networks file, in any case.
func (t *Tables) Network(name string) (uint32, bool) {
	n, ok := t.networks[strings.ToLower(name)]
	return n, ok
}

// Ether returns the address of a name of the ethers file, in any case.
func (t *Tables) Ether(name string) ([6]byte, bool) {
	mac, ok := t.ethers[strings.ToLower(name)]
	return mac, ok
}

// Port returns the port of a service.
func (t *Tables) Port(service, transport string) (uint16, bool) {
	if n, ok := t.services[service+"/"+transport]; ok {
		return n, true
	}
	for _, s := range builtinServices {
		if s.name == service && (s.transport == "" || s.transport == transport) {
			return s.port, true
		}
	}
	return 0, false
}

// Protocol returns the number of a protocol.
func (t *Tables) Protocol(name string) (uint8, bool) {
	if n, ok := t.protocols[name]; ok {
		return n, true
	}
	n, ok := builtinProtocols[name]
	return n, ok
}

// builtinProtocols serve systems without /etc/protocols, such as minimal
// containers.
var builtinProtocols = map[string]uint8{
	"ip": 0, "icmp": 1, "igmp": 2, "ggp": 3, "ipencap": 4, "st": 5, "tcp": 6, "egp": 8, "igp": 9, "pup": 12,
	"udp": 17, "hmp": 20, "xns-idp": 22, "rdp": 27, "dccp": 33, "ipv6": 41, "ipv6-route": 43, "ipv6-frag": 44,
	"rsvp": 46, "gre": 47, "esp": 50, "ah": 51, "skip": 57, "ipv6-icmp": 58, "ipv6-nonxt": 59, "ipv6-opts": 60,
	"eigrp": 88, "ospf": 89, "ipip": 94, "etherip": 97, "encap": 98, "pim": 103, "ipcomp": 108, "vrrp": 112,
	"l2tp": 115, "isis": 124, "sctp": 132, "fc": 133, "udplite": 136, "hip": 139, "shim6": 140,
}

// builtinServices serve systems without /etc/services. No transport means
// both.
var builtinServices = []struct {
	name      string
	port      uint16
	transport string
}{
	{"echo", 7, ""}, {"discard", 9, ""}, {"daytime", 13, ""}, {"chargen", 19, ""},
	{"ftp-data", 20, "tcp"}, {"ftp", 21, "tcp"}, {"ssh", 22, "tcp"}, {"telnet", 23, "tcp"}, {"smtp", 25, "tcp"},
	{"time", 37, ""}, {"whois", 43, "tcp"}, {"tacacs", 49, ""}, {"domain", 53, ""}, {"bootps", 67, "udp"},
	{"bootpc", 68, "udp"}, {"tftp", 69, "udp"}, {"finger", 79, "tcp"}, {"http", 80, "tcp"}, {"www", 80, "tcp"},
	{"kerberos", 88, ""}, {"pop3", 110, "tcp"}, {"sunrpc", 111, ""}, {"ntp", 123, "udp"}, {"netbios-ns", 137, "udp"},
	{"netbios-dgm", 138, "udp"}, {"netbios-ssn", 139, "tcp"}, {"imap", 143, "tcp"}, {"imap2", 143, "tcp"},
	{"snmp", 161, ""}, {"snmp-trap", 162, ""}, {"bgp", 179, "tcp"}, {"ldap", 389, ""}, {"https", 443, ""},
	{"microsoft-ds", 445, ""}, {"isakmp", 500, "udp"}, {"syslog", 514, "udp"}, {"submission", 587, "tcp"},
	{"ldaps", 636, ""}, {"imaps", 993, "tcp"}, {"pop3s", 995, "tcp"}, {"openvpn", 1194, "udp"}, {"radius", 1812, ""},
	{"nfs", 2049, ""}, {"mysql", 3306, "tcp"}, {"postgresql", 5432, "tcp"}, {"xmpp-client", 5222, "tcp"},
}
