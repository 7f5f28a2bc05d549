#!/usr/bin/env bash
# The demo: `demo/run.sh path/to/glovebox`. Starts a scripted model (so that no key is needed) and a server, each on a free
# port, runs the quickstart through the official Python SDK, and stops what it started.
set -euo pipefail
binary=$(realpath "${1:?usage: demo/run.sh path/to/glovebox}")
here=$(realpath "$(dirname "$0")")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/glovebox
sdk=anthropic==2.11.0
python=$cache/demo-python/bin/python
scratch=$(mktemp -d)
pids=()

finish() {
  status=$?
  trap - EXIT
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  if [ "$status" -ne 0 ]; then
    for log in "$scratch"/*.log; do
      [ -s "$log" ] || continue
      printf '\n--- %s\n' "$(basename "$log")" >&2
      tail -n 60 "$log" >&2
    done
    echo "demo: FAILED" >&2
  fi
  rm -rf "$scratch"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

# Starts a command in the background and sets `address` to the URL it says it is listening on.
start() {
  local name=$1
  shift
  : >"$scratch/$name.out"
  "$@" >"$scratch/$name.out" 2> >(tee "$scratch/$name.log" | grep --line-buffered '^glovebox: ' >&2) &
  local pid=$!
  pids+=("$pid")
  # A first start compiles the guests to machine code, which takes some minutes.
  local deadline=$((SECONDS + 1200))
  until address=$(sed -n 's/^listening on //p' "$scratch/$name.out") && [ -n "$address" ]; do
    kill -0 "$pid" 2>/dev/null || { echo "demo: $name ended before it was listening" >&2; exit 1; }
    [ "$SECONDS" -lt "$deadline" ] || { echo "demo: $name is not listening after twenty minutes" >&2; exit 1; }
    sleep 0.1
  done
}

if [ "$(cat "$cache/demo-python/sdk" 2>/dev/null)" != "$sdk" ]; then
  echo "demo: installing $sdk into $cache/demo-python"
  rm -rf "$cache/demo-python"
  mkdir -p "$cache"
  python3 -m venv "$cache/demo-python"
  "$python" -m pip install --quiet --disable-pip-version-check "$sdk"
  echo "$sdk" >"$cache/demo-python/sdk"
fi

start model "$binary" scripted-model --listen 127.0.0.1:0 --script "$here/fibonacci.json"
model=$address
echo "demo: the scripted model listens on $model"
start server env ANTHROPIC_BASE_URL="$model" ANTHROPIC_API_KEY=scripted GLOVEBOX_API_KEY=glovebox-demo \
  "$binary" serve --listen 127.0.0.1:0 --data "$scratch/data"
echo "demo: glovebox listens on $address"
echo

ANTHROPIC_BASE_URL=$address ANTHROPIC_API_KEY=glovebox-demo GLOVEBOX_PROGRAM=$binary GLOVEBOX_DATA=$scratch/data \
  "$python" "$here/quickstart.py"
