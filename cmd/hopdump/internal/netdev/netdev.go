// SPDX-License-Identifier: Apache-2.0

// Package netdev lists the network devices of this namespace as tcpdump -D
// does. It needs no rights.
package netdev

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Device is one line of the list.
type Device struct {
	Name        string
	Description string // empty for most
	Up, Running bool
	Loopback    bool
	Wireless    bool
	Carrier     Carrier
}

// Carrier says whether there is a link; it is known of devices that are up.
type Carrier uint8

const (
	CarrierUnknown Carrier = iota
	Connected
	Disconnected
)

// Any is the device that stands for all others.
const Any = "any"

// List returns the devices, the ones that are most likely wanted first.
func List() ([]Device, error) {
	ifaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	all := []Device{{Name: Any, Description: "Pseudo-device that captures on all interfaces", Up: true, Running: true}}
	for _, i := range ifaces {
		all = append(all, Device{
			Name: i.Name, Up: i.Flags&net.FlagUp != 0, Running: i.Flags&net.FlagRunning != 0,
			Loopback: i.Flags&net.FlagLoopback != 0,
			Wireless: exists("/sys/class/net", i.Name, "wireless"),
		})
		if last := &all[len(all)-1]; last.Up {
			last.Carrier = carrier("/sys/class/net", i.Name)
		}
	}
	slices.SortStableFunc(all, func(a, b Device) int { return cmp.Compare(merit(a), merit(b)) })
	return all, nil
}

func exists(elements ...string) bool {
	_, err := os.Stat(filepath.Join(elements...))
	return err == nil
}

func carrier(root, name string) Carrier {
	b, err := os.ReadFile(filepath.Join(root, name, "operstate"))
	if err != nil {
		return CarrierUnknown
	}
	switch strings.TrimSpace(string(b)) {
	case "up":
		return Connected
	case "down", "lowerlayerdown", "notpresent":
		return Disconnected
	}
	return CarrierUnknown
}

// merit orders devices: running before idle before loopback, and then by the
// number at the end of the name, as libpcap does.
func merit(d Device) int {
	score := 0
	for i, unwanted := range []bool{d.Name == Any, d.Loopback, d.Carrier == Disconnected, !d.Up, !d.Running} {
		if unwanted {
			score += 1 << (24 + i)
		}
	}
	digits := strings.TrimLeftFunc(d.Name, func(r rune) bool { return r < '0' || r > '9' })
	if n, err := strconv.Atoi(digits); err == nil && n < 1<<24 {
		score += n
	}
	return score
}

// String is the device as it stands behind its number.
func (d Device) String() string {
	text := d.Name
	if d.Description != "" {
		text += fmt.Sprintf(" (%s)", d.Description)
	}
	var flags []string
	for _, f := range []struct {
		set  bool
		name string
	}{{d.Up, "Up"}, {d.Running, "Running"}, {d.Loopback, "Loopback"}, {d.Wireless, "Wireless"}} {
		if f.set {
			flags = append(flags, f.name)
		}
	}
	switch {
	case d.Name == Any || d.Loopback:
	case d.Carrier == Connected:
		flags = append(flags, "Connected")
	case d.Carrier == Disconnected:
		flags = append(flags, "Disconnected")
	}
	if len(flags) == 0 {
		flags = []string{"none"}
	}
	return fmt.Sprintf("%s [%s]", text, strings.Join(flags, ", "))
}
