// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

const qemuProgram = "qemu-system-x86_64"

// machine is a running QEMU.
type machine struct {
	cmd    *exec.Cmd
	port   net.Conn     // to init
	stderr bytes.Buffer // QEMU's own words; read after stop
	stop   func()       // ends it; safe to call again
}

// bootFiles are the files of one boot.
type bootFiles struct {
	kernel, initrd, console string
}

// start starts a machine; accel is kvm or tcg.
func start(o options, files bootFiles, accel string) (*machine, error) {
	path, err := exec.LookPath(qemuProgram)
	if err != nil {
		return nil, fmt.Errorf("%s is missing: run make deps", qemuProgram)
	}
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	m := &machine{cmd: exec.Command(path, qemuArgs(o, files, accel)...)}
	m.cmd.ExtraFiles = []*os.File{theirs} // descriptor 3
	m.cmd.Stderr = &m.stderr
	if o.shell {
		m.cmd.Stdin, m.cmd.Stdout, m.cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	} else {
		// A group of its own: Ctrl-C is for us, who then end QEMU.
		m.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	}
	err = m.cmd.Start()
	theirs.Close()
	if err != nil {
		ours.Close()
		return nil, err
	}
	m.port = ours
	m.stop = sync.OnceFunc(func() {
		if o.shell { // QEMU has the terminal and must put it back in order
			_ = m.cmd.Process.Signal(syscall.SIGTERM)
		} else {
			_ = m.cmd.Process.Kill()
		}
		_ = m.cmd.Wait() // killed: the status says nothing
		ours.Close()
	})
	return m, nil
}

// socketPair makes the two ends of the port: a connection and a file for QEMU.
func socketPair() (net.Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	ours := os.NewFile(uintptr(fds[0]), "port")
	defer ours.Close() // FileConn has its own copy
	theirs := os.NewFile(uintptr(fds[1]), "port")
	conn, err := net.FileConn(ours)
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return conn, theirs, nil
}

// qemuArgs is QEMU's command line.
func qemuArgs(o options, files bootFiles, accel string) []string {
	args := []string{
		"-nodefaults", "-display", "none", "-no-reboot", "-no-user-config",
		"-M", "pc", "-smp", strconv.Itoa(o.smp), "-m", strconv.Itoa(o.memory),
		"-kernel", files.kernel, "-initrd", files.initrd, "-append", kernelArgs(o, accel),
		"-device", "virtio-serial-pci,max_ports=2", // the driver makes queues for all of them
		"-chardev", "socket,id=port,fd=3",
		"-device", "virtserialport,chardev=port,name=" + portName,
	}
	switch {
	case accel == "kvm":
		args = append(args, "-accel", "kvm", "-cpu", "host")
	case o.icount:
		args = append(args, "-accel", "tcg,thread=single", "-cpu", "max", "-icount", "shift=0,sleep=off")
	default:
		args = append(args, "-accel", "tcg,thread=multi", "-cpu", "max")
	}
	if o.shell {
		args = append(args, "-serial", "mon:stdio")
	} else {
		args = append(args, "-chardev", "file,id=console,path="+files.console, "-serial", "chardev:console")
	}
	if o.nic {
		args = append(args, nicArgs(2)...)
	}
	return args
}

// nicArgs is n cards on one hub: what one sends, the others receive.
func nicArgs(n int) []string {
	var args []string
	for i := range n {
		args = append(args,
			"-netdev", fmt.Sprintf("hubport,id=net%d,hubid=0", i),
			"-device", fmt.Sprintf("virtio-net-pci,netdev=net%d,mac=52:54:00:00:00:%02x,romfile=", i, i+1))
	}
	return args
}

// kernelArgs is the kernel's command line.
func kernelArgs(o options, accel string) string {
	words := []string{
		"console=ttyS0", "loglevel=5", // warnings are seen
		"panic=-1", "oops=panic", // the end is seen at once, -no-reboot makes it QEMU's end
		"random.trust_cpu=on", "cryptomgr.notests", "no_timer_check", "nokaslr",
	}
	if accel == "tcg" {
		// An emulated processor may stand still for a while on a busy host.
		words = append(words, "nowatchdog", "rcupdate.rcu_cpu_stall_suppress=1", "tsc=reliable")
	}
	if o.append != "" {
		words = append(words, o.append)
	}
	return strings.Join(words, " ")
}
