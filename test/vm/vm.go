// SPDX-License-Identifier: Apache-2.0

// Package vm fetches the kernels of the test machines. The command run in it
// boots them.
package vm

import (
	_ "embed" // the script travels inside the runner's binary
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed kernel.sh
var kernelScript string

// Cache returns the directory for what is expensive to make: kernels and parts
// of initramfs images. It is outside the repository.
func Cache() (string, error) {
	if dir := os.Getenv("HOPDUMP_VM_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find a cache directory: %w (set HOPDUMP_VM_CACHE)", err)
	}
	return filepath.Join(home, ".cache", "hopdump", "vm"), nil
}

// A Kernel is one kernel in the cache.
type Kernel struct {
	Series  string // as asked for: 6.12
	Release string // as uname -r says
	Image   string // file to boot
	Modules string // directory that is /lib/modules/RELEASE
}

// Fetch returns a kernel of this series, from the cache if it is there.
func Fetch(series string) (Kernel, error) {
	cmd := exec.Command("sh", "-s", "--", series)
	cmd.Stdin = strings.NewReader(kernelScript)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return Kernel{}, fmt.Errorf("fetch kernel %s: %w", series, err)
	}
	tree := strings.TrimSpace(string(out))
	release, err := os.ReadFile(filepath.Join(tree, "release"))
	if err != nil {
		return Kernel{}, err
	}
	k := Kernel{
		Series:  series,
		Release: strings.TrimSpace(string(release)),
		Image:   filepath.Join(tree, "vmlinux"),
		Modules: filepath.Join(tree, "modules"),
	}
	if _, err := os.Stat(k.Image); err != nil {
		k.Image = filepath.Join(tree, "vmlinuz")
	}
	return k, nil
}
