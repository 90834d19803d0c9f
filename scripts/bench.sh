#!/usr/bin/env bash
# The gateway beside nginx in one run: CPU per tools/call and tools/list, latency. Arguments go to the benchmark (--help).
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v nginx >/dev/null; then
  echo "nginx is needed: apt-get install nginx-light" >&2
  exit 1
fi
scripts/release.sh
exec target/release/bench --portolan target/release/portolan "$@"
