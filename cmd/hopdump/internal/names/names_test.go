// SPDX-License-Identifier: Apache-2.0

package names

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"
)

func load(t *testing.T, hosts, services string) *Table {
	t.Helper()
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"hosts": hosts, "services": services} {
		if err := os.WriteFile(filepath.Join(root, "etc", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Load(root)
}

func TestTable(t *testing.T) {
	table := load(t, "# hosts\n10.0.0.1 first alias\n10.0.0.1 second\n::1 six\nbad name\n10.0.0.3\n",
		"http 80/tcp www\nhttp-alt 80/tcp\ndomain 53/udp\nbad 99999/tcp\nworse tcp\n")
	hosts := map[string]string{"10.0.0.1": "first", "::ffff:10.0.0.1": "first", "::1": "six", "10.0.0.2": "", "10.0.0.3": ""}
	for a, want := range hosts {
		if got, ok := table.Host(netip.MustParseAddr(a)); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v", a, got, ok)
		}
	}
	if got, ok := table.Service("tcp", 80); got != "http" || !ok {
		t.Errorf("80/tcp: %q, %v", got, ok)
	}
	if got, ok := table.Service("udp", 80); ok {
		t.Errorf("80/udp: %q", got)
	}
}

func TestNothingThere(t *testing.T) {
	var none *Table
	for _, table := range []*Table{none, Load(t.TempDir())} {
		if name, ok := table.Host(netip.MustParseAddr("::1")); ok {
			t.Errorf("host %q", name)
		}
		if name, ok := table.Service("tcp", 80); ok {
			t.Errorf("service %q", name)
		}
	}
}
