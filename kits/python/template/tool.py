"""The tool. Its name, docstring and type hints are what the model sees."""

from typing import Annotated

from glovebox_tool import Failure, tool


@tool(mounts={"/workspace": "read"})
def {{name_snake}}(
    path: Annotated[str, "A text file in the workspace, for example notes.txt."],
    longest: Annotated[int, "How many of the longest lines to show.", {"minimum": 0, "maximum": 20}] = 3,
) -> str:
    """Counts the lines, words and characters of a text file and shows its longest lines."""
    try:
        with open(f"/workspace/{path}", encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}") from None
    lines = text.splitlines()
    shown = sorted(lines, key=len, reverse=True)[:longest]
    counts = f"{len(lines)} lines, {len(text.split())} words, {len(text)} characters"
    return "\n".join([counts, *(f"{len(line)}: {line}" for line in shown)])
