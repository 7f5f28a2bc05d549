"""What a tool may answer with, and how it becomes the contract's content."""

import dataclasses
import enum
import json
from dataclasses import dataclass
from typing import Any

from wit_world.imports import glovebox_tool_types as types


class Failure(Exception):
    """The tool could not do it. The model reads the message, so say what would help."""


class InvalidInput(Failure):
    """The input is not what the tool asks for. Name the field."""


@dataclass
class Image:
    """PNG, JPEG, GIF or WebP."""

    data: bytes
    media_type: str = "image/png"


@dataclass
class Document:
    """A PDF."""

    data: bytes
    media_type: str = "application/pdf"


@dataclass
class Json:
    """A JSON value. Needed only for a list that would otherwise be read as a list of answers, or a string."""

    value: Any


@dataclass
class SearchHit:
    """One hit of a search."""

    source: str
    title: str
    text: str


_PIECES = (Image, Document, Json, SearchHit)


def content(answer: Any) -> list[types.Content]:
    """The contract's content for what a tool's function returned."""
    if answer is None:
        return []
    if isinstance(answer, (list, tuple)) and any(isinstance(piece, _PIECES) for piece in answer):
        return [_block(piece) for piece in answer]
    return [_block(answer)]


def text(message: str) -> list[types.Content]:
    """One block of text."""
    return [types.Content_Text(message)]


def _block(piece: Any) -> types.Content:
    match piece:
        case str():
            return types.Content_Text(piece)
        case Image():
            return types.Content_Image(types.Blob(piece.media_type, bytes(piece.data)))
        case Document():
            return types.Content_Document(types.Blob(piece.media_type, bytes(piece.data)))
        case SearchHit():
            return types.Content_SearchResult(types.SearchHit(piece.source, piece.title, piece.text))
        case Json():
            return types.Content_Json(_dump(piece.value))
        case _:
            return types.Content_Json(_dump(piece))


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not JSON")
