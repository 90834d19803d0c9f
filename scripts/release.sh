#!/usr/bin/env bash
# The release programs and the benchmark, always together: another choice of packages has other features, and would build everything once more.
set -euo pipefail
cd "$(dirname "$0")/.."
exec cargo build --release -p portolan-cli -p portolan-operator -p portolan-dataplane -p portolan-tests \
  --bin portolan --bin portolan-operator --bin portolan-gateway --bin bench
