#!/usr/bin/env bash
# The example at the edge (examples/edge): size, memory and start of a service without a compiler, and what a call costs
# beside starting a process for it. Prints Markdown.
#   CARGO_TARGET_DIR_EDGE  where the example is built; its features are its own (default examples/edge/target)
set -euo pipefail
cd "$(dirname "$0")/.."
glovebox="${1:-${CARGO_TARGET_DIR:-target}/release/glovebox}"
target="${CARGO_TARGET_DIR_EDGE:-$PWD/examples/edge/target}"
# Flags of an outer build are for another target.
unset CARGO_ENCODED_RUSTFLAGS RUSTFLAGS CARGO_BUILD_TARGET
edge() { CARGO_TARGET_DIR="$target" cargo build --quiet --release --locked --manifest-path examples/edge/Cargo.toml "$@"; }
edge -p edge >&2
edge -p price --target wasm32-wasip2 >&2
wasm="$target/wasm32-wasip2/release/price.wasm"
"$glovebox" tool compile "$wasm" -o "$target/price.cwasm" >&2
exec scripts/bench-edge.py "$target/release/edge" "$target/price.cwasm"
