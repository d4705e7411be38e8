// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"hopdump/bpf"
)

// Stats is the account so far: packets as they come, the kernel's counters as
// they were up to a second ago.
func (c *Capture) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Received = c.taps.Load() + s.Dropped
	return s
}

// account brings the statistics up to date; what devices dropped only at the
// end, since sysfs has a file for each counter of each of them.
func (c *Capture) account(final bool) {
	kernel := c.progs.lost()
	hopMisses, hookMisses := c.progs.misses()
	s := tally(c.asm.count, kernel, hopMisses, hookMisses)
	s.Open = len(c.asm.open)
	if final {
		s.IfDropped = c.drops.since()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats = s
}

// packetsLost counts packets that matched and did not get into the ring.
func packetsLost(k bpf.Stats) uint64 {
	return k.N[bpf.StatRingPackets] + k.N[bpf.StatScratch]
}

// tally adds the counters of both sides up. Packets: what matched was delivered,
// lost, or is still in flight. Hops: lost are those of path records that found
// no room, those beyond a slot's end, and those of programs that the kernel
// skipped because they had interrupted themselves.
func tally(a counters, k bpf.Stats, hopMisses, hookMisses uint64) Stats {
	ring := k.N[bpf.StatRingPackets]
	scratch := k.N[bpf.StatScratch]
	s := Stats{
		Captured: a.captured,
		Received: a.taps + packetsLost(k),
		Dropped:  packetsLost(k),
		Hops:     a.hops,
		HopsLost: k.N[bpf.StatRingHops] + hopMisses + a.trunc,
		Late:     a.late,
	}
	say := func(n uint64, format string, args ...any) {
		if n > 0 {
			s.Lost = append(s.Lost, fmt.Sprintf(format, args...))
		}
	}
	say(ring, "%s with the ring full", plural(ring, "packet"))
	say(scratch, "%s with every copy buffer in use", plural(scratch, "packet"))
	say(k.N[bpf.StatRingPaths], "%s of %s with the ring full",
		plural(k.N[bpf.StatRingHops], "hop"), plural(k.N[bpf.StatRingPaths], "packet"))
	if rings := k.N[bpf.StatRingPaths]; a.pathLost > rings {
		say(a.pathLost-rings, "the hops of %s whose end was not written", plural(a.pathLost-rings, "packet"))
	}
	say(hopMisses, "%s by recursion", plural(hopMisses, "hop"))
	say(hookMisses, "%s by recursion", plural(hookMisses, "end or copy"))
	say(a.trunc, "%s beyond the first %d of a packet", plural(a.trunc, "hop"), bpf.MaxHops)
	say(k.N[bpf.StatNoSlot], "the hops of %s without a free slot", plural(k.N[bpf.StatNoSlot], "journey"))
	say(k.N[bpf.StatUnreadable], "%s with unreadable headers", plural(k.N[bpf.StatUnreadable], "verdict"))
	say(k.N[bpf.StatUndecided], "%s beyond the header window", plural(k.N[bpf.StatUndecided], "verdict"))
	say(k.N[bpf.StatNoEnd], "the end of %s", plural(k.N[bpf.StatNoEnd], "journey"))
	say(a.cut, "bytes of %s", plural(a.cut, "packet"))
	say(a.inverted, "the order of %s", plural(a.inverted, "hop"))
	return s
}

func plural(n uint64, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "copy"):
		return strconv.FormatUint(n, 10) + " ends or copies"
	}
	return strconv.FormatUint(n, 10) + " " + what + "s"
}

// interfaceDrops watches what devices drop before the kernel sees it.
type interfaceDrops struct {
	start map[string]uint64 // by file
}

// dropCounters are files below statistics of a device in sysfs.
var dropCounters = []string{"rx_missed_errors", "rx_fifo_errors", "rx_over_errors"}

func watchInterfaces() *interfaceDrops {
	d := &interfaceDrops{start: map[string]uint64{}}
	for file, n := range readDropCounters() {
		d.start[file] = n
	}
	return d
}

func readDropCounters() map[string]uint64 {
	now := map[string]uint64{}
	for _, c := range dropCounters {
		files, _ := filepath.Glob("/sys/class/net/*/statistics/" + c)
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				continue // the device has just gone
			}
			now[f], _ = strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
		}
	}
	return now
}

func (d *interfaceDrops) since() []InterfaceDrops {
	var out []InterfaceDrops
	for f, n := range readDropCounters() {
		if n > d.start[f] {
			dev := filepath.Base(filepath.Dir(filepath.Dir(f)))
			out = append(out, InterfaceDrops{Dev: dev, Counter: filepath.Base(f), N: n - d.start[f]})
		}
	}
	slices.SortFunc(out, func(a, b InterfaceDrops) int {
		return strings.Compare(a.Dev+a.Counter, b.Dev+b.Counter)
	})
	return out
}
