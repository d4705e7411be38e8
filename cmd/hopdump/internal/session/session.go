// SPDX-License-Identifier: Apache-2.0

// Package session finds the ssh connection that a process was started through.
package session

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Flow is the connection: the end of the person and the end of this host.
type Flow struct{ Client, Server netip.AddrPort }

// variable is set by sshd: client address and port, server address and port.
const variable = "SSH_CONNECTION"

// maxParents ends the search in a broken process tree.
const maxParents = 64

// Find looks at the environment of this process and, since sudo removes the
// variable, at those of its parents below proc, which is normally /proc.
func Find(proc string) (Flow, bool) {
	if flow, ok := parse(os.Getenv(variable)); ok {
		return flow, true
	}
	pid := os.Getppid()
	for range maxParents {
		if pid <= 1 {
			break
		}
		dir := filepath.Join(proc, strconv.Itoa(pid))
		if flow, ok := fromEnviron(filepath.Join(dir, "environ")); ok {
			return flow, true
		}
		pid = parent(filepath.Join(dir, "stat"))
	}
	return Flow{}, false
}

func fromEnviron(path string) (Flow, bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Flow{}, false
	}
	for entry := range bytes.SplitSeq(b, []byte{0}) {
		if value, ok := bytes.CutPrefix(entry, []byte(variable+"=")); ok {
			return parse(string(value))
		}
	}
	return Flow{}, false
}

// parent reads the parent's number from a stat file, 0 if it cannot.
func parent(path string) int {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	// The name in parentheses may hold anything, so begin behind it:
	// state, then the parent.
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 2 {
		return 0
	}
	pid, _ := strconv.Atoi(fields[1])
	return pid
}

// parse reads the value of the variable.
func parse(value string) (Flow, bool) {
	f := strings.Fields(value)
	if len(f) != 4 {
		return Flow{}, false
	}
	client, ok1 := endpoint(f[0], f[1])
	server, ok2 := endpoint(f[2], f[3])
	return Flow{client, server}, ok1 && ok2
}

func endpoint(host, port string) (netip.AddrPort, bool) {
	addr, err := netip.ParseAddr(host)
	n, err2 := strconv.ParseUint(port, 10, 16)
	if err != nil || err2 != nil {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(addr.Unmap().WithZone(""), uint16(n)), true
}
