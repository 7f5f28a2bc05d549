#!/usr/bin/env bash
# The Rust tests: with cargo-nextest where it is installed (it kills hung tests), with `cargo test` otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."
if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run --workspace --locked --no-fail-fast
  cargo test --workspace --locked --doc --quiet
else
  cargo test --workspace --locked --no-fail-fast
fi
# The guests' own logic, tested natively.
scripts/guest-test.sh
