#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# vm-test.sh KERNEL [go test flag...]: the end-to-end tests in one virtual machine
# with this kernel, and with bin/hopdump as /bin/hopdump. What they leave in /out
# is in bin/vm/KERNEL afterwards. VM_TIMEOUT (default 20m) limits the run,
# VM_PACKAGES names other packages to test, VM_FLAGS has more flags for
# test/vm/run, VM_BUILT says that the binaries are up to date.
set -eu
cd "$(dirname "$0")/.."

[ $# -ge 1 ] || {
	echo "usage: vm-test.sh KERNEL [go test flag...]" >&2
	exit 2
}
kernel=$1
shift
packages=${VM_PACKAGES:-./test/e2e}

# Old kernels are refused: the message is all there is to test. Nothing to run
# would pass, hence the look for it.
if [ "$kernel" = 5.10 ]; then
	# shellcheck disable=SC2086 # a list of words
	go test -list '^TestOldKernel' $packages | grep -q '^TestOldKernel' || {
		echo "vm-test.sh: no TestOldKernel in $packages" >&2
		exit 1
	}
	set -- -run '^TestOldKernel' "$@"
else
	set -- -skip '^TestOldKernel' "$@"
fi

rm -rf "bin/vm/$kernel"
[ -n "${VM_BUILT:-}" ] || make --no-print-directory build bin/vmrun
echo "vm-test.sh: kernel $kernel" >&2
limit=${VM_TIMEOUT:-20m}
run="'$PWD/bin/vmrun' -kernel $kernel -nic -timeout $limit -out '$PWD/bin/vm/$kernel'"
run="$run -file '$PWD/bin/hopdump:/bin/hopdump' -tools ip,tc,bridge,nft,nstat,tcpdump,ping,ethtool,bpftool ${VM_FLAGS:-}"
# vmrun ends the run in time and says why; go test's own limit is behind it.
# shellcheck disable=SC2086 # a list of words
CGO_ENABLED=0 exec go test -count=1 -p 1 -timeout 1h -exec "$run" "$@" $packages
