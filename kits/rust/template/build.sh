#!/usr/bin/env bash
# Builds this project's core module: `bash build.sh`, with more arguments for cargo. The compiler is $RUSTC if that is set, and
# otherwise one that toolchain.sh finds or fetches.
set -euo pipefail
cd "$(dirname "$0")"
RUSTC="${RUSTC:-$(bash toolchain.sh)}"
export RUSTC
exec cargo build --release --target wasm32-wasip2 --target-dir target "$@"
