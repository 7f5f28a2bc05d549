"""The decorator, and the contract's two functions over what it found."""

import contextlib
import inspect
import json
import os
import traceback
from typing import Any, Callable, Literal, Mapping, Sequence

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import context
from wit_world.imports import glovebox_tool_types as types

from . import _answer, _schema

_registered: list["_Registered"] = []


class _Registered:
    """The one function of this project, and what the model is told about it."""

    def __init__(self, function: Callable[..., Any], name: str | None, wishes: types.Wishes, effects: types.Effects):
        text, fields = _schema.docstring(function)
        if not text:
            raise TypeError(f"{function.__name__} has no docstring: the model reads it to know when to use the tool")
        self.function = function
        self.parameters = _schema.parameters(function, fields)
        self.description = types.Description(
            name=name or function.__name__,
            text=text,
            input_schema=json.dumps(_schema.of_parameters(self.parameters)),
            effects=effects,
            wishes=wishes,
        )


def tool(
    function: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    effects: Literal["none", "files", "external"] = "none",
    hosts: Sequence[str] = (),
    mounts: Mapping[str, Literal["read", "write"]] | None = None,
    programs: Sequence[str] = (),
    secrets: Sequence[str] = (),
    settings: Sequence[str] = (),
    memory_bytes: int | None = None,
    cpu_ms: int | None = None,
    wall_ms: int | None = None,
    output_bytes: int | None = None,
) -> Any:
    """Makes the function this project's tool.

    `effects` says what running it may change: nothing, files of the sandbox, or things outside of it. The others are
    what it wishes to reach: hosts (`api.example.com`, `*.example.com`, `*`), mounts (`{"/workspace": "write"}`),
    programs, secrets and settings by name, and limits narrower than the sandbox's own.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        if _registered:
            raise TypeError("a project has one tool")
        wishes = types.Wishes(
            hosts=list(hosts),
            mounts=[types.Mount(path, types.Access[access.upper()]) for path, access in (mounts or {}).items()],
            programs=list(programs),
            secrets=list(secrets),
            settings=list(settings),
            limits=types.Limits(memory_bytes, cpu_ms, wall_ms, output_bytes),
        )
        _registered.append(_Registered(function, name, wishes, types.Effects[effects.upper()]))
        return function

    return register if function is None else register(function)


class Tool(exports.Tool):
    """The contract's `tool` interface."""

    def describe(self) -> types.Description:
        return _the_tool().description

    def call(self, input: str) -> list[types.Content]:
        try:
            return _answer.content(_run(input))
        except _answer.InvalidInput as error:
            raise Err(types.Failure_InvalidInput(str(error))) from None
        except _answer.Failure as error:
            raise Err(types.Failure_Failed(_answer.text(str(error)))) from None
        except (Exception, SystemExit) as error:
            context.log(context.Level.ERROR, traceback.format_exc())
            message = "".join(traceback.format_exception_only(error)).strip()
            raise Err(types.Failure_Failed(_answer.text(message))) from None


def _run(text: str) -> Any:
    registered = _the_tool()
    try:
        value = json.loads(text)
    except ValueError as error:
        raise _answer.InvalidInput(f"the input is not JSON: {error}") from None
    # Relative paths start there, as for every other program of the sandbox; a tool that wished for no files has none.
    with contextlib.suppress(OSError):
        os.chdir("/workspace")
    answer = registered.function(**_schema.arguments(registered.parameters, value))
    if inspect.iscoroutine(answer):
        answer.close()
        raise TypeError("the tool's function is async; make it a plain function")
    return answer


def _the_tool() -> _Registered:
    if not _registered:
        raise TypeError("tool.py has no function with @tool")
    return _registered[0]
