#!/usr/bin/env bash
# The official SDKs against a running server: `tests/sdk/run.sh path/to/glovebox`.
# Installs the SDKs from their registries into target/sdk and builds the tools that are pushed, starts a scripted model, a
# small JSON API and a server on free ports, runs the quickstart of each SDK and a session with tools of its own, and stops
# what it started.
set -euo pipefail
binary=$(realpath "${1:?usage: tests/sdk/run.sh path/to/glovebox}")
here=$(realpath "$(dirname "$0")")
root=$(realpath "$here/../..")
sdk=$root/target/sdk
mkdir -p "$sdk"
scratch=$(mktemp -d)
pids=()

finish() {
  status=$?
  # A test may have started another server in the place of the first.
  if [ -e "$scratch/server.pid" ]; then pids+=("$(cat "$scratch/server.pid")"); fi
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do
    wait "$pid" 2>/dev/null || true
    while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
  done
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
cp "$here"/typescript/*.mjs "$sdk/typescript/"
GLOVEBOX_TOOLS=$("$root/tests/tools/build.sh" "$binary")

# The API answers only those who have its token, which the server has and no tool gets.
export API_TOKEN=example-token
python3 "$root/scripts/json-api.py" >"$scratch/api.out" 2>"$scratch/api.log" &
pids+=("$!")
until [ -s "$scratch/api.out" ]; do sleep 0.1; done

# Turns with conditions come before those that are played by their place.
python3 - "$here/tools.json" "$here/fibonacci.json" "$(cat "$scratch/api.out")" >"$scratch/script.json" <<'MERGE'
import json, sys
*scripts, api = sys.argv[1:]
turns = [turn for script in scripts for turn in json.loads(open(script).read().replace("@API@", api))["turns"]]
print(json.dumps({"turns": turns}))
MERGE
start model "$binary" scripted-model --listen 127.0.0.1:0 --script "$scratch/script.json"

cat >"$scratch/config.toml" <<'CONFIG'
[sandbox]
private_addresses = true
[secrets.API_TOKEN]
hosts = ["127.0.0.1"]
env = "API_TOKEN"
CONFIG
# Starts the server, anew when it was killed, on the address that it is told.
cat >"$scratch/serve" <<SERVE
#!/bin/sh
echo \$\$ >"$scratch/server.pid"
export ANTHROPIC_API_KEY=scripted ANTHROPIC_BASE_URL=$address GLOVEBOX_API_KEY=glovebox-sdk-test
exec "$binary" serve --listen "\$1" --data "$scratch/data" --config "$scratch/config.toml" >>"$scratch/server.out" 2>>"$scratch/server.log"
SERVE
chmod +x "$scratch/serve"
start server "$scratch/serve" 127.0.0.1:0
export ANTHROPIC_BASE_URL=$address ANTHROPIC_API_KEY=glovebox-sdk-test
export GLOVEBOX=$binary GLOVEBOX_URL=$address GLOVEBOX_API_KEY=glovebox-sdk-test
export GLOVEBOX_TOOLS GLOVEBOX_SERVE=$scratch/serve GLOVEBOX_PID=$scratch/server.pid
echo "sdk: server at $address"

"$sdk/python/bin/python" "$here/python/quickstart.py"
node "$sdk/typescript/quickstart.mjs"
"$sdk/python/bin/python" "$here/python/tools.py"
node "$sdk/typescript/tools.mjs"
echo "sdk: ok"
