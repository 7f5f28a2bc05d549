"""What is decided before a pushed tool runs: the user's word, the version, and secrets that only the host knows."""

from os import environ

from support import client, custom, equal, history, of, push, result, session_of, session_with, turn, until_idle


def confirmation():
    tool, _, _ = push("steps")
    session = session_with(custom(tool, permission_policy={"type": "always_ask"}))
    for verdict, expected in [("allow", "took 3 steps"), ("deny", "The user rejected this call: not today")]:
        events = turn(session, "steps 3 1")
        [use] = of(events, "agent.tool_use")
        equal(use.evaluated_permission, "ask")
        equal(events[-1].stop_reason.type, "requires_action")
        equal(list(events[-1].stop_reason.event_ids), [use.id])
        equal(of(events, "agent.tool_result"), [])
        answer = {"type": "user.tool_confirmation", "tool_use_id": use.id, "result": verdict}
        if verdict == "deny":
            answer["deny_message"] = "not today"
        with client.beta.sessions.events.stream(session.id) as stream:
            client.beta.sessions.events.send(session.id, events=[answer])
            events = until_idle(stream)
        equal(result(events), expected)
        equal(events[-1].stop_reason.type, "end_turn")
    print("python: a call waits for the user's word")


def versions():
    tool, version, _ = push("steps")
    agent = client.beta.agents.create(name="versions", model="claude-opus-5-5", tools=[custom(tool)])
    old = session_of(agent)
    equal(result(turn(old, "steps 3 1")), "took 3 steps")
    again, next_version, _ = push("steps-2")
    equal((again, next_version), (tool, version + 1))
    new = session_of(agent)
    equal(result(turn(new, "steps 3 1")), "the second version took 3 steps")
    equal(result(turn(old, "steps 3 1")), "took 3 steps")
    equal([session.agent.tools[0].component for session in [old, new]], [f"{tool}@{version}", f"{tool}@{version + 1}"])
    print("python: a session keeps its version")


def secret():
    tool, _, _ = push("json_api")
    session = session_with(custom(tool, grants={"secrets": ["API_TOKEN"]}))
    # The API answers nobody who does not send the token.
    events = turn(session, "open orders")
    [answer] = of(events, "agent.tool_result")
    assert not answer.is_error and all(number in answer.content[0].text for number in ["2", "6", "10"]), answer
    assert environ["API_TOKEN"] not in history(session)

    session = session_with(custom(tool))
    [answer] = of(turn(session, "open orders"), "agent.tool_result")
    assert answer.is_error and "not granted the secret API_TOKEN" in answer.content[0].text, answer
    session = session_with(custom(tool, grants={"secrets": ["API_TOKEN"], "hosts": []}))
    [answer] = of(turn(session, "open orders"), "agent.tool_result")
    assert answer.is_error and "127.0.0.1" in answer.content[0].text, answer
    print("python: a secret reaches its host, and nobody else")
