// SPDX-License-Identifier: Apache-2.0

package netdev

import (
	"cmp"
	"slices"
	"testing"
)

func TestOrder(t *testing.T) {
	up := func(name string) Device { return Device{Name: name, Up: true, Running: true} }
	lo := up("lo")
	lo.Loopback = true
	off := up("eth0")
	off.Carrier = Disconnected
	all := []Device{{Name: "ifb0"}, lo, up(Any), off, up("eth11"), up("eth2")}
	slices.SortStableFunc(all, func(a, b Device) int { return cmp.Compare(merit(a), merit(b)) })
	var got []string
	for _, d := range all {
		got = append(got, d.Name)
	}
	if want := []string{"eth2", "eth11", "any", "lo", "eth0", "ifb0"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestString(t *testing.T) {
	tests := map[string]struct {
		dev  Device
		want string
	}{
		"connected": {Device{Name: "eth0", Up: true, Running: true, Carrier: Connected}, "eth0 [Up, Running, Connected]"},
		"idle":      {Device{Name: "ifb0"}, "ifb0 [none]"},
		"wireless":  {Device{Name: "wlan0", Up: true, Wireless: true, Carrier: Disconnected}, "wlan0 [Up, Wireless, Disconnected]"},
		"loopback":  {Device{Name: "lo", Up: true, Running: true, Loopback: true, Carrier: Connected}, "lo [Up, Running, Loopback]"},
		"any":       {Device{Name: Any, Description: "all", Up: true, Running: true}, "any (all) [Up, Running]"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := test.dev.String(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestListHasLoopback(t *testing.T) {
	all, err := List()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(all, func(d Device) bool { return d.Loopback }) {
		t.Errorf("no loopback in %v", all)
	}
}
