#!/bin/sh
# Builds the test cluster's binary and prints its path, the only line on standard output.
#
# The path holds the hash of the sources, so an up-to-date binary is found without asking Go. The
# first build compiles Kubernetes (about ten CPU minutes, 2.5 GB of memory); Go's own cache keeps that.
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)

fail() {
	echo "tests/cluster: $*" >&2
	echo "Or set PORTOLAN_TEST_KUBECONFIG to the kubeconfig of a cluster that tests may fill." >&2
	exit 1
}

sources=$(ls ./*.go | grep -v _test.go)
# shellcheck disable=SC2086 # the names hold no spaces
hash=$(cat go.mod go.sum build.sh $sources | sha256sum | cut -c1-16)
binary=$root/target/cluster/bin/$hash/portolan-cluster
if [ -x "$binary" ]; then
	echo "$binary"
	exit 0
fi

# local: never download another Go than the one that is installed.
export GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS=-mod=readonly
needed=$(sed -n 's/^go //p' go.mod)
command -v go >/dev/null || fail "needs Go $needed or newer: install it and put it on PATH."
found=$(cd / && go env GOVERSION | sed 's/^go//')
oldest=$(printf '%s\n%s\n' "$needed" "$found" | sort -V | head -n 1)
[ "$oldest" = "$needed" ] || fail "needs Go $needed or newer and found $found: install a newer one."

echo "tests/cluster: building etcd and Kubernetes (minutes the first time, seconds later)" >&2
version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
major=$(echo "$version" | cut -d. -f1 | tr -d v)
minor=$(echo "$version" | cut -d. -f2)
flags="-s -w"
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
	# Without these the server calls itself v0.0.0-master; a fixed date keeps the build reproducible.
	for variable in gitVersion="$version" gitMajor="$major" gitMinor="$minor" gitTreeState=clean buildDate=2026-01-01T00:00:00Z; do
		flags="$flags -X $package.$variable"
	done
done
mkdir -p "$(dirname "$binary")"
# Into place in one step: another build may run at the same time.
unfinished=$binary.$$
trap 'rm -f "$unfinished"' EXIT
go build -buildvcs=false -p 2 -trimpath -ldflags "$flags" -o "$unfinished" . >&2
mv "$unfinished" "$binary"
# Binaries of earlier sources: a test that still runs has used its own within the day.
find "$root/target/cluster/bin" -mindepth 1 -maxdepth 1 -mtime +1 ! -name "$hash" -exec rm -rf {} + >&2
echo "$binary"
