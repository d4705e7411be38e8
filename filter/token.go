// SPDX-License-Identifier: Apache-2.0

package filter

// kind is the class of a token.
type kind uint8

const (
	tokEOF     kind = iota
	tokError        // err says why; raised when the parser gets there
	tokKeyword      // word is its canonical spelling
	tokOp           // word is the operator
	tokNumber       // num
	tokName         // text without the escaping backslash
	tokDotted       // one to three dots between numbers
	tokIPv6         // checked
	tokMAC          // 48 bits, any of the five notations
	tokMAC8         // $ and up to two hex digits (ARCnet)
)

// token is one token of the expression.
type token struct {
	kind kind
	span
	word string
	text string
	num  uint32
	err  *Error
}

// is reports whether the token is that keyword or operator.
func (t token) is(word string) bool { return t.word == word }

// keywords maps every keyword of the language to its canonical spelling. They
// are case-sensitive, as in libpcap.
var keywords = map[string]string{
	"dst": "dst", "src": "src",
	"link": "link", "ether": "link", "ppp": "link", "slip": "link", "fddi": "link", "tr": "link", "wlan": "link",
	"arp": "arp", "rarp": "rarp", "ip": "ip", "sctp": "sctp", "tcp": "tcp", "udp": "udp",
	"icmp": "icmp", "igmp": "igmp", "igrp": "igrp", "pim": "pim", "vrrp": "vrrp", "carp": "carp",
	"radio": "radio", "ip6": "ip6", "icmp6": "icmp6", "ah": "ah", "esp": "esp",
	"atalk": "atalk", "aarp": "aarp", "decnet": "decnet", "lat": "lat", "sca": "sca", "moprc": "moprc", "mopdl": "mopdl",
	"iso": "iso", "esis": "esis", "es-is": "esis", "isis": "isis", "is-is": "isis", "clnp": "clnp",
	"l1": "l1", "l2": "l2", "iih": "iih", "lsp": "lsp", "snp": "snp", "csnp": "csnp", "psnp": "psnp",
	"stp": "stp", "ipx": "ipx", "netbeui": "netbeui",
	"host": "host", "net": "net", "mask": "mask", "port": "port", "portrange": "portrange",
	"proto": "proto", "protochain": "protochain", "gateway": "gateway",
	"type": "type", "subtype": "subtype", "direction": "dir", "dir": "dir",
	"address1": "addr1", "addr1": "addr1", "address2": "addr2", "addr2": "addr2",
	"address3": "addr3", "addr3": "addr3", "address4": "addr4", "addr4": "addr4", "ra": "ra", "ta": "ta",
	"less": "less", "greater": "greater", "byte": "byte", "broadcast": "broadcast", "multicast": "multicast",
	"and": "and", "or": "or", "not": "!", "len": "len", "length": "len",
	"inbound": "inbound", "outbound": "outbound", "ifindex": "ifindex",
	"vlan": "vlan", "mpls": "mpls", "pppoed": "pppoed", "pppoes": "pppoes", "geneve": "geneve", "vxlan": "vxlan",
	"lane": "lane", "llc": "llc", "metac": "metac", "bcc": "bcc", "oam": "oam", "oamf4": "oamf4",
	"oamf4ec": "oamf4ec", "oamf4sc": "oamf4sc", "sc": "sc", "ilmic": "ilmic", "vpi": "vpi", "vci": "vci",
	"connectmsg": "connectmsg", "metaconnect": "metaconnect",
	"on": "ifname", "ifname": "ifname", "rset": "rset", "ruleset": "rset", "rnr": "rnr", "rulenum": "rnr",
	"srnr": "srnr", "subrulenum": "srnr", "reason": "reason", "action": "action",
	"fisu": "fisu", "lssu": "lssu", "lsu": "lssu", "msu": "msu", "hfisu": "hfisu", "hlssu": "hlssu", "hmsu": "hmsu",
	"sio": "sio", "opc": "opc", "dpc": "dpc", "sls": "sls", "hsio": "hsio", "hopc": "hopc", "hdpc": "hdpc", "hsls": "hsls",
}

// protoNames are the keywords that qualify by protocol and, but for radio,
// are primitives when alone.
var protoNames = set("link", "ip", "arp", "rarp", "sctp", "tcp", "udp", "icmp", "igmp", "igrp", "pim", "vrrp",
	"carp", "atalk", "aarp", "decnet", "lat", "sca", "mopdl", "moprc", "ip6", "icmp6", "ah", "esp", "iso", "esis",
	"isis", "l1", "l2", "iih", "lsp", "snp", "psnp", "csnp", "clnp", "stp", "ipx", "netbeui", "radio")

// wirelessDirs are the direction qualifiers of 802.11 alone.
var wirelessDirs = set("addr1", "addr2", "addr3", "addr4", "ra", "ta")

// laterWords begin primitives of the language that are not compiled yet.
var laterWords = set("byte", "inbound", "outbound", "ifindex", "vlan", "mpls", "pppoed", "pppoes", "geneve",
	"vxlan", "llc", "len")

// otherLinks are primitives of link types that are not captured here, with
// libpcap's refusal.
var otherLinks = map[string]string{
	"type": "'type/subtype' not supported on %[2]s", "subtype": "'type/subtype' not supported on %[2]s",
	"dir":    "'dir' not supported on %[2]s",
	"ifname": pflog, "rset": pflog, "rnr": pflog, "srnr": pflog, "reason": pflog, "action": pflog,
	"lane": sunATM, "metac": sunATM, "bcc": sunATM, "oam": sunATM, "oamf4": sunATM, "oamf4ec": sunATM,
	"oamf4sc": sunATM, "sc": sunATM, "ilmic": sunATM, "vpi": sunATM, "vci": sunATM, "connectmsg": sunATM,
	"metaconnect": sunATM,
	"fisu":        ss7, "lssu": ss7, "msu": ss7, "hfisu": ss7, "hlssu": ss7, "hmsu": ss7, "sio": ss7, "opc": ss7, "dpc": ss7,
	"sls": ss7, "hsio": ss7, "hopc": ss7, "hdpc": ss7, "hsls": ss7,
}

const (
	pflog  = "'%[1]s' supported only on PFLOG linktype"
	sunATM = "'%[1]s' supported only on SUNATM"
	ss7    = "'%[1]s' supported only on SS7"
)

// constants are the named numbers, offsets and values alike.
var constants = map[string]uint32{
	"icmptype": 0, "icmpcode": 1, "icmp6type": 0, "icmp6code": 1, "tcpflags": 13,
	"icmp-echoreply": 0, "icmp-unreach": 3, "icmp-sourcequench": 4, "icmp-redirect": 5, "icmp-echo": 8,
	"icmp-routeradvert": 9, "icmp-routersolicit": 10, "icmp-timxceed": 11, "icmp-paramprob": 12,
	"icmp-tstamp": 13, "icmp-tstampreply": 14, "icmp-ireq": 15, "icmp-ireqreply": 16, "icmp-maskreq": 17, "icmp-maskreply": 18,
	"icmp6-destinationunreach": 1, "icmp6-packettoobig": 2, "icmp6-timeexceeded": 3, "icmp6-parameterproblem": 4,
	"icmp6-echo": 128, "icmp6-echoreply": 129, "icmp6-multicastlistenerquery": 130,
	"icmp6-multicastlistenerreportv1": 131, "icmp6-multicastlistenerdone": 132, "icmp6-routersolicit": 133,
	"icmp6-routeradvert": 134, "icmp6-neighborsolicit": 135, "icmp6-neighboradvert": 136, "icmp6-redirect": 137,
	"icmp6-routerrenum": 138, "icmp6-nodeinformationquery": 139, "icmp6-nodeinformationresponse": 140,
	"icmp6-ineighbordiscoverysolicit": 141, "icmp6-ineighbordiscoveryadvert": 142,
	"icmp6-multicastlistenerreportv2": 143, "icmp6-homeagentdiscoveryrequest": 144,
	"icmp6-homeagentdiscoveryreply": 145, "icmp6-mobileprefixsolicit": 146, "icmp6-mobileprefixadvert": 147,
	"icmp6-certpathsolicit": 148, "icmp6-certpathadvert": 149, "icmp6-multicastrouteradvert": 151,
	"icmp6-multicastroutersolicit": 152, "icmp6-multicastrouterterm": 153,
	"tcp-fin": 0x01, "tcp-syn": 0x02, "tcp-rst": 0x04, "tcp-push": 0x08, "tcp-ack": 0x10, "tcp-urg": 0x20,
	"tcp-ece": 0x40, "tcp-cwr": 0x80,
}

func set(words ...string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}
