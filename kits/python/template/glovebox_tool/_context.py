"""What the host offers to a running call. Every function may only be used while a call runs."""

from wit_world.imports import context

from ._answer import Failure


def progress(message: str, fraction: float | None = None) -> None:
    """Shows whoever watches how far it is; `fraction` is 0.0 to 1.0. Never stored, never seen by the model."""
    context.progress(message, fraction)


def log(message: str, level: str = "info") -> None:
    """Writes into the host's log: `debug`, `info`, `warn` or `error`. Never seen by the model."""
    context.log(context.Level[level.upper()], message)


def secret(name: str) -> str:
    """A stand-in for a secret, for the value of a request's header. The host puts the secret in its place.

    The tool has to wish for it (`@tool(secrets=[...])`) and the agent's entry has to grant it.
    """
    stand_in = context.secret(name)
    if stand_in is None:
        raise Failure(f"this tool was not granted the secret {name}: its agent's entry has to name it in `grants.secrets`")
    return stand_in


def setting(name: str) -> str | None:
    """A setting of the host's operator, if there is one and the tool wished for it."""
    return context.setting(name)


def cancelled() -> bool:
    """Whether the caller wants the call to end. Who asks has one second from then to clean up and answer."""
    return context.cancelled()


def deadline(milliseconds: int, message: str) -> None:
    """Ends the call after that time, if it did not end sooner; the failure reads `message`."""
    context.deadline(milliseconds, message)


def load_state() -> bytes | None:
    """What this tool left with `store_state` in this session."""
    return context.load_state()


def store_state(state: bytes) -> None:
    """Leaves up to 16 MiB for this tool's next call in this session."""
    context.store_state(state)
