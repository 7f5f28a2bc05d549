"""Builds this project's component: `python3 build.py`. What is already there is not fetched again.

The compiler, clang as the PyPI package `ziglang`, lives in a virtual environment in the user's cache, for all projects.
Every .c file beside this one is compiled, with the kit's in vendor/glovebox.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

PROJECT = pathlib.Path(__file__).resolve().parent
BUILD = PROJECT / "build"
KIT = PROJECT / "vendor" / "glovebox"
FLAGS = ["-target", "wasm32-wasi", "-mexec-model=reactor", "-Os", "-std=gnu11", "-Wall", "-Wextra", f"-I{KIT}"]
# Linking only: how much the C stack may grow to, and no names in the result.
LINK = ["-Wl,--strip-all", "-Wl,-z,stack-size=1048576"]


def main() -> None:
    compiler = [zig(), "-m", "ziglang", "cc", *FLAGS]
    BUILD.mkdir(exist_ok=True)
    objects = [KIT / "bindings_component_type.o"]
    for source in [*sorted(PROJECT.glob("*.c")), *sorted(KIT.glob("*.c"))]:
        # The generated bindings are as they are.
        quiet = ["-w"] if source.name == "bindings.c" else []
        objects.append(BUILD / f"{source.parent.name}-{source.stem}.o")
        run([*compiler, *quiet, "-c", source, "-o", objects[-1]])
    run([*compiler, *LINK, *objects, "-o", BUILD / "component.wasm"])


def zig() -> pathlib.Path:
    """The Python of a virtual environment that has the compiler."""
    wanted = PROJECT / "requirements-build.txt"
    tag = f"{sys.version_info.major}.{sys.version_info.minor}-{hashlib.sha256(wanted.read_bytes()).hexdigest()[:16]}"
    home = pathlib.Path(os.environ.get("GLOVEBOX_CACHE") or "~/.cache/glovebox").expanduser() / "kits" / f"c-{tag}"
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not (home / "ready").exists():
        shutil.rmtree(home, ignore_errors=True)
        run([sys.executable, "-m", "venv", home])
        run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", wanted])
        (home / "ready").touch()
    return python


def run(command: list) -> None:
    done = subprocess.run([str(part) for part in command], cwd=PROJECT)
    if done.returncode:
        sys.exit(f"failed: {' '.join(map(str, command))}")


main()
