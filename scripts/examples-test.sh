#!/usr/bin/env bash
# Builds and tests every example tool and a freshly made project of every language, each in a clean temporary folder:
# `scripts/examples-test.sh path/to/glovebox [NAME ...]`, where NAME is an example (`archive`) or a language (`go`).
#
# Needs what the languages need: Rust, Python 3.10 or newer, Node 20. Compilers are fetched from the languages' own
# registries and kept in ${GLOVEBOX_CACHE:-~/.cache/glovebox}/kits.
set -euo pipefail
binary=$(realpath "${1:?usage: scripts/examples-test.sh path/to/glovebox [NAME ...]}")
shift
root=$(realpath "$(dirname "$0")/..")
scratch=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  rm -rf "$scratch"
}
trap finish EXIT

wanted=("$@")
failed=()
wants() {
  [ "${#wanted[@]}" -eq 0 ] && return 0
  local each
  for each in "${wanted[@]}"; do [ "$each" = "$1" ] && return 0; done
  return 1
}

# Runs a command, says how long it took, and goes on when it fails.
check() {
  local name=$1 start=$SECONDS
  shift
  printf '\n== %s\n' "$name"
  if "$@"; then
    printf '== %s: ok, %s s\n' "$name" "$((SECONDS - start))"
  else
    printf '== %s: FAILED\n' "$name"
    failed+=("$name")
  fi
}

# A copy without links and without what was built before.
copy() {
  mkdir -p "$2"
  tar -C "$1" -ch --exclude=./build --exclude=./target --exclude=./node_modules . | tar -C "$2" -x
}

# A small JSON API, which wants a token. Sets `api` to its address.
start_api() {
  python3 "$root/scripts/json-api.py" >"$scratch/api.out" &
  pids+=("$!")
  until [ -s "$scratch/api.out" ]; do sleep 0.1; done
  api=$(cat "$scratch/api.out")
}

# Calls json_api with a secret that only this shell and the API know.
json_api_with_a_secret() {
  local answer
  answer=$(API_TOKEN=example-token "$binary" tool run "$1" --allow-host 127.0.0.1 --allow-private \
    --secret API_TOKEN=env:API_TOKEN@127.0.0.1 \
    --input "{\"url\": \"$api/orders\", \"select\": \"\$.items[?state==\\\"open\\\"].id\", \"next\": \"cursor=\$.cursor\", \"pages_max\": 9}")
  printf '%s\n' "$answer"
  [[ $answer == *2*6*10* && $answer != *example-token* ]]
}

for example in "$root"/examples/tools/*/; do
  name=$(basename "$example")
  language=$(sed -n 's/^language = "\(.*\)"/\1/p' "$example/tool.toml")
  wants "$name" || wants "$language" || continue
  copy "$example" "$scratch/$name"
  check "example $name ($language)" "$binary" tool test "$scratch/$name"
  if [ "$name" = json_api ]; then
    start_api
    check "example $name with a secret" json_api_with_a_secret "$scratch/$name"
  fi
done

if wants c; then
  check "the C kit's bindings are those of the contract" "$root/kits/c/bindgen/bindgen.sh" --check
fi

for template in "$root"/kits/*/template/; do
  language=$(basename "$(dirname "$template")")
  wants "$language" || continue
  (cd "$scratch" && "$binary" tool new --lang "$language" "fresh-$language")
  check "new project in $language" "$binary" tool test "$scratch/fresh-$language"
done

if [ "${#failed[@]}" -gt 0 ]; then
  printf '\nFAILED: %s\n' "$(printf '%s; ' "${failed[@]}")"
  exit 1
fi
printf '\nall examples and templates are well, %s s\n' "$SECONDS"
