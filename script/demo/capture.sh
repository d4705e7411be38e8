#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# capture.sh HOPDUMP TRAFFIC FILE: the demo's capture, as root. Two network
# namespaces joined by a veth pair, traffic of several kinds between them, all of
# it recorded into FILE. The namespaces are removed at the end, also when
# interrupted.
set -eu

hopdump=$1 traffic=$2 file=$3
here=192.0.2.1 there=192.0.2.2 here6=2001:db8::1 there6=2001:db8::2

made=''      # namespaces to remove
processes='' # to end

die() {
	echo "demo: $*" >&2
	exit 1
}

clean_up() {
	trap '' HUP INT TERM
	for process in $processes; do
		kill "$process" 2>/dev/null || true
	done
	wait
	for namespace in $made; do
		ip netns del "$namespace" || true
	done
	rm -rf "$tmp"
}

tmp=$(mktemp -d)
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

for namespace in demo1 demo2; do
	ip netns add "$namespace" ||
		die "if an earlier demo was killed, this removes what it left: ip netns del $namespace"
	made="$made $namespace"
	ip -n "$namespace" link set lo up
done
ip link add va netns demo1 type veth peer name vb netns demo2
ip -n demo1 addr add $here/24 dev va
ip -n demo2 addr add $there/24 dev vb
ip -n demo1 addr add $here6/64 dev va nodad
ip -n demo2 addr add $there6/64 dev vb nodad
ip -n demo1 link set va up
ip -n demo2 link set vb up
# The link is up when these are answered; the neighbours know each other then.
for address in $there $there6; do
	ip netns exec demo1 ping -n -q -c 1 -w 30 "$address" >"$tmp/ping" || die "no way to $address: $(cat "$tmp/ping")"
done

# A process is named after the file it was started from.
ln -s "$traffic" "$tmp/client"
ln -s "$traffic" "$tmp/server"
mkfifo "$tmp/ready" "$tmp/said"
ip netns exec demo2 "$tmp/server" serve $there $there6 >"$tmp/ready" &
processes="$processes $!"
read -r _ <"$tmp/ready" || die "the server does not start"

send() {
	for address in $there $there6; do
		ip netns exec demo1 ping -n -q -c 1 "$address" >/dev/null
		ip netns exec demo1 ping -n -q -c 1 -s 1000 "$address" >/dev/null
	done
	ip netns exec demo1 "$tmp/client" send $there $there6
}

# The first packets of their kind are slow: caches are cold, and an emulated
# processor translates the code they pass.
send
echo "kernel $(uname -r)"
"$hopdump" --netns demo1 -w "$file" "host $there or host $there6" 2>"$tmp/said" &
capture=$!
processes="$processes $capture"
exec 3<"$tmp/said"
records=''
while [ -z "$records" ] && read -r line <&3; do
	printf '%s\n' "$line"
	case $line in
	"listening on "*) records=yes ;;
	esac
done
[ -n "$records" ] || die "hopdump does not record"

send
kill -INT "$capture"
cat <&3
wait "$capture"
