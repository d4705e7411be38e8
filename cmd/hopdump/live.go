// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"

	"hopdump/capture"
	"hopdump/cmd/hopdump/internal/session"
)

// thisMachine is the host that hopdump runs on.
var thisMachine = machine{
	start: func(ctx context.Context, opts capture.Options) (engine, error) {
		c, err := capture.Start(ctx, opts)
		if err != nil {
			return nil, wordCaptureError(err)
		}
		return c, nil
	},
	listHops: func(opts capture.Options) ([]hopRow, string, error) {
		list, header, err := capture.ListHops(opts)
		if err != nil {
			return nil, "", wordCaptureError(err)
		}
		rows := make([]hopRow, len(list))
		for i, row := range list {
			rows[i] = hopRow(row)
		}
		return rows, header, nil
	},
	session: func() (session.Flow, bool) { return session.Find("/proc") },
}

// wordCaptureError makes a misspelt hop a mistake on the command line, which it
// is. The other errors of package capture are worded there.
func wordCaptureError(err error) error {
	if hop := (*capture.HopError)(nil); errors.As(err, &hop) {
		return &usageError{err.Error()}
	}
	return err
}
