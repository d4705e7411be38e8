// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hopdump/bpf"
	"hopdump/btfquery"
	"hopdump/filter"
	"hopdump/pcapng"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/perf"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"
)

const (
	// tick is how often the ring is looked at when nobody wakes us.
	tick = 20 * time.Millisecond
	// perfTotal is what all perf buffers together may take, and perfLeast what
	// one of them needs: four of the largest records.
	perfTotal = 16 << 20
	perfLeast = 256 << 10
	// accountNS is how often the kernel's counters are read: a system call for
	// each program.
	accountNS = 1_000_000_000
)

// Capture is a running capture. Run and Close belong to one goroutine; the
// other methods may be called from any.
type Capture struct {
	opts  Options
	set   *HopSet
	scope scope
	progs *programs
	ring  *ringbuf.Reader
	rest  *perf.Reader // nil where fragments come through the ring
	more  chan perf.Record
	asm   *assembler
	devs  *deviceNames
	drops *interfaceDrops

	accounted int64 // CLOCK_MONOTONIC

	taps  atomic.Uint64 // packets that came through the ring
	mu    sync.Mutex    // orders stats against Run
	stats Stats
}

// Start compiles the expression, plans the hops, attaches them and begins to
// record: when it returns, recording has begun. ctx ends the preparation.
func Start(ctx context.Context, opts Options) (*Capture, error) {
	if _, err := selectHops(listOrDefault(opts.Hops)); err != nil {
		return nil, err
	}
	sc, err := resolveScope(opts)
	if err != nil {
		return nil, err
	}
	f, err := compile(opts)
	if err != nil {
		return nil, err
	}
	k, err := runningKernel(false)
	if err != nil {
		return nil, err
	}
	if err := probe(&k); err != nil {
		return nil, err
	}
	set, err := Plan(k, opts.Hops)
	if err != nil {
		return nil, err
	}
	if !mayReadSymbols() {
		opts.notice("without CAP_SYSLOG symbol offsets are unknown")
	}
	if line := refusedLine(k, opts.Hops, set); k.NoFentry && line != "" {
		opts.notice(line)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return begin(opts, k, set, sc, f)
}

func listOrDefault(list string) string {
	if list == "" {
		return "default"
	}
	return list
}

// refusedLine says what is left without fentry, compared with what was asked for;
// "" if nothing is missing.
func refusedLine(k Kernel, list string, set *HopSet) string {
	k.NoFentry = false
	wanted, err := Plan(k, list)
	if err != nil {
		wanted = set
	}
	fentry, tpBTF := wanted.Attached()
	_, have := set.Attached()
	if have == fentry+tpBTF {
		return ""
	}
	using := "using the profile tracepoints"
	if set.Name != "tracepoints" {
		using = "using what tracepoints there are"
	}
	return fmt.Sprintf("this kernel refuses fentry (EPERM); %s: %d hops instead of %d", using, have, fentry+tpBTF)
}

// compile makes the expression's programs. The own session is left out by an
// expression, too; what the user wrote is compiled alone first, so that an
// error points into it.
func compile(opts Options) (filters, error) {
	fopts := filter.Options{}
	if !opts.Numeric {
		fopts.Names = filter.SystemNames()
	}
	expr := opts.Filter
	if _, err := filter.Compile(expr, filter.LinkSKBL2, fopts); err != nil {
		return filters{}, err
	}
	for _, f := range opts.Exclude {
		expr = exclude(expr, f)
	}
	l2, err := filter.Compile(expr, filter.LinkSKBL2, fopts)
	if err != nil {
		return filters{}, err
	}
	l3, err := filter.Compile(expr, filter.LinkSKBL3, fopts)
	if err != nil {
		return filters{}, err
	}
	return filters{l2, l3}, nil
}

func exclude(expr string, f Flow) string {
	not := fmt.Sprintf("not (tcp port %d and tcp port %d and host %s and host %s)",
		f.Client.Port(), f.Server.Port(), bare(f.Client), bare(f.Server))
	if strings.TrimSpace(expr) == "" {
		return not
	}
	return "(" + expr + ") and " + not
}

// bare is an address as a filter expression has it: no zone, no mapped IPv4.
func bare(a netip.AddrPort) netip.Addr { return a.Addr().Unmap().WithZone("") }

func begin(opts Options, k Kernel, set *HopSet, sc scope, f filters) (*Capture, error) {
	cfg, err := config(opts, sc, f, set.WeakEnd)
	if err != nil {
		return nil, err
	}
	progs, err := load(set, k, cfg, f)
	if err != nil {
		return nil, err
	}
	c := &Capture{opts: opts, set: set, scope: sc, progs: progs, asm: newAssembler(opts)}
	c.asm.ring = uint64(cfg.RingBytes)
	if err := c.connect(k.Spec); err != nil {
		c.Close()
		return nil, err
	}
	for _, d := range sc.xdp {
		opts.notice(d + ": an XDP program runs there; frames that it drops or redirects are not seen")
	}
	return c, nil
}

// connect joins the programs to their readers and lets them record.
func (c *Capture) connect(spec *btf.Spec) error {
	var err error
	if c.ring, err = ringbuf.NewReader(c.progs.coll.Maps["ring"]); err != nil {
		return fmt.Errorf("read the ring: %w", err)
	}
	if size := c.perfBytes(); size > 0 {
		if c.rest, err = perf.NewReader(c.progs.coll.Maps["rest"], size); err != nil {
			return fmt.Errorf("read the perf buffer: %w", err)
		}
		c.more = make(chan perf.Record, 1024)
		go c.readRest()
	}
	if err := c.progs.listScope(c.scope.listed); err != nil {
		return err
	}
	c.devs = newDeviceNames(c.scope.own)
	c.drops = watchInterfaces()
	c.asm.names = c.namer(spec)
	c.asm.device = c.devs.device
	c.asm.take = c.progs.take
	c.asm.clock.add(measureClocks())
	if err := c.progs.attach(c.set); err != nil {
		return err
	}
	return c.progs.open()
}

// perfBytes is the size of each CPU's perf buffer: for every packet with
// fragments where taps have no dynptr, else only for those on VLAN devices and
// their like, which are tapped from fentry. 0: there is no use for one.
func (c *Capture) perfBytes() int {
	late := slices.ContainsFunc(c.set.Choices, func(h Choice) bool {
		return h.Mechanism == MechFentry && h.Flags&bpf.HopTapLate != 0
	})
	switch {
	case c.set.rest:
		cpus, _ := ebpf.PossibleCPU()
		return max(perfTotal/max(cpus, 1), perfLeast)
	case late:
		return perfLeast
	}
	return 0
}

func (c *Capture) namer(spec *btf.Spec) *namer {
	n := &namer{set: c.set, symbol: lazySymbols()}
	n.reasons, _ = btfquery.EnumNames(spec, "skb_drop_reason")
	return n
}

// lazySymbols reads the kernel's symbols when the first one is asked for: only
// drops need them.
func lazySymbols() func(uint64) (string, uint64, bool) {
	load := sync.OnceValue(func() *btfquery.Symbolizer {
		f, err := os.Open("/proc/kallsyms")
		if err != nil {
			return &btfquery.Symbolizer{}
		}
		defer f.Close()
		z, err := btfquery.ParseSymbolizer(f)
		if err != nil {
			return &btfquery.Symbolizer{}
		}
		return z
	})
	return func(addr uint64) (string, uint64, bool) { return load().Lookup(addr) }
}

// readRest moves perf records into a channel that Run empties between reads of
// the ring. It ends when the reader is closed.
func (c *Capture) readRest() {
	defer close(c.more)
	for {
		rec, err := c.rest.Read()
		if err != nil {
			return
		}
		c.more <- rec
	}
}

// Run delivers packets to handle until ctx is done or handle returns an error.
// Then it stops recording, delivers what is in flight, and returns: nil if ctx
// ended it or handle returned [ErrStop].
func (c *Capture) Run(ctx context.Context, handle Handler) error {
	c.asm.handle = handle
	for ctx.Err() == nil && c.asm.err == nil {
		if err := c.round(ctx); err != nil {
			return err
		}
	}
	if err := c.drain(); err != nil {
		return err
	}
	if errors.Is(c.asm.err, ErrStop) {
		return nil
	}
	return c.asm.err
}

// round reads the ring until it is empty for a tick, then looks after the rest.
func (c *Capture) round(ctx context.Context) error {
	idle, err := c.readRing(ctx)
	if err != nil {
		return err
	}
	c.takeMore()
	c.asm.lost = packetsLost(c.progs.lost())
	c.asm.clock.add(measureClocks())
	now := clockNS(unix.CLOCK_MONOTONIC)
	c.asm.sweep(now, idle, false)
	if now-c.accounted > accountNS {
		c.accounted = now
		c.account(false)
	}
	return nil
}

// readRing reads records; idle says that it came to the end of them. A ring
// that never gets empty is left after as many records as it may hold, so that
// time goes on for journeys that do not end.
func (c *Capture) readRing(ctx context.Context) (idle bool, err error) {
	c.ring.SetDeadline(time.Now().Add(tick))
	var rec ringbuf.Record
	for n := 0; n < 4096 && c.asm.err == nil; n++ {
		switch err := c.ring.ReadInto(&rec); {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return true, nil
		case err != nil:
			return false, fmt.Errorf("read the ring: %w", err)
		}
		if kindOf(rec.RawSample) == bpf.RecTap {
			c.taps.Add(1) // before the packet can be delivered
		}
		if err := c.asm.add(rec.RawSample); err != nil {
			return false, err
		}
		if n%64 == 63 && ctx.Err() != nil {
			break
		}
	}
	return false, nil
}

func (c *Capture) takeMore() {
	for {
		select {
		case rec, ok := <-c.more:
			if !ok {
				return
			}
			_ = c.asm.addMore(rec.RawSample)
		default:
			return
		}
	}
}

// drain ends the recording and delivers what is in flight. A program that was
// running when the gate was shut may still write; it takes microseconds, and
// each round waits for a tick.
func (c *Capture) drain() error {
	if err := c.progs.shut(); err != nil {
		return err
	}
	for range 2 {
		for idle := false; !idle && c.asm.err == nil; {
			var err error
			if idle, err = c.readRing(context.Background()); err != nil {
				return err
			}
		}
		c.takeMore()
	}
	c.asm.lost = packetsLost(c.progs.lost())
	c.asm.clock.add(measureClocks())
	c.asm.sweep(clockNS(unix.CLOCK_MONOTONIC), true, true)
	c.account(true)
	return nil
}

// Close detaches every program and frees what the kernel holds for us. Up to
// 6.18 this may take a second.
func (c *Capture) Close() error {
	if c.ring != nil {
		c.ring.Close()
	}
	if c.rest != nil {
		c.rest.Close()
		for range c.more { // until readRest has seen it
		}
	}
	c.progs.close()
	return nil
}

// Describe words the hop set for the line at the start.
func (c *Capture) Describe() string { return c.set.Describe() }

// LinkText names the link type of every packet as tcpdump does: devices without
// a link header get a synthetic one.
func (c *Capture) LinkText() string { return "EN10MB (Ethernet)" }

// ManyDevices says that packets of more than one device may come.
func (c *Capture) ManyDevices() bool {
	return len(c.scope.listed) != 1
}

// deviceNames completes the devices that the kernel names.
type deviceNames struct {
	own   uint32
	names map[uint32]string // of namespaces
	known map[pcapng.Device]*pcapng.Device
	taps  map[tapDevice]*pcapng.Device // the same by what a tap says, without making texts
}

type tapDevice struct {
	name           [16]int8
	ifindex, netns uint32
}

func newDeviceNames(own uint32) *deviceNames {
	return &deviceNames{
		own: own, names: netnsNames(),
		known: map[pcapng.Device]*pcapng.Device{}, taps: map[tapDevice]*pcapng.Device{},
	}
}

// device returns the device of a tap; nil if the packet was dropped where it
// had none.
func (d *deviceNames) device(t *bpf.Tap) *pcapng.Device {
	raw := tapDevice{t.Name, t.Ifindex, t.Netns}
	dev, ok := d.taps[raw]
	if !ok {
		dev = d.newDevice(t)
		d.taps[raw] = dev
	}
	return dev
}

func (d *deviceNames) newDevice(t *bpf.Tap) *pcapng.Device {
	key := pcapng.Device{Name: text(&t.Name), Index: int(t.Ifindex), Netns: t.Netns}
	if key.Name == "" {
		return nil
	}
	if dev := d.known[key]; dev != nil {
		return dev
	}
	dev := key
	dev.Foreign = key.Netns != d.own
	if _, ok := d.names[key.Netns]; !ok && dev.Foreign {
		d.names = netnsNames() // it may be new
	}
	dev.NetnsName = d.names[key.Netns]
	if !dev.Foreign {
		dev.Driver = driverOf(dev.Name)
	}
	d.known[key] = &dev
	return &dev
}

// IsPermission says whether an error is about missing rights.
func IsPermission(err error) bool {
	return slices.ContainsFunc([]error{ErrNotPermitted, ErrLockdown}, func(e error) bool { return errors.Is(err, e) })
}
