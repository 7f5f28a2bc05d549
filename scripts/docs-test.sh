#!/usr/bin/env bash
# Follows the documentation to the letter: `scripts/docs-test.sh path/to/glovebox [PAGE ...]`, where PAGE is a tutorial
# (`rust`) or another page under docs/ (`tools`). Without any: all of them. The rules are in docs-test.py.
#
# Needs what the pages need: Rust, Python 3.10 or newer, Node 20. Compilers are fetched into a new home folder, and removed
# with it; set GLOVEBOX_CACHE to keep them from one run to the next.
set -euo pipefail
exec python3 "$(dirname "$0")/docs-test.py" "$@"
