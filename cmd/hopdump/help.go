// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// help is what -h prints, to standard output.
const help = `Usage: hopdump [flags] [expression]

Captures packets as tcpdump does and shows where in the kernel each of them
spent its time, and where it died. The expression is a pcap-filter(7).

What is captured
  -i, --interface IF     device, number from -D, or any (default); may be repeated
      --netns NS         network namespace: name, path, pid, or all
  -Q, --direction DIR    only packets that go in, out, or inout (default)
  -c N                   stop after N packets
      --duration DUR     stop after a time, for instance 10s
  -s N                   bytes kept of each packet, default 262144
  -F FILE                read the expression from a file
  -r FILE                read packets from a pcapng or pcap file, - for standard input
      --own-session      do not leave out the ssh session hopdump runs in

Where the hops are
      --hops LIST        profile, name, glob, -name; default default
      --list-hops        what the hops are on this kernel, and why some are missing
      --linger DUR       how long to wait for a packet's end, default 1s
  -B KIB                 size of the rings, all together

Text
  -v, -vv, -vvv          more about the protocols, and a table of the hops
  -q                     less about the protocols, no path
      --path STYLE       none, line (default) or table
  -n                     numbers only; names come from /etc/hosts and /etc/services
  -N                     host names without their domain
  -e                     show the link header
  -t, -tt … -ttttt       no time, seconds, since last, with date, since first
      --micro, --nano    digits of the time
  -#, --number           count the lines
  -S                     absolute TCP sequence numbers
  -K                     do not verify checksums
  -x, -xx, -X, -XX, -A   bytes as hex, with the link header, with text, as text
  -l                     flush after every line

File
  -w FILE                write pcapng, - for standard output
      --comments MODE    how much of the path goes in: full (default), summary, none
  -U                     flush after every packet
      --print            print the packets as well
      --count            with -r: print only how many packets there are

Others
  -D                     list the devices
      --strict           exit with status 1 if anything was lost
  -p, -O, --immediate-mode  accepted; hopdump does so anyway
  -h, --help             this text
      --version          the version

Recording needs root, or CAP_BPF and CAP_PERFMON; -r, -D and --list-hops do not.
`

// version is set by the linker for releases.
var version = ""

// versionLine is what --version prints.
func versionLine() string {
	return fmt.Sprintf("%s (%s, %s/%s)\n", application(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// application is the name and version, as files carry it too.
func application() string {
	v := version
	if info, ok := debug.ReadBuildInfo(); v == "" && ok {
		v = info.Main.Version
	}
	if v == "" {
		v = "(devel)"
	}
	return "hopdump " + v
}
