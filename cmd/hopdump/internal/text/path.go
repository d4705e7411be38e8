// SPDX-License-Identifier: Apache-2.0

package text

import (
	"bytes"
	"fmt"
	"strings"

	"hopdump/pcapng"
)

const (
	bold  = "\x1b[1m"
	red   = "\x1b[31m"
	plain = "\x1b[0m"
)

// tail writes the summary of a path behind the line.
func (p *Printer) tail(path *pcapng.Path) {
	p.s("  | ")
	at := len(p.b)
	p.b = path.AppendTail(p.b)
	if !p.opt.Color || path.Drop == nil {
		return
	}
	text := bytes.Clone(p.b[at:])
	from := bytes.Index(text, []byte("DROP="))
	if from < 0 {
		return
	}
	to := len(text)
	if i := bytes.IndexByte(text[from:], ' '); i >= 0 {
		to = from + i
	}
	p.b = fmt.Appendf(p.b[:at], "%s%s%s%s%s", text[:from], red, text[from:to], plain, text[to:])
}

// hopColumn is the least width of the column with the names of the hops.
const hopColumn = 28

// table writes one row per hop. A figure belongs to the way to its hop.
func (p *Printer) table(path *pcapng.Path) {
	if len(path.Hops) == 0 {
		return
	}
	width := hopColumn
	for i := range path.Hops {
		width = max(width, len(path.Hops[i].Func)+2)
	}
	p.f("%14s%13s  %-*s%4s  what\n", "+previous", "total", width, "hop", "cpu")
	largest := largestStep(path)
	for i := range path.Hops {
		h := &path.Hops[i]
		row := fmt.Sprintf("%11s%13s  %-*s%4s  %s", micros(h.Delta), micros(h.Elapsed),
			width, clean(h.Func), cpu(h.CPU), p.what(path, i))
		mark := "   "
		if i == largest {
			mark = "  *"
		}
		p.row(strings.TrimRight(mark+row, " "), i == largest, isDrop(path, i))
	}
}

// row writes one line, bold for the largest step and red for a drop where
// colours are wanted.
func (p *Printer) row(text string, largest, drop bool) {
	if !p.opt.Color || !largest && !drop {
		p.s(text + "\n")
		return
	}
	if drop {
		p.s(red)
	}
	if largest {
		p.s(bold)
	}
	p.s(text + plain + "\n")
}

// largestStep finds the row to mark: none if there is only one hop.
func largestStep(path *pcapng.Path) int {
	best := -1
	for i := 1; i < len(path.Hops); i++ {
		if best < 0 || path.Hops[i].Delta > path.Hops[best].Delta {
			best = i
		}
	}
	return best
}

func micros(ns int64) string { return string(pcapng.AppendMicros(nil, ns)) }

func cpu(n int) string {
	if n < 0 {
		return "?"
	}
	return fmt.Sprint(n)
}

// isDrop reports whether hop i is where the packet died: the one that says so,
// or the last one.
func isDrop(path *pcapng.Path, i int) bool {
	if value(path.Hops[i].Extra, "drop") != "" {
		return true
	}
	if path.Drop == nil || i != len(path.Hops)-1 {
		return false
	}
	for j := range path.Hops {
		if value(path.Hops[j].Extra, "drop") != "" {
			return false
		}
	}
	return true
}

// what describes a hop: where it was, who was there, what came of it.
func (p *Printer) what(path *pcapng.Path, i int) string {
	h := &path.Hops[i]
	var groups []string
	add := func(text string) {
		if text != "" {
			groups = append(groups, clean(text))
		}
	}
	add(place(path, i))
	if i == 0 {
		add(nic(path.NIC))
	}
	add(process(path, i))
	for _, kv := range h.Extra {
		if kv.Key != "drop" || path.Drop == nil { // else it is said below, with the place
			add(extra(kv))
		}
	}
	if isDrop(path, i) && path.Drop != nil {
		add("dropped: " + path.Drop.String())
	}
	if path.IsOpen && i == len(path.Hops)-1 {
		add("still here after " + micros(path.Open))
	}
	return strings.Join(groups, ", ")
}

// place is the device of a hop, where it changed, and its queue.
func place(path *pcapng.Path, i int) string {
	h := &path.Hops[i]
	queue := value(h.Extra, "q")
	if i == 0 && queue == "" && path.Queue > 0 {
		queue = fmt.Sprint(path.Queue - 1)
	}
	if queue != "" {
		queue = "queue " + queue
	}
	return strings.TrimSpace(h.Dev + " " + queue)
}

// nic is the time stamp of the network card, relative to the first hop if its
// clock is known.
func nic(n *pcapng.NICStamp) string {
	switch {
	case n == nil:
		return ""
	case n.Mapped:
		return fmt.Sprintf("nic %s err %s", micros(n.At), micros(n.Err))
	}
	return fmt.Sprintf("nic clock %d.%09d", n.Raw/1e9, n.Raw%1e9)
}

// process is who sent or received the packet, at the hop that says so, else at
// the end of the path where the socket is.
func process(path *pcapng.Path, i int) string {
	h := &path.Hops[i]
	if pid := value(h.Extra, "pid"); pid != "" {
		return who(pid, value(h.Extra, "tid"), value(h.Extra, "comm"))
	}
	if path.Pid == 0 {
		return ""
	}
	for j := range path.Hops {
		if value(path.Hops[j].Extra, "pid") != "" {
			return ""
		}
	}
	at := len(path.Hops) - 1
	if path.Way == pcapng.WayTx {
		at = 0
	}
	if i != at {
		return ""
	}
	tid := ""
	if path.Tid != 0 {
		tid = fmt.Sprint(path.Tid)
	}
	return who(fmt.Sprint(path.Pid), tid, path.Comm)
}

func who(pid, tid, comm string) string {
	text := "pid " + pid
	if tid != "" {
		text += " tid " + tid
	}
	if comm != "" {
		text += " " + comm
	}
	return text
}

// extra is a further key of a hop in words.
func extra(kv pcapng.KV) string {
	switch kv.Key {
	case "q", "pid", "tid", "comm": // said by place and process
		return ""
	case "drop":
		return "drop " + kv.Value
	case "len", "ret", "qlen":
		return kv.Key + " " + kv.Value
	case "rmem":
		if used, limit, ok := strings.Cut(kv.Value, "/"); ok {
			return "socket buffer " + used + " of " + limit
		}
	}
	return kv.Key + "=" + kv.Value
}

// value finds a key.
func value(list []pcapng.KV, key string) string {
	for _, kv := range list {
		if kv.Key == key {
			return kv.Value
		}
	}
	return ""
}
