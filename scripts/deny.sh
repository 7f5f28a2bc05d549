#!/usr/bin/env bash
# cargo-deny, where it is installed: licences, bans and sources from the local registry, without the network.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! cargo deny --version >/dev/null 2>&1; then
  echo "lint: cargo-deny is not installed (cargo install cargo-deny): licences were NOT checked" >&2
  exit 0
fi
cargo deny --offline --locked check bans licenses sources
