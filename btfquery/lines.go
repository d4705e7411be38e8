// SPDX-License-Identifier: Apache-2.0

package btfquery

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxLine bounds a line of the kernel's lists in bytes. Names stay below
// KSYM_NAME_LEN (512), modules' below 64.
const maxLine = 64 << 10

var (
	errNoLines = errors.New("no lines")
	errFormat  = errors.New("not a line of this list")
)

// eachLine calls f with every line of r that is not empty. The bytes are valid
// until f returns. It returns the number of those lines; none at all is an error,
// since the kernel's lists are never empty when they may be read.
func eachLine(r io.Reader, what string, f func(line []byte) error) error {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, maxLine), maxLine)
	n, filled := 0, 0
	for sc.Scan() {
		n++
		line := sc.Bytes()
		if len(line) == 0 {
			continue
		}
		filled++
		if err := f(line); err != nil {
			return fmt.Errorf("btfquery: %s, line %d: %w", what, n, err)
		}
	}
	if err := sc.Err(); err != nil {
		return fmt.Errorf("btfquery: %s, after line %d: %w", what, n, err)
	}
	if filled == 0 {
		return fmt.Errorf("btfquery: %s: %w", what, errNoLines)
	}
	return nil
}

// ksym is a line of /proc/kallsyms: "ffffffffc1682010 t nf_nat_init\t[nf_nat]".
type ksym struct {
	addr   uint64 // 0 also when the kernel hides it
	kind   byte   // as nm's
	name   []byte
	module []byte // empty for vmlinux
}

// text reports whether the symbol is code.
func (s *ksym) text() bool {
	switch s.kind {
	case 't', 'T', 'w', 'W':
		return true
	}
	return false
}

// parseKsym takes a line apart without copying. Addresses have 8 digits on
// 32-bit kernels, 16 on others; what follows the module is ignored.
func parseKsym(line []byte) (s ksym, ok bool) {
	i := 0
	for ; i < len(line) && line[i] != ' '; i++ {
		d := hexDigits[line[i]]
		if d == 0 || i == 16 {
			return ksym{}, false
		}
		s.addr = s.addr<<4 | uint64(d-1)
	}
	if i == 0 || len(line) < i+4 || line[i+2] != ' ' {
		return ksym{}, false
	}
	s.kind = line[i+1]
	s.name, s.module = cutModule(line[i+3:])
	return s, len(s.name) > 0
}

// hexDigits maps a hexadecimal digit to its value plus 1, all else to 0.
var hexDigits = func() (t [256]byte) {
	for i, c := range []byte("0123456789abcdef") {
		t[c] = byte(i + 1)
	}
	return t
}()

// cutModule splits "name", "name [module]" or "name\t[module]".
func cutModule(b []byte) (name, module []byte) {
	i := 0
	for i < len(b) && b[i] != ' ' && b[i] != '\t' {
		i++
	}
	name, b = b[:i], bytes.TrimLeft(b[i:], " \t")
	if len(b) > 0 && b[0] == '[' {
		if end := bytes.IndexByte(b, ']'); end > 0 {
			module = b[1:end]
		}
	}
	return name, module
}
