#!/usr/bin/env bash
# Regenerates ../glovebox/bindings*; with --check only says whether they are what would be generated.
set -euo pipefail
cd "$(dirname "$0")"
out=../glovebox
if [ "${1:-}" = --check ]; then
  out="$(mktemp -d)"
  trap 'rm -rf "$out"' EXIT
fi
cargo run --quiet --release --locked -- ../../../wit "$out"
[ "$out" = ../glovebox ] && exit
for file in "$out"/*; do
  cmp "$file" "../glovebox/$(basename "$file")" || { echo "kits/c: run kits/c/bindgen/bindgen.sh" >&2; exit 1; }
done
