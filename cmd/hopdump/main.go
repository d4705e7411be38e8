// SPDX-License-Identifier: Apache-2.0

// Hopdump captures packets as tcpdump does and shows where in the Linux kernel
// each of them spent its time, and where it died.
package main

import (
	"errors"
	"io"
	"os"

	"github.com/spf13/pflag"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run executes the command with the given arguments and streams and returns
// the exit status.
func run(args []string, stdin, stdout, stderr *os.File) int {
	c := &command{stdin: stdin, stdout: stdout, stderr: stderr, machine: thisMachine}
	return c.run(args)
}

// command is one execution: its streams and what it needs of the machine.
type command struct {
	stdin, stdout *os.File
	stderr        io.Writer
	machine       machine
}

func (c *command) run(args []string) int {
	opts, err := parse(args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return c.print(help)
	case err != nil:
		return c.fail(err)
	case opts.version:
		return c.print(versionLine())
	case opts.listDevices:
		return c.listDevices()
	case opts.listHops:
		return c.listHops(opts)
	case opts.read != "":
		return c.replay(opts)
	}
	return c.record(opts)
}

// print writes what was asked for to standard output.
func (c *command) print(text string) int {
	if _, err := io.WriteString(c.stdout, text); err != nil {
		return c.fail(err)
	}
	return statusDone
}
