// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"hopdump/cmd/hopdump/internal/text"
	"hopdump/pcapng"
)

// maxSnapLen is the greatest snap length, which 0 stands for.
const maxSnapLen = 262144

// options is what a command line asks for, checked as far as that can be done
// without a look at the machine.
type options struct {
	interfaces  []string
	netns       string
	read, write string
	expression  string
	exprFile    string

	count    int // packets to stop after; 0 means never
	snapLen  int
	buffer   int // KiB; 0 chooses
	linger   time.Duration
	duration time.Duration
	hops     string

	numeric, verbose, quiet int
	link                    bool
	time, dump, dumpText    int
	ascii                   int
	absSeq, noChecksum      bool
	shortHosts              bool
	number                  bool
	nano, micro             bool
	direction               pcapng.Direction
	path                    string

	lineBuffered, packetBuffered bool
	print                        bool
	onlyCount                    bool
	comments                     pcapng.CommentMode
	strict, ownSession           bool

	version, listDevices, listHops bool
}

// parse reads the command line. It looks at args and nothing else.
func parse(args []string) (*options, error) {
	o := &options{snapLen: maxSnapLen}
	set := pflag.NewFlagSet("hopdump", pflag.ContinueOnError)
	set.Usage = func() {}
	set.SortFlags = false
	o.defineSelection(set)
	o.defineOutput(set)
	o.defineModes(set)
	defineRefused(set)
	if err := set.Parse(args); err != nil {
		return nil, wordFlagError(err)
	}
	o.expression = strings.Join(set.Args(), " ")
	return o, o.check(set)
}

// defineSelection defines the flags that say what is captured.
func (o *options) defineSelection(set *pflag.FlagSet) {
	set.StringArrayVarP(&o.interfaces, "interface", "i", nil, "")
	set.StringVar(&o.netns, "netns", "", "")
	set.StringVarP(&o.read, "r", "r", "", "")
	set.StringVarP(&o.exprFile, "F", "F", "", "")
	set.VarP(number{&o.count, 1, 0, ""}, "c", "c", "")
	set.VarP(number{&o.snapLen, 0, maxSnapLen, ""}, "snapshot-length", "s", "")
	set.VarP(number{&o.buffer, 1, 0, ""}, "buffer-size", "B", "")
	set.VarP((*direction)(&o.direction), "direction", "Q", "")
	set.StringVar(&o.hops, "hops", "", "")
	set.Var((*duration)(&o.linger), "linger", "")
	set.Var((*duration)(&o.duration), "duration", "")
	set.BoolVar(&o.ownSession, "own-session", false, "")
}

// defineOutput defines the flags that say what becomes of the packets.
func (o *options) defineOutput(set *pflag.FlagSet) {
	set.StringVarP(&o.write, "w", "w", "", "")
	set.Var((*comments)(&o.comments), "comments", "")
	set.BoolVarP(&o.lineBuffered, "l", "l", false, "")
	set.BoolVarP(&o.packetBuffered, "packet-buffered", "U", false, "")
	set.BoolVar(&o.print, "print", false, "")
	set.BoolVar(&o.onlyCount, "count", false, "")
	set.BoolVar(&o.strict, "strict", false, "")
	set.CountVarP(&o.numeric, "n", "n", "")
	set.CountVarP(&o.verbose, "v", "v", "")
	set.CountVarP(&o.quiet, "q", "q", "")
	set.CountVarP(&o.time, "t", "t", "")
	set.CountVarP(&o.dump, "x", "x", "")
	set.CountVarP(&o.dumpText, "X", "X", "")
	set.CountVarP(&o.ascii, "A", "A", "")
	set.BoolVarP(&o.link, "e", "e", false, "")
	set.BoolVarP(&o.number, "number", "#", false, "")
	set.BoolVarP(&o.absSeq, "absolute-tcp-sequence-numbers", "S", false, "")
	set.BoolVarP(&o.noChecksum, "dont-verify-checksums", "K", false, "")
	set.BoolVarP(&o.shortHosts, "N", "N", false, "")
	set.BoolVar(&o.nano, "nano", false, "")
	set.BoolVar(&o.micro, "micro", false, "")
	set.Var(precision{o}, "time-stamp-precision", "")
	set.StringVar(&o.path, "path", "", "")
}

// defineModes defines the flags that ask for something else than packets, and
// those that ask for what hopdump does anyway.
func (o *options) defineModes(set *pflag.FlagSet) {
	set.BoolVar(&o.version, "version", false, "")
	set.BoolVarP(&o.listDevices, "list-interfaces", "D", false, "")
	set.BoolVar(&o.listHops, "list-hops", false, "")
	set.BoolP("no-promiscuous-mode", "p", false, "")
	set.BoolP("no-optimize", "O", false, "")
	set.Bool("immediate-mode", false, "")
	set.BoolP("help", "h", false, "")
}

// liveOnly are the flags that make no sense with a file.
var liveOnly = []string{"interface", "netns", "hops", "linger", "duration", "buffer-size", "own-session", "strict"}

// check finds contradictions between flags.
func (o *options) check(set *pflag.FlagSet) error {
	if o.snapLen == 0 {
		o.snapLen = maxSnapLen
	}
	if set.Changed("help") {
		return pflag.ErrHelp
	}
	if set.Changed("r") && o.read == "" || set.Changed("w") && o.write == "" {
		return usagef("-r and -w need the name of a file, or -")
	}
	if o.read != "" {
		for _, name := range liveOnly {
			if set.Changed(name) {
				return usagef("%s: for a live capture, not with -r", flagName(set.Lookup(name)))
			}
		}
	}
	if o.onlyCount && o.read == "" {
		return usagef("--count: counts the packets of a file, so it needs -r")
	}
	if o.exprFile != "" && o.expression != "" {
		return usagef("-F: the expression is in the file, so there cannot be another one (%q)", o.expression)
	}
	if set.Changed("comments") && o.write == "" {
		return usagef("--comments: says what goes into the file, so it needs -w")
	}
	if o.nano && o.micro {
		return usagef("--nano and --micro exclude each other")
	}
	if o.time > 5 {
		return usagef("-t: at most five of them")
	}
	return o.checkWrite()
}

func (o *options) checkWrite() error {
	if strings.HasSuffix(o.write, ".gz") {
		return usagef("-w %s: compressed files: not in this version yet", o.write)
	}
	if o.write == "-" && o.print {
		return usagef("--print: standard output has the packets of -w - already")
	}
	switch o.path {
	case "", "none", "line", "table":
		return nil
	}
	return usagef("--path %s: none, line or table", o.path)
}

// pathStyle is --path, or what -q and -v make of it.
func (o *options) pathStyle() text.PathStyle {
	switch {
	case o.path == "none" || o.path == "" && o.quiet > 0:
		return text.PathNone
	case o.path == "table" || o.path == "" && o.verbose > 0:
		return text.PathTable
	}
	return text.PathLine
}

// text are the options of the printer, as far as the command line decides.
func (o *options) text() text.Options {
	return text.Options{
		Numeric: o.numeric > 0, ShortHosts: o.shortHosts, Quiet: o.quiet > 0, Verbose: o.verbose,
		Link: o.link, AbsSeq: o.absSeq, NoChecksum: o.noChecksum, Number: o.number,
		Time: text.TimeStyle(o.time), Nano: o.nano, Path: o.pathStyle(),
		Dump: text.Dump{
			Hex:   o.dump > 0 || o.dumpText > 0,
			ASCII: o.dumpText > 0 || o.ascii > 0 && o.dump == 0,
			Link:  o.dump > 1 || o.dumpText > 1 || o.ascii > 1,
		},
	}
}

// wordFlagError words an error of pflag as the rules in messages.go want it.
func wordFlagError(err error) error {
	var (
		missing *pflag.NotExistError
		bare    *pflag.ValueRequiredError
		value   *pflag.InvalidValueError
		own     *usageError
	)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return err
	case errors.As(err, &own):
		if errors.As(err, &value) && own.text != "" && own.text[0] != '-' {
			return usagef("%s %s: %s", flagName(value.GetFlag()), value.GetValue(), own.text)
		}
		return own
	case errors.As(err, &missing):
		if group := missing.GetSpecifiedShortnames(); group != "" {
			return usagef("-%s: no such flag (-h lists them)", missing.GetSpecifiedName())
		}
		return usagef("--%s: no such flag (-h lists them)", missing.GetSpecifiedName())
	case errors.As(err, &bare):
		return usagef("%s: needs a value", flagName(bare.GetFlag()))
	case errors.As(err, &value):
		return usagef("%s %s: %v", flagName(value.GetFlag()), value.GetValue(), value.Unwrap())
	}
	return usagef("%v", err)
}

// flagName is how people write a flag: short if it can be.
func flagName(f *pflag.Flag) string {
	if f.Shorthand != "" {
		return "-" + f.Shorthand
	}
	return "--" + f.Name
}
