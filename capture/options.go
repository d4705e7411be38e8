// SPDX-License-Identifier: Apache-2.0

package capture

import "time"

const defaultLinger = time.Second

func (o *Options) snapLen() int {
	if o.SnapLen <= 0 {
		return defaultSnapLen
	}
	return min(o.SnapLen, defaultSnapLen)
}

func (o *Options) linger() time.Duration {
	if o.Linger <= 0 {
		return defaultLinger
	}
	return o.Linger
}

func (o *Options) notice(line string) {
	if o.Notice != nil {
		o.Notice(line)
	}
}
