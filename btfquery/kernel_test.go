// SPDX-License-Identifier: Apache-2.0

package btfquery

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
)

// coreTracepoints have been the same in every kernel that hopdump knows.
var coreTracepoints = map[string][]string{
	"net_dev_queue":           {"struct sk_buff *"},
	"net_dev_start_xmit":      {"const struct sk_buff *", "const struct net_device *"},
	"netif_receive_skb":       {"struct sk_buff *"},
	"napi_gro_receive_entry":  {"const struct sk_buff *"},
	"qdisc_enqueue":           {"struct Qdisc *", "const struct netdev_queue *", "struct sk_buff *"},
	"qdisc_dequeue":           {"struct Qdisc *", "const struct netdev_queue *", "int", "struct sk_buff *"},
	"skb_copy_datagram_iovec": {"const struct sk_buff *", "int"},
}

// coreFuncs have had the same arguments in every kernel that hopdump knows.
var coreFuncs = map[string]Func{
	"ip_output":              {Args: 3, Regs: 3, SKB: 3, Sock: 2},
	"__dev_queue_xmit":       {Args: 2, Regs: 2, SKB: 1},
	"__copy_skb_header":      {Args: 2, Regs: 2, SKB: 1, SKB2: 2},
	"ip_list_rcv":            {Args: 3, Regs: 3, List: 1},
	"tcp_sendmsg_locked":     {Args: 3, Regs: 3, Sock: 1},
	"ip6_xmit":               {Args: 7, Regs: 7, SKB: 2, Sock: 1},
	"___pskb_trim":           {Args: 2, Regs: 2, SKB: 1},
	"__tcp_transmit_skb":     {Args: 5, Regs: 5, SKB: 2, Sock: 1},
	"skb_clone":              {Args: 2, Regs: 2, SKB: 1, RetSKB: true},
	"tcp_collapse":           {Args: 7, Regs: 7, SKB: 4, SKB2: 5, List: 2, Sock: 1},
	"ip_rcv_core":            {Args: 2, Regs: 2, SKB: 1, RetSKB: true},
	"skb_release_head_state": {Args: 1, Regs: 1, SKB: 1},
}

// checkKernel asks a real kernel's BTF what is the same everywhere.
func checkKernel(t *testing.T, spec *btf.Spec, funcs []Func) {
	t.Helper()
	for name, want := range coreFuncs {
		got, err := FindFunc(spec, name, "")
		if err != nil {
			t.Error(err)
			continue
		}
		want.Name, want.Defs, want.Types = name, 1, got.Types
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
	for _, f := range funcs {
		found, err := FindFunc(spec, f.Name, "")
		if err != nil {
			t.Error(err)
		} else if diff := cmp.Diff(found, f); diff != "" && f.Defs == 1 {
			t.Errorf("%s: (-FindFunc +SKBFuncs)\n%s", f.Name, diff)
		}
	}
	checkTracepoints(t, spec)
	names, err := EnumNames(spec, "skb_drop_reason")
	if err != nil {
		t.Fatal(err)
	}
	if names[2] != "SKB_DROP_REASON_NO_SOCKET" && names[3] != "SKB_DROP_REASON_NO_SOCKET" {
		t.Errorf("drop reasons 2 %q, 3 %q", names[2], names[3])
	}
}

func checkTracepoints(t *testing.T, spec *btf.Spec) {
	t.Helper()
	all, err := Tracepoints(spec, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, args := range coreTracepoints {
		if diff := cmp.Diff(args, all[name].Args); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
	if tp := all["kfree_skb"]; tp.SKB != 1 || tp.Nullable || len(tp.Args) < 3 {
		t.Errorf("kfree_skb: %+v", tp)
	}
	if tp := all["qdisc_dequeue"]; tp.SKB != 4 || !tp.Nullable {
		t.Errorf("qdisc_dequeue: %+v", tp)
	}
	if len(all) < 500 {
		t.Errorf("%d tracepoints", len(all))
	}
}

// TestRunningKernel asks the machine's own kernel, where it lets us.
func TestRunningKernel(t *testing.T) {
	raw, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		t.Skip(err)
	}
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	funcs, err := SKBFuncs(spec, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(funcs) < 500 {
		t.Errorf("%d functions take an skb", len(funcs))
	}
	checkKernel(t, spec, funcs)
	checkKallsyms(t, funcs)
}

func checkKallsyms(t *testing.T, funcs []Func) {
	t.Helper()
	raw, err := os.ReadFile("/proc/kallsyms")
	if err != nil {
		t.Log(err)
		return
	}
	var names []string
	for _, f := range funcs {
		names = append(names, f.Name)
	}
	s := NewSymbols(names)
	if err := s.ParseKallsyms(bytes.NewReader(raw)); err != nil {
		t.Fatal(err)
	}
	count := make(map[Reason]int)
	for _, f := range funcs {
		count[s.Traceable(f.Name, "").Reason]++
	}
	t.Logf("%d functions take an skb: in kallsyms %d once, %d several times, %d suffixed, %d not",
		len(funcs), count[Unknown], count[Several], count[Suffixed], count[NoSymbol])
	if count[Unknown] < len(funcs)/2 {
		t.Error("less than half of the functions are in kallsyms")
	}
	z, err := ParseSymbolizer(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d addresses have a name", z.Len())
}

// TestKernelPackages compares the BTF of the kernels that the VM rig has
// unpacked with the tables, which are of the same or a neighbouring release.
func TestKernelPackages(t *testing.T) {
	if testing.Short() {
		t.Skip("unpacks kernels")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skip(err)
	}
	for dir, table := range map[string]string{"6.1": "6.1", "6.12": "6.12", "7": "7.3"} {
		t.Run(dir, func(t *testing.T) {
			root := filepath.Join(cache, "hopdump", "vm", "kernel", dir)
			rows := readSKBRows(t, table)
			spec := packageSpec(t, filepath.Join(root, "vmlinuz"))
			funcs, err := SKBFuncs(spec, "")
			if err != nil {
				t.Fatal(err)
			}
			checkKernel(t, spec, funcs)
			checkAgreement(t, "vmlinux", funcs, vmlinuxRows(rows))
			checkModules(t, filepath.Join(root, "modules"), spec, rows)
		})
	}
}

// vmlinuxRows are the rows that are not of a module.
func vmlinuxRows(rows []skbRow) []skbRow {
	var out []skbRow
	for _, r := range rows {
		if r.module == "" {
			out = append(out, r)
		}
	}
	return out
}

// checkAgreement requires that nearly all rows are found, at the same positions.
func checkAgreement(t *testing.T, what string, funcs []Func, rows []skbRow) {
	t.Helper()
	several := 0
	for _, f := range funcs {
		if f.Defs > 1 {
			several++
		}
	}
	a := compareRows(t, funcs, rows)
	t.Logf("%s: %d functions (%d defined several times), table %d, both %d, same positions %d, same number of arguments %d",
		what, len(funcs), several, len(rows), a.both, a.positions, a.args)
	if a.both < len(rows)*95/100 || a.positions < a.both*99/100 {
		t.Errorf("%s: too few", what)
	}
}

// checkModules does the same for those modules of the table that there are.
func checkModules(t *testing.T, root string, base *btf.Spec, rows []skbRow) {
	t.Helper()
	tabled := make(map[string][]skbRow)
	for _, r := range rows {
		tabled[r.module] = append(tabled[r.module], r)
	}
	var funcs []Func
	var of []skbRow
	modules := 0
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		name := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(path), ".ko"), "-", "_")
		if err != nil || !strings.HasSuffix(path, ".ko") || len(tabled[name]) == 0 {
			return err
		}
		spec := moduleSpec(t, path, base)
		found, err := SKBFuncs(spec, name)
		modules, of, funcs = modules+1, append(of, tabled[name]...), append(funcs, found...)
		if err == nil {
			_, err = Tracepoints(spec, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	checkAgreement(t, fmt.Sprint(modules, " modules"), funcs, of)
}

// moduleSpec reads the split BTF of a .ko.
func moduleSpec(tb testing.TB, path string, base *btf.Spec) *btf.Spec {
	tb.Helper()
	f, err := elf.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	return sectionSpec(tb, f, base)
}

// packageSpec reads the BTF of a vmlinuz, or skips where there is none.
func packageSpec(tb testing.TB, path string) *btf.Spec {
	tb.Helper()
	image, err := os.ReadFile(path)
	if err != nil {
		tb.Skip(err)
	}
	vmlinux, err := unpack(image)
	if errors.Is(err, exec.ErrNotFound) {
		tb.Skip(err)
	} else if err != nil {
		tb.Fatal(err)
	}
	f, err := elf.NewFile(bytes.NewReader(vmlinux))
	if err != nil {
		tb.Fatal(err)
	}
	return sectionSpec(tb, f, nil)
}

// sectionSpec reads the section .BTF alone, since a packed vmlinux has no
// symbols, which cilium/ebpf wants to see.
func sectionSpec(tb testing.TB, f *elf.File, base *btf.Spec) *btf.Spec {
	tb.Helper()
	section := f.Section(".BTF")
	if section == nil {
		tb.Fatal("no BTF")
	}
	raw, err := section.Data()
	if err != nil {
		tb.Fatal(err)
	}
	spec, err := btf.LoadSplitSpecFromReader(bytes.NewReader(raw), base)
	if err != nil {
		tb.Fatal(err)
	}
	return spec
}

// unpack returns the ELF file inside a bzImage (Documentation/arch/x86/boot.rst
// in the kernel: setup_sects, payload_offset, payload_length).
func unpack(image []byte) ([]byte, error) {
	const setupSects, payloadOffset, payloadLength = 0x1f1, 0x248, 0x24c
	if len(image) < 0x250 {
		return nil, errors.New("not a bzImage")
	}
	start := (int(image[setupSects])+1)*512 + int(binary.LittleEndian.Uint32(image[payloadOffset:]))
	end := start + int(binary.LittleEndian.Uint32(image[payloadLength:])) - 4 // the size, at the end
	if end > len(image) || start > end {
		return nil, errors.New("payload out of bounds")
	}
	payload := image[start:end]
	for magic, tool := range map[string]string{
		"\x28\xb5\x2f\xfd": "zstd", "\x02\x21\x4c\x18": "lz4", "\xfd7zXZ": "xz", "\x1f\x8b": "gzip",
	} {
		if bytes.HasPrefix(payload, []byte(magic)) {
			cmd := exec.Command(tool, "-dc")
			cmd.Stdin = bytes.NewReader(payload)
			return cmd.Output()
		}
	}
	return nil, errors.New("unknown compression")
}
