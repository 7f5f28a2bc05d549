#!/usr/bin/env bash
# The Rust tests: with cargo-nextest where it is installed (it kills hung tests), with `cargo test` otherwise.
# In the release profile, so that wasmtime is compiled once for tests, demo and benches.
set -euo pipefail
cd "$(dirname "$0")/.."
if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run --release --workspace --locked --no-fail-fast
  cargo test --release --workspace --locked --doc --quiet
else
  cargo test --release --workspace --locked --no-fail-fast
fi
# The guests' own logic, tested natively.
scripts/guest-test.sh
