#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# demo.sh [vm]: shows what hopdump does. Records traffic between two network
# namespaces, leaves it as demo.pcapng in the current directory, and prints the
# packets with their hops.
#
# On this machine if its kernel allows fentry, else (or with vm) in a virtual
# machine; where there cannot be one, on this machine with what it allows.
# KERNEL (default 6.12) chooses the kernel of the virtual machine.
set -eu

say() {
	echo "demo: $*" >&2
}

# need GROUP PROGRAM... installs a group of packages unless these programs are there.
need() {
	group=$1
	shift
	for program in "$@"; do
		if ! command -v "$program" >/dev/null; then
			script/deps.sh "$group"
			return
		fi
	done
}

# as_root CMD ARG... runs it with sudo if need be.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# probe tries to record here. refusal is why not everything can be recorded,
# empty if it can; allowed is yes if anything can.
probe() {
	refusal='' allowed=''
	if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
		refusal="recording needs root, and there is no sudo"
	elif as_root bin/hopdump -i lo --duration 1ms -w - >/dev/null 2>"$tmp/probe"; then
		allowed=yes
		refusal=$(sed -n 's/^hopdump: \(this kernel refuses fentry[^;]*\).*/\1/p' "$tmp/probe")
	else
		refusal=$(tail -n 1 "$tmp/probe")
	fi
}

# in_vm records in a virtual machine.
in_vm() {
	script/deps.sh test &&
		make --no-print-directory bin/vmrun || return
	say "recording in a virtual machine with fentry, kernel $kernel (about a minute where there is no KVM)"
	# shellcheck disable=SC2016 # the guest's kernel
	bin/vmrun -kernel "$kernel" -timeout 10m -out "$tmp/out" -tools ip,ping \
		-file bin/hopdump:/bin/hopdump -file bin/traffic:/bin/traffic -file script/demo/capture.sh:/bin/capture.sh \
		-- /bin/sh /bin/capture.sh /bin/hopdump /bin/traffic /out/demo.pcapng &&
		cp "$tmp/out/demo.pcapng" "$file"
}

# natively records on this machine.
natively() {
	need test ip ping
	say "recording on this machine"
	as_root sh script/demo/capture.sh "$PWD/bin/hopdump" "$PWD/bin/traffic" "$file"
}

# record does what suits this machine.
record() {
	probe
	if [ -z "$refusal" ]; then
		natively
		return
	fi
	say "not everything can be recorded here: $refusal"
	in_vm && return
	if [ -z "$allowed" ]; then
		say "the virtual machine does not work either, the reason is above"
		return 1
	fi
	say "the virtual machine does not work, the reason is above: fewer hops, then, on this machine"
	natively
	say "make demo-vm tries the virtual machine again"
}

# see ARG... shows and runs a command that reads the file.
see() {
	printf '\n$ hopdump -r demo.pcapng -n'
	for arg in "$@"; do
		case $arg in
		*' '*) printf " '%s'" "$arg" ;;
		*) printf ' %s' "$arg" ;;
		esac
	done
	printf '\n'
	"$top/bin/hopdump" -r demo.pcapng -n "$@"
}

# show prints what is in the file.
show() {
	cd "$(dirname "$file")"
	printf '\nEvery packet is a line: when, where and what; behind the bar its way through the kernel.\n'
	see
	printf '\nThe way in full. A figure belongs to the way to its hop; * marks the largest.\n'
	see -v -c 1 'udp dst port 9000 and greater 1000'
	see -v -c 1 'tcp dst port 9001 and greater 2000'
	see -v -c 1 'icmp and greater 1000'
	see -v -c 1 'ip6 and udp and greater 1000'
	printf '\nA datagram to a port where nobody listens: where it died, and why.\n'
	see -v -c 1 'udp dst port 9999'
	printf '\nThe file is %s: wireshark demo.pcapng shows the hops as packet comments.\n' "$file"
}

[ $# -eq 0 ] || { [ $# -eq 1 ] && [ "$1" = vm ]; } || {
	echo "usage: demo.sh [vm]" >&2
	exit 2
}
file=$PWD/demo.pcapng
kernel=${KERNEL:-6.12}
cd "$(dirname "$0")/.."
top=$PWD
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

need build go make git
make --no-print-directory build
CGO_ENABLED=0 go build -trimpath -o bin/traffic ./script/demo/traffic
if [ $# -eq 1 ]; then
	in_vm
else
	record
fi
show
