#!/usr/bin/env bash
# The programs as they are released, compiled by a profile of what runs in a call: target/profiled/portolan and its siblings. A gateway that counts
# is rehearsed (bench rehearsal), then all are built by what it counted. Three builds, half an hour on two cores; none where no source has changed.
set -euo pipefail
cd "$(dirname "$0")/.."
host=$(rustc -vV | sed -n 's/^host: //p')
merge=$(rustc --print sysroot)/lib/rustlib/$host/bin/llvm-profdata
if ! [ -x "$merge" ]; then
  echo "llvm-profdata is needed: rustup component add llvm-tools" >&2
  exit 1
fi
scripts/release.sh
root=$PWD/target/profiled
sources=$( (rustc -vV; git ls-files -z -- '*.rs' '*.toml' '*.lock' '*.proto' | xargs -0 sha256sum) | sha256sum)
if [ "$sources" = "$(cat "$root/sources" 2>/dev/null)" ]; then
  exit 0
fi

# From nothing: cargo does not see that a profile has changed, and would keep what was built by another.
rm -rf "$root"
# Named as a target, so that the flags are not for build scripts and macros.
build() {
  RUSTFLAGS=$1 CARGO_TARGET_DIR=$root/build cargo build --release --target "$host" \
    -p portolan-cli -p portolan-operator -p portolan-dataplane "${@:2}"
}
build "-Cprofile-generate=$root/counts" --bin portolan
target/release/bench --portolan "$root/build/$host/release/portolan" rehearsal
"$merge" merge --output "$root/portolan.profdata" "$root"/counts/*.profraw
build "-Cprofile-use=$root/portolan.profdata" --bin portolan --bin portolan-gateway --bin portolan-operator
install -t "$root" "$root/build/$host/release/"{portolan,portolan-gateway,portolan-operator}
rm -rf "$root/build" "$root/counts"
echo "$sources" >"$root/sources"
