#!/usr/bin/env bash
# User instructions of a call and of the phases that decide, beside tests/fixtures/instructions.json. --write-baseline writes that file.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v valgrind >/dev/null; then
  echo "NOTHING WAS COUNTED: valgrind is needed: apt-get install valgrind" >&2
  exit 1
fi
# Only what is counted has to be the program that ships; whoever asks it is not.
cargo build --release -p portolan-cli --bin portolan
cargo build -p portolan-tests --bin bench
phases=$(cargo bench -p portolan-dataplane --bench phases --no-run 2>&1 | tee /dev/stderr | sed -n 's/.*Executable .*(\(.*\)).*/\1/p')
exec target/debug/bench --portolan target/release/portolan --phases "$phases" "$@" instructions
