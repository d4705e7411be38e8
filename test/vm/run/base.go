// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// etcFiles are what programs expect to find. Names resolve without a network.
var etcFiles = map[string]string{
	"/etc/passwd": "root:x:0:0:root:/root:/bin/sh\ntcpdump:x:105:112::/:/bin/false\nnobody:x:65534:65534::/:/bin/false\n",
	"/etc/group":  "root:x:0:\ntcpdump:x:112:\nnogroup:x:65534:\n",
	"/etc/hosts":  "127.0.0.1 localhost\n::1 localhost\n",
}

// etcCopies are files of this machine that the guest gets if they exist.
var etcCopies = []string{"/etc/services", "/etc/protocols", "/etc/ethertypes"}

// baseKept is how many bases stay in the cache: one for each kernel and set of
// tools in daily use, at 30 to 60 MB.
const baseKept = 16

// base opens the unchanging part, made now if it is not cached.
func (img *image) base(cache string) (*os.File, error) {
	dir := filepath.Join(cache, "initramfs")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	key, err := img.key(self)
	if err != nil {
		return nil, err
	}
	name := filepath.Join(dir, key+".cpio")
	if f, err := os.Open(name); err == nil {
		now := time.Now()
		_ = os.Chtimes(name, now, now) // keeps it from removal; nothing else depends on it
		return f, nil
	}
	return img.makeBase(dir, name, self)
}

// makeBase writes the base under another name first: runs go side by side.
func (img *image) makeBase(dir, name, self string) (*os.File, error) {
	if err := removeOld(dir, baseKept-1); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, "new-*")
	if err != nil {
		return nil, err
	}
	buf := bufio.NewWriterSize(f, 1<<20)
	err = img.writeBase(buf, self)
	if err == nil {
		err = buf.Flush()
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.Close()
		os.Remove(f.Name())
		return nil, err
	}
	return f, nil
}

// removeOld leaves the keep newest files in dir.
func removeOld(dir string, keep int) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	age := map[string]time.Time{}
	for _, e := range entries {
		if info, err := e.Info(); err == nil { // else somebody else removed it
			age[e.Name()] = info.ModTime()
		}
	}
	names := slices.SortedFunc(maps.Keys(age), func(a, b string) int { return age[b].Compare(age[a]) })
	for _, name := range names[min(keep, len(names)):] {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// key names the base by everything that is in it.
func (img *image) key(self string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, img.kernel.Release, img.kernel.Modules, img.mods, needsSignatures(img.opts.append), etcFiles)
	stamp := func(name string) error {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		fmt.Fprintln(h, name, info.Size(), info.ModTime().UnixNano())
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(img.tools)) {
		if err := stamp(img.tools[name]); err != nil {
			return "", err
		}
	}
	if err := stamp(filepath.Join(img.kernel.Modules, "modules.dep")); err != nil {
		return "", err
	}
	// go run and go test build the same binary anew under another name.
	f, err := os.Open(self)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:12]), nil
}

func (img *image) writeBase(w io.Writer, self string) error {
	c := newCPIO(w)
	for _, dir := range []string{"/proc", "/sys", "/dev", "/run", "/root", "/tmp", "/var", "/usr/bin", "/usr/sbin", "/mnt"} {
		c.mkdir(dir)
	}
	c.symlink("/run", "/var/run")
	c.symlink("/proc/self/mounts", "/etc/mtab")
	for _, name := range slices.Sorted(maps.Keys(etcFiles)) {
		c.bytes(name, []byte(etcFiles[name]))
	}
	for _, name := range etcCopies {
		if _, err := os.Stat(name); err == nil {
			if err := addFile(c, name, name); err != nil {
				return err
			}
		}
	}
	if err := addProgram(c, self, "/init"); err != nil {
		return err
	}
	if err := img.addTools(c); err != nil {
		return err
	}
	if err := img.addModules(c); err != nil {
		return err
	}
	return c.close()
}

// addModules adds the modules and the files by which modprobe finds them.
func (img *image) addModules(c *cpioWriter) error {
	for _, file := range img.mods {
		b, err := os.ReadFile(filepath.Join(img.kernel.Modules, file))
		if err != nil {
			return err
		}
		if !needsSignatures(img.opts.append) {
			b = unsigned(b)
		}
		c.bytes(img.modulePath(file), b)
	}
	dep, alias, options, err := img.set.index(img.mods)
	if err != nil {
		return err
	}
	c.bytes(img.modulePath("modules.dep"), dep)
	c.bytes(img.modulePath("modules.alias"), alias)
	c.bytes("/etc/modprobe.d/vm.conf", options)
	c.symlink(img.tools["busybox"], "/sbin/modprobe") // whom the kernel asks
	return c.err
}

func (img *image) modulePath(file string) string {
	return path.Join("/lib/modules", img.kernel.Release, file)
}

// addTools adds programs where they are on this machine, and busybox's applets.
// The shell is not busybox's: that one prefers its own applets to programs.
func (img *image) addTools(c *cpioWriter) error {
	for _, name := range slices.Sorted(maps.Keys(img.tools)) {
		if err := addProgram(c, img.tools[name], img.tools[name]); err != nil {
			return err
		}
	}
	busybox := img.tools["busybox"]
	out, err := exec.Command(busybox, "--list").Output()
	if err != nil {
		return fmt.Errorf("ask busybox for its applets: %w", err)
	}
	// Where /bin is a link to /usr/bin, scripts name their shell by either.
	for _, name := range slices.Sorted(maps.Keys(img.tools)) {
		if link := "/bin/" + name; img.tools[name] != link {
			c.symlink(img.tools[name], link)
		}
	}
	c.symlink(img.tools["dash"], "/bin/sh")
	c.symlink("/bin/env", "/usr/bin/env")
	for _, applet := range strings.Fields(string(out)) {
		if img.tools[applet] == "" && applet != "sh" {
			c.symlink(busybox, "/bin/"+applet)
		}
	}
	return nil
}
