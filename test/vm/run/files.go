// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// splitFile splits SRC[:DST]; without DST a file keeps its absolute path.
func splitFile(s string) (src, dst string) {
	src, dst, ok := strings.Cut(s, ":")
	if !ok {
		dst = src
		if abs, err := filepath.Abs(src); err == nil {
			dst = abs
		}
	}
	return src, path.Clean("/" + dst)
}

// addTree adds what a -file names: a program with its libraries, or a directory.
func addTree(c *cpioWriter, file string) error {
	src, dst := splitFile(file)
	info, err := os.Stat(src)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return addProgram(c, src, dst)
	}
	return filepath.WalkDir(src, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(src, name)
		if err != nil {
			return err
		}
		to := path.Join(dst, rel)
		switch {
		case d.IsDir():
			c.mkdir(to)
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(name)
			if err != nil {
				return err
			}
			c.symlink(target, to)
		case d.Type().IsRegular():
			return addFile(c, name, to)
		}
		return c.err
	})
}

// addProgram adds a file, and if it is a program its libraries at their paths.
func addProgram(c *cpioWriter, src, dst string) error {
	libs, err := libraries(src)
	if err != nil {
		return err
	}
	for _, lib := range libs {
		if err := addFile(c, lib, lib); err != nil {
			return err
		}
	}
	return addFile(c, src, dst)
}

func addFile(c *cpioWriter, src, dst string) error {
	if c.made[dst] {
		return nil
	}
	f, err := os.Open(src)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	c.file(dst, info.Mode(), info.Size(), f)
	return c.err
}
