"""Builds this project's component: `python3 build.py`. What is already there is not fetched again, and what did not change is
not built again: the compiler never makes the same bytes twice.

The compiler lives in a virtual environment in the user's cache, for all projects; the packages of requirements.txt in
build/vendor.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

PROJECT = pathlib.Path(__file__).absolute().parent
BUILD = PROJECT / "build"
COMPONENT = BUILD / "component.wasm"

# Only modules that are imported while the component is built are in it. These are imported by others when first used.
IMPORTED_LATER = [
    "_strptime", "calendar", "csv", "datetime", "decimal", "encodings.cp1252", "encodings.idna", "encodings.latin_1",
    "encodings.utf_16", "encodings.utf_8_sig", "fractions", "hashlib", "html.parser", "io", "json", "pathlib",
    "random", "re", "stat", "statistics", "string", "tempfile", "textwrap", "traceback", "unicodedata", "uuid",
]


def main() -> None:
    if sys.version_info < (3, 10):
        sys.exit("build.py needs Python 3.10 or newer")
    python = compiler()
    vendor = packages(python)
    app = BUILD / "app"
    shutil.rmtree(app, ignore_errors=True)
    shutil.copytree(PROJECT, app, ignore=shutil.ignore_patterns("build", "build.py", "wit", "__pycache__", ".*"))
    (app / "component.py").write_text(entry())
    # The compiler's version is in there as well, by requirements-build.txt.
    made_of, stamp = digest(app, vendor, PROJECT / "wit"), BUILD / "component.stamp"
    if COMPONENT.exists() and stamp.exists() and stamp.read_text() == made_of:
        return
    stamp.unlink(missing_ok=True)
    command = [python.parent / "componentize-py", "-q", "-d", PROJECT / "wit", "-w", "python-tool", "componentize"]
    run([*command, "-p", app, "-p", vendor, "-o", COMPONENT, "component"])
    stamp.write_text(made_of)


def entry() -> str:
    """The module that the component is made of."""
    later = [f"try:\n    import {name}\nexcept ImportError:\n    pass" for name in IMPORTED_LATER]
    return "\n".join([*later, "import tool", "from glovebox_tool import Tool", ""])


def compiler() -> pathlib.Path:
    """The Python of a virtual environment that has componentize-py."""
    wanted = PROJECT / "requirements-build.txt"
    tag = f"{sys.version_info.major}.{sys.version_info.minor}-{digest(wanted)}"
    home = pathlib.Path(os.environ.get("GLOVEBOX_CACHE") or "~/.cache/glovebox").expanduser() / "kits" / f"python-{tag}"
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not (home / "ready").exists():
        shutil.rmtree(home, ignore_errors=True)
        run([sys.executable, "-m", "venv", home])
        run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", wanted])
        (home / "ready").touch()
    return python


def packages(python: pathlib.Path) -> pathlib.Path:
    """The folder with the packages of requirements.txt, pure Python only."""
    wanted = PROJECT / "requirements.txt"
    vendor, stamp = BUILD / "vendor", BUILD / "vendor.stamp"
    if stamp.exists() and stamp.read_text() == digest(wanted):
        return vendor
    shutil.rmtree(vendor, ignore_errors=True)
    vendor.mkdir(parents=True)
    if any(line.strip() and not line.startswith("#") for line in wanted.read_text().splitlines()):
        pure = ["--python-version", "3.14", "--platform", "any", "--implementation", "py", "--abi", "none"]
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
        run([python, *install, "--only-binary=:all:", *pure, "--target", vendor, "-r", wanted])
    stamp.write_text(digest(wanted))
    return vendor


def digest(*paths: pathlib.Path) -> str:
    """Of files, and of all that is in folders."""
    made_of = hashlib.sha256()
    for path in paths:
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file():
                content = file.read_bytes()
                made_of.update(f"{file.relative_to(path)} {len(content)}\n".encode() + content)
    return made_of.hexdigest()[:16]


def run(command: list) -> None:
    # The compiler's own backtrace would hide the tool's.
    environment = {**os.environ, "RUST_BACKTRACE": "0"}
    done = subprocess.run([str(part) for part in command], cwd=PROJECT, env=environment)
    if done.returncode:
        sys.exit(f"failed: {' '.join(map(str, command))}")


main()
