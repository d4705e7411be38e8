// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strconv"
	"time"

	"hopdump/pcapng"
)

// The values that flags take, besides text. Each Set returns a usage error
// that says what would have been right.

// number is a whole number from least to most; a most of 0 is no limit.
type number struct {
	to          *int
	least, most int
	unit        string
}

func (n number) Set(s string) error {
	v, err := strconv.Atoi(s)
	switch {
	case err != nil:
		return usagef("not a whole number")
	case v < n.least && n.least == 1:
		return usagef("must be greater than 0")
	case v < n.least:
		return usagef("must not be negative")
	case n.most > 0 && v > n.most:
		return usagef("at most %d", n.most)
	}
	*n.to = v
	return nil
}

func (n number) String() string { return "" }
func (n number) Type() string   { return "number" }

// duration is a time span greater than 0, with a unit.
type duration time.Duration

func (d *duration) Set(s string) error {
	v, err := time.ParseDuration(s)
	if err != nil {
		return usagef("not a time span; for instance 500ms, 10s, 5m")
	}
	if v <= 0 {
		return usagef("must be greater than 0")
	}
	*d = duration(v)
	return nil
}

func (d *duration) String() string { return fmt.Sprint(time.Duration(*d)) }
func (d *duration) Type() string   { return "duration" }

// direction is that of -Q.
type direction pcapng.Direction

func (d *direction) Set(s string) error {
	switch s {
	case "in":
		*d = direction(pcapng.In)
	case "out":
		*d = direction(pcapng.Out)
	case "inout":
		*d = direction(pcapng.DirUnknown)
	default:
		return usagef("in, out or inout")
	}
	return nil
}

func (d *direction) String() string { return "" }
func (d *direction) Type() string   { return "direction" }

// comments is how much of the path goes into a file.
type comments pcapng.CommentMode

func (c *comments) Set(s string) error {
	switch s {
	case "full":
		*c = comments(pcapng.CommentsFull)
	case "summary":
		*c = comments(pcapng.CommentsSummary)
	case "none":
		*c = comments(pcapng.CommentsNone)
	default:
		return usagef("full, summary or none")
	}
	return nil
}

func (c *comments) String() string { return "" }
func (c *comments) Type() string   { return "mode" }

// precision is the long form of --micro and --nano.
type precision struct{ o *options }

func (p precision) Set(s string) error {
	switch s {
	case "micro":
		p.o.micro = true
	case "nano":
		p.o.nano = true
	default:
		return usagef("micro or nano")
	}
	return nil
}

func (p precision) String() string { return "" }
func (p precision) Type() string   { return "precision" }
