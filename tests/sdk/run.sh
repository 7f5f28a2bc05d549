#!/usr/bin/env bash
# The official SDKs against a running server: `tests/sdk/run.sh path/to/glovebox`.
# Installs the SDKs from their registries into target/sdk, starts a scripted model and a server on free ports, runs the
# quickstart of each SDK, and stops what it started.
set -euo pipefail
binary=$(realpath "${1:?usage: tests/sdk/run.sh path/to/glovebox}")
here=$(realpath "$(dirname "$0")")
sdk=$(realpath "$here/../..")/target/sdk
mkdir -p "$sdk"
scratch=$(mktemp -d)
pids=()

finish() {
  status=$?
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  if [ "$status" -ne 0 ]; then
    for log in "$scratch"/*.log; do
      [ -e "$log" ] || continue
      printf '\n--- %s\n' "$(basename "$log")" >&2
      tail -n 60 "$log" >&2
    done
    echo "sdk: FAILED" >&2
  fi
  rm -rf "$scratch"
  exit "$status"
}
trap finish EXIT

fail() { echo "sdk: $*" >&2; exit 1; }

# Starts a command in the background and sets `address` to the URL it says it is listening on.
start() {
  local name=$1
  shift
  "$@" >"$scratch/$name.out" 2>"$scratch/$name.log" &
  local pid=$!
  pids+=("$pid")
  # A first start compiles the guests, which takes a while.
  local deadline=$((SECONDS + 600))
  until address=$(sed -n 's/^listening on //p' "$scratch/$name.out") && [ -n "$address" ]; do
    kill -0 "$pid" 2>/dev/null || fail "$name ended before it was listening"
    [ "$SECONDS" -lt "$deadline" ] || fail "$name is not listening after ten minutes"
    sleep 0.1
  done
}

if ! [ -x "$sdk/python/bin/python" ] || ! cmp -s "$here/python/requirements.txt" "$sdk/python/requirements.txt"; then
  echo "sdk: installing the Python SDK"
  rm -rf "$sdk/python"
  python3 -m venv "$sdk/python"
  "$sdk/python/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/python/requirements.txt"
  cp "$here/python/requirements.txt" "$sdk/python/requirements.txt"
fi
if ! [ -d "$sdk/typescript/node_modules" ] || ! cmp -s "$here/typescript/package.json" "$sdk/typescript/package.json"; then
  echo "sdk: installing the TypeScript SDK"
  rm -rf "$sdk/typescript"
  mkdir -p "$sdk/typescript"
  cp "$here/typescript/package.json" "$sdk/typescript/"
  (cd "$sdk/typescript" && npm install --silent --no-audit --no-fund --no-package-lock)
fi
cp "$here/typescript/quickstart.mjs" "$sdk/typescript/"

start model "$binary" scripted-model --listen 127.0.0.1:0 --script "$here/fibonacci.json"
model=$address
start server env ANTHROPIC_API_KEY=scripted ANTHROPIC_BASE_URL="$model" GLOVEBOX_API_KEY=glovebox-sdk-test \
  "$binary" serve --listen 127.0.0.1:0 --data "$scratch/data"
export ANTHROPIC_BASE_URL=$address ANTHROPIC_API_KEY=glovebox-sdk-test
echo "sdk: server at $address"

"$sdk/python/bin/python" "$here/python/quickstart.py"
node "$sdk/typescript/quickstart.mjs"
echo "sdk: ok"
