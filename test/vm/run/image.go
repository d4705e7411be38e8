// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hopdump/test/vm"
)

// An image is the guest's root: a base of init, tools and modules, which is kept
// between runs, and a part with what is of this run alone.
type image struct {
	opts   options
	kernel vm.Kernel
	tools  map[string]string // name to path, of this machine and of the guest
	set    *moduleSet
	mods   []string // files of the modules in the base, below the kernel's module directory
	load   []string // those to load at boot, in order
	dir    string   // where the command runs, the same path here and there
}

func newImage(opts options, kernel vm.Kernel) (*image, error) {
	img := &image{opts: opts, kernel: kernel, tools: map[string]string{}}
	names := append([]string{"busybox", "dash"}, opts.tools...)
	if opts.shell {
		names = append(names, "bash")
	}
	for _, name := range names {
		path, err := findTool(name)
		if err != nil {
			return nil, err
		}
		img.tools[name] = path
	}
	if err := img.chooseModules(); err != nil {
		return nil, err
	}
	var err error
	img.dir, err = os.Getwd()
	return img, err
}

func (img *image) chooseModules() (err error) {
	if img.set, err = readModules(img.kernel.Modules); err != nil {
		return err
	}
	load := append(slices.Clone(bootModules), img.opts.modules...)
	if img.opts.nic {
		load = append(load, "virtio_net")
	}
	if img.load, err = img.set.order(load); err != nil {
		return err
	}
	img.mods, err = img.set.order(append(load, usualModules...))
	return err
}

// write writes the whole image to a new file of this name.
func (img *image) write(name, cache string) error {
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	defer out.Close()
	base, err := img.base(cache)
	if err != nil {
		return err
	}
	defer base.Close()
	if _, err := io.Copy(out, base); err != nil {
		return err
	}
	if err := img.writeRun(out); err != nil {
		return err
	}
	return out.Close()
}

// writeRun writes the part that is of this run.
func (img *image) writeRun(w io.Writer) error {
	c := newCPIO(w)
	conf, err := img.addCommand(c)
	if err != nil {
		return err
	}
	for _, file := range img.opts.files {
		if err := addTree(c, file); err != nil {
			return err
		}
	}
	if _, err := os.Stat("testdata"); err == nil && img.opts.isTest() {
		if err := addTree(c, "testdata:"+filepath.Join(img.dir, "testdata")); err != nil {
			return err
		}
	}
	b, err := json.Marshal(conf)
	if err != nil {
		return err
	}
	c.bytes(configPath, b)
	return c.close()
}

// addCommand adds the program to run, unless the guest has it, and says how.
func (img *image) addCommand(c *cpioWriter) (config, error) {
	conf := config{
		Hostname: "vm",
		Env:      img.env(),
		Dir:      img.dir,
		Command:  img.opts.command,
		SendOut:  img.opts.out != "",
		Shell:    img.opts.shell,
	}
	for _, file := range img.load {
		conf.Modules = append(conf.Modules, moduleFile{img.modulePath(file), moduleParams[moduleName(file)]})
	}
	if img.opts.shell {
		conf.Command = []string{"bash"}
		conf.Dir = "/root"
		return conf, nil
	}
	program := img.opts.command[0]
	if !strings.Contains(program, "/") || strings.HasPrefix(program, "/bin/") || img.brings(program) {
		return conf, nil
	}
	if info, err := os.Stat(program); err != nil || !info.Mode().IsRegular() {
		return conf, fmt.Errorf("%s is neither here nor in the guest", program)
	}
	conf.Command = append([]string{"/vm/" + filepath.Base(program)}, testArgs(img.opts)...)
	return conf, addProgram(c, program, conf.Command[0])
}

// brings tells whether a tool or -file puts something at this path of the guest.
func (img *image) brings(program string) bool {
	for _, path := range img.tools {
		if path == program {
			return true
		}
	}
	for _, file := range img.opts.files {
		_, dst := splitFile(file)
		if program == dst || strings.HasPrefix(program, dst+"/") {
			return true
		}
	}
	return false
}

// env is the command's environment.
func (img *image) env() []string {
	env := []string{
		"PATH=" + guestPath, "HOME=/root", "TMPDIR=/tmp", "TERM=linux",
		"HOPDUMP_VM=1", "HOPDUMP_KERNEL=" + img.kernel.Series,
	}
	for _, name := range img.opts.env {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
