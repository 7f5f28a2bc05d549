"""Follows pages of the documentation to the letter: every page in a new folder, with a new home.

What is done with a page, from its top to its end, in one shell:

* A ```console block is run: lines that begin with `$ `, and with `> ` where they go on. The lines below a command are what it
  prints, on both outputs. `...` stands for anything within a line, and alone on a line for any lines. Times, sizes and the
  width of gaps may differ, and what was compiled before is not compiled again. A command that fails, fails the test, unless
  the next one is `echo $?`.
* A command that ends in `&` goes on; what it prints is waited for.
* Below a paragraph that begins with "Save this as `FILE`", a block is written into that file.
* Below a paragraph that ends in "this is `FILE`:", a block has to be in that file, as it is.

The ports 8080 and 9000 of this machine are replaced by free ones. Everything that a page started is ended with it.
"""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

DOCS = pathlib.Path(__file__).resolve().parent.parent / "docs"
PORTS = ("8080", "9000")
# First builds fetch compilers of some hundred megabytes.
COMMAND_SECONDS_MAX = 1800
# How this machine reaches the registries. Nothing else of the home is there.
REGISTRIES = (".cargo/config.toml", ".npmrc", ".config/pip/pip.conf", ".pip/pip.conf")


class Failure(Exception):
    pass


def main() -> int:
    if len(sys.argv) < 2:
        print("usage: scripts/docs-test.sh path/to/glovebox [PAGE ...]", file=sys.stderr)
        return 2
    binary = pathlib.Path(sys.argv[1]).resolve()
    tutorials = sorted(path.stem for path in (DOCS / "tutorials").glob("*.md"))
    others = sorted(path.stem for path in DOCS.glob("*.md") if "\n```console\n" in path.read_text())
    failed = []
    for name in sys.argv[2:] or [*others, *tutorials]:
        path = DOCS / "tutorials" / f"{name}.md" if name in tutorials else DOCS / f"{name}.md"
        start = time.monotonic()
        print(f"\n== {name}", flush=True)
        try:
            commands = follow(path, binary)
            print(f"== {name}: ok, {commands} commands, {time.monotonic() - start:.0f} s", flush=True)
        except Failure as failure:
            print(f"== {name}: FAILED\n{failure}", flush=True)
            failed.append(name)
    if failed:
        print(f"\nFAILED: {', '.join(failed)}")
    return 1 if failed else 0


def follow(path: pathlib.Path, binary: pathlib.Path) -> int:
    """Does what a page says. Gives how many commands it ran."""
    steps = list(read(path))
    with tempfile.TemporaryDirectory(prefix="glovebox-docs-") as scratch:
        shell = Shell(pathlib.Path(scratch), binary)
        try:
            for number, step in enumerate(steps):
                next_step = steps[number + 1] if number + 1 < len(steps) else None
                step.take(shell, fails=isinstance(next_step, Command) and next_step.text == "echo $?")
        except Failure as failure:
            raise Failure(f"{path.name}, line {step.line}: {failure}") from None
        finally:
            shell.end()
    return sum(isinstance(step, Command) for step in steps)


class Command:
    def __init__(self, line: int, text: str) -> None:
        self.line, self.text, self.output = line, text, []

    def take(self, shell: "Shell", fails: bool) -> None:
        print(f"$ {self.text}", flush=True)
        expected = "\n".join(self.output)
        status, printed = shell.run(self.text, expected)
        if status and not fails:
            raise Failure(f"`{self.text}` ended with {status}:\n{printed}")
        if not agrees(expected, printed):
            raise Failure(f"`{self.text}` prints\n{printed}\nand the page says\n{expected}")


class Block:
    """A file's text: to be written, or to be in there."""

    def __init__(self, line: int, name: str, text: str, write: bool) -> None:
        self.line, self.name, self.text, self.write = line, name, text, write

    def take(self, shell: "Shell", fails: bool) -> None:
        del fails
        file = shell.folder() / self.name
        if self.write:
            file.write_text(shell.local(self.text))
        elif not file.exists():
            raise Failure(f"there is no {self.name}")
        elif self.text not in file.read_text():
            raise Failure(f"{self.name} is another one:\n{file.read_text()}")


def read(path: pathlib.Path):
    """The steps of a page."""
    lines = path.read_text().splitlines()
    position = 0
    while position < len(lines):
        fence = re.fullmatch(r"```(\w+)", lines[position])
        position += 1
        if not fence:
            continue
        first = position
        while lines[position] != "```":
            position += 1
        block = lines[first:position]
        position += 1
        if fence[1] == "console":
            yield from commands(first, block)
            continue
        before = paragraph(lines[: first - 1])
        save = re.match(r"Save this as `([^`]+)`", before)
        name = save or re.search(r"[Tt]his is `([^`]+)`:$", before)
        if name:
            yield Block(first, name[1], "\n".join(block) + "\n", write=bool(save))


def paragraph(lines: list[str]) -> str:
    """The last one of these lines."""
    text = "\n".join(lines).rstrip()
    return " ".join(text.rsplit("\n\n", 1)[-1].split())


def commands(first: int, block: list[str]):
    command = None
    for number, line in enumerate(block):
        if line.startswith("$ "):
            if command:
                yield command
            command = Command(first + number + 1, line[2:])
        elif command is None:
            raise Failure(f"line {first + number + 1}: a console block that does not begin with a command")
        elif line.startswith("> ") and not command.output:
            command.text += "\n" + line[2:]
        else:
            command.output.append(line)
    if command:
        yield command


def agrees(expected: str, printed: str) -> bool:
    """Whether what was printed is what the page says. Nothing said, nothing asked."""
    if not expected:
        return True
    pattern = ""
    for line in plain(expected):
        if line == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(map(re.escape, line.split("..."))) + r"\n"
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in plain(printed))) is not None


def plain(text: str) -> list[str]:
    """The lines without what differs from one run to the next."""
    text = re.sub(r"^glovebox: (compiling \w+ \(|\w+ is ready after ).*\n", "", text, flags=re.M)
    text = re.sub(r"\b\d+(\.\d+)? ?(µs|us|ms|s|bytes|KiB|MiB|GiB)\b", r"N \2", text.strip("\n"))
    return [" ".join(line.split()) for line in text.split("\n")]


class Shell:
    """A shell in a new folder, and what it starts."""

    def __init__(self, scratch: pathlib.Path, binary: pathlib.Path) -> None:
        self.scratch = scratch
        self.ports = {port: free_port() for port in PORTS}
        self.printed, self.news, self.status, self.count = "", threading.Condition(), 0, 0
        home, work, tools = scratch / "home", scratch / "work", scratch / "bin"
        for folder in (home, work, tools):
            folder.mkdir()
        (tools / "glovebox").symlink_to(binary)
        for file in map(pathlib.Path, REGISTRIES):
            if (pathlib.Path.home() / file).exists():
                (home / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(pathlib.Path.home() / file, home / file)
        dropped = ("GLOVEBOX_", "ANTHROPIC_", "CARGO", "XDG_", "VIRTUAL_ENV")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        # Rust's toolchains are no part of what a page fetches.
        environment.setdefault("RUSTUP_HOME", str(pathlib.Path.home() / ".rustup"))
        environment |= {"HOME": str(home), "PATH": f"{tools}:{environment['PATH']}"}
        # The address that nobody has to say is one of those that are replaced.
        environment["GLOVEBOX_LISTEN"] = self.local("127.0.0.1:8080")
        environment["GLOVEBOX_URL"] = self.local("http://127.0.0.1:8080")
        if cache := os.environ.get("GLOVEBOX_CACHE"):
            environment["GLOVEBOX_CACHE"] = str(pathlib.Path(cache).resolve())
        self.process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=work,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self) -> None:
        while chunk := os.read(self.process.stdout.fileno(), 65536):
            with self.news:
                self.printed += chunk.decode(errors="replace")
                self.news.notify_all()

    def run(self, command: str, expected: str) -> tuple[int, str]:
        """Runs a command to its end; one that ends in `&` until it has printed what is expected."""
        self.count += 1
        file, mark = self.scratch / "command", f"--- {self.count} {os.urandom(8).hex()} "
        file.write_text(f"{self.local(command)}\n")
        line = f"(exit {self.status}); . {file} </dev/null; printf '%s%s\\n%s\\n' '{mark}' $? \"$PWD\" >{file}.end\n"
        end = pathlib.Path(f"{file}.end")
        end.unlink(missing_ok=True)
        self.process.stdin.write(line.encode())
        self.process.stdin.flush()
        stays, until = command.rstrip().endswith("&"), time.monotonic() + COMMAND_SECONDS_MAX
        while time.monotonic() < until:
            ended = end.exists() and end.read_text()
            with self.news:
                self.news.wait(0.1)
                if ended and ended.startswith(mark) and ended.count("\n") == 2:
                    if not stays or agrees(expected, self.told()):
                        break
            if self.process.poll() is not None:
                raise Failure(f"`{command}` ended the shell:\n{self.told()}")
        else:
            raise Failure(f"`{command}` has not come to its end after {COMMAND_SECONDS_MAX} s:\n{self.told()}")
        self.status = int(ended.split("\n")[0].removeprefix(mark))
        # What it wrote last may be on its way.
        time.sleep(0.05)
        with self.news:
            told, self.printed = self.told(), ""
        return self.status, told

    def told(self) -> str:
        """What was printed since the last command, as the page has it."""
        text = self.printed
        for port, free in self.ports.items():
            text = text.replace(f"127.0.0.1:{free}", f"127.0.0.1:{port}")
        return text

    def local(self, text: str) -> str:
        for port, free in self.ports.items():
            text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{free}")
        return text

    def folder(self) -> pathlib.Path:
        end = self.scratch / "command.end"
        return pathlib.Path(end.read_text().split("\n")[1]) if end.exists() else self.scratch / "work"

    def end(self) -> None:
        """Ends all that runs in the shell's own session."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                break
            until = time.monotonic() + 10
            while time.monotonic() < until and group_lives(self.process.pid):
                self.process.poll()
                time.sleep(0.1)
        self.process.wait()


def group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


sys.exit(main())
