#!/usr/bin/env bash
# The fast suite again and again: scripts/flakes.sh [RUNS]. One failure in any run is a flake, and its output is kept.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-10}
log=target/flakes.log
cargo test --workspace --lib --bins --no-run
for run in $(seq "$runs"); do
  began=$SECONDS
  if ! cargo test --workspace --lib --bins >"$log" 2>&1; then
    echo "run $run failed: see $log" >&2
    exit 1
  fi
  awk -v run="$run" -v took=$((SECONDS - began)) '/^test result/ { passed += $4; failed += $6 } END { printf "run %d: %d passed, %d failed, %d s\n", run, passed, failed, took }' "$log"
done
