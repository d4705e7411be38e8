// SPDX-License-Identifier: Apache-2.0

// Package btfquery answers questions about a kernel from its BTF and from its
// symbol lists: which functions take an skb and at which argument, which
// tracepoints there are, which of them can be traced, and which function an
// address belongs to.
//
// It is pure: everything it knows is handed in as a [btf.Spec] or an
// [io.Reader], so equal inputs give equal answers on any machine. The files
// that fit are /sys/kernel/btf/*, /proc/kallsyms and available_filter_functions
// of tracefs.
//
// Positions of arguments count from 1; 0 means that there is none.
//
// A spec decodes its types when they are asked for. [FindFunc],
// [FindTracepoint] and [EnumNames] decode what hangs together with one name;
// [SKBFuncs] and [Tracepoints] decode everything (on Linux 6.18: 126,000 types,
// 35 MB, a quarter of a second), and it stays in memory as long as the spec does.
package btfquery

import "github.com/cilium/ebpf/btf"

// ErrNotFound is wrapped by the errors about a name that the BTF does not have.
var ErrNotFound = btf.ErrNotFound
