// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// tool runs one of Wireshark's tools or tcpdump, which must succeed in silence,
// and returns its standard output. Without the tool the test is skipped, unless
// HOPDUMP_REQUIRE_TOOLS is set, as make test does.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		if os.Getenv("HOPDUMP_REQUIRE_TOOLS") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TZ=UTC")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("%s: %v", cmd, err)
	}
	for line := range strings.Lines(stderr.String()) {
		switch {
		case name == "tcpdump" && strings.HasPrefix(line, "reading from file "):
		case name == "tshark" && line == "Running as user \"root\" and group \"root\". This could be dangerous.\n":
		default:
			t.Errorf("%s: on standard error: %s", cmd, line)
		}
	}
	return stdout.String()
}

// toolFiles are captures that must not trouble any tool, by name.
func toolFiles(t *testing.T) map[string]string {
	files := goldenFiles(t)
	long := samplePath(500)
	long.Comm, long.Extra = strings.Repeat("\x01", 15), []KV{{"cgroup", "/" + strings.Repeat("x", 300)}}
	files["limits.pcapng"] = writeFile(t, FileOptions{Filter: strings.Repeat("udp or ", 5000) + "tcp"}, []*Record{
		{Time: 1, Dev: eth0},
		{Time: 2, Data: make([]byte, 400000), Dev: eth0, Path: long},
		{Time: 3, Data: udpFrame(10), Dev: blue, Path: &Path{}, Lost: 1 << 40, ID: 1 << 60, Queue: 1 << 20},
	})
	files["snap.pcapng"] = writeFile(t, FileOptions{SnapLen: 64}, sampleRecords())
	twin := *eth0
	twin.Netns, twin.NetnsName = blue.Netns, blue.NetnsName
	files["twins.pcapng"] = writeFile(t, FileOptions{}, []*Record{
		{Time: 1, Data: udpFrame(10), Dev: eth0}, {Time: 2, Data: udpFrame(10), Dev: &twin}, {Time: 3, Data: udpFrame(10)},
	})
	dir := t.TempDir()
	paths := make(map[string]string)
	for name, data := range files {
		paths[name] = filepath.Join(dir, name)
		if err := os.WriteFile(paths[name], data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return paths
}

func TestToolsRead(t *testing.T) {
	for name, path := range toolFiles(t) {
		t.Run(name, func(t *testing.T) {
			t.Run("tshark", func(t *testing.T) { tool(t, "tshark", "-n", "-V", "-r", path) })
			t.Run("capinfos", func(t *testing.T) { tool(t, "capinfos", path) })
			t.Run("tcpdump", func(t *testing.T) { tool(t, "tcpdump", "-n", "-e", "-r", path) })
			t.Run("editcap", func(t *testing.T) {
				out := path + ".edited"
				tool(t, "editcap", path, out)
				checkRewritten(t, out, path)
			})
			t.Run("mergecap", func(t *testing.T) {
				out := path + ".merged"
				tool(t, "mergecap", "-w", out, path)
				checkRewritten(t, out, path)
			})
		})
	}
}

// checkRewritten wants in the file got the records of the file want, but for
// the options that these versions of the tools drop.
func checkRewritten(t *testing.T, got, want string) {
	t.Helper()
	read := func(name string) []*Record {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		list, err := readRecords(f)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	// Wireshark before 4.6 drops the process option and every one the section
	// comment, by which a foreign device is known.
	drop := cmp.Options{cmpopts.IgnoreFields(Record{}, "Pid", "Tid"), cmpopts.IgnoreFields(Device{}, "Foreign"), equateBytes}
	if diff := cmp.Diff(read(want), read(got), drop); diff != "" {
		t.Errorf("%s (-want +got):\n%s", got, diff)
	}
}

func TestToolsSeeFields(t *testing.T) {
	path := toolFiles(t)["full.pcapng"]
	t.Run("tshark", func(t *testing.T) {
		fields := []string{
			"frame.time_epoch", "frame.len", "frame.cap_len", "frame.interface_name", "frame.packet_flags_direction",
			"frame.packet_id", "frame.interface_queue", "frame.drop_count",
		}
		args := []string{"-n", "-r", path, "-T", "fields"}
		for _, f := range fields {
			args = append(args, "-e", f)
		}
		want := []string{
			"1760000000.000000000\t93\t93\teth0\t0x00000001\t1\t3\t",
			"1760000000.000000001\t42\t42\tva\t0x00000002\t2\t\t3",
			"1760000000.123456789\t1042\t60\teth0\t0x00000001\t3\t\t",
			"1760000002.000000000\t49\t49\tunknown\t\t\t\t",
			"1760000003.000000000\t60\t60\teth0\t\t\t\t",
		}
		got := strings.Split(strings.TrimRight(tool(t, "tshark", args...), "\n"), "\n")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("comments", func(t *testing.T) {
		out := tool(t, "tshark", "-n", "-r", path, "-T", "fields", "-E", "aggregator=/s", "-E", "quote=n", "-Y", "frame.packet_id", "-e", "frame.comment", "-E", "aggregator=|")
		records := sampleRecords()
		for i, line := range strings.Split(strings.TrimRight(out, "\n"), "\n") {
			comments := strings.Split(line, "|")
			for _, c := range comments {
				checkComment(t, c)
			}
			if diff := cmp.Diff(records[i].Path.Comments(), comments); diff != "" {
				t.Errorf("packet %d (-want +got):\n%s", i+1, diff)
			}
		}
	})
	t.Run("capinfos", func(t *testing.T) {
		out := tool(t, "capinfos", "-M", path)
		for _, want := range []string{
			"Number of interfaces in file: 3", "Name = eth0", "Time precision = nanoseconds (9)", "Capture length = 262144",
			"Filter string = udp or tcp", "Number of stat entries = 1", "Strict time order:   True", "Speed = 25000000000",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("no %q in:\n%s", want, out)
			}
		}
	})
	t.Run("tcpdump", func(t *testing.T) {
		out := tool(t, "tcpdump", "-n", "--nano", "-tt", "-r", path)
		first, _, _ := strings.Cut(out, "\n")
		if want := "1760000000.000000000 IP 10.0.0.2.9000 > 10.0.0.1.40352: UDP, length 51"; first != want {
			t.Errorf("%q, want %q", first, want)
		}
	})
	t.Run("expert", func(t *testing.T) {
		out := tool(t, "tshark", "-n", "-q", "-r", path, "-z", "expert")
		for _, bad := range []string{"Errors (", "Warns ("} {
			if strings.Contains(out, bad) {
				t.Errorf("expert information:\n%s", out)
			}
		}
	})
}

// Several files merged keep all comments, whatever the tool does with the rest.
func TestToolsMerge(t *testing.T) {
	paths := toolFiles(t)
	out := filepath.Join(t.TempDir(), "merged.pcapng")
	var in []string
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		if goldenFiles(t)[name] != nil { // others have other times and snap lengths
			in = append(in, paths[name])
		}
	}
	tool(t, "mergecap", append([]string{"-a", "-w", out}, in...)...)
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := readRecords(f)
	if err != nil || len(records) != 3*len(sampleRecords()) {
		t.Fatalf("%d records, %v", len(records), err)
	}
	tool(t, "tcpdump", "-n", "-r", out)
	tool(t, "tshark", "-n", "-r", out)
}
