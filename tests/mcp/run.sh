#!/usr/bin/env bash
# The official MCP clients against a running server and `glovebox mcp`: `tests/mcp/run.sh path/to/glovebox`.
# Installs the clients from their registries into target/mcp, starts a server on a free port, runs the clients over
# streamable HTTP and over stdio, and stops what it started.
set -euo pipefail
binary=$(realpath "${1:?usage: tests/mcp/run.sh path/to/glovebox}")
here=$(realpath "$(dirname "$0")")
clients=$(realpath "$here/../..")/target/mcp
mkdir -p "$clients"
scratch=$(mktemp -d)
server=

finish() {
  status=$?
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
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
cp "$here/typescript/clients.mjs" "$clients/typescript/"

key=glovebox-mcp-test
ANTHROPIC_API_KEY=unused GLOVEBOX_API_KEY=$key \
  "$binary" serve --listen 127.0.0.1:0 --data "$scratch/data" >"$scratch/server.out" 2>"$scratch/server.log" &
server=$!
# A first start compiles the guests, which takes a while.
deadline=$((SECONDS + 600))
until address=$(sed -n 's/^listening on //p' "$scratch/server.out") && [ -n "$address" ]; do
  kill -0 "$server" 2>/dev/null || fail "the server ended before it was listening"
  [ "$SECONDS" -lt "$deadline" ] || fail "the server is not listening after ten minutes"
  sleep 0.1
done
narrow=$("$binary" key create --data "$scratch/data" --name narrow --mcp-tools bash,read --mcp-read-only 2>/dev/null)
echo "mcp: server at $address"

"$clients/python/bin/python" "$here/python/clients.py" "$binary" "$address/mcp" "$key" "$narrow"
node "$clients/typescript/clients.mjs" "$binary" "$address/mcp" "$key"

# Whoever has left has left nothing behind.
left=$(find "$scratch/data/sessions" -mindepth 1 -maxdepth 1 -name 'mcp_*' | wc -l)
[ "$left" -le 2 ] || fail "$left sessions have left their files"
echo "mcp: ok"
