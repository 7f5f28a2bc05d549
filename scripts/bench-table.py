#!/usr/bin/env python3
"""Turns criterion's estimates into one table of ratios, on stdout.

Each comparison is a pair of benchmarks of one group, measured in one run: `ours` beside what a user would otherwise pick.
Reads target/criterion/GROUP/NAME/new/estimates.json (median, nanoseconds); a missing one is an error, not a gap.
"""

import json
import os
import platform
import sys
from pathlib import Path

ROOT = Path(os.environ.get("CARGO_TARGET_DIR", "target")) / "criterion"

# group, ours, the other, what is measured, what the other is, ratio to reach (none: only shown)
ROWS = [
    ("tool_dispatch", "instantiate", "floor", "instantiate a built-in tool and call `describe`", "a bare wasmtime instance and one call", 2.0),
    ("tool_dispatch", "read_1KiB", "read_1KiB_native", "`read` of 1 KiB", "fork+exec of `cat`", 0.15),
    ("tool_dispatch", "custom_read_1KiB", "read_1KiB", "the same `read`, pushed as a custom tool", "the built-in tool", 1.1),
    ("tool_dispatch", "custom_answer", "floor_answer", "a custom tool that answers at once", "bare wasmtime: the same component and call", 2.0),
    ("tool_dispatch", "write_1KiB", "write_1KiB_native", "`write` of 1 KiB", "fork+exec of `tee`", None),
    ("tool_dispatch", "edit", "edit_native", "`edit`", "fork+exec of `sed -i`", None),
    ("tool_dispatch", "glob", "glob_native", "`glob` over 100 files", "fork+exec of `find`", None),
    ("tool_dispatch", "grep", "grep_native", "`grep` over 100 files", "fork+exec of `grep -rn`", None),
    ("tool_dispatch", "bash_echo", "bash_echo_native", "bash `echo hi`", "fork+exec of `bash -c`", 0.15),
    ("tool_dispatch", "bash_pipe", "bash_pipe_native", "bash `/bin/echo hi | /bin/cat`", "the same in native bash", 0.15),
    ("tool_dispatch", "bash_pipe3", "bash_pipe3_native", "bash `seq 100 | sort -rn | head -n 1`", "the same in native bash", 0.15),
    ("tool_dispatch", "python", "python_native", "`python3 -c 'print(1)'`", "fork+exec of native python3", 0.1),
    ("ttft", "session_create", "fsync", "session create", "one fdatasync of 512 bytes", None),
    ("ttft", "message_to_model", "fsync", "user message to model request", "one fdatasync of 512 bytes", None),
    ("ttft", "model_to_client", "fsync", "first model byte to the client's first delta", "one fdatasync of 512 bytes", None),
]


def median_ns(group: str, name: str) -> float:
    path = ROOT / group / name / "new" / "estimates.json"
    return json.loads(path.read_text())["median"]["point_estimate"]


def show(ns: float) -> str:
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}"
    return f"{ns:.3g} ns"


def main() -> int:
    print("| what | here | beside it | | ratio | to reach |")
    print("|---|---:|---|---:|---:|---:|")
    missing = []
    for group, ours, other, what, beside, reach in ROWS:
        try:
            a, b = median_ns(group, ours), median_ns(group, other)
        except FileNotFoundError as error:
            missing.append(str(error.filename))
            continue
        what, beside = what.replace("|", "\\|"), beside.replace("|", "\\|")
        print(f"| {what} | {show(a)} | {beside} | {show(b)} | {a / b:.2f} | {f'≤ {reach}' if reach else ''} |")
    try:
        print(f"\nPushing a component of 1 MiB, from its bytes to ready: {show(median_ns('tool_dispatch', 'push_1MiB'))} (to reach: ≤ 2 s).")
    except FileNotFoundError as error:
        missing.append(str(error.filename))
    print(f"\nMedians of one run on {os.cpu_count()} cores ({platform.machine()}); the machine is shared, so read the ratios.")
    for path in missing:
        print(f"missing: {path}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
