// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrNotPermitted means that the process lacks the rights to record.
var ErrNotPermitted = errors.New("not permitted: recording needs root, or CAP_BPF and CAP_PERFMON; -r, -d, -D and --list-hops do not")

// ErrNoBTF means that the kernel does not describe itself.
var ErrNoBTF = errors.New("no BTF in /sys/kernel/btf/vmlinux: this kernel was built without CONFIG_DEBUG_INFO_BTF")

// ErrLockdown means that the kernel forbids BPF to read memory.
var ErrLockdown = errors.New(`kernel lockdown is "confidentiality": BPF may not read packets here ("integrity" would do)`)

// DeviceError says that a network device is not where it was looked for.
type DeviceError struct {
	Name      string
	Near      []string // names of devices that are there
	Elsewhere []string // namespaces that have a device of that name
}

func (e *DeviceError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: no such device in this namespace", e.Name)
	if len(e.Near) > 0 {
		b.WriteString("; near: " + strings.Join(e.Near, ", "))
	}
	for i, ns := range e.Elsewhere {
		if i == 0 {
			b.WriteString("; in other namespaces: ")
		} else {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s in %s", e.Name, ns)
	}
	return b.String()
}

// HopError says that --hops names a hop that does not exist. It is a usage error.
type HopError struct {
	Name string
	Near []string
	Why  string // instead of "no such hop"
}

func (e *HopError) Error() string {
	if e.Why != "" {
		return fmt.Sprintf("--hops %s: %s", e.Name, e.Why)
	}
	if len(e.Near) == 0 {
		return fmt.Sprintf("--hops %s: no such hop", e.Name)
	}
	return fmt.Sprintf("--hops %s: no such hop; near: %s", e.Name, strings.Join(e.Near, ", "))
}

// NetnsError says that a network namespace cannot be found.
type NetnsError struct {
	Name string
	Near []string
	Err  error // the cause; nil if there is just no such name
}

func (e *NetnsError) Error() string {
	switch {
	case e.Err != nil:
		return fmt.Sprintf("--netns %s: %v", e.Name, e.Err)
	case len(e.Near) > 0:
		return fmt.Sprintf("--netns %s: no such namespace; near: %s", e.Name, strings.Join(e.Near, ", "))
	}
	return fmt.Sprintf("--netns %s: no such namespace", e.Name)
}

func (e *NetnsError) Unwrap() error { return e.Err }

// OldKernelError says what the running kernel lacks.
type OldKernelError struct {
	Release string
	Missing string // and since when kernels have it
}

func (e *OldKernelError) Error() string {
	return fmt.Sprintf("this kernel (%s) has no %s; hopdump needs Linux 6.1 or later", e.Release, e.Missing)
}

// near returns the names that look like name: those with a common beginning of
// at least half of it, and those within two edits; at most five, the nearest
// first.
func near(name string, names []string) []string {
	var out []string
	for _, n := range names {
		if n != name && looksLike(name, n) {
			out = append(out, n)
		}
	}
	slices.SortStableFunc(out, func(a, b string) int { return editDistance(name, a) - editDistance(name, b) })
	return out[:min(len(out), 5)]
}

func looksLike(a, b string) bool {
	half := (len(a) + 1) / 2
	if half > 1 && len(b) >= half && a[:half] == b[:half] {
		return true
	}
	return editDistance(a, b) <= 2 && len(a) > 2
}

// editDistance is Levenshtein's, in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diag
			if a[i] != b[j] {
				cost++
			}
			diag = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
