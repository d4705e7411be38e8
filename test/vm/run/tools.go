// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// guestPath is PATH in the guest. Busybox's applets are in /bin, the last
// directory, so that a real program wins over the applet of its name.
const guestPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// findTool returns where a program of this machine is; sbin counts, even if the
// user's PATH lacks it.
func findTool(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return filepath.Abs(path)
	}
	for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/local/sbin"} {
		path := filepath.Join(dir, name)
		if _, err := exec.LookPath(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not on this machine: run make deps", name)
}

// libraries returns the shared libraries of a program, its loader included;
// none if it is static or no ELF file.
func libraries(path string) ([]string, error) {
	dynamic, err := hasLoader(path)
	if err != nil || !dynamic {
		return nil, err
	}
	out, err := exec.Command("ldd", path).Output()
	if err != nil {
		return nil, fmt.Errorf("ldd %s: %w", path, err)
	}
	return parseLDD(string(out), path)
}

func hasLoader(path string) (bool, error) {
	f, err := elf.Open(path)
	if err != nil {
		if _, err := os.Stat(path); err != nil {
			return false, err
		}
		return false, nil
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return true, nil
		}
	}
	return false, nil
}

// parseLDD reads ldd's lines: "name => path (address)", "path (address)", and
// "name (address)" for what the kernel itself provides.
func parseLDD(out, path string) ([]string, error) {
	var libs []string
	for line := range strings.Lines(out) {
		if strings.Contains(line, "not found") {
			return nil, fmt.Errorf("%s needs a library: %s", path, strings.TrimSpace(line))
		}
		for _, word := range strings.Fields(line) {
			if strings.HasPrefix(word, "/") {
				libs = append(libs, word)
			}
		}
	}
	return libs, nil
}
