// SPDX-License-Identifier: Apache-2.0

// Package selftest holds tests to be run inside a test machine: they check the
// machine. Those named in HOPDUMP_SELFTEST go wrong on purpose, to check the
// runner.
package selftest
