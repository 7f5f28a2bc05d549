"""A table as rows of equally many cells."""

from dataclasses import dataclass

from bs4 import Tag

# What a span may claim: a page can ask for millions of columns.
SPAN_MAX = 1000
CELLS_MAX = 1_000_000


@dataclass
class Grid:
    """The first row is the header."""

    caption: str
    rows: list[list[str]]

    def text(self) -> str:
        """Everything in it, for searching."""
        return "\n".join([self.caption, *("\t".join(row) for row in self.rows)])

    def records(self, rows_max: int) -> list[dict[str, str]]:
        """The rows by column name; a name that is empty or there already gets a number."""
        names: list[str] = []
        for position, cell in enumerate(self.rows[0], start=1):
            name = cell or f"column {position}"
            names.append(name if name not in names else f"{name} ({position})")
        return [dict(zip(names, row)) for row in self.rows[1 : rows_max + 1]]


def of(element: Tag) -> Grid:
    """The table's own rows; those of tables inside of it are not among them."""
    caption = element.find("caption")
    rows: list[list[str]] = []
    # What reaches into the next row, by column: its text, and how many rows are left.
    spanning: dict[int, tuple[str, int]] = {}
    cells = 0
    for row in element.find_all("tr"):
        if row.find_parent("table") is not element:
            continue
        line: list[str] = []

        def take_spanning() -> None:
            while len(line) in spanning:
                text, left = spanning.pop(len(line))
                if left > 1:
                    spanning_next[len(line)] = (text, left - 1)
                line.append(text)

        spanning_next: dict[int, tuple[str, int]] = {}
        for cell in row.find_all(["td", "th"], recursive=False):
            take_spanning()
            text = " ".join(cell.get_text(" ", strip=True).split())
            for _ in range(span(cell, "colspan")):
                if (down := span(cell, "rowspan")) > 1:
                    spanning_next[len(line)] = (text, down - 1)
                line.append(text)
        take_spanning()
        spanning = spanning_next
        cells += len(line)
        if cells > CELLS_MAX:
            break
        if line:
            rows.append(line)
    width = max(map(len, rows), default=0)
    if width * len(rows) <= CELLS_MAX:
        rows = [row + [""] * (width - len(row)) for row in rows]
    return Grid(" ".join(caption.get_text(" ", strip=True).split()) if caption else "", rows)


def span(cell: Tag, name: str) -> int:
    """How many columns or rows the cell takes."""
    try:
        return min(max(int(str(cell.get(name, "1"))), 1), SPAN_MAX)
    except ValueError:
        return 1
