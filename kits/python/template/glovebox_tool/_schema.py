"""JSON Schema from type hints, and the checked arguments of a call."""

import dataclasses
import enum
import inspect
import re
import types as builtin_types
import typing
from typing import Any, Callable, Literal, Union

from ._answer import InvalidInput

_SIMPLE = {str: "string", int: "integer", float: "number", bool: "boolean"}


@dataclasses.dataclass
class Parameter:
    """One field of an object: its type hint, what it is for, and whether it must be there."""

    name: str
    hint: Any
    text: str
    required: bool
    default: Any = None


def docstring(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """The docstring without its `Args:` section, and that section by name."""
    text = inspect.getdoc(function) or ""
    section = re.search(r"^Args:\n((?:[ \t]+.*\n?|\n)*)", text, re.MULTILINE)
    if section is None:
        return text.strip(), {}
    fields: dict[str, str] = {}
    name = ""
    for line in section.group(1).splitlines():
        start = re.match(r"^ {1,4}(\w+)(?: \([^)]*\))?: *(.*)$", line)
        if start:
            name = start.group(1)
            fields[name] = start.group(2).strip()
        elif name and line.strip():
            fields[name] = f"{fields[name]} {line.strip()}"
    return (text[: section.start()] + text[section.end() :]).strip(), fields


def parameters(function: Callable[..., Any], texts: dict[str, str]) -> list[Parameter]:
    """The function's parameters."""
    hints = typing.get_type_hints(function, include_extras=True)
    found = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise TypeError(f"{function.__name__}: {name} has to be an ordinary parameter")
        if name not in hints:
            raise TypeError(f"{function.__name__}: {name} has no type hint")
        required = parameter.default is parameter.empty
        found.append(Parameter(name, hints[name], texts.get(name, ""), required, None if required else parameter.default))
    return found


def of_parameters(found: list[Parameter]) -> dict[str, Any]:
    """The schema of an object with these fields."""
    properties = {}
    for parameter in found:
        schema = of(parameter.hint)
        if parameter.text:
            schema.setdefault("description", parameter.text)
        if not parameter.required and parameter.default is not None:
            schema["default"] = parameter.default.value if isinstance(parameter.default, enum.Enum) else parameter.default
        properties[parameter.name] = schema
    return {
        "type": "object",
        "properties": properties,
        "required": [parameter.name for parameter in found if parameter.required],
        "additionalProperties": False,
    }


def of(hint: Any) -> dict[str, Any]:
    """The schema of one type hint.

    `Annotated[T, ...]` adds a description (a string) or any keywords (a dictionary such as `{"minimum": 1}`).
    """
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        schema = of(inner[0])
        for extra in inner[1:]:
            schema.update({"description": extra} if isinstance(extra, str) else extra if isinstance(extra, dict) else {})
        return schema
    if hint is Any:
        return {}
    if hint in _SIMPLE:
        return {"type": _SIMPLE[hint]}
    if hint is None or hint is type(None):
        return {"type": "null"}
    if origin is Literal:
        return {"enum": list(inner)}
    if origin in (Union, builtin_types.UnionType):
        kinds = [of(kind) for kind in inner if kind is not type(None)]
        return kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    if hint is list or origin is list:
        return {"type": "array", "items": of(inner[0])} if inner else {"type": "array"}
    if hint is dict or origin is dict:
        return {"type": "object", "additionalProperties": of(inner[1])} if inner else {"type": "object"}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {"enum": [member.value for member in hint]}
    if dataclasses.is_dataclass(hint):
        return of_parameters(_fields(hint))
    raise TypeError(f"{hint!r} has no JSON Schema here; use str, int, float, bool, list, dict, Literal, Enum or a dataclass")


def arguments(found: list[Parameter], value: Any, at: str = "") -> dict[str, Any]:
    """The checked fields of a JSON object, as keyword arguments."""
    if not isinstance(value, dict):
        raise InvalidInput(f"{at or 'the input'} has to be an object")
    known = {parameter.name for parameter in found}
    for name in value:
        if name not in known:
            raise InvalidInput(f"there is no field {at}{name}; known are {', '.join(sorted(known)) or 'none'}")
    taken = {}
    for parameter in found:
        if parameter.name in value and (value[parameter.name] is not None or parameter.required):
            taken[parameter.name] = convert(parameter.hint, value[parameter.name], at + parameter.name)
        elif parameter.required:
            raise InvalidInput(f"the field {at}{parameter.name} is missing")
    return taken


def convert(hint: Any, value: Any, at: str) -> Any:
    """A JSON value as what the type hint says, or `InvalidInput` that names the field."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        converted = convert(inner[0], value, at)
        _check(converted, [extra for extra in inner[1:] if isinstance(extra, dict)], at)
        return converted
    if hint is Any:
        return value
    if hint in _SIMPLE:
        return _simple(hint, value, at)
    if origin is Literal:
        return _one_of(value, list(inner), at)
    if hint is None or hint is type(None):
        if value is not None:
            raise InvalidInput(f"{at} has to be null")
        return None
    if origin in (Union, builtin_types.UnionType):
        return _any_of(inner, value, at)
    if hint is list or origin is list:
        if not isinstance(value, list):
            raise InvalidInput(f"{at} has to be a list")
        return [convert(inner[0], item, f"{at}[{index}]") for index, item in enumerate(value)] if inner else value
    if hint is dict or origin is dict:
        if not isinstance(value, dict):
            raise InvalidInput(f"{at} has to be an object")
        return {key: convert(inner[1], item, f"{at}.{key}") for key, item in value.items()} if inner else value
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return hint(_one_of(value, [member.value for member in hint], at))
    return hint(**arguments(_fields(hint), value, f"{at}."))


def _simple(hint: type, value: Any, at: str) -> Any:
    if hint is float and type(value) is int:
        return float(value)
    if hint is int and type(value) is float and value.is_integer():
        return int(value)
    if type(value) is not hint:
        raise InvalidInput(f"{at} has to be {'an' if hint is int else 'a'} {_SIMPLE[hint]}")
    return value


def _one_of(value: Any, allowed: list[Any], at: str) -> Any:
    if value not in allowed:
        raise InvalidInput(f"{at} has to be one of {', '.join(repr(each) for each in allowed)}")
    return value


def _any_of(kinds: tuple[Any, ...], value: Any, at: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    kinds = tuple(kind for kind in kinds if kind is not type(None))
    for index, kind in enumerate(kinds):
        try:
            return convert(kind, value, at)
        except InvalidInput:
            if index == len(kinds) - 1:
                raise
    raise InvalidInput(f"{at} has to be null")


def _check(value: Any, extras: list[dict[str, Any]], at: str) -> None:
    for extra in extras:
        if "minimum" in extra and value < extra["minimum"]:
            raise InvalidInput(f"{at} has to be at least {extra['minimum']}")
        if "maximum" in extra and value > extra["maximum"]:
            raise InvalidInput(f"{at} has to be at most {extra['maximum']}")


def _fields(kind: type) -> list[Parameter]:
    hints = typing.get_type_hints(kind, include_extras=True)
    missing = dataclasses.MISSING
    found = []
    for field in dataclasses.fields(kind):
        default = field.default if field.default is not missing else None
        required = field.default is missing and field.default_factory is missing
        found.append(Parameter(field.name, hints[field.name], "", required, default))
    return found
