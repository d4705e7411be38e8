#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# kernel.sh [-u] KERNEL: fetches Debian's newest cloud kernel of a series and
# prints the directory it is in. KERNEL is 5.10, 6.1, 6.12 or 7 (the newest 7.x);
# -u looks for a newer one even if there is one in the cache.
#
# The directory holds vmlinuz, vmlinux if it could be unpacked, modules (the tree
# that is /lib/modules/RELEASE, uncompressed, with modules.dep), release, package.
#
# The cache is ${HOPDUMP_VM_CACHE:-~/.cache/hopdump/vm}. Packages come from where
# this machine's own apt gets its packages; HOPDUMP_VM_MIRROR and
# HOPDUMP_VM_SECURITY_MIRROR say otherwise.
set -eu

die() {
	echo "kernel.sh: $*" >&2
	exit 1
}

usage() {
	echo "usage: kernel.sh [-u] 5.10|6.1|6.12|7" >&2
	exit 2
}

# suites KERNEL lists the suites that may have it, and nothing else: each costs
# ten megabytes of package lists.
suites() {
	case $1 in
	5.10) echo "bullseye bullseye-updates bullseye-security" ;;
	6.1) echo "bookworm bookworm-updates bookworm-security" ;;
	6.12) echo "bookworm-backports bookworm-security" ;;
	7) echo "trixie-backports" ;;
	*) usage ;;
	esac
}

# fallback KERNEL lists the suites to try when none of those has it.
fallback() {
	case $1 in
	6.12) echo "trixie trixie-updates trixie-security" ;;
	7) echo "forky sid" ;;
	esac
}

# pattern KERNEL is the extended regular expression its package name matches.
# Up to 7.2 the kernel is in linux-image-*, from then on in linux-binary-*.
pattern() {
	case $1 in
	7) series='7\.[0-9]+' ;;
	*) series=$(echo "$1" | sed 's/\./\\./g') ;;
	esac
	echo "^linux-(image|binary)-($series)(\\.[0-9]+)*(-[0-9]+|\\+[a-z0-9.+]+)*-cloud-amd64\$"
}

# base security|main prints the archive's address as this machine knows it.
base() {
	if [ "$1" = security ]; then
		given=${HOPDUMP_VM_SECURITY_MIRROR:-}
		want='-security$'
	else
		given=${HOPDUMP_VM_MIRROR:-}
		want='^(old)*(stable|testing|unstable|sid|bullseye|bookworm|trixie|forky)(-updates|-backports)?$'
	fi
	if [ -n "$given" ]; then
		echo "$given"
		return
	fi
	# shellcheck disable=SC2016 # apt's variables, not the shell's
	apt-get indextargets --format '$(RELEASE) $(SITE)' 'Created-By: Packages' |
		awk -v want="$want" '$1 ~ want { print $2; exit }'
}

# sources SUITE... writes the private source list.
sources() {
	main=$(base main)
	[ -n "$main" ] || die "apt has no Debian source; set HOPDUMP_VM_MIRROR to the address of a mirror"
	security=$(base security)
	keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	signed=
	[ -r $keyring ] && signed="[signed-by=$keyring] "
	for suite in "$@"; do
		case $suite in
		*-security) echo "deb $signed${security:-${main%/}-security} $suite main" ;;
		*) echo "deb $signed$main $suite main" ;;
		esac
	done >"$apt/sources.list"
}

# private CMD ARG... runs one of apt's commands on the private tree, so that the
# machine's own lists, pins and package state are neither used nor changed.
# Its settings (proxies and the like) do hold.
private() {
	cmd=$1
	shift
	"$cmd" -q -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
		-o Dir::State="$apt/state" -o Dir::State::status="$apt/status" \
		-o Dir::Cache="$apt/cache" -o APT::Architecture=amd64 -o APT::Architectures::=amd64 \
		-o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=3 \
		-o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
		-o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false "$@"
}

# newest KERNEL prints "package version" of its newest package in the lists.
# Where there is a linux-binary, linux-image only depends on it.
newest() {
	private apt-cache dumpavail | awk -v want="$(pattern "$1")" '
		/^Package: / { name = $2 }
		/^Version: / && name ~ want { print $2, name ~ /^linux-binary/, name }' |
		sort -V | awk 'END { if (NR) print $3, $1 }'
}

# update SUITE... reads the lists of these suites. A suite that is gone makes apt
# fail; what counts is whether the package is found in the others.
update() {
	sources "$@"
	private apt-get update >"$apt/log" 2>&1 || true
}

# find_package KERNEL prints "package version", from the first list of suites that has it.
find_package() {
	# shellcheck disable=SC2046 # a list of words
	update $(suites "$1")
	found=$(newest "$1")
	if [ -z "$found" ] && [ -n "$(fallback "$1")" ]; then
		# shellcheck disable=SC2046 # a list of words
		update $(fallback "$1")
		found=$(newest "$1")
	fi
	[ -n "$found" ] || {
		tail -n 20 "$apt/log" >&2
		die "cannot reach the archive, or no package matches $(pattern "$1") in: $(suites "$1") $(fallback "$1")"
	}
	echo "$found"
}

# download DIR PACKAGE... fetches packages ("name=version") and unpacks them there.
download() {
	into=$1
	shift
	mkdir -p "$tmp/deb"
	(cd "$tmp/deb" && private apt-get download "$@") >>"$apt/log" 2>&1 || return 1
	for deb in "$tmp"/deb/*.deb; do
		dpkg-deb -x "$deb" "$into" || return 1
		rm "$deb"
	done
}

# fetch KERNEL unpacks its packages in $tmp/root and sets $package to name and
# version. It fails if a download does.
fetch() {
	package=$(find_package "$1") || exit
	name=${package% *}
	version=${package#* }
	echo "kernel.sh: fetching $name $version" >&2
	set -- "$name=$version"
	case $name in
	linux-binary-*) # modules.builtin is in linux-base
		set -- "$@" "linux-modules-${name#linux-binary-}=$version" "linux-base-${name#linux-binary-}=$version"
		;;
	esac
	download "$tmp/root" "$@"
}

# arrange PACKAGE turns the unpacked packages into the tree the runner reads.
arrange() {
	modules=$(find "$tmp/root" -type d -path '*/lib/modules/*/kernel' | head -n 1)
	[ -n "$modules" ] || die "$1 has no modules"
	modules=${modules%/kernel}
	release=${modules##*/}
	# 7.3 has moved the kernel from /boot to its modules.
	image=$(find "$tmp/root" -type f \( -name "vmlinuz-$release" -o -name vmlinuz \) | head -n 1)
	[ -n "$image" ] || die "$1 has no vmlinuz of $release"
	find "$modules" -name '*.ko.xz' -exec xz -dT1 {} +
	find "$modules" -name '*.ko.zst' -exec zstd -dq --rm {} +

	mkdir -p "$tmp/depmod/lib/modules" "$tmp/new"
	mv "$image" "$tmp/new/vmlinuz"
	unpack "$tmp/new/vmlinuz" "$tmp/new/vmlinux"
	mv "$modules" "$tmp/depmod/lib/modules/"
	depmod -b "$tmp/depmod" "$release"
	mv "$tmp/depmod/lib/modules/$release" "$tmp/new/modules"
	echo "$release" >"$tmp/new/release"
	echo "$1" >"$tmp/new/package"
}

# number FILE OFFSET TYPE prints an unsigned number in a file; TYPE is od's.
number() {
	od -An -t"$3" -j "$2" -N "${3#u}" "$1" | tr -d ' '
}

# unpack VMLINUZ VMLINUX writes the ELF kernel in a bzImage, if it is in there as
# zstd: an emulated processor needs one to two seconds to unpack that by itself.
# The fields are those of the kernel's x86 boot protocol: setup_sects,
# payload_offset and payload_length (whose last four bytes are not zstd's).
unpack() {
	start=$((($(number "$1" 497 u1) + 1) * 512 + $(number "$1" 584 u4)))
	length=$(number "$1" 588 u4)
	[ "$(number "$1" $start u4)" = 4247762216 ] || return 0 # the zstd magic
	tail -c "+$((start + 1))" "$1" | head -c "$((length - 4))" | zstd -dqc >"$2" || rm -f "$2"
}

renew=
if [ "${1:-}" = -u ]; then
	renew=yes
	shift
fi
[ $# -eq 1 ] || usage
suites "$1" >/dev/null
kernel=$1
cache=${HOPDUMP_VM_CACHE:-$HOME/.cache/hopdump/vm}
tree=$cache/kernel/$kernel

PATH=$PATH:/usr/sbin:/sbin
for tool in apt-get dpkg-deb depmod xz zstd flock; do
	command -v $tool >/dev/null || die "$tool is missing: run make deps"
done

# Packages of go test run side by side, and each may ask for a kernel first.
mkdir -p "$cache/kernel"
exec 9>"$cache/kernel/$kernel.lock"
flock 9
if [ -e "$tree/release" ] && [ -z "$renew" ]; then
	echo "$tree"
	exit
fi

tmp=$(mktemp -d "$cache/kernel/$kernel.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
apt=$cache/apt-$kernel
mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
: >"$apt/status"

# A point release may vanish from the archive between its lists and its download.
fetch "$kernel" || {
	rm -rf "$tmp/root" "$tmp/deb"
	fetch "$kernel" || {
		tail -n 20 "$apt/log" >&2
		die "cannot fetch kernel $kernel; the log is $apt/log"
	}
}
arrange "$package"
rm -rf "$tree"
mv "$tmp/new" "$tree"
rm -rf "$apt"
echo "$tree"
