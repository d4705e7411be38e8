// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"path"
)

// cpioWriter writes an archive in the "newc" form, which the kernel unpacks as
// its first root. Several archives one behind the other make one root.
type cpioWriter struct {
	w    io.Writer
	ino  uint32
	size int64           // bytes written
	made map[string]bool // paths in this archive
	err  error           // the first failure; everything after it is dropped
}

func newCPIO(w io.Writer) *cpioWriter {
	return &cpioWriter{w: w, made: map[string]bool{"/": true}}
}

// file adds a regular file of size bytes.
func (c *cpioWriter) file(name string, mode fs.FileMode, size int64, r io.Reader) {
	c.mkdir(path.Dir(name))
	c.header(name, 0o100000|uint32(mode.Perm()), size)
	if c.err != nil {
		return
	}
	n, err := io.Copy(c.w, io.LimitReader(r, size))
	c.size += n
	if err == nil && n != size {
		err = fmt.Errorf("%s shrank while it was read", name)
	}
	c.err = err
	c.pad()
}

// bytes adds a small file that everybody may read.
func (c *cpioWriter) bytes(name string, b []byte) {
	c.file(name, 0o644, int64(len(b)), bytes.NewReader(b))
}

// symlink adds a link to target.
func (c *cpioWriter) symlink(target, name string) {
	c.mkdir(path.Dir(name))
	c.header(name, 0o120777, int64(len(target)))
	c.write([]byte(target))
	c.pad()
}

// mkdir adds a directory and those above it, as far as this archive lacks them.
func (c *cpioWriter) mkdir(name string) {
	if c.made[name] {
		return
	}
	c.mkdir(path.Dir(name))
	c.header(name, 0o040755, 0)
}

// close ends the archive, not the writer under it.
func (c *cpioWriter) close() error {
	c.header("/TRAILER!!!", 0, 0)
	return c.err
}

func (c *cpioWriter) header(name string, mode uint32, size int64) {
	c.made[name] = true
	name = name[1:] // names are relative to the root
	c.ino++
	if size >= 1<<32 && c.err == nil {
		c.err = fmt.Errorf("%s is too big for an initramfs", name)
	}
	// ino mode uid gid nlink mtime filesize dev(2) rdev(2) namesize check
	c.write(fmt.Appendf(nil, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		c.ino, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, len(name)+1, 0, name))
	c.pad()
}

// pad fills up to a multiple of four bytes.
func (c *cpioWriter) pad() {
	if n := int(-c.size & 3); n > 0 {
		c.write(make([]byte, n))
	}
}

func (c *cpioWriter) write(b []byte) {
	if c.err != nil {
		return
	}
	n, err := c.w.Write(b)
	c.size += int64(n)
	c.err = err
}
