// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// bootLimit is how long a machine may take until the command starts. On a very
// busy host a boot takes half a minute; of 300 emulated boots one never ended.
const bootLimit = 90 * time.Second

// options are the command line. Zero values of the fields that come from flags
// are never used: parse sets the defaults.
type options struct {
	kernel    string
	timeout   time.Duration
	bootLimit time.Duration // part of timeout
	out       string        // host directory for what the guest left in /out; empty drops it
	modules   []string
	tools     []string
	env       []string // names of variables that the guest gets
	files     []string // SRC[:DST]
	append    string   // more of the kernel's command line
	accel     string   // auto, kvm or tcg
	console   string   // host file that keeps the kernel's console; empty keeps none
	smp       int
	memory    int // MiB
	icount    bool
	nic       bool
	strict    bool
	noskip    bool
	shell     bool
	verbose   bool
	command   []string
}

// list is a flag of comma-separated words that may be given more than once.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(s string) error {
	for word := range strings.SplitSeq(s, ",") {
		if word = strings.TrimSpace(word); word != "" {
			*l = append(*l, word)
		}
	}
	return nil
}

// lines is a flag that may be given more than once, its value taken as it is.
type lines []string

func (l *lines) String() string     { return strings.Join(*l, " ") }
func (l *lines) Set(s string) error { *l = append(*l, s); return nil }

// parse looks at args only, not at the machine.
func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	fs := flag.NewFlagSet("run", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {
		fmt.Fprintln(stderr, "usage: run [flags] command [argument...]\n       run [flags] -shell")
		fs.PrintDefaults()
	}
	define(fs, &o)
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	o.command = fs.Args()
	if err := o.check(); err != nil {
		return o, err
	}
	if !given(fs, "noskip") {
		o.noskip = o.isTest()
	}
	if o.icount {
		o.smp = 1
		o.accel = "tcg"
		if !given(fs, "boot-timeout") {
			o.bootLimit *= 4
		}
	}
	return o, nil
}

func define(fs *flag.FlagSet, o *options) {
	fs.StringVar(&o.kernel, "kernel", "6.12", "kernel `series`: 5.10, 6.1, 6.12 or 7")
	fs.DurationVar(&o.timeout, "timeout", 5*time.Minute, "the longest a run may take")
	fs.DurationVar(&o.bootLimit, "boot-timeout", bootLimit, "the longest a boot may take, before it is tried once more")
	fs.StringVar(&o.out, "out", "", "put what the guest leaves in /out into this `directory`")
	fs.Var((*list)(&o.modules), "modules", "kernel `modules` to load besides the usual ones")
	fs.Var((*list)(&o.tools), "tools", "`programs` of this machine to take along, with their libraries")
	fs.Var((*list)(&o.env), "env", "`names` of environment variables to pass on")
	fs.Var((*lines)(&o.files), "file", "file or directory to take along, `SRC[:DST]`; repeatable")
	fs.StringVar(&o.append, "append", "", "more `words` for the kernel's command line")
	fs.StringVar(&o.accel, "accel", "auto", "auto, kvm or tcg")
	fs.StringVar(&o.console, "console", "", "keep the kernel's console in this `file`")
	fs.IntVar(&o.smp, "smp", 2, "processors")
	fs.IntVar(&o.memory, "m", 1024, "memory in `MiB`")
	fs.BoolVar(&o.icount, "icount", false, "guest time counts guest instructions (one processor)")
	fs.BoolVar(&o.nic, "nic", false, "two network cards on one wire, eth0 and eth1")
	fs.BoolVar(&o.strict, "strict", false, "a kernel warning fails the run")
	fs.BoolVar(&o.noskip, "noskip", false, "a skipped test fails the run (default for test binaries)")
	fs.BoolVar(&o.shell, "shell", false, "a shell on the console instead of a command")
	fs.BoolVar(&o.verbose, "v", false, "say what is done and how long it took")
}

func (o *options) check() error {
	switch {
	case o.shell && len(o.command) > 0:
		return errors.New("-shell takes no command")
	case !o.shell && len(o.command) == 0:
		return errors.New("no command (run -h shows the usage)")
	case !slices.Contains([]string{"auto", "kvm", "tcg"}, o.accel):
		return fmt.Errorf("-accel %s: want auto, kvm or tcg", o.accel)
	case o.icount && o.accel == "kvm":
		return errors.New("-icount counts in emulation only, not with -accel kvm")
	case o.smp < 1:
		return fmt.Errorf("-smp %d: want at least 1", o.smp)
	case o.memory < 256:
		return fmt.Errorf("-m %d: want at least 256", o.memory)
	}
	return nil
}

// isTest tells whether the command is a test binary as go test starts it.
func (o *options) isTest() bool {
	return len(o.command) > 1 && slices.ContainsFunc(o.command[1:], func(arg string) bool {
		return strings.HasPrefix(arg, "-test.")
	})
}

func given(fs *flag.FlagSet, name string) bool {
	found := false
	fs.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}
