// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// The messages of ux.md §3, without the command's name in front.
func TestErrorMessages(t *testing.T) {
	tests := map[string]struct {
		err  error
		want string
	}{
		"not permitted": {ErrNotPermitted,
			"not permitted: recording needs root, or CAP_BPF and CAP_PERFMON; -r, -d, -D and --list-hops do not"},
		"no BTF": {ErrNoBTF,
			"no BTF in /sys/kernel/btf/vmlinux: this kernel was built without CONFIG_DEBUG_INFO_BTF"},
		"lockdown": {ErrLockdown,
			`kernel lockdown is "confidentiality": BPF may not read packets here ("integrity" would do)`},
		"device, near and elsewhere": {
			&DeviceError{Name: "eth9", Near: []string{"eth0", "eth1"}, Elsewhere: []string{"blue"}},
			"eth9: no such device in this namespace; near: eth0, eth1; in other namespaces: eth9 in blue"},
		"device": {&DeviceError{Name: "eth9"}, "eth9: no such device in this namespace"},
		"device in two other namespaces": {
			&DeviceError{Name: "va", Elsewhere: []string{"blue", "red"}},
			"va: no such device in this namespace; in other namespaces: va in blue, va in red"},
		"hop": {&HopError{Name: "ip_recv", Near: []string{"ip_rcv", "ip_rcv_core"}},
			"--hops ip_recv: no such hop; near: ip_rcv, ip_rcv_core"},
		"hop, far":     {&HopError{Name: "zz"}, "--hops zz: no such hop"},
		"hop, why":     {&HopError{Name: "full", Near: []string{"x"}, Why: "not here"}, "--hops full: not here"},
		"netns":        {&NetnsError{Name: "blu", Near: []string{"blue"}}, "--netns blu: no such namespace; near: blue"},
		"netns, far":   {&NetnsError{Name: "blu"}, "--netns blu: no such namespace"},
		"netns, cause": {&NetnsError{Name: "/x", Err: unix.ENOENT}, "--netns /x: no such file or directory"},
		"kernel is old": {&OldKernelError{Release: "5.10.0-30", Missing: "atomics"},
			"this kernel (5.10.0-30) has no atomics; hopdump needs Linux 6.1 or later"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.err.Error(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestErrorClasses(t *testing.T) {
	if err := error(&NetnsError{Name: "x", Err: unix.EACCES}); !errors.Is(err, unix.EACCES) {
		t.Errorf("%v hides its cause", err)
	}
	tests := map[string]struct {
		err  error
		want bool
	}{
		"rights":         {ErrNotPermitted, true},
		"lockdown":       {ErrLockdown, true},
		"wrapped":        {fmt.Errorf("start: %w", ErrNotPermitted), true},
		"no BTF":         {ErrNoBTF, false},
		"plain EPERM":    {unix.EPERM, false},
		"nothing at all": {nil, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := IsPermission(tt.err); got != tt.want {
				t.Errorf("%v: %t, want %t", tt.err, got, tt.want)
			}
		})
	}
}

func TestNear(t *testing.T) {
	devices := []string{"lo", "eth0", "eth1", "wlan0", "docker0", "veth12ab"}
	tests := map[string]struct {
		name  string
		names []string
		want  []string
	}{
		"other number":                {"eth9", devices, []string{"eth0", "eth1"}},
		"letters swapped":             {"wlna0", devices, []string{"wlan0"}},
		"letter missing":              {"doker0", devices, []string{"docker0"}},
		"common beginning":            {"docker_bridge", []string{"docker_gwbridge0"}, []string{"docker_gwbridge0"}},
		"beginning is too short":      {"abcdefgh", []string{"abcxxxxxxx"}, nil},
		"longer than what is there":   {"veth", devices, []string{"eth0", "eth1", "veth12ab"}},
		"nothing":                     {"zzzzz", devices, nil},
		"not itself":                  {"eth0", []string{"eth0"}, nil},
		"two letters are near to all": {"xx", devices, nil},
		"empty":                       {"", devices, nil},
		"at most five": {"eth9", []string{"eth0", "eth1", "eth2", "eth3", "eth4", "eth5", "eth6"},
			[]string{"eth0", "eth1", "eth2", "eth3", "eth4"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, near(tt.name, tt.names)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestEditDistance(t *testing.T) {
	tests := map[string]struct {
		a, b string
		want int
	}{
		"equal":     {"eth0", "eth0", 0},
		"empty":     {"", "", 0},
		"from none": {"", "abc", 3},
		"to none":   {"abc", "", 3},
		"replaced":  {"eth0", "eth1", 1},
		"inserted":  {"ip_rcv", "ip_recv", 1},
		"deleted":   {"ip_recv", "ip_rcv", 1},
		"swapped":   {"wlan0", "wlna0", 2},
		"classic":   {"kitten", "sitting", 3},
		"all other": {"abc", "xyz", 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := editDistance(tt.a, tt.b); got != tt.want {
				t.Errorf("%d, want %d", got, tt.want)
			}
			if got := editDistance(tt.b, tt.a); got != tt.want {
				t.Errorf("the other way %d, want %d", got, tt.want)
			}
		})
	}
}
