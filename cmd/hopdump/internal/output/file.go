// SPDX-License-Identifier: Apache-2.0

package output

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"sync"
	"time"

	"hopdump/pcapng"
)

// Create creates or opens the file name; what is in it goes when the first
// packet or header is written, not before. A new file can be read by its owner
// alone, who is the caller of sudo if there is one.
func Create(name string) (f *os.File, isNew bool, err error) {
	f, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		f, err = os.OpenFile(name, os.O_WRONLY, 0o600)
		return f, false, err
	}
	if err != nil {
		return nil, false, err
	}
	if uid, gid, ok := sudoUser(); ok {
		if err := f.Chown(uid, gid); err != nil {
			f.Close()
			return nil, true, err
		}
	}
	return f, true, nil
}

// sudoUser returns who called sudo, if this is root by sudo.
func sudoUser() (uid, gid int, ok bool) {
	if os.Geteuid() != 0 {
		return 0, 0, false
	}
	uid, err := strconv.Atoi(os.Getenv("SUDO_UID"))
	if err != nil || uid < 0 {
		return 0, 0, false
	}
	gid, err = strconv.Atoi(os.Getenv("SUDO_GID"))
	return uid, gid, err == nil && gid >= 0
}

// WriteError reports that a file could not be written to the end. What is in it
// can be read.
type WriteError struct {
	Name       string
	Safe, Lost int64 // packets in the file, and not in it
	Err        error
}

func (e *WriteError) Error() string {
	return fmt.Sprintf("%s: %v; %s safe, %d not written", e.Name, e.Err, areSafe(e.Safe), e.Lost)
}

// Unwrap returns the cause.
func (e *WriteError) Unwrap() error { return e.Err }

func areSafe(n int64) string {
	if n == 1 {
		return "1 packet is"
	}
	return fmt.Sprintf("%d packets are", n)
}

// File writes records to a pcapng file. It is safe for concurrent use.
type File struct {
	mu     sync.Mutex // guards everything below
	f      *os.File
	name   string
	w      *pcapng.FileWriter
	each   bool
	isNew  bool
	cut    bool // whether the file may be cut back
	err    error
	due    deadline
	failed func(error)
}

// FileOptions say how a [File] hands on.
type FileOptions struct {
	Each   bool        // after every packet
	IsNew  bool        // the file was not there before
	Failed func(error) // called once, when handing on by delay fails; may be nil
	Format pcapng.FileOptions
}

// NewFile returns a File on f, which messages call name.
func NewFile(f *os.File, name string, opts FileOptions) *File {
	opts.Format.Buffer = bufferSize
	file := &File{
		f: f, name: name, w: pcapng.NewFileWriter(&emptier{f: f, done: opts.IsNew || f == os.Stdout}, opts.Format),
		each: opts.Each, isNew: opts.IsNew, cut: f != os.Stdout, failed: opts.Failed,
	}
	file.due = deadline{delay: Delay(f), flush: file.expire}
	return file
}

// emptier empties a file that was there before at the first write to it.
type emptier struct {
	f    *os.File
	done bool
}

func (e *emptier) Write(b []byte) (int, error) {
	if !e.done {
		e.done = true
		if info, err := e.f.Stat(); err == nil && info.Mode().IsRegular() {
			if err := e.f.Truncate(0); err != nil {
				return 0, err
			}
		}
	}
	return e.f.Write(b)
}

// Write writes one record.
func (f *File) Write(r *pcapng.Record) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	if err := f.w.Write(r); err != nil {
		return f.fail(err)
	}
	if f.each {
		return f.flush()
	}
	f.due.arm()
	return nil
}

// Flush hands on everything written so far, also the header of the file.
func (f *File) Flush() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.flush()
}

func (f *File) flush() error {
	f.due.disarm()
	if f.err != nil {
		return f.err
	}
	return f.fail(f.w.Flush())
}

// Close writes the statistics and closes the file.
func (f *File) Close(stats ...pcapng.Statistics) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.due.disarm()
	if f.err == nil {
		f.fail(f.w.Close(stats...))
	}
	if err := f.f.Close(); f.err == nil && err != nil {
		f.fail(err)
	}
	return f.err
}

// Abandon closes the file without writing anything, and removes it if it was
// not there before.
func (f *File) Abandon() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.due.disarm()
	f.err = os.ErrClosed
	f.f.Close()
	if f.isNew {
		os.Remove(f.name)
	}
}

// fail keeps err, if it is one, and cuts the file back to the last whole block.
func (f *File) fail(err error) error {
	if err == nil {
		return nil
	}
	size, safe := f.w.Written()
	_, all := f.w.Accepted()
	if info, e := f.f.Stat(); f.cut && e == nil && info.Mode().IsRegular() {
		f.f.Truncate(size) // of no use if it fails: the message stays the same
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	f.err = &WriteError{Name: f.name, Safe: safe, Lost: all - safe, Err: err}
	return f.err
}

// expire runs when the delay is over.
func (f *File) expire() {
	f.mu.Lock()
	before := f.err
	f.due.armed = false
	err := f.flush()
	f.mu.Unlock()
	if before == nil && err != nil && f.failed != nil {
		f.failed(err)
	}
}

// now is a time as files have it.
func now() int64 { return time.Now().UnixNano() }

// Statistics describes a whole capture that began at start for the file's end.
func Statistics(start time.Time, received, dropped uint64) pcapng.Statistics {
	return pcapng.Statistics{
		Time: now(), Start: start.UnixNano(), End: now(),
		Accepted: &received, OSDropped: &dropped,
	}
}
