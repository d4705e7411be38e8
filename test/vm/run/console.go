// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"regexp"
	"strings"
)

// A line of the kernel's console begins with a time and perhaps a caller.
const consolePrefix = `(?m)^(?:\[[^\]\n]*\]\s*)*`

var (
	crashLine = regexp.MustCompile(consolePrefix +
		`((?:Kernel panic|BUG:|Oops|Internal error:|general protection fault|Unable to handle kernel).*)`)
	warningLine = regexp.MustCompile(consolePrefix + `(WARNING:.*)`)
)

// firstMatch returns the first such line of the console, without its time.
func firstMatch(line *regexp.Regexp, console []byte) string {
	m := line.FindSubmatch(console)
	if m == nil {
		return ""
	}
	return strings.TrimSpace(string(m[1]))
}

// tail returns the last n lines.
func tail(b []byte, n int) []byte {
	b = bytes.TrimRight(b, "\r\n")
	at := len(b)
	for ; n > 0; n-- {
		if at = bytes.LastIndexByte(b[:at], '\n'); at < 0 {
			return b
		}
	}
	return b[at+1:]
}
