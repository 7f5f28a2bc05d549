#!/usr/bin/env bash
# Licences, banned crates and sources, by cargo-deny, from the local copies of the crates: no network.
# With --install, first gets cargo-deny where there is none (some minutes, once; kept in the user's cache).
set -euo pipefail
cd "$(dirname "$0")/.."
tools="${GLOVEBOX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/glovebox}/cargo-tools"
export PATH="$tools/bin:$PATH"
if ! cargo deny --version >/dev/null 2>&1; then
  if [ "${1:-}" != --install ]; then
    echo "cargo-deny is not installed: run scripts/deny.sh --install" >&2
    exit 1
  fi
  CARGO_TARGET_DIR="$tools/target" cargo install --quiet --locked cargo-deny --root "$tools"
  rm -rf "$tools/target"
fi
cargo fetch --locked --quiet
cargo deny --offline --locked check --hide-inclusion-graph bans licenses sources
