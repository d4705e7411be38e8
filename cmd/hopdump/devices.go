// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hopdump/cmd/hopdump/internal/netdev"
)

// listDevices is -D.
func (c *command) listDevices() int {
	devices, err := netdev.List()
	if err != nil {
		return c.fail(fmt.Errorf("-D: %w", err))
	}
	var b strings.Builder
	for i, d := range devices {
		fmt.Fprintf(&b, "%d.%s\n", i+1, visible(d.String()))
	}
	return c.print(b.String())
}

// deviceNames turns what -i was given into names: numbers of the list become
// the device with that number, and no name means any.
func deviceNames(given []string) ([]string, error) {
	var names []string
	for _, name := range given {
		n, err := strconv.Atoi(name)
		if err == nil {
			if name, err = deviceByNumber(n); err != nil {
				return nil, err
			}
		}
		if name == netdev.Any {
			return nil, nil
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

func deviceByNumber(n int) (string, error) {
	devices, err := netdev.List()
	if err != nil {
		return "", fmt.Errorf("-i %d: %w", n, err)
	}
	if n < 1 || n > len(devices) {
		return "", usagef("-i %d: there are %d devices (-D lists them)", n, len(devices))
	}
	return devices[n-1].Name, nil
}

// hopRow is a line of --list-hops.
type hopRow struct {
	Hop, Place, Role, Mechanism, Function, Module, Arg, State string
}

// listHops is --list-hops.
func (c *command) listHops(opts *options) int {
	rows, header, err := c.machine.listHops(opts.capture())
	if err != nil {
		return c.fail(err)
	}
	return c.print(hopTable(rows, header))
}

// hopTable aligns the columns of --list-hops.
func hopTable(rows []hopRow, header string) string {
	table := [][]string{{"hop", "place", "role", "mechanism", "function", "module", "arg", "state"}}
	for _, r := range rows {
		table = append(table, []string{r.Hop, r.Place, r.Role, r.Mechanism, r.Function, r.Module, r.Arg, r.State})
	}
	widths := []int{15, 8, 9, 11, 25, 10, 5, 0}
	for _, row := range table {
		for i, cell := range row {
			if i < len(widths)-1 {
				widths[i] = max(widths[i], len(cell)+1)
			}
		}
	}
	var b strings.Builder
	if header != "" {
		fmt.Fprintln(&b, visible(header))
	}
	for _, row := range table {
		line := ""
		for i, cell := range row {
			line += fmt.Sprintf("%-*s", widths[i], visible(cell))
		}
		fmt.Fprintln(&b, strings.TrimRight(line, " "))
	}
	return b.String()
}
