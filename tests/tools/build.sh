#!/usr/bin/env bash
# Builds the tools that the clients' tests push: `tests/tools/build.sh path/to/glovebox` prints the folder they are in.
# chart (Rust), html_table (Python), markdown_html (JavaScript) and json_api (TypeScript) are the examples; steps, steps-2 and
# job are three builds of `steps`. Work is done in target/tools, and only when something has changed.
set -euo pipefail
binary=$(realpath "${1:?usage: tests/tools/build.sh path/to/glovebox}")
root=$(realpath "$(dirname "$0")/../..")
work=$root/target/tools
mkdir -p "$work"
# Flags of an outer build are for another target.
unset CARGO_ENCODED_RUSTFLAGS RUSTFLAGS CARGO_BUILD_TARGET CARGO_TARGET_DIR

# A copy without links, because of which it can be built anywhere; what was built before stays for the next time.
copy() {
  mkdir -p "$2"
  tar -C "$1" -ch --exclude=./build --exclude=./target --exclude=./node_modules . | tar -C "$2" -x
}

# build NAME SOURCE FOLDER [FEATURES]: leaves NAME.wasm.
build() {
  local name=$1 source=$2 folder=$work/$3 stamp built
  stamp=$(tar -C "$source" -ch --sort=name --mtime=@0 --exclude=./build --exclude=./target --exclude=./node_modules . | sha256sum)
  if [ -e "$work/$name.wasm" ] && [ "$(cat "$work/$name.stamp" 2>/dev/null)" = "$stamp" ]; then return; fi
  echo "tools: building $name" >&2
  copy "$source" "$folder"
  built=$(STEPS_FEATURES=${4:-} "$binary" tool build "$folder") || { echo "tools: $name does not build" >&2; exit 1; }
  cp "$built" "$work/$name.wasm"
  echo "$stamp" >"$work/$name.stamp"
}

for name in chart html_table markdown_html json_api; do build "$name" "$root/examples/tools/$name" "$name"; done
build steps "$root/tests/tools/steps" steps
build steps-2 "$root/tests/tools/steps" steps second
build job "$root/tests/tools/steps" steps job
echo "$work"
