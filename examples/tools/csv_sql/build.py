"""Builds this project's component: `python3 build.py`. What is already there is not fetched again.

The compiler, clang as the PyPI package `ziglang`, lives in a virtual environment in the user's cache, for all projects.
Every .c file beside this one is compiled, with the kit's in vendor/glovebox and SQLite's amalgamation. That is one file of
9 MB; cargo fetches it (sqlite/Cargo.toml), and its digest is checked here.
"""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

PROJECT = pathlib.Path(__file__).resolve().parent
BUILD = PROJECT / "build"
KIT = PROJECT / "vendor" / "glovebox"
FLAGS = ["-target", "wasm32-wasi", "-mexec-model=reactor", "-Os", "-std=gnu11", "-Wall", "-Wextra", f"-I{KIT}"]
SQLITE_DIGESTS = {
    "sqlite3.c": "0c657666d819f261cc4007526ad57e1669de9949df7a8ea847aa284a2bf0ee52",
    "sqlite3.h": "d6c84557261893439b341d2e6c35187ae3ea24fbfd843ad94616f72d89242b8c",
}
# One thread, no files (see vfs.c), no extensions; double quotes are for names alone.
SQLITE_FLAGS = [
    "-O2", "-w", "-DSQLITE_OS_OTHER=1", "-DSQLITE_THREADSAFE=0", "-DSQLITE_TEMP_STORE=3", "-DSQLITE_DQS=0",
    "-DSQLITE_OMIT_LOAD_EXTENSION", "-DSQLITE_OMIT_WAL", "-DSQLITE_OMIT_SHARED_CACHE", "-DSQLITE_OMIT_DEPRECATED",
    "-DSQLITE_OMIT_AUTOINIT", "-DSQLITE_DEFAULT_MEMSTATUS=0", "-DSQLITE_MAX_MMAP_SIZE=0",
    "-DSQLITE_ENABLE_MATH_FUNCTIONS", "-DSQLITE_USE_ALLOCA",
]
# Linking only: how much the C stack may grow to, and no names in the result.
LINK = ["-Wl,--strip-all", "-Wl,-z,stack-size=1048576"]


def main() -> None:
    sqlite = amalgamation()
    compiler = [zig(), "-m", "ziglang", "cc", *FLAGS, f"-I{sqlite}"]
    BUILD.mkdir(exist_ok=True)
    objects = [KIT / "bindings_component_type.o", BUILD / "sqlite3.o"]
    stamp = BUILD / "sqlite3.stamp"
    wanted = repr((SQLITE_DIGESTS, SQLITE_FLAGS))
    if not stamp.exists() or stamp.read_text() != wanted:
        run([*compiler, *SQLITE_FLAGS, "-c", sqlite / "sqlite3.c", "-o", objects[-1]])
        stamp.write_text(wanted)
    for source in [*sorted(PROJECT.glob("*.c")), *sorted(KIT.glob("*.c"))]:
        # The generated bindings are as they are.
        quiet = ["-w"] if source.name == "bindings.c" else []
        objects.append(BUILD / f"{source.parent.name}-{source.stem}.o")
        run([*compiler, *quiet, "-c", source, "-o", objects[-1]])
    run([*compiler, *LINK, *objects, "-o", BUILD / "component.wasm"])


def amalgamation() -> pathlib.Path:
    """The folder with SQLite's source."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--manifest-path", PROJECT / "sqlite" / "Cargo.toml"]
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE)
    if done.returncode:
        sys.exit("cargo could not fetch the crate libsqlite3-sys")
    packages = json.loads(done.stdout)["packages"]
    manifest = next(package["manifest_path"] for package in packages if package["name"] == "libsqlite3-sys")
    folder = pathlib.Path(manifest).parent / "sqlite3"
    for name, digest in SQLITE_DIGESTS.items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
            sys.exit(f"{folder / name} is not the file it should be")
    return folder


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
