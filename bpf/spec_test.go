// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
)

// smallConfig has another value in every field.
var smallConfig = Config{
	Lines: 64, Socks: 32, RingBytes: 8192, WakeBytes: 1024, SnapLen: 1500, CPUs: 5,
	Scope: ScopeListed, Netns: 77, Listed: 3, EarlyVerdict: true, WeakEnd: true,
}

// makeSpec is Spec, which must work.
func makeSpec(tb testing.TB, cfg Config, progs ...Program) *ebpf.CollectionSpec {
	tb.Helper()
	spec, err := Spec(progs, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return spec
}

// constants counts a program's instructions that have this constant.
func constants(p *ebpf.ProgramSpec, value int64) int {
	n := 0
	for _, ins := range p.Instructions {
		if ins.Constant == value {
			n++
		}
	}
	return n
}

// has reports whether one of the words of a template's name is among these.
func has(template string, words ...string) bool {
	return slices.ContainsFunc(strings.Split(template, "_"), func(w string) bool { return slices.Contains(words, w) })
}

func TestObjectTemplates(t *testing.T) {
	have := loadObject(t).Programs
	if len(have) < 10 {
		t.Errorf("the object has %d templates", len(have))
	}
	for name, p := range have {
		attach := ebpf.AttachTraceFEntry
		if has(name, "tp") {
			attach = ebpf.AttachTraceRawTp
		}
		if p.Type != ebpf.Tracing || p.AttachType != attach {
			t.Errorf("%s is %v, %v; want %v", name, p.Type, p.AttachType, attach)
		}
	}
}

// Every template that is a hop gets its number and flags in each place where
// they stand, and no copy keeps a marker.
func TestSpecMarks(t *testing.T) {
	const hop, flags = 0x1234, 0x5a5a5a
	base := loadObject(t)
	var progs []Program
	for name := range base.Programs {
		progs = append(progs, Program{Name: "copy of " + name, Template: name, Target: "somewhere", Hop: hop, Flags: flags})
	}
	spec := makeSpec(t, smallConfig, progs...)
	for name, template := range base.Programs {
		t.Run(name, func(t *testing.T) {
			hops, marked := constants(template, markHop), constants(template, markFlags)
			hook := has(name, "alias", "end", "sender")
			if (hops == 0) != hook {
				t.Errorf("the template has %d places for the hop", hops)
			}
			// What has a body of its own needs no flags.
			if (marked == 0) != (hook || has(name, "sock", "wake", "drop")) {
				t.Errorf("the template has %d places for the flags", marked)
			}
			p := spec.Programs["copy of "+name]
			if n := constants(p, markHop) + constants(p, markFlags); n != 0 {
				t.Errorf("%d markers are left", n)
			}
			if got := constants(p, hop) - constants(template, hop); got != hops {
				t.Errorf("the hop stands in %d places, want %d", got, hops)
			}
			if got := constants(p, flags) - constants(template, flags); got != marked {
				t.Errorf("the flags stand in %d places, want %d", got, marked)
			}
			if p.Name != "copy of "+name || p.AttachTo != "somewhere" || p.SectionName != template.SectionName {
				t.Errorf("copy is %q of section %q for %q", p.Name, p.SectionName, p.AttachTo)
			}
		})
	}
}

// Copies of one template are independent of each other.
func TestSpecCopies(t *testing.T) {
	template := ""
	for name, p := range loadObject(t).Programs {
		if constants(p, markHop) > 0 {
			template = name
		}
	}
	spec := makeSpec(t, smallConfig,
		Program{Name: "a", Template: template, Target: "f", Hop: 0x1111, Flags: HopOrigin},
		Program{Name: "b", Template: template, Target: "g", Hop: 0x2222, Flags: HopOrigin | HopLocal},
	)
	if got := slices.Sorted(maps.Keys(spec.Programs)); !cmp.Equal(got, []string{"a", "b"}) {
		t.Fatalf("programs %v", got)
	}
	tests := map[string]struct {
		program string
		hop     int64
		want    bool
	}{
		"own number of a":   {"a", 0x1111, true},
		"other number in a": {"a", 0x2222, false},
		"own number of b":   {"b", 0x2222, true},
		"other number in b": {"b", 0x1111, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := constants(spec.Programs[tt.program], tt.hop) > 0; got != tt.want {
				t.Errorf("program %s has %#x: %t", tt.program, tt.hop, got)
			}
		})
	}
}

func TestSpecMaps(t *testing.T) {
	tests := map[string]struct {
		cfg  Config
		want map[string]uint32
	}{
		"small": {
			cfg: smallConfig,
			want: map[string]uint32{
				"lines": 64, "slots": 512, "socks": 32, "ring": 8192, "scope": 3, "scratches": 15,
				"queued": 1, "stats": 1,
			},
		},
		"no device listed": {
			cfg: Config{Lines: 2048, Socks: 4096, RingBytes: 16 << 20, SnapLen: 65600, CPUs: 1},
			want: map[string]uint32{
				"lines": 2048, "slots": 16384, "socks": 4096, "ring": 16 << 20, "scope": 1, "scratches": 3,
				"queued": 1, "stats": 1,
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			spec := makeSpec(t, tt.cfg)
			got := map[string]uint32{}
			for m := range tt.want {
				got[m] = spec.Maps[m].MaxEntries
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("entries (-want +got):\n%s", d)
			}
			// What stands in front of the packet, room for link headers, the packet.
			front := int(member(t, structNamed(t, spec, "scratch"), "data").Offset.Bytes())
			if got, want := int(spec.Maps["scratches"].ValueSize), front+256+tt.cfg.SnapLen; got != want {
				t.Errorf("a copy buffer has %d bytes, want %d", got, want)
			}
		})
	}
}

func TestSpecConfig(t *testing.T) {
	tests := map[string]struct {
		cfg  Config
		want map[string]uint32
	}{
		"every field": {
			cfg: smallConfig,
			want: map[string]uint32{
				"cfg_line_mask": 63, "cfg_sock_mask": 31, "cfg_snap": 1500, "cfg_wake": 1024, "cfg_scope": 2, "cfg_netns": 77,
				"cfg_match_all": 0, "cfg_early_verdict": 1, "cfg_weak_end": 1, "gate": 0,
			},
		},
		"what matches everything needs no early verdict": {
			cfg: Config{Lines: 1, Socks: 1, RingBytes: 4096, CPUs: 1, MatchAll: true, EarlyVerdict: true},
			want: map[string]uint32{
				"cfg_line_mask": 0, "cfg_sock_mask": 0, "cfg_snap": 0, "cfg_wake": 0, "cfg_scope": 0, "cfg_netns": 0,
				"cfg_match_all": 1, "cfg_early_verdict": 0, "cfg_weak_end": 0, "gate": 0,
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			spec := makeSpec(t, tt.cfg)
			got := map[string]uint32{}
			for v := range tt.want {
				var n uint32
				if err := spec.Variables[v].Get(&n); err != nil {
					t.Fatalf("%s: %v", v, err)
				}
				got[v] = n
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("variables (-want +got):\n%s", d)
			}
		})
	}
}

func TestSpecUnknownTemplate(t *testing.T) {
	spec, err := Spec([]Program{{Name: "h_x", Template: "fentry_nonsense_9", Target: "f"}}, smallConfig)
	if err == nil {
		t.Fatalf("no error, %d programs", len(spec.Programs))
	}
	if got, want := err.Error(), `bpf: no template "fentry_nonsense_9"`; got != want {
		t.Errorf("error %q, want %q", got, want)
	}
}

// The tables are shared with the user side, which maps them.
func TestObjectMaps(t *testing.T) {
	const mmapable = 1024
	spec := loadObject(t)
	for _, name := range []string{"lines", "slots"} {
		if m := spec.Maps[name]; m.Type != ebpf.Array || m.Flags&mmapable == 0 {
			t.Errorf("%s is %v with flags %#x, want an array that can be mapped", name, m.Type, m.Flags)
		}
	}
	if m := spec.Maps["slots"]; m.ValueSize != structNamed(t, spec, "slot").Size {
		t.Errorf("slots has values of %d bytes", m.ValueSize)
	}
}
