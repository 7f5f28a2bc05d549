"""Makes a Glovebox tool of one typed function.

    from glovebox_tool import tool

    @tool(mounts={"/workspace": "read"})
    def count_lines(path: Annotated[str, "The file, e.g. notes.txt."]) -> str:
        \"\"\"Counts the lines of a text file.\"\"\"

The function's name, docstring and type hints become what the model sees; the decorator's arguments are what the tool
wishes to reach. What it returns becomes the answer: a string, a JSON value, `Image`, `Document`, `SearchHit`, or a list
of those. Raise `Failure` with a message that helps the model; any other exception is a failure too, and its traceback
goes to the host's log.
"""

from ._answer import Document, Failure, Image, InvalidInput, Json, SearchHit
from ._context import (
    cancelled,
    deadline,
    load_state,
    log,
    progress,
    secret,
    setting,
    store_state,
)
from ._http import HttpError, Response, fetch
from ._tool import Tool, tool

__all__ = [
    "Document",
    "Failure",
    "HttpError",
    "Image",
    "InvalidInput",
    "Json",
    "Response",
    "SearchHit",
    "Tool",
    "cancelled",
    "deadline",
    "fetch",
    "load_state",
    "log",
    "progress",
    "secret",
    "setting",
    "store_state",
    "tool",
]
