#!/usr/bin/env bash
# The guests' unit tests, natively: what is pure in them needs no sandbox.
set -euo pipefail
cd "$(dirname "$0")/../tools-wasm"
# The outer build's flags are for another target.
unset CARGO_ENCODED_RUSTFLAGS RUSTFLAGS CARGO_BUILD_TARGET
export CARGO_TARGET_DIR="${GLOVEBOX_GUESTS_NATIVE_TARGET:-$PWD/target}"
# `posix` is left out: it only compiles for WASI, and runtime/tests/it/programs.rs runs it there.
cargo test --locked --quiet --target "$(rustc -vV | sed -n 's/^host: //p')" \
  -p glovebox-kit -p glovebox-kit-macros -p glovebox-shell -p glovebox-program-grep -p 'glovebox-tool-*'
