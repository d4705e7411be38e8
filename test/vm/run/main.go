// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Command run runs a program in a virtual machine with one of Debian's kernels,
// as if it ran here: its output comes out live, its exit status becomes that of
// run. It is made for go test -exec. See ../README.md.
//
// The same binary is the machine's init: as process 1 it is the guest's half.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// Exit statuses of run itself; every other one is the command's.
const (
	statusUsage   = 2
	statusTimeout = 124
	statusFailed  = 125
)

func main() {
	if os.Getpid() == 1 {
		guestMain()
		return
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the host's half.
func run(args []string, stdout, stderr io.Writer) int {
	opts, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "run: %v\n", err)
		return statusUsage
	}
	status, err := boot(opts, stdout, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "run: kernel %s: %v\n", opts.kernel, err)
		if status == 0 {
			status = statusFailed
		}
	}
	return status
}
