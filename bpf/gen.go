// SPDX-License-Identifier: Apache-2.0

// Package bpf holds hopdump's programs for the kernel: the C sources, the object
// made of them, and what puts a set of programs together from it.
//
// The object is committed, so that building hopdump needs Go alone; make
// generate makes it again with the pinned compiler.
package bpf

//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel -go-package bpf -no-global-types -type slot -type tap -type more -type hop_rec -type dev_rec -type proc_rec -type line -type sock_rec -type stat_rec -type scope_key -type hop_flags -type slot_state -type slot_flags -type tap_flags -type rec_kind -type stat -type scope_mode hop hop.bpf.c -- -O2 -mcpu=v3 -Wall -Werror -I.
