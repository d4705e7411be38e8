// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"hopdump/filter"
)

// All that people are told goes through this file. The rules:
//
//   - Standard output is what was asked for; everything else goes to standard
//     error, one line each, beginning with "hopdump: ". Only the lines that
//     tcpdump prints too (reading from, listening on, the counters) have no
//     such beginning.
//   - No capital letter, no full stop, no "failed to". What is wrong comes
//     first: the flag or the file, then a colon, then what is the matter.
//   - An error a user can fix says how.
//   - Text from outside reaches the terminal without control characters.

// Exit statuses. Loss does not change them, unless --strict was given.
const (
	statusDone   = 0
	statusFailed = 1 // also in part
	statusUsage  = 2 // before the kernel is touched
)

// usageError is a mistake on the command line.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// usagef makes a usage error: the flag, a colon, what is wrong with it.
func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// fail reports err and returns the exit status that belongs to it. A reader of
// the output that went away is not an error: it has seen what it wanted.
func (c *command) fail(err error) int {
	if errors.Is(err, syscall.EPIPE) {
		return statusDone
	}
	text := describe(err)
	c.say(text)
	var bad *filter.Error
	if errors.As(err, &bad) {
		fmt.Fprint(c.stderr, bad.Caret())
		return statusUsage
	}
	if e := (*usageError)(nil); errors.As(err, &e) {
		return statusUsage
	}
	return statusFailed
}

// say writes one line to standard error.
func (c *command) say(line string) {
	fmt.Fprintf(c.stderr, "hopdump: %s\n", visible(line))
}

// sayf is say with a format.
func (c *command) sayf(format string, args ...any) { c.say(fmt.Sprintf(format, args...)) }

// describe words err for people.
func describe(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) && err == error(path) { // "open x: no such file" without the verb
		return fmt.Sprintf("%s: %v", path.Path, path.Err)
	}
	return err.Error()
}

// visible returns s without control characters.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

// plural returns "1 packet" or "2 packets".
func plural[T int | int64 | uint64](n T, noun string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
