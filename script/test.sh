#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# test.sh: everything that is tested: go vet, all tests on this machine, then the
# end-to-end tests in a virtual machine for each of $KERNELS, then what came out
# of those with Wireshark's tools.
set -eu
cd "$(dirname "$0")/.."

kernels=${KERNELS:-5.10 6.1 6.12 7}
script/deps.sh test
export HOPDUMP_REQUIRE_TOOLS=1
go vet ./...
# test/tools looks at what the machines leave, so it comes last.
# shellcheck disable=SC2046 # a list of words
go test $(go list ./... | grep -v '/test/tools$')
rm -rf bin/vm

# The machines run side by side: most of the time they wait, for the kernel to
# detach or for journeys to end.
make --no-print-directory build bin/vmrun
for kernel in $kernels; do
	test/vm/kernel.sh "$kernel" >/dev/null
done
mkdir -p bin/vm
for kernel in $kernels; do
	(
		status=0
		VM_BUILT=1 script/vm-test.sh "$kernel" >"bin/vm/$kernel.log" 2>&1 || status=$?
		echo "$status" >"bin/vm/$kernel.status"
	) &
done
wait
failed=
for kernel in $kernels; do
	cat "bin/vm/$kernel.log"
	[ "$(cat "bin/vm/$kernel.status")" = 0 ] || failed="$failed $kernel"
done
[ -z "$failed" ] || {
	echo "test.sh: failed in the virtual machine with kernel$failed" >&2
	exit 1
}
go test -count=1 ./test/tools
