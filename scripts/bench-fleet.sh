#!/usr/bin/env bash
# One operator, three gateways, a real API server, and many servers and routes. Arguments go to the benchmark (--help).
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/release.sh
exec target/release/bench fleet "${@:---objects=1000,10000}"
