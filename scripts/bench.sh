#!/usr/bin/env bash
# Runs the benches and writes their tables to BENCHMARKS.md.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked
cargo bench --locked --bench tool_dispatch --bench ttft -- "$@"
table="$(scripts/bench-table.py)"
many="$(cargo bench --locked --bench many_tools)"
files="$(cargo bench --locked --bench fs)"
edge="$(scripts/bench-edge.sh)"
{
  echo "# Benchmarks"
  echo
  echo "Written by \`make bench\`. Each row is one run of both sides, one after the other, on the same machine."
  for part in "$table" "$many" "$files" "$edge"; do
    echo
    echo "$part"
  done
} | tee BENCHMARKS.md
