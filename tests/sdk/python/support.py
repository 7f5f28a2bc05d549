"""What the scenarios of the Python SDK share: checks, and turns of a session."""

import json
import subprocess
from os import environ
from typing import get_args

from anthropic import Anthropic
from anthropic.types.beta.sessions import BetaManagedAgentsStreamSessionEvents

client = Anthropic()

# The types of events that the SDK has a class for.
UNION = get_args(get_args(BetaManagedAgentsStreamSessionEvents)[0])
KNOWN = {word for variant in UNION for word in get_args(variant.model_fields["type"].annotation)}


def checked(answer):
    """The SDK builds its objects without checking them. This does: required fields, types, known words."""
    type(answer).model_validate(answer.to_dict(mode="json"))
    return answer


def equal(found, expected):
    assert found == expected, f"\n   found: {found}\nexpected: {expected}"


def push(name):
    """Publishes one of the tools that tests/tools/build.sh made, as its author would: (id, version, digest)."""
    command = [environ["GLOVEBOX"], "tool", "push", f"{environ['GLOVEBOX_TOOLS']}/{name}.wasm"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    reference, digest = printed.split()
    tool, version = reference.split("@")
    return tool, int(version), digest


def session_with(*tools):
    """A session of a new agent with these tools, in a new environment."""
    agent = client.beta.agents.create(name="tools", model="claude-opus-5-5", tools=list(tools))
    return session_of(agent)


def session_of(agent):
    environment = client.beta.environments.create(
        name="tools", config={"type": "cloud", "networking": {"type": "unrestricted"}}
    )
    return client.beta.sessions.create(agent=agent.id, environment_id=environment.id)


def custom(component, **more):
    """An entry of an agent's tools. The SDK's types do not know `component`; it sends it all the same."""
    return {"type": "custom", "component": component, **more}


def say(session, text):
    message = {"type": "user.message", "content": [{"type": "text", "text": text}]}
    return client.beta.sessions.events.send(session.id, events=[message])


def until_idle(stream):
    """The events of a stream up to the pause, each of a type that the SDK knows, with all that the type asks for."""
    events = []
    for event in stream:
        assert event.type in KNOWN, event
        events.append(checked(event))
        if event.type == "session.status_idle":
            return events
    raise AssertionError(f"the stream ended before the session was idle: {events}")


def turn(session, text):
    with client.beta.sessions.events.stream(session.id) as stream:
        say(session, text)
        return until_idle(stream)


def of(events, *types):
    return [event for event in events if event.type in types]


def result(events):
    """The one result of a turn, which is a text."""
    [found] = of(events, "agent.tool_result")
    return found.content[0].text


def history(session):
    """Everything that is stored of a session, as text."""
    return json.dumps([event.to_dict(mode="json") for event in client.beta.sessions.events.list(session.id)])
