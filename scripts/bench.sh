#!/usr/bin/env bash
# Runs the benches and writes their table to BENCHMARKS.md.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo bench --locked --bench tool_dispatch --bench ttft -- "$@"
table="$(scripts/bench-table.py)"
{
  echo "# Benchmarks"
  echo
  echo "Written by \`make bench\`. Each row is one run of both sides, one after the other, on the same machine."
  echo
  echo "$table"
} > BENCHMARKS.md
echo "$table"
