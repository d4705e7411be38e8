// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"fmt"
	"strconv"
	"strings"
)

// table words the set for --list-hops: the head line and one row per hop.
func (s *HopSet) table(release string) (header string, rows []HopRow) {
	fentry, tpBTF := s.Attached()
	kind := "hops"
	if isProfile(s.Name) {
		kind = "profile"
	}
	header = fmt.Sprintf("kernel %s, %s %s: %d of %d", release, kind, s.Name, fentry+tpBTF, len(s.Choices))
	for _, c := range s.Choices {
		module := c.Module
		if module == "" {
			module = "-"
		}
		rows = append(rows, HopRow{
			Hop: c.ID, Place: string(c.Place), Role: string(c.Role), Mechanism: string(c.Mechanism),
			Function: c.Name, Module: module, Arg: strconv.Itoa(c.Arg), State: c.State,
		})
	}
	for _, h := range s.Missing {
		header += fmt.Sprintf("; without %s: ends or copies of packets may be missed", h.Name)
	}
	return header, rows
}

func isProfile(name string) bool {
	return strings.Contains(" "+strings.Join(profiles, " ")+" ", " "+name+" ")
}
