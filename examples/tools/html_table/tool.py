"""Extracts tables of an HTML page as Markdown, CSV or JSON."""

import csv
import io
from typing import Annotated, Any, Literal

from bs4 import BeautifulSoup

import grid
from glovebox_tool import Failure, InvalidInput, fetch, progress, tool


@tool(hosts=["*"], mounts={"/workspace": "read"})
def html_table(
    source: Annotated[str, "An HTML file in the workspace, or an http(s) URL."],
    table: Annotated[int | None, "Which table, counted from 1; without it, all that match.", {"minimum": 1}] = None,
    containing: Annotated[str, "Only tables that contain this text, in any case."] = "",
    format: Annotated[Literal["markdown", "csv", "json"], "How to answer."] = "markdown",
    rows_max: Annotated[int, "Rows per table at most.", {"minimum": 1, "maximum": 10000}] = 200,
) -> Any:
    """Extracts the tables of an HTML page as Markdown, CSV or JSON.

    Cells that span rows or columns are repeated. Use it instead of reading the HTML, which is many times as long.
    """
    page = BeautifulSoup(read(source), "html.parser")
    found = [grid.of(element) for element in page.find_all("table")]
    wanted = [
        (number, each)
        for number, each in enumerate(found, start=1)
        if each.rows and containing.lower() in each.text().lower() and table in (None, number)
    ]
    if not wanted:
        about = f"{len(found)} tables" if found else "no table"
        raise Failure(f"{source} has {about}, and none is what was asked for" if found else f"{source} has {about}")
    if format == "csv" and len(wanted) > 1:
        numbers = ", ".join(str(number) for number, _ in wanted)
        raise InvalidInput(f"CSV holds one table: set the field table to one of {numbers}")
    if format == "json":
        return [{"table": number, "caption": each.caption, "rows": each.records(rows_max)} for number, each in wanted]
    if format == "csv":
        return as_csv(wanted[0][1], rows_max)
    return "\n\n".join(as_markdown(number, each, rows_max) for number, each in wanted)


def read(source: str) -> str | bytes:
    """The page, from the workspace or from the web."""
    if source.startswith(("http://", "https://")):
        progress(f"fetching {source}")
        answer = fetch(source, headers={"accept": "text/html"})
        if answer.status >= 400:
            raise Failure(f"{source} answered with status {answer.status}")
        return answer.text()
    try:
        with open(f"/workspace/{source}", "rb") as file:
            return file.read()
    except OSError as error:
        raise Failure(f"cannot read {source}: {error.strerror}") from None


def as_markdown(number: int, found: grid.Grid, rows_max: int) -> str:
    """A heading, and the table with its columns."""

    def line(cells: list[str]) -> str:
        return f"| {' | '.join(cell.replace('|', '\\|') for cell in cells)} |"

    head, *rows = found.rows
    caption = f": {found.caption}" if found.caption else ""
    lines = [f"Table {number}{caption}", "", line(head), line(["---"] * len(head)), *map(line, rows[:rows_max])]
    if len(rows) > rows_max:
        lines += ["", f"({len(rows) - rows_max} more rows; raise rows_max to see them)"]
    return "\n".join(lines)


def as_csv(found: grid.Grid, rows_max: int) -> str:
    """The header and the rows, as RFC 4180 has it but with plain line ends."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(found.rows[: rows_max + 1])
    return text.getvalue()
