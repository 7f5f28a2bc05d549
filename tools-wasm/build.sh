#!/usr/bin/env bash
# Builds every guest: `build.sh OUTDIR` leaves OUTDIR/{tools,programs,probes}/NAME.wasm, NAME being the crate's folder.
#
# GLOVEBOX_GUESTS_TARGET names cargo's target folder; otherwise it is one under the user's cache, so that a rebuild, in
# whatever checkout, compiles only what changed. Cargo's progress goes to stderr.
set -euo pipefail

out="$(mkdir -p "$1" && cd "$1" && pwd)"
cd "$(dirname "$0")"
cache="${GLOVEBOX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/glovebox}/guests"
triple=wasm32-wasip2

# This may run inside another cargo's build script, whose settings are for the host.
while IFS='=' read -r name _; do
  case "$name" in
    CARGO_TERM_* | CARGO_HOME | CARGO_NET_* | CARGO_HTTP_* | CARGO_REGISTRIES_* | CARGO_REGISTRY_*) ;;
    CARGO | CARGO_* | RUSTC | RUSTC_* | RUSTDOC* | RUSTFLAGS | RUSTUP_TOOLCHAIN | DEP_* | OUT_DIR | TARGET | HOST | NUM_JOBS | OPT_LEVEL | PROFILE | DEBUG) unset "$name" ;;
  esac
done < <(env)
# Libraries that embed messages pick the language of whoever builds.
export LANG=C.UTF-8
RUSTC="$(./toolchain.sh)"
export RUSTC

target="${GLOVEBOX_GUESTS_TARGET:-}"
if [ -z "$target" ]; then
  # One folder for all checkouts, one build at a time: most of the work is dependencies, and those are the same.
  target="$cache/target/shared"
  mkdir -p "$target"
  exec 9>"$cache/target/shared.lock"
  flock 9
  # Cargo knows our own crates by their path inside the workspace and their files by time: another checkout's crates
  # would pass for this one's.
  if [ "$(cat "$target/checkout" 2>/dev/null)" != "$PWD" ]; then
    find "$target" -path '*/.fingerprint/glovebox-*' -prune -exec rm -rf {} +
    echo "$PWD" > "$target/checkout"
  fi
fi

messages="$(mktemp)"
trap 'rm -f "$messages"' EXIT
CARGO_TARGET_DIR="$target" cargo build --release --locked --target "$triple" --message-format json-render-diagnostics > "$messages"

rm -rf "$out"/{tools,programs,probes}
sed -nE '/"reason":"compiler-artifact"/ s#^.*"manifest_path":"[^"]*/(tools|programs|probes)/([^"/]+)/Cargo.toml".*"filenames":\["([^"]+\.wasm)".*$#\1 \2 \3#p' "$messages" |
  while read -r kind name file; do
    mkdir -p "$out/$kind"
    cp "$file" "$out/$kind/$name.wasm"
  done
