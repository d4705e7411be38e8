// SPDX-License-Identifier: Apache-2.0

package pcapng

import (
	"strconv"
	"strings"
)

// unknownDevice is the if_name for packets without a device. It must have one:
// mergecap takes an interface without a name for the same as any other.
const unknownDevice = "unknown"

// description returns the if_description of a device:
//
//	netns <inode> (<name>) ifindex <n> <driver>
//
// without the parts that are unknown. Blanks in a name are written as %20.
func (d *Device) description() string {
	var b []byte
	if d.Netns != 0 {
		b = strconv.AppendUint(append(b, "netns "...), uint64(d.Netns), 10)
		if d.NetnsName != "" {
			b = appendEscaped(append(b, " ("...), d.NetnsName, ')', 64)
			b = append(b, ')')
		}
	}
	if d.Index != 0 {
		if len(b) > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendInt(append(b, "ifindex "...), int64(d.Index), 10)
	}
	if d.Driver != "" {
		if len(b) > 0 {
			b = append(b, ' ')
		}
		b = appendValue(b, d.Driver, 64)
	}
	return string(b)
}

// newDevice makes a device from an interface description, nil if that names
// none. own is the namespace that hopdump ran in, 0 if unknown.
func newDevice(i *Interface, own uint32, ps *parser) *Device {
	d := &Device{Name: i.Name()}
	words := strings.Fields(i.Description())
	words = d.parseNetns(words, ps)
	if len(words) >= 2 && words[0] == "ifindex" {
		if n, err := strconv.Atoi(words[1]); err == nil && n > 0 {
			d.Index, words = n, words[2:]
		}
	}
	known := d.Index != 0 || d.Netns != 0
	if known && len(words) == 1 {
		d.Driver = ps.text([]byte(words[0]))
	}
	if hw := i.Options.Text(OptIfHardware); hw != "" && known {
		d.Driver = hw
	}
	d.Speed, _ = i.Options.uint64(OptIfSpeed)
	d.Foreign = own != 0 && d.Netns != 0 && d.Netns != own
	if *d == (Device{}) || *d == (Device{Name: unknownDevice}) {
		return nil
	}
	return d
}

// parseNetns parses "netns <inode> [(<name>)]" and returns the words after it.
func (d *Device) parseNetns(words []string, ps *parser) []string {
	if len(words) < 2 || words[0] != "netns" {
		return words
	}
	n, err := strconv.ParseUint(words[1], 10, 32)
	if err != nil {
		return words
	}
	d.Netns, words = uint32(n), words[2:]
	if len(words) > 0 && len(words[0]) > 2 && words[0][0] == '(' && strings.HasSuffix(words[0], ")") {
		d.NetnsName = ps.text([]byte(words[0][1 : len(words[0])-1]))
		words = words[1:]
	}
	return words
}
