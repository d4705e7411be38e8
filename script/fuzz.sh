#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# fuzz.sh [DURATION]: runs every fuzz target for this long (default 30s).
set -eu
cd "$(dirname "$0")/.."

for package in $(go list ./... | grep -v '/test/'); do
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "fuzz.sh: $package $target" >&2
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${1:-30s}" "$package"
	done
done
