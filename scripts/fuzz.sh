#!/usr/bin/env bash
# Fuzzes what reads untrusted bytes: manifests of saved trees, tar files, and paths.
# usage: fuzz.sh [SECONDS [TARGET...]]. Without SECONDS: 20,000 inputs each, the same ones every time (a test); with it, new
# ones for that long (a search). What was found to be interesting stays in fuzz/corpus and is tried first the next time; an
# input that fails is left in fuzz/artifacts. Once mended, it belongs in fuzz/seeds.
set -euo pipefail
cd "$(dirname "$0")/../fuzz"
how=(-runs=20000 -seed=1)
if [ -n "${1:-}" ]; then how=("-max_total_time=$1"); fi
shift || true
targets=("${@:-}")
[ -n "${targets[0]}" ] || targets=(manifest archive paths)

# The coverage that libFuzzer is guided by; a stable compiler has all it takes.
instrument=(
  --cfg=fuzzing
  -Cpasses=sancov-module
  -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
  -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares
)
host="$(rustc -vV | sed -n 's/^host: //p')"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/../target}/fuzz" # nothing in it is of use to other builds
# With a target named, build scripts and macros are not instrumented.
RUSTFLAGS="${instrument[*]}" cargo build --release --locked --target "$host" --bins
bin="$CARGO_TARGET_DIR/$host/release"
GLOVEBOX_FUZZ_SEEDS=corpus "$bin/manifest" >/dev/null

# Thousands of folders are made and removed.
if [ -w /dev/shm ]; then export TMPDIR=/dev/shm; fi
for target in "${targets[@]}"; do
  seeds=()
  if [ -d "seeds/$target" ]; then seeds=("seeds/$target"); fi
  mkdir -p "corpus/$target" artifacts
  log="artifacts/$target.log"
  if ! "$bin/$target" "corpus/$target" "${seeds[@]}" "${how[@]}" -timeout=20 -rss_limit_mb=1024 -max_len=65536 \
    -artifact_prefix="artifacts/$target-" >"$log" 2>&1; then
    tail -n 40 "$log"
    echo "fuzz: $target failed" >&2
    exit 1
  fi
  echo "$target: $(grep -oE '^Done [0-9]+ runs.*' "$log" || tail -n 1 "$log")"
done
echo "fuzz: ok"
