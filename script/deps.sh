#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# deps.sh [build|test|generate|all]: installs the Debian packages that are missing
# for building hopdump, for its tests, or for making its BPF objects anew.
# If nothing is missing it is quick, asks for no rights and changes nothing.
set -eu

die() {
	echo "deps.sh: $*" >&2
	exit 1
}

packages() {
	case $1 in
	build) echo git make ;;
	generate) echo git make clang-19 llvm-19 libbpf-dev bpftool ;;
	test)
		echo git make qemu-system-x86 busybox-static kmod xz-utils zstd cpio procps \
			bpftool tshark tcpdump iproute2 nftables iputils-ping ethtool
		;;
	all) echo "$(packages generate) $(packages test)" ;;
	*)
		echo "usage: deps.sh [build|test|generate|all]" >&2
		exit 2
		;;
	esac
}

# missing PACKAGE... prints those that are not installed.
missing() {
	for package in "$@"; do
		# shellcheck disable=SC2016 # dpkg-query's variable, not the shell's
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
	done
}

# as_root CMD ARG... runs it with sudo if need be.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "neither root nor sudo: have somebody run: $*"
	fi
}

# Debian's own Go may be older than go.mod asks for, and a Go since 1.21 gets
# the right one by itself: all that is asked for is one that can.
check_go() {
	command -v go >/dev/null || die "go is missing. Install Go $(sed -n 's/^go //p' go.mod) or later" \
		"from the Go project's downloads, or golang-go from backports if that is as new, and put it in PATH"
	go version >/dev/null 2>&1 || die "go does not start here, perhaps because it is older than go.mod asks for:" \
		"$(GOTOOLCHAIN=local go version 2>&1 | tail -n 1)"
}

cd "$(dirname "$0")/.."
group=${1:-all}
wanted=$(packages "$group")
command -v dpkg-query >/dev/null ||
	die "no dpkg here: this works on Debian. Elsewhere, install what has these names there: $wanted"
# shellcheck disable=SC2086 # a list of words
lacking=$(missing $wanted)
if [ -n "$lacking" ]; then
	# shellcheck disable=SC2086 # a list of words
	echo "deps.sh: installing" $lacking >&2
	as_root apt-get -q update
	# tshark asks a question when it is installed.
	# shellcheck disable=SC2086 # a list of words
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends $lacking
fi
check_go
