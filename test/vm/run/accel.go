// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"hopdump/test/vm"
)

// kvmProof is how long a machine may take to show that KVM works: with it a boot
// takes a second. On some machines the device is there and the boot hangs.
const kvmProof = 10 * time.Second

// chooseAccel returns kvm if it works on this machine, else tcg. The answer is
// kept until the host's kernel or QEMU changes.
func chooseAccel(o options, cache string, kernel vm.Kernel, initrd string) (string, error) {
	if o.accel != "auto" {
		return o.accel, nil
	}
	if unix.Access("/dev/kvm", unix.R_OK|unix.W_OK) != nil {
		return "tcg", nil
	}
	host, err := hostID()
	if err != nil {
		return "", err
	}
	file := filepath.Join(cache, "accel")
	if b, err := os.ReadFile(file); err == nil {
		if answer, id, ok := strings.Cut(string(b), "\n"); ok && id == host {
			return answer, nil
		}
	}
	answer := "tcg"
	if kvmBoots(o, kernel, initrd) {
		answer = "kvm"
	}
	return answer, os.WriteFile(file, []byte(answer+"\n"+host), 0o644)
}

// hostID names what the answer depends on.
func hostID() (string, error) {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return "", err
	}
	version, err := exec.Command(qemuProgram, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w: run make deps", qemuProgram, err)
	}
	return fmt.Sprintf("%s %s\n%s", unix.ByteSliceToString(uts.Release[:]),
		unix.ByteSliceToString(uts.Machine[:]), version), nil
}

// kvmBoots tries the image with KVM, as far as init.
func kvmBoots(o options, kernel vm.Kernel, initrd string) bool {
	o.shell = false
	console, err := os.CreateTemp("", "hopdump-kvm-")
	if err != nil {
		return false
	}
	defer os.Remove(console.Name())
	defer console.Close()
	m, err := start(o, bootFiles{kernel.Image, initrd, console.Name()}, "kvm")
	if err != nil {
		return false
	}
	defer m.stop()
	if err := m.port.SetReadDeadline(time.Now().Add(kvmProof)); err != nil {
		return false
	}
	kind, _, err := readFrame(io.Reader(m.port), make([]byte, frameMax))
	return err == nil && kind == frameStarted
}
