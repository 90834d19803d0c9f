#!/usr/bin/env bash
# Runs fuzz targets, one after the other, each for some seconds: scripts/fuzz.sh [SECONDS] [TARGET...]. Needs a nightly toolchain and
# cargo-fuzz. What it finds is in dataplane/fuzz/artifacts; inputs that reach new code stay in target/fuzz, outside the committed corpora.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-300}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cd dataplane/fuzz/fuzz_targets && basename -s .rs -- *.rs)
cargo +nightly fuzz --version >/dev/null || {
  echo "needs a nightly toolchain and cargo-fuzz: rustup toolchain install nightly && cargo install cargo-fuzz --locked" >&2
  exit 1
}
# The versions that ship are the versions that are fuzzed.
cp Cargo.lock dataplane/fuzz/Cargo.lock
failed=0
for target in "${targets[@]}"; do
  found=$PWD/target/fuzz/$target
  log=$found.log
  mkdir -p "$found"
  result=none
  (cd dataplane && cargo +nightly fuzz run "$target" "$found" "fuzz/corpus/$target" -- \
    -max_total_time="$seconds" -print_final_stats=1 -rss_limit_mb=2048 -timeout=10) >"$log" 2>&1 || { result="FAILED, see $log" failed=1; }
  statistic() { awk -v name="stat::$1:" '$1 == name { print $2 }' "$log"; }
  took=$(sed -n 's/.* runs in \([0-9]*\) second.*/\1/p' "$log" | tail -1)
  printf '%-14s %12s executions %6s s   found: %s\n' "$target" "$(statistic number_of_executed_units)" "${took:--}" "$result"
done
exit $failed
