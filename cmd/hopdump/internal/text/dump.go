// SPDX-License-Identifier: Apache-2.0

package text

// Dump says how the bytes of a packet are shown below its line: -x, -X, -A.
type Dump struct {
	Hex, ASCII bool
	Link       bool // with the link header, -xx, -XX, -AA
}

// dump writes the bytes of a packet whose link header is link bytes long. A
// payload nobody could print is dumped even if nobody asked.
func (p *Printer) dump(data []byte, link int) {
	switch {
	case p.opt.Dump.Hex:
		if !p.opt.Dump.Link {
			data = data[min(link, len(data)):]
		}
		p.hex(data, p.opt.Dump.ASCII)
	case p.opt.Dump.ASCII:
		if !p.opt.Dump.Link {
			data = data[min(link, len(data)):]
		}
		p.ascii(data)
	case p.rest != nil && !p.opt.Quiet:
		p.hex(p.rest, true)
	}
}

// hex writes sixteen bytes per line.
func (p *Printer) hex(b []byte, ascii bool) {
	const perLine, column = 16, 39
	for at := 0; at < len(b); at += perLine {
		row := b[at:min(at+perLine, len(b))]
		p.f("\t0x%04x:  ", at)
		text := hexPairs(row)
		p.s(text)
		if ascii {
			for range column - len(text) + 2 {
				p.b = append(p.b, ' ')
			}
			for _, c := range row {
				p.b = append(p.b, visible(c))
			}
		}
		p.s("\n")
	}
}

// ascii writes the bytes as text, with the line ends they have.
func (p *Printer) ascii(b []byte) {
	for i, c := range b {
		switch {
		case c == '\n' || c == '\t' || c == ' ':
			p.b = append(p.b, c)
		case c == '\r' && i+1 < len(b) && b[i+1] == '\n': // \r\n is one line end
		default:
			p.b = append(p.b, visible(c))
		}
	}
	p.s("\n")
}

func visible(c byte) byte {
	if c > 0x20 && c < 0x7f {
		return c
	}
	return '.'
}
