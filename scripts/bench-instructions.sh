#!/usr/bin/env bash
# User instructions of a call and of the phases that decide, beside tests/fixtures/instructions.json. --write-baseline writes that file.
set -euo pipefail
cd "$(dirname "$0")/.."
for program in valgrind nginx; do
  if ! command -v "$program" >/dev/null; then
    echo "NOTHING WAS COUNTED: $program is needed: apt-get install valgrind nginx-light" >&2
    exit 1
  fi
done
cargo build --release -p portolan-cli -p portolan-tests --bin portolan --bin bench
phases=$(cargo bench -p portolan-dataplane --bench phases --no-run 2>&1 | tee /dev/stderr | sed -n 's/.*Executable .*(\(.*\)).*/\1/p')
exec target/release/bench --portolan target/release/portolan --phases "$phases" "$@" instructions
