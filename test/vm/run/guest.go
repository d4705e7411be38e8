// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"archive/tar"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// guestMain is process 1 of the machine. If it returned the kernel would panic:
// whatever happens, it tells the host and switches off.
func guestMain() {
	port, err := guestRun()
	if err != nil {
		// The console comes second: without a port it is the only way out.
		fmt.Fprintf(os.Stderr, "init: %v\n", err)
		if port != nil {
			_ = port.send(frameError, []byte(err.Error()))
		}
	}
	if port != nil {
		_ = port.send(frameEnd, nil)
	}
	unix.Sync()
	// A write to the port returns when the frame is in the queue; QEMU takes it
	// from there in its own time, and what is left at power-off is lost.
	time.Sleep(time.Second)
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	select {}
}

func guestRun() (*frameWriter, error) {
	if err := mountAll(); err != nil {
		return nil, err
	}
	conf, err := readConfig()
	if err != nil {
		return nil, err
	}
	if err := loadModules(conf.Modules); err != nil {
		return nil, err
	}
	file, err := openPort(10 * time.Second)
	if err != nil {
		return nil, err
	}
	port := &frameWriter{w: file}
	if err := setUp(conf); err != nil {
		return port, err
	}
	if err := port.send(frameStarted, nil); err != nil {
		return port, err
	}
	status, err := runCommand(conf, port, file)
	if err != nil {
		return port, err
	}
	if conf.SendOut {
		if err := sendTree(stream{port, frameFiles}, outDir); err != nil {
			return port, err
		}
	}
	return port, port.send(frameStatus, binary.BigEndian.AppendUint32(nil, uint32(status)))
}

// mountAll mounts the kernel's file systems. There is none on /tmp: the root is
// a tmpfs itself, and one more would hide what the host put there.
func mountAll() error {
	for _, m := range []struct {
		kind, dir string
		optional  bool // not on every kernel, or already there
	}{
		{"proc", "/proc", false},
		{"sysfs", "/sys", false},
		{"devtmpfs", "/dev", false},
		{"devpts", "/dev/pts", false},
		{"tmpfs", "/dev/shm", false},
		{"tmpfs", "/run", false},
		{"cgroup2", "/sys/fs/cgroup", false},
		{"bpf", "/sys/fs/bpf", false},
		{"tracefs", "/sys/kernel/tracing", false},
		{"debugfs", "/sys/kernel/debug", true},
		{"securityfs", "/sys/kernel/security", true},
	} {
		err := os.MkdirAll(m.dir, 0o755)
		if err == nil {
			err = unix.Mount(m.kind, m.dir, m.kind, 0, "")
		}
		if err != nil && !m.optional {
			return fmt.Errorf("mount %s: %w", m.dir, err)
		}
	}
	// As on a machine with systemd, where namespaces see each other's mounts.
	return unix.Mount("", "/", "", unix.MS_SHARED|unix.MS_REC, "")
}

func readConfig() (config, error) {
	var conf config
	b, err := os.ReadFile(configPath)
	if err != nil {
		return conf, err
	}
	return conf, json.Unmarshal(b, &conf)
}

func loadModules(modules []moduleFile) error {
	for _, m := range modules {
		f, err := os.Open(m.Path)
		if err != nil {
			return fmt.Errorf("load module: %w", err)
		}
		err = unix.FinitModule(int(f.Fd()), m.Params, 0)
		f.Close()
		if err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("load module %s: %w", m.Path, err)
		}
	}
	return nil
}

// openPort waits for the port to the host: the driver finds its device on its own time.
func openPort(wait time.Duration) (*os.File, error) {
	for end := time.Now().Add(wait); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		names, err := filepath.Glob("/sys/class/virtio-ports/*/name")
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil || strings.TrimSpace(string(b)) != portName {
				continue
			}
			return openBlocking("/dev/" + filepath.Base(filepath.Dir(name)))
		}
	}
	return nil, errors.New("no port to the host: is virtio_console loaded?")
}

// openBlocking opens a device for plain blocking reads and writes. A port that
// is set to non-blocking loses what the host does not take at once.
func openBlocking(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}

// setUp makes the machine a place where programs feel at home.
func setUp(conf config) error {
	if err := unix.Sethostname([]byte(conf.Hostname)); err != nil {
		return err
	}
	for resource, limit := range map[int]uint64{
		unix.RLIMIT_MEMLOCK: unix.RLIM_INFINITY, // BPF memory counts against it before 5.11
		unix.RLIMIT_NOFILE:  65536,
		unix.RLIMIT_CORE:    0,
	} {
		if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
			return fmt.Errorf("set limit %d: %w", resource, err)
		}
	}
	if err := linkUp("lo"); err != nil {
		return err
	}
	if err := os.MkdirAll(conf.Dir, 0o755); err != nil {
		return err
	}
	return os.MkdirAll(outDir, 0o777)
}

func linkUp(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr); err != nil {
		return fmt.Errorf("set %s up: %w", name, err)
	}
	return nil
}

// runCommand runs the command and returns its exit status. A request from the
// host (it sends one when time is up) makes the command say where it hangs.
func runCommand(conf config, port *frameWriter, host io.Reader) (int, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer read.Close()
	proc, err := startCommand(conf, write)
	write.Close()
	if err != nil { // the command's fault, so it gets the status a shell would give
		fmt.Fprintf(stream{port, frameOutput}, "init: %v\n", err)
		return 127, nil
	}
	go dumpOnRequest(host, proc.Pid)

	copied := make(chan error, 1)
	go func() {
		_, err := io.Copy(stream{port, frameOutput}, read)
		copied <- err
	}()
	status, err := reap(proc.Pid)
	if err != nil {
		return 0, err
	}
	select { // a process left behind may hold the pipe for ever
	case err = <-copied:
	case <-time.After(time.Second):
	}
	return status, err
}

// startCommand starts the command as leader of a session, both its outputs
// joined in one pipe, so that they stay in order. A shell gets the console.
func startCommand(conf config, output *os.File) (*os.Process, error) {
	path, err := lookPath(conf.Command[0], conf.Env)
	if err != nil {
		return nil, err
	}
	files, err := commandFiles(conf, output)
	if err != nil {
		return nil, err
	}
	return os.StartProcess(path, conf.Command, &os.ProcAttr{
		Dir: conf.Dir, Env: conf.Env, Files: files,
		Sys: &syscall.SysProcAttr{Setsid: true, Setctty: conf.Shell}, // of descriptor 0
	})
}

// commandFiles returns the command's standard input, output and error.
func commandFiles(conf config, output *os.File) ([]*os.File, error) {
	if conf.Shell {
		console, err := openBlocking("/dev/ttyS0")
		return []*os.File{console, console, console}, err
	}
	null, err := os.Open(os.DevNull)
	return []*os.File{null, output, output}, err
}

// dumpOnRequest makes the kernel (blocked tasks, on the console) and the command
// with its children (Go programs print all goroutines) tell what they wait for.
func dumpOnRequest(host io.Reader, leader int) {
	if _, err := host.Read(make([]byte, 1)); err != nil {
		return
	}
	_ = os.WriteFile("/proc/sysrq-trigger", []byte("w"), 0)
	_ = unix.Kill(-leader, unix.SIGQUIT)
}

// reap waits for pid, and for orphans on the way: they are process 1's to bury.
func reap(pid int) (int, error) {
	for {
		var ws unix.WaitStatus
		got, err := unix.Wait4(-1, &ws, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, fmt.Errorf("wait: %w", err)
		case got == pid && ws.Exited():
			return ws.ExitStatus(), nil
		case got == pid && ws.Signaled():
			return 128 + int(ws.Signal()), nil
		}
	}
}

// lookPath finds name as the command's own environment would.
func lookPath(name string, env []string) (string, error) {
	for _, kv := range env {
		if path, ok := strings.CutPrefix(kv, "PATH="); ok {
			if err := os.Setenv("PATH", path); err != nil {
				return "", err
			}
		}
	}
	return exec.LookPath(name)
}

// sendTree writes what is in dir as a tar archive.
func sendTree(w io.Writer, dir string) error {
	tw := tar.NewWriter(w)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		return sendFile(tw, dir, path, d)
	})
	if err != nil {
		return fmt.Errorf("send %s: %w", dir, err)
	}
	return tw.Close()
}

// sendFile writes one entry; sockets, pipes and devices stay behind.
func sendFile(tw *tar.Writer, dir, path string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	link := ""
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		if link, err = os.Readlink(path); err != nil {
			return err
		}
	case !info.IsDir() && !info.Mode().IsRegular():
		return nil
	}
	head, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return err
	}
	if head.Name, err = filepath.Rel(dir, path); err != nil {
		return err
	}
	if err := tw.WriteHeader(head); err != nil || !info.Mode().IsRegular() {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(tw, f)
	return err
}
