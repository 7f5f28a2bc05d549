#!/usr/bin/env bash
# The official MCP clients against a running server and `glovebox mcp`: `tests/mcp/run.sh path/to/glovebox`.
# Installs the clients from their registries into target/mcp and builds the tools that are pushed, starts a small JSON API and a
# server on free ports, runs the clients over streamable HTTP and over stdio, and stops what it started.
set -euo pipefail
binary=$(realpath "${1:?usage: tests/mcp/run.sh path/to/glovebox}")
here=$(realpath "$(dirname "$0")")
root=$(realpath "$here/../..")
clients=$root/target/mcp
mkdir -p "$clients"
scratch=$(mktemp -d)
pids=()

finish() {
  status=$?
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  if [ "$status" -ne 0 ]; then
    [ ! -e "$scratch/server.log" ] || tail -n 60 "$scratch/server.log" >&2
    echo "mcp: FAILED" >&2
  fi
  rm -rf "$scratch"
  exit "$status"
}
trap finish EXIT

fail() { echo "mcp: $*" >&2; exit 1; }

if ! [ -x "$clients/python/bin/python" ] || ! cmp -s "$here/python/requirements.txt" "$clients/python/requirements.txt"; then
  echo "mcp: installing the Python client"
  rm -rf "$clients/python"
  python3 -m venv "$clients/python"
  "$clients/python/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/python/requirements.txt"
  cp "$here/python/requirements.txt" "$clients/python/requirements.txt"
fi
if ! [ -d "$clients/typescript/node_modules" ] || ! cmp -s "$here/typescript/package.json" "$clients/typescript/package.json"; then
  echo "mcp: installing the TypeScript clients"
  rm -rf "$clients/typescript"
  mkdir -p "$clients/typescript"
  cp "$here/typescript/package.json" "$clients/typescript/"
  (cd "$clients/typescript" && npm install --silent --no-audit --no-fund --no-package-lock)
fi
cp "$here"/typescript/*.mjs "$clients/typescript/"
tools=$("$root/tests/tools/build.sh" "$binary")

# The API answers only those who have its token, which the server has and no tool gets.
export API_TOKEN=example-token
python3 "$root/scripts/json-api.py" >"$scratch/api.out" 2>"$scratch/api.log" &
pids+=("$!")
until [ -s "$scratch/api.out" ]; do sleep 0.1; done
cat >"$scratch/sandbox.toml" <<'CONFIG'
[sandbox]
private_addresses = true
CONFIG
cat "$scratch/sandbox.toml" - >"$scratch/server.toml" <<'CONFIG'
[secrets.API_TOKEN]
hosts = ["127.0.0.1"]
env = "API_TOKEN"
CONFIG

key=glovebox-mcp-test
ANTHROPIC_API_KEY=unused GLOVEBOX_API_KEY=$key "$binary" serve --listen 127.0.0.1:0 \
  --data "$scratch/data" --config "$scratch/server.toml" >"$scratch/server.out" 2>"$scratch/server.log" &
server=$!
pids+=("$server")
# A first start compiles the guests, which takes a while.
deadline=$((SECONDS + 600))
until address=$(sed -n 's/^listening on //p' "$scratch/server.out") && [ -n "$address" ]; do
  kill -0 "$server" 2>/dev/null || fail "the server ended before it was listening"
  [ "$SECONDS" -lt "$deadline" ] || fail "the server is not listening after ten minutes"
  sleep 0.1
done
new_key() { "$binary" key create --data "$scratch/data" --name "$@" 2>/dev/null; }
narrow=$(new_key narrow --mcp-tools bash,read --mcp-read-only)
export GLOVEBOX_BINARY=$binary GLOVEBOX_ADDRESS=$address GLOVEBOX_DATA_FOLDER=$scratch/data GLOVEBOX_SANDBOX=$scratch/sandbox.toml
export API=$(cat "$scratch/api.out")
export WIDE_KEY=$key CHART_KEY=$(new_key chart --mcp-tools chart,json_api)
export API_KEY=$(new_key api --mcp-hosts 127.0.0.1 --mcp-secrets API_TOKEN)
for tool in chart json_api steps; do
  "$binary" tool push "$tools/$tool.wasm" --url "$address" --key "$key" >/dev/null 2>&1 || fail "$tool cannot be pushed"
done
echo "mcp: server at $address"

"$clients/python/bin/python" "$here/python/clients.py" "$binary" "$address/mcp" "$key" "$narrow"
node "$clients/typescript/clients.mjs" "$binary" "$address/mcp" "$key"
"$clients/python/bin/python" "$here/python/pushed.py"
node "$clients/typescript/pushed.mjs"

# What clients do to files is never saved.
left=$(find "$scratch/data/trees/blobs" -path '*/root/*' -type f | wc -l)
[ "$left" -eq 0 ] || fail "the files of clients were saved $left times"
echo "mcp: ok"
