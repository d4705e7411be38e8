// SPDX-License-Identifier: Apache-2.0

package session

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
)

// process writes what /proc says of one.
func process(t *testing.T, proc string, pid, parent int, environ string) {
	t.Helper()
	dir := filepath.Join(proc, fmt.Sprint(pid))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	stat := fmt.Sprintf("%d (sudo) 1 (x) S %d 0 0", pid, parent)
	for name, text := range map[string]string{"stat": stat, "environ": environ} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFind(t *testing.T) {
	const session = "SSH_CONNECTION=10.0.0.9 51022 10.0.0.2 22\x00"
	want := Flow{netip.MustParseAddrPort("10.0.0.9:51022"), netip.MustParseAddrPort("10.0.0.2:22")}
	tests := map[string]struct {
		own, parent, grandparent string
		found                    bool
	}{
		"own":              {own: "10.0.0.9 51022 10.0.0.2 22", found: true},
		"parent":           {parent: "A=1\x00" + session, found: true},
		"behind sudo":      {parent: "A=1\x00", grandparent: "B=2\x00" + session, found: true},
		"none":             {parent: "A=1\x00", grandparent: "XSSH_CONNECTION=10.0.0.9 1 10.0.0.2 22\x00"},
		"not a connection": {own: "10.0.0.9 51022", parent: "SSH_CONNECTION=x 1 y 2\x00"},
		"port too large":   {own: "10.0.0.9 66000 10.0.0.2 22"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			proc := t.TempDir()
			t.Setenv(variable, test.own)
			process(t, proc, os.Getppid(), 1000001, test.parent)
			process(t, proc, 1000001, 1, test.grandparent)
			got, ok := Find(proc)
			if ok != test.found || ok && got != want {
				t.Errorf("got %v, %v", got, ok)
			}
		})
	}
}

func TestLinkLocalSession(t *testing.T) {
	t.Setenv(variable, "fe80::1%eth0 51022 ::ffff:10.0.0.2 22")
	got, ok := Find(t.TempDir())
	want := Flow{netip.MustParseAddrPort("[fe80::1]:51022"), netip.MustParseAddrPort("10.0.0.2:22")}
	if !ok || got != want {
		t.Errorf("got %v, %v", got, ok)
	}
}
