// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"errors"
	"slices"
	"syscall"
	"testing"

	"hopdump/bpf"
	"hopdump/pcapng"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// attr is a netlink attribute, padded to four bytes.
func attr(kind uint16, value ...byte) []byte {
	n := 4 + len(value)
	b := append([]byte{byte(n), byte(n >> 8), byte(kind), byte(kind >> 8)}, value...)
	return append(b, make([]byte, (4-n%4)%4)...)
}

// linkMessage is an RTM_NEWLINK message: struct ifinfomsg and attributes.
func linkMessage(index byte, attrs ...[]byte) *syscall.NetlinkMessage {
	data := append([]byte{0, 0, 1, 0, index, 0, 0, 0, 0x43, 0x10, 1, 0, 0, 0, 0, 0}, slices.Concat(attrs...)...)
	return &syscall.NetlinkMessage{
		Header: syscall.NlMsghdr{Type: unix.RTM_NEWLINK, Len: uint32(16 + len(data))}, Data: data,
	}
}

func TestParseLink(t *testing.T) {
	name := func(s string) []byte { return attr(unix.IFLA_IFNAME, append([]byte(s), 0)...) }
	const nested = unix.NLA_F_NESTED
	attached := func(mode byte) []byte { return attr(2, mode) }
	progID := attr(4, 17, 0, 0, 0)
	tests := map[string]struct {
		msg  *syscall.NetlinkMessage
		want device
		ok   bool
	}{
		"name alone": {linkMessage(7, name("eth0")), device{name: "eth0", index: 7}, true},
		"among others": {linkMessage(2, attr(1, 1, 2, 3, 4, 5, 6), name("wlan0"), attr(4, 0xdc, 5, 0, 0)),
			device{name: "wlan0", index: 2}, true},
		"XDP driver mode": {linkMessage(3, name("eth0"), attr(unix.IFLA_XDP, append(attached(1), progID...)...)),
			device{"eth0", 3, true}, true},
		"XDP, nested flag set": {linkMessage(3, name("eth0"), attr(unix.IFLA_XDP|nested, attached(2)...)),
			device{"eth0", 3, true}, true},
		"XDP behind another": {linkMessage(3, attr(unix.IFLA_XDP|nested, append(progID, attached(3)...)...), name("eth0")),
			device{"eth0", 3, true}, true},
		"no XDP program":     {linkMessage(3, name("eth0"), attr(unix.IFLA_XDP, attached(0)...)), device{"eth0", 3, false}, true},
		"no name":            {linkMessage(3), device{index: 3}, false},
		"empty name":         {linkMessage(3, name("")), device{index: 3}, false},
		"attributes are cut": {linkMessage(3, []byte{200, 0, 3, 0}), device{}, false},
		"message is too short": {&syscall.NetlinkMessage{Header: syscall.NlMsghdr{Type: unix.RTM_NEWLINK},
			Data: make([]byte, unix.SizeofIfInfomsg-1)}, device{}, false},
		"another message": {&syscall.NetlinkMessage{Header: syscall.NlMsghdr{Type: unix.NLMSG_DONE},
			Data: make([]byte, 64)}, device{}, false},
	}
	for test, tt := range tests {
		t.Run(test, func(t *testing.T) {
			got, ok := parseLink(tt.msg)
			if d := cmp.Diff(tt.want, got, cmp.AllowUnexported(device{})); d != "" || ok != tt.ok {
				t.Errorf("ok %t, want %t (-want +got):\n%s", ok, tt.ok, d)
			}
		})
	}
}

func TestXDPAttached(t *testing.T) {
	tests := map[string]struct {
		in   []byte
		want bool
	}{
		"nothing":                     {nil, false},
		"none":                        {[]byte{5, 0, 2, 0, 0, 0, 0, 0}, false},
		"native":                      {[]byte{5, 0, 2, 0, 1, 0, 0, 0}, true},
		"generic, without padding":    {[]byte{5, 0, 2, 0, 2}, true},
		"behind the program's number": {[]byte{8, 0, 4, 0, 17, 0, 0, 0, 5, 0, 2, 0, 3, 0, 0, 0}, true},
		"behind an odd length":        {[]byte{5, 0, 9, 0, 1, 0, 0, 0, 5, 0, 2, 0, 1, 0, 0, 0}, true},
		"only the program's number":   {[]byte{8, 0, 4, 0, 17, 0, 0, 0}, false},
		"without a value":             {[]byte{4, 0, 2, 0, 1}, false},
		"length 0":                    {[]byte{0, 0, 1, 0, 1, 0, 0, 0, 5, 0, 2, 0, 1}, false},
		"length beyond the end":       {[]byte{200, 0, 1, 0, 1, 0, 0, 0}, false},
		"cut":                         {[]byte{5, 0, 2, 0}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := xdpAttached(tt.in); got != tt.want {
				t.Errorf("%t, want %t", got, tt.want)
			}
		})
	}
}

func TestNetnsFile(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"process":         {"4242", "/proc/4242/ns/net"},
		"absolute path":   {"/var/run/docker/netns/1a", "/var/run/docker/netns/1a"},
		"relative path":   {"./1234", "./1234"},
		"number and path": {"12/ns/net", "12/ns/net"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got, err := netnsFile(tt.in); got != tt.want || err != nil {
				t.Errorf("%q, %v; want %q", got, err, tt.want)
			}
		})
	}
	for _, in := range []string{"hopdump-test-none", "12x", "-1"} {
		var ne *NetnsError
		if file, err := netnsFile(in); !errors.As(err, &ne) || ne.Name != in || file != "" {
			t.Errorf("%s: %q, %v", in, file, err)
		}
	}
}

func TestScope(t *testing.T) {
	devs := []device{{name: "lo", index: 1}, {name: "eth0", index: 2, xdp: true}, {name: "eth1", index: 3, xdp: true}}
	s := scope{mode: bpf.ScopeNetns}
	if err := s.add([]string{"eth1", "lo"}, devs, 99); err != nil {
		t.Fatal(err)
	}
	s.noteXDP(devs, []string{"eth1", "lo"})
	listed := []bpf.ScopeKey{{Netns: 99, Ifindex: 3}, {Netns: 99, Ifindex: 1}}
	want := scope{mode: bpf.ScopeListed, listed: listed, xdp: []string{"eth1"}}
	if d := cmp.Diff(want, s, cmp.AllowUnexported(scope{})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	s = scope{mode: bpf.ScopeNetns}
	if err := s.add(nil, devs, 99); err != nil || s.mode != bpf.ScopeNetns {
		t.Errorf("no device: mode %d, %v", s.mode, err)
	}
	if s.noteXDP(devs, nil); !slices.Equal(s.xdp, []string{"eth0", "eth1"}) {
		t.Errorf("XDP in the namespace: %v", s.xdp)
	}
	var de *DeviceError
	if err := s.add([]string{"eth7"}, devs, 99); !errors.As(err, &de) || !slices.Equal(de.Near, []string{"eth0", "eth1"}) {
		t.Errorf("unknown device: %v", err)
	}
}

func TestWantedDevices(t *testing.T) {
	tests := map[string]struct{ in, want []string }{
		"none":           {nil, nil},
		"any":            {[]string{"any"}, nil},
		"any beside one": {[]string{"eth0", "any"}, nil},
		"two":            {[]string{"eth0", "lo"}, []string{"eth0", "lo"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := wantedDevices(tt.in); !cmp.Equal(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

func TestDeviceNames(t *testing.T) {
	d := newDeviceNames(77)
	tap := bpf.Tap{Ifindex: 5, Netns: 77, Name: name16("hopdump-t0")}
	own := d.device(&tap)
	if diff := cmp.Diff(&pcapng.Device{Name: "hopdump-t0", Index: 5, Netns: 77}, own); diff != "" {
		t.Errorf("own (-want +got):\n%s", diff)
	}
	if d.device(&tap) != own {
		t.Error("the same device is another one the second time")
	}
	tap.Netns = 78
	if other := d.device(&tap); other == own || !other.Foreign || other.Netns != 78 {
		t.Errorf("of another namespace: %+v", other)
	}
	if none := d.device(&bpf.Tap{Netns: 77}); none != nil {
		t.Errorf("without a name: %+v", none)
	}
}
