// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/spf13/pflag"

// refused are the flags of tcpdump that hopdump will not have, by short name,
// with the reason.
var refused = []struct{ short, long, reason string }{
	{"b", "", "it prints no BGP routes"},
	{"E", "", "it does not decrypt; use Wireshark on the file"},
	{"f", "", "it never asks the network for names; -n prints numbers only"},
	{"H", "", "it does not decode 802.11"},
	{"I", "monitor-mode", "it sees packets in the kernel, not radio frames; use tcpdump or iw"},
	{"m", "", "it does not decode SNMP; use Wireshark on the file"},
	{"M", "", "it does not check TCP signatures; use Wireshark on the file"},
	{"T", "", "it decodes by port only; use Wireshark's Decode As on the file"},
	{"u", "", "it does not decode NFS; use Wireshark on the file"},
}

// later are the flags that are not there yet. They are refused, since a flag
// that does nothing would be a lie.
var later = []struct{ short, long string }{
	{"C", ""}, {"G", ""}, {"W", ""}, {"z", ""}, {"Z", "relinquish-privileges"},
	{"d", ""}, {"j", "time-stamp-type"}, {"J", "list-time-stamp-types"},
	{"L", "list-data-link-types"}, {"y", "linktype"}, {"V", ""},
	{"", "lengths"}, {"", "skip"}, {"", "json"}, {"", "summary"}, {"", "where"}, {"", "dropped"},
	{"", "slower-than"}, {"", "report"}, {"", "frames"}, {"", "pid"}, {"", "comm"}, {"", "cgroup"},
	{"", "hw-timestamps"}, {"", "sample"}, {"", "max-cost"}, {"", "stack"},
	{"", "promiscuous"}, {"", "dns"},
}

// defineRefused makes the flag set know what is refused.
func defineRefused(set *pflag.FlagSet) {
	for _, f := range refused {
		refuse(set, f.short, f.long, "not in hopdump: "+f.reason)
	}
	for _, f := range later {
		refuse(set, f.short, f.long, "not in this version yet")
	}
}

// refuse defines a flag that is an error with and without a value.
func refuse(set *pflag.FlagSet, short, long, why string) {
	name := "--" + long
	if short != "" {
		name = "-" + short
	}
	if long == "" {
		long = short
	}
	f := set.VarPF(refusal(name+": "+why), long, short, "")
	f.NoOptDefVal = "refused"
}

// refusal is the value of a flag that cannot be set.
type refusal string

func (r refusal) Set(string) error { return &usageError{string(r)} }
func (r refusal) String() string   { return "" }
func (r refusal) Type() string     { return "refused" }
