"""The official Python SDK against a running server: the quickstart, and the calls around it.

Where the server is and the key come from ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY, as for any user of the SDK.
"""

import anthropic
from anthropic import Anthropic

TASK = "Create a Python script that writes the first 20 Fibonacci numbers to fibonacci.txt"
FIBONACCI = [0, 1]
while len(FIBONACCI) < 20:
    FIBONACCI.append(FIBONACCI[-1] + FIBONACCI[-2])

ROUND = ["span.model_request_start", "agent.tool_use", "span.model_request_end", "agent.tool_result"]
SPOKEN = ["span.model_request_start", "agent.message", "agent.tool_use", "span.model_request_end", "agent.tool_result"]
EXPECTED = [
    "user.message",
    "session.status_running",
    "session.thread_status_running",
    *SPOKEN,
    *ROUND,
    *ROUND,
    "span.model_request_start",
    "agent.message",
    "span.model_request_end",
    "session.thread_status_idle",
    "session.usage",
    "session.status_idle",
]


def checked(answer):
    """The SDK builds its objects without checking them. This does: required fields, types, known words."""
    type(answer).model_validate(answer.to_dict(mode="json"))
    return answer


def equal(found, expected):
    assert found == expected, f"\n   found: {found}\nexpected: {expected}"


client = Anthropic()

agent = checked(
    client.beta.agents.create(
        name="Coding Assistant",
        model="claude-opus-5-5",
        system="You are a helpful coding assistant. Write clean, well-documented code.",
        tools=[{"type": "agent_toolset_20260401"}],
    )
)
equal((agent.version, agent.model.effort.type, agent.tools[0].default_config.permission_policy.type), (1, "high", "always_allow"))

environment = checked(
    client.beta.environments.create(
        name="quickstart-env",
        config={"type": "cloud", "networking": {"type": "unrestricted"}},
    )
)
session = checked(
    client.beta.sessions.create(agent=agent.id, environment_id=environment.id, title="Quickstart session")
)
equal((session.status, session.agent.id, session.archived_at), ("idle", agent.id, None))

# The turn, as it happens.
events, text = [], {}
with client.beta.sessions.events.stream(session.id, event_deltas=["agent.message"]) as stream:
    sent = client.beta.sessions.events.send(
        session.id,
        events=[{"type": "user.message", "content": [{"type": "text", "text": TASK}]}],
    )
    for event in stream:
        checked(event)
        print(f"  {event.type}")
        if event.type == "event_start":
            text[event.event.id] = ""
        elif event.type == "event_delta":
            text[event.event_id] += event.delta.content.text
        else:
            events.append(event)
        if event.type == "session.status_idle":
            break

equal([event.type for event in events], EXPECTED)
equal(events[-1].stop_reason.type, "end_turn")
equal(sent.data[0].id, events[0].id)
for message in (event for event in events if event.type == "agent.message"):
    equal(text[message.id], message.content[0].text)

# What the tools did: the file is there, and it is right.
results = [event for event in events if event.type == "agent.tool_result"]
assert not any(result.is_error for result in results), results
contents = results[-1].content[0].text
equal([int(word) for word in contents.replace(",", " ").split()], FIBONACCI)

# The history is what the stream showed.
history = list(client.beta.sessions.events.list(session.id))
equal([event.id for event in history], [event.id for event in events])
uses = list(client.beta.sessions.events.list(session.id, types=["agent.tool_use"], order="desc", limit=1))
equal([use.name for use in uses], ["read", "bash", "write"])

session = checked(client.beta.sessions.retrieve(session.id))
equal(session.status, "idle")
assert session.usage.output_tokens > 0, session.usage

# Changing things.
agent = checked(client.beta.agents.update(agent.id, version=agent.version, description="Writes code"))
equal(agent.version, 2)
equal([version.version for version in client.beta.agents.versions.list(agent.id, limit=1)], [2, 1])
equal(client.beta.agents.retrieve(agent.id, version=1).description, None)
try:
    client.beta.agents.update(agent.id, version=1, name="Late")
    raise AssertionError("a stale version was accepted")
except anthropic.ConflictError as error:
    assert error.request_id, error
equal(client.beta.sessions.update(session.id, title="Done", metadata={"kind": "demo"}).title, "Done")
equal([found.id for found in client.beta.sessions.list(agent_id=agent.id, statuses=["idle"])], [session.id])

# Refusals arrive as the SDK's exceptions, with the field named.
try:
    client.beta.sessions.events.send(session.id, events=[{"type": "user.message", "content": []}])
    raise AssertionError("an empty message was accepted")
except anthropic.BadRequestError as error:
    assert "events.0.content" in str(error), error
try:
    client.beta.sessions.retrieve("sesn_unknown")
    raise AssertionError("an unknown session was found")
except anthropic.NotFoundError:
    pass
try:
    Anthropic(api_key="wrong").beta.agents.list()
    raise AssertionError("a wrong key was accepted")
except anthropic.AuthenticationError:
    pass

# The ends of things.
assert client.beta.sessions.archive(session.id).archived_at
equal(client.beta.sessions.delete(session.id).type, "session_deleted")
assert client.beta.agents.archive(agent.id).archived_at
assert client.beta.environments.archive(environment.id).archived_at
equal(client.beta.environments.delete(environment.id).type, "environment_deleted")
print("python: ok")
