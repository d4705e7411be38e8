// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"hopdump/bpf"

	"golang.org/x/sys/unix"
)

const namedNetns = "/run/netns"

// scope is where packets must pass to be recorded: devices, or namespaces.
type scope struct {
	mode   uint32 // bpf.Scope…
	own    uint32 // inode of the namespace hopdump runs in
	netns  uint32 // inode of the one that is meant; 0 with --netns all
	listed []bpf.ScopeKey
	xdp    []string // devices in it that have an XDP program
}

// resolveScope finds the namespace and the devices that the options name.
func resolveScope(opts Options) (scope, error) {
	own, err := netnsInode("/proc/self/ns/net")
	if err != nil {
		return scope{}, err
	}
	s := scope{mode: bpf.ScopeNetns, own: own, netns: own}
	file := ""
	switch opts.Netns {
	case "":
	case "all":
		s.mode, s.netns = bpf.ScopeAll, 0
	default:
		if file, err = netnsFile(opts.Netns); err != nil {
			return s, err
		}
		if s.netns, err = netnsInode(file); err != nil {
			return s, &NetnsError{Name: opts.Netns, Err: errors.Unwrap(err)}
		}
	}
	names := wantedDevices(opts.Interfaces)
	if s.mode == bpf.ScopeAll {
		return s, s.addEverywhere(names)
	}
	devs, err := devicesIn(file)
	if err != nil {
		return s, err
	}
	s.noteXDP(devs, names)
	return s, s.add(names, devs, s.netns)
}

// wantedDevices drops "any", which is what no device means.
func wantedDevices(names []string) []string {
	if slices.Contains(names, "any") {
		return nil
	}
	return names
}

func (s *scope) add(names []string, devs []device, netns uint32) error {
	for _, name := range names {
		i := slices.IndexFunc(devs, func(d device) bool { return d.name == name })
		if i < 0 {
			return deviceError(name, devs, netns)
		}
		s.mode = bpf.ScopeListed
		s.listed = append(s.listed, bpf.ScopeKey{Netns: netns, Ifindex: uint32(devs[i].index)})
	}
	return nil
}

// addEverywhere looks for the devices in every namespace that has a name, and
// in our own.
func (s *scope) addEverywhere(names []string) error {
	if len(names) == 0 {
		return nil
	}
	files := []string{""}
	for _, f := range namedNetnsFiles() {
		if inode, err := netnsInode(f); err == nil && inode != s.own {
			files = append(files, f)
		}
	}
	for _, name := range names {
		before := len(s.listed)
		for _, file := range files {
			devs, err := devicesIn(file)
			if err != nil {
				continue
			}
			inode := s.own
			if file != "" {
				inode, _ = netnsInode(file)
			}
			for _, d := range devs {
				if d.name == name {
					s.listed = append(s.listed, bpf.ScopeKey{Netns: inode, Ifindex: uint32(d.index)})
				}
			}
		}
		if len(s.listed) == before {
			return &DeviceError{Name: name}
		}
	}
	s.mode = bpf.ScopeListed
	return nil
}

func (s *scope) noteXDP(devs []device, names []string) {
	for _, d := range devs {
		if d.xdp && (len(names) == 0 || slices.Contains(names, d.name)) {
			s.xdp = append(s.xdp, d.name)
		}
	}
}

func deviceError(name string, devs []device, netns uint32) error {
	var names, elsewhere []string
	for _, d := range devs {
		names = append(names, d.name)
	}
	for _, file := range namedNetnsFiles() {
		inode, err := netnsInode(file)
		if err != nil || inode == netns {
			continue
		}
		others, err := devicesIn(file)
		if err == nil && slices.ContainsFunc(others, func(d device) bool { return d.name == name }) {
			elsewhere = append(elsewhere, filepath.Base(file))
		}
	}
	return &DeviceError{Name: name, Near: near(name, names), Elsewhere: elsewhere}
}

// netnsFile finds the file of a namespace: a path if there is a slash in it, a
// process if it is a number, else a name that ip-netns knows.
func netnsFile(name string) (string, error) {
	switch {
	case strings.Contains(name, "/"):
		return name, nil
	case strings.Trim(name, "0123456789") == "":
		return fmt.Sprintf("/proc/%s/ns/net", name), nil
	}
	file := filepath.Join(namedNetns, name)
	if _, err := os.Stat(file); err != nil {
		var names []string
		for _, f := range namedNetnsFiles() {
			names = append(names, filepath.Base(f))
		}
		return "", &NetnsError{Name: name, Near: near(name, names)}
	}
	return file, nil
}

func namedNetnsFiles() []string {
	files, _ := filepath.Glob(namedNetns + "/*")
	return files
}

func netnsInode(file string) (uint32, error) {
	var st unix.Stat_t
	if err := unix.Stat(file, &st); err != nil {
		return 0, fmt.Errorf("network namespace %s: %w", file, err)
	}
	return uint32(st.Ino), nil
}

// device is a network device as its namespace lists it.
type device struct {
	name  string
	index int
	xdp   bool
}

// devicesIn lists the devices of the namespace at file, or of our own if file
// is empty. A thread enters the namespace for that and never comes back.
func devicesIn(file string) ([]device, error) {
	if file == "" {
		return listDevices()
	}
	type result struct {
		devs []device
		err  error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread() // and ends with the goroutine
		var r result
		if r.err = enterNetns(file); r.err == nil {
			r.devs, r.err = listDevices()
		}
		done <- r
	}()
	r := <-done
	return r.devs, r.err
}

func enterNetns(file string) error {
	fd, err := unix.Open(file, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("network namespace %s: %w", file, err)
	}
	defer unix.Close(fd)
	if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter network namespace %s: %w", file, err)
	}
	return nil
}

// listDevices asks rtnetlink, because package net does not tell about XDP.
func listDevices() ([]device, error) {
	rib, err := syscall.NetlinkRIB(unix.RTM_GETLINK, unix.AF_UNSPEC)
	if err != nil {
		return nil, fmt.Errorf("list network devices: %w", err)
	}
	msgs, err := syscall.ParseNetlinkMessage(rib)
	if err != nil {
		return nil, fmt.Errorf("list network devices: %w", err)
	}
	var devs []device
	for i := range msgs {
		if d, ok := parseLink(&msgs[i]); ok {
			devs = append(devs, d)
		}
	}
	return devs, nil
}

func parseLink(m *syscall.NetlinkMessage) (device, bool) {
	if m.Header.Type != unix.RTM_NEWLINK || len(m.Data) < unix.SizeofIfInfomsg {
		return device{}, false
	}
	d := device{index: int(int32(native(m.Data[4:8])))} // ifi_index
	attrs, err := syscall.ParseNetlinkRouteAttr(m)
	if err != nil {
		return device{}, false
	}
	for _, a := range attrs {
		switch a.Attr.Type &^ unix.NLA_F_NESTED {
		case unix.IFLA_IFNAME:
			d.name = strings.TrimRight(string(a.Value), "\x00")
		case unix.IFLA_XDP:
			d.xdp = xdpAttached(a.Value)
		}
	}
	return d, d.name != ""
}

// xdpAttached looks for IFLA_XDP_ATTACHED (2), one byte, in a nested attribute.
func xdpAttached(b []byte) bool {
	for len(b) >= 5 {
		size, kind := int(b[0])|int(b[1])<<8, int(b[2])|int(b[3])<<8
		if kind == 2 && size >= 5 {
			return b[4] != 0
		}
		size = (size + 3) &^ 3
		if size < 4 || size > len(b) {
			return false
		}
		b = b[size:]
	}
	return false
}

func native(b []byte) uint32 {
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

// netnsNames maps the inodes of the namespaces under /run/netns to their names.
func netnsNames() map[uint32]string {
	names := map[uint32]string{}
	for _, f := range namedNetnsFiles() {
		if inode, err := netnsInode(f); err == nil {
			names[inode] = filepath.Base(f)
		}
	}
	return names
}

// driverOf returns the kernel driver of a device in our own namespace, "" if
// it has none.
func driverOf(name string) string {
	link, err := os.Readlink(filepath.Join("/sys/class/net", name, "device/driver"))
	if err != nil {
		return ""
	}
	return filepath.Base(link)
}
