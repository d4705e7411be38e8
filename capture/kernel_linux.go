// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"sync"

	"hopdump/btfquery"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// runningKernel reads what planning needs to know of the kernel underneath. It
// needs no rights; what it cannot read stays unknown. The list of what ftrace
// can attach to takes the kernel long to write, so it is only read for people
// (thorough): attaching will show.
func runningKernel(thorough bool) (Kernel, error) {
	k := Kernel{Release: release(), Symbols: btfquery.NewSymbols(Wanted()), cache: btf.NewCache()}
	var wg sync.WaitGroup
	wg.Go(func() {
		readFile("/proc/kallsyms", k.Symbols.ParseKallsyms)
		if thorough {
			readTraceable(k.Symbols)
		}
	})
	spec, err := k.cache.Kernel()
	wg.Wait()
	if err != nil {
		if _, serr := os.Stat("/sys/kernel/btf/vmlinux"); errors.Is(serr, fs.ErrNotExist) {
			return k, ErrNoBTF
		}
		return k, err
	}
	k.Spec = spec
	return k, nil
}

const tracefs = "/sys/kernel/tracing"

// readTraceable reads what ftrace can attach to. Where tracefs is not mounted
// (containers, small systems), root mounts it for one thread alone, which ends.
func readTraceable(s *btfquery.Symbols) {
	const list = tracefs + "/available_filter_functions"
	if readFile(list, s.ParseAvailableFilterFunctions) {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Unshare(unix.CLONE_NEWNS|unix.CLONE_FS) != nil ||
			unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") != nil ||
			unix.Mount("tracefs", tracefs, "tracefs", 0, "") != nil {
			return // the states stay unknown
		}
		readFile(list, s.ParseAvailableFilterFunctions)
	}()
	<-done
}

func readFile(name string, parse func(io.Reader) error) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	return parse(f) == nil
}

func release() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Release[:])
}

// probe tells what this kernel and our rights allow, by loading the smallest
// program of each kind: whether anything can be traced at all, and whether
// fentry can.
func probe(k *Kernel) error {
	if lockedDown() {
		return ErrLockdown
	}
	// Compare-and-swap came with 5.12, like everything else that is missing
	// on a kernel without it (pointers as arguments of global functions).
	swap := asm.CmpXchg.Mem(asm.RFP, asm.R1, asm.DWord, -8)
	swap.Constant = 0xf1 // BPF_CMPXCHG; the assembler leaves it out, and an old kernel would see an addition
	cas := asm.Instructions{
		asm.Mov.Imm(asm.R0, 0),
		asm.StoreMem(asm.RFP, -8, asm.R0, asm.DWord),
		asm.Mov.Imm(asm.R1, 1),
		swap,
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	}
	err := k.try(ebpf.AttachTraceRawTp, "kfree_skb", cas)
	switch {
	case errors.Is(err, unix.EPERM):
		return ErrNotPermitted
	case err != nil:
		plain := asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}
		if perr := k.try(ebpf.AttachTraceRawTp, "kfree_skb", plain); errors.Is(perr, unix.EPERM) {
			return ErrNotPermitted
		} else if perr == nil {
			return &OldKernelError{Release: k.Release, Missing: "atomic compare-and-swap in BPF (Linux 5.12)"}
		}
		return &OldKernelError{Release: k.Release, Missing: "BTF tracepoints (Linux 5.5)"}
	}
	plain := asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}
	err = k.try(ebpf.AttachTraceFEntry, "__kfree_skb", plain)
	k.NoFentry = err != nil
	return nil
}

// lockedDown says that BPF programs may not read memory: the helper for it is
// then unknown to the verifier, which would look like an old kernel.
func lockedDown() bool {
	b, err := os.ReadFile("/sys/kernel/security/lockdown")
	return err == nil && strings.Contains(string(b), "[confidentiality]")
}

func (k *Kernel) try(attach ebpf.AttachType, target string, ins asm.Instructions) error {
	const name = "hopdump_probe"
	coll, err := ebpf.NewCollectionWithOptions(&ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{
		name: {
			Name: name, Type: ebpf.Tracing, AttachType: attach, AttachTo: target,
			Instructions: ins, License: "Dual BSD/GPL",
		},
	}}, ebpf.CollectionOptions{Cache: k.cache, Programs: ebpf.ProgramOptions{LogDisabled: true}})
	if err != nil {
		return err
	}
	coll.Close()
	return nil
}

// mayReadSymbols says whether /proc/kallsyms shows addresses to us.
func mayReadSymbols() bool {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&hdr, &data[0]) != nil {
		return true
	}
	return data[unix.CAP_SYSLOG/32].Effective&(1<<(unix.CAP_SYSLOG%32)) != 0
}

// HopRow is one line of --list-hops.
type HopRow struct {
	Hop, Place, Role, Mechanism, Function, Module, Arg, State string
}

// ListHops resolves the --hops list on the running kernel, for --list-hops. It
// needs no rights.
func ListHops(opts Options) (rows []HopRow, header string, err error) {
	k, err := runningKernel(true)
	if err != nil {
		return nil, "", err
	}
	set, err := Plan(k, opts.Hops)
	if err != nil {
		return nil, "", err
	}
	header, rows = set.table(k.Release)
	return rows, header, nil
}
