#!/usr/bin/env bash
# The gateway beside nginx in one run: CPU per tools/call and tools/list, latency. Arguments go to the benchmark (--help). Measured is the program as
# it is released; with --portolan=target/release/portolan the one that a plain `cargo build --release` makes.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v nginx >/dev/null; then
  echo "nginx is needed: apt-get install nginx-light" >&2
  exit 1
fi
case " $* " in
*" --portolan"*)
  scripts/release.sh
  exec target/release/bench "$@"
  ;;
esac
scripts/profiled.sh
exec target/release/bench --portolan target/profiled/portolan "$@"
