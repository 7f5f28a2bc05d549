#!/usr/bin/env bash
# Prints the path of a rustc that can compile for wasm32-wasip2, and gets one where there is none.
#
# 1. The rustc of the active toolchain, when rustup has (or can add) the target.
# 2. Otherwise Debian's own rustc and wasm32 standard library, unpacked (not installed) into the user's cache:
#    about 240 MB, once per user. apt fetches it with a private state folder, so signatures are checked and the
#    system's package lists stay as they are. Needs apt-get and dpkg, but not root.
#
# Nothing but the path is written to stdout; progress goes to stderr.
set -euo pipefail

cache="${GLOVEBOX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/glovebox}"
target=wasm32-wasip2
say() { echo "toolchain: $*" >&2; }

has_target() { [ -d "$("$1" --print sysroot 2>/dev/null)/lib/rustlib/$target/lib" ]; }

rustc="$(command -v rustc)" || { say "no rustc on PATH: install Rust first (rustup.rs)"; exit 1; }
# GLOVEBOX_TOOLCHAIN=debian skips rustup, so that the second way can be tested where the first works.
choice="${GLOVEBOX_TOOLCHAIN:-rustup}"
if [ "$choice" != debian ] && has_target "$rustc"; then echo "$rustc"; exit 0; fi

wrapper="$cache/toolchain/rustc"
if [ -x "$wrapper" ] && "$wrapper" --version >&2; then echo "$wrapper"; exit 0; fi

if [ "$choice" != debian ] && command -v rustup >/dev/null && timeout 60 rustup target add "$target" >&2 2>/dev/null && has_target "$rustc"; then
  echo "$rustc"; exit 0
fi

command -v apt-get >/dev/null && command -v dpkg >/dev/null || {
  say "rustup cannot add $target, and there is no apt to get Debian's compiler with"; exit 1; }
say "rustup cannot add $target: unpacking Debian's compiler into $cache/toolchain (once, about 240 MB)"

mkdir -p "$cache"
exec 9>"$cache/toolchain.lock"
flock 9
if [ -x "$wrapper" ]; then echo "$wrapper"; exit 0; fi

work="$(mktemp -d "$cache/toolchain.XXXXXX")"
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{state/lists/partial,archives/partial,etc,debs,root}

# The mirror that this machine's apt is already configured for.
mirror="$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null |
  grep -oE '(https?|mirror\+file)://[^ ]*/debian/?( |$)' | head -n 1 | tr -d ' ' || true)"
[ -n "$mirror" ] || mirror="$(grep -rhoE 'https?://deb\.debian\.org/debian' /usr/share/doc/apt 2>/dev/null | head -n 1)"
[ -n "$mirror" ] || { say "no Debian mirror in apt's sources"; exit 1; }
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" > "$work/etc/sources.list"
: > "$work/status"
apt=(-o "Dir::State=$work/state" -o "Dir::State::status=$work/status" -o "Dir::Cache=$work/archives"
  -o "Dir::Etc::sourcelist=$work/etc/sources.list" -o "Dir::Etc::sourceparts=-" -o "Dir::Etc::preferencesparts=-"
  -o "APT::Get::List-Cleanup=0" -o "Acquire::Languages=none" -o "APT::Sandbox::User=")
apt-get "${apt[@]}" -q update >&2

# Names are resolved, never fixed: versions in sid move.
depends() { apt-cache "${apt[@]}" depends --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances \
  "$@" 2>/dev/null | awk '/^ *\|?(Pre)?-?Depends:/ {print $2}' | tr -d '<>' ; }
std="$(depends libstd-rust-dev | grep -E '^libstd-rust-[0-9.]+$' | head -n 1)"
llvm="$( (depends rustc; depends "$std") | grep -E '^libllvm[0-9]+$' | head -n 1)"
libraries=(libc6 libgcc-s1 libstdc++6 zlib1g libffi8 libedit2 libmd0)
libraries+=($(depends "$llvm" libedit2 | grep -E '^(libxml2-[0-9]+|libz3-[0-9]+|libzstd1|libtinfo6|libbsd0)$' | sort -u))
(cd "$work/debs" && apt-get "${apt[@]}" -q download rustc "$std" libstd-rust-dev libstd-rust-dev-wasm32 "$llvm" "${libraries[@]}" >&2)
for deb in "$work"/debs/*.deb; do dpkg -x "$deb" "$work/root"; done

# That rustc wants a newer C library than this system may have, so it runs under the loader it came with.
root="$work/root"
lib="$root/usr/lib/x86_64-linux-gnu"
[ -e "$lib/ld-linux-x86-64.so.2" ] || lib="$root/lib/x86_64-linux-gnu"
host="$("$rustc" --print sysroot)/lib/rustlib/x86_64-unknown-linux-gnu/bin"
# The linkers are rustup's, linked rather than copied: they find their own libraries relative to where they really are.
mkdir -p "$root/usr/lib/rustlib/x86_64-unknown-linux-gnu"
ln -sfn "$host" "$root/usr/lib/rustlib/x86_64-unknown-linux-gnu/bin"
rm -rf "$cache/toolchain"
mkdir -p "$cache/toolchain"
mv "$root" "$cache/toolchain/root"
lib="${lib/#$root/$cache/toolchain/root}"
cat > "$work/rustc" <<WRAP
#!/bin/sh
exec "$lib/ld-linux-x86-64.so.2" --library-path "$lib:$cache/toolchain/root/usr/lib" "$cache/toolchain/root/usr/bin/rustc" --sysroot "$cache/toolchain/root/usr" "\$@"
WRAP
chmod +x "$work/rustc"
"$work/rustc" --version >&2
mv "$work/rustc" "$wrapper"
echo "$wrapper"
