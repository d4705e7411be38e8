// SPDX-License-Identifier: Apache-2.0

package filter

// corpusOptions go with the corpus: the built-in names, a known netmask.
var corpusOptions = Options{Names: &Tables{}, Netmask: 0xffffff00}

// corpus are expressions of the supported part of the language, each for
// another piece of it.
var corpus = []string{
	"", "ip", "ip6", "arp", "rarp", "tcp", "udp", "sctp", "icmp", "icmp6",
	"igmp", "igrp", "pim", "ah", "esp", "vrrp", "carp", "atalk", "aarp", "decnet",
	"lat", "sca", "mopdl", "moprc", "iso", "stp", "ipx", "netbeui",
	"host 10.0.0.1", "src host 10.0.0.1", "dst 10.0.0.1", "src or dst host 10.0.0.2", "dst and src host 10.0.0.1",
	"ip host 10.0.0.1", "arp host 10.0.0.2", "rarp src host 10.0.0.1", "host 10.0", "host 167772161", "ip host 0xa000001",
	"net 10", "net 10.0.0", "src net 10.0.0.0/24", "dst net 10.0.0.0 mask 255.255.255.0", "net 224.0.0.0/4", "net 0.0.0.0/0",
	"host 2001:db8::1", "ip6 src host 2001:db8::1", "dst net ff02::/16", "net 2001:db8::/40", "src and dst net ff00::/8", "net ::/0",
	"port 80", "src port 80", "dst port 53", "tcp port 80", "udp src port 443", "sctp dst port 80", "src and dst port 80",
	"port http", "port domain", "tcp port 80 or 443", "port (53 or 80)", "not port 80",
	"portrange 80-90", "tcp portrange 1-100", "udp dst portrange 90-80", "src portrange 40000-65535", "portrange 80",
	"portrange ssh-http", "proto 6", "ip proto 17", "ip6 proto 6", "ip proto \\icmp", "proto \\sctp", "ip6 proto 44",
	"ether proto 0x800", "ether proto \\arp", "ether proto 0x88cc", "ether proto 1501", "ether proto 6", "ether proto lldp",
	"link proto 0x42", "ether proto \\ip6",
	"ip multicast", "ip6 multicast", "ip broadcast", "less 60", "greater 60", "less 0", "greater 4294967295",
	"tcp or udp and host 10.0.0.2", "not tcp and not udp", "! (tcp or udp)", "host 10.0.0.1 and (port 80 or 53)",
	"not host 10.0.0.1 and 10.0.0.2", "tcp port 80 and (host 10.0.0.2) and 80", "host 10.0.0.1 and not 10.0.0.2",
	"host (10.0.0.1 and not 10.0.0.3)", "ip and ip", "ip and not ip", "tcp and udp", "ip6 or ip", "not ip and not ip6 and not arp",
	"(tcp port 80 and ip6) or (udp port 53 and src net 10.0.0.0/8) or icmp", "tcp && ! port 443 || arp",
}

// linkCorpus are expressions about Ethernet addresses.
var linkCorpus = []string{
	"ether host 00:11:22:33:44:55", "ether src 0:11:22:33:44:55", "ether dst 66-77-88-99-aa-bb", "ether host 0011.2233.4455",
	"ether dst host 66778899aabb", "ether src and dst 0.11.22.33.44.55", "broadcast", "ether broadcast", "multicast",
	"ether multicast", "not ether multicast", "ether host 0:11:22:33:44:55 or tcp port 80",
	"not (ether src 0:11:22:33:44:55 and tcp)", "tcp or not broadcast", "not (not broadcast or not udp)",
}
