#!/usr/bin/env bash
# All that CI runs: builds once, starts one API server for the run, then every test. Stops what it started.
set -euo pipefail
cd "$(dirname "$0")/.."
say() { printf '\n== %s\n' "$*" >&2; }

say "test cluster (built once, a few minutes when cold)"
if [ -z "${PORTOLAN_TEST_KUBECONFIG:-}" ]; then
  cluster=$(tests/cluster/build.sh)
fi
if command -v go >/dev/null; then
  # As the cluster itself is built, so that what Go has compiled for it is used again; vet would read all of Kubernetes.
  say "the test cluster's own tests"
  (cd tests/cluster && GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS=-mod=readonly go test -p 2 -trimpath -vet=off ./...) >&2
fi
say "official clients"
tests/clients/install.sh
say "binaries"
cargo build --workspace --bins
if [ -z "${PORTOLAN_TEST_KUBECONFIG:-}" ]; then
  dir=$(mktemp -d)
  trap '"$cluster" down --dir "$dir" >&2; rm -rf "$dir"' EXIT
  "$cluster" up --dir "$dir" --detach >&2
  export PORTOLAN_TEST_KUBECONFIG=$dir/kubeconfig
fi
say "tests"
cargo test --workspace
if command -v valgrind >/dev/null; then
  say "instructions of a call, beside the baseline"
  scripts/bench-instructions.sh
else
  say "NO INSTRUCTIONS WERE COUNTED: without valgrind nobody notices that a call has become dearer (apt-get install valgrind)"
fi
