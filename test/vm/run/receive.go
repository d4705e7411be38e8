// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
)

// receiver unpacks the guest's /out as it comes in. The zero directory drops it.
type receiver struct {
	*io.PipeWriter
	done chan error
}

func newReceiver(dir string) *receiver {
	r, w := io.Pipe()
	rec := &receiver{w, make(chan error, 1)}
	go func() {
		err := unpackTar(dir, r)
		r.CloseWithError(err) // a writer that goes on learns why it is over
		rec.done <- err
	}()
	return rec
}

// close waits for the last file. If the stream was cut off that is no news.
func (r *receiver) close(whole bool) error {
	r.PipeWriter.Close()
	err := <-r.done
	if !whole {
		return nil
	}
	return err
}

// unpackTar writes an archive below dir and nowhere else, whatever names it has.
func unpackTar(dir string, r io.Reader) error {
	if dir == "" {
		_, err := io.Copy(io.Discard, r)
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	tr := tar.NewReader(r)
	for {
		head, err := tr.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, r) // the padding
			return err
		}
		if err != nil {
			return fmt.Errorf("read the guest's files: %w", err)
		}
		if err := unpackEntry(root, head, tr); err != nil {
			return err
		}
	}
}

func unpackEntry(root *os.Root, head *tar.Header, r io.Reader) error {
	name := path.Clean(head.Name)
	switch head.Typeflag {
	case tar.TypeDir:
		return root.MkdirAll(name, 0o755)
	case tar.TypeSymlink:
		_ = root.Remove(name) // of an earlier run
		return root.Symlink(head.Linkname, name)
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, head.FileInfo().Mode().Perm()|0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(f, r); err != nil {
		return err
	}
	return f.Close()
}
