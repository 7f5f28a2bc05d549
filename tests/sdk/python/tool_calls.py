"""Calls that take long: what is seen of them meanwhile, interrupts, and a server that dies in the middle."""

import json
import os
import signal
import subprocess
import threading
import time
import urllib.request
from contextlib import contextmanager

from support import client, custom, equal, history, of, push, result, say, session_with, turn, until_idle

BASE_URL, KEY = os.environ["ANTHROPIC_BASE_URL"], os.environ["ANTHROPIC_API_KEY"]
# The text of the result of a call that was lost with its server.
LOST = "The server restarted while this call was running."


class Raw(threading.Thread):
    """A reader of a session's stream without an SDK: every frame as a list of lines."""

    def __init__(self, session):
        super().__init__(daemon=True)
        self.frames = []
        request = urllib.request.Request(
            f"{BASE_URL}/v1/sessions/{session.id}/events/stream", headers={"x-api-key": KEY}
        )
        self.response = urllib.request.urlopen(request)

    def run(self):
        frame = []
        try:
            for line in self.response:
                if line.strip():
                    frame.append(line.decode().strip())
                    continue
                self.frames.append(frame)
                frame = []
        except OSError:
            pass

    def progress(self):
        """What tools said of their progress: frames that are no events."""
        nameless = [frame for frame in list(self.frames) if not any(line.startswith("event:") for line in frame)]
        return [json.loads(line.removeprefix("data:")) for frame in nameless for line in frame]


@contextmanager
def watched(session):
    raw = Raw(session)
    raw.start()
    yield raw
    raw.join(timeout=0)


def wait_for(condition, what):
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.02)


def progress():
    tool, _, _ = push("steps")
    session = session_with(custom(tool))
    with watched(session) as raw:
        # `turn` knows every type that it sees.
        events = turn(session, "steps 3 300")
        equal(result(events).removeprefix("the second version "), "took 3 steps")
        wait_for(lambda: any("event: session.status_idle" in frame for frame in raw.frames), "the raw stream is idle")
    [use] = of(events, "agent.tool_use")
    reports = raw.progress()
    equal({(each["type"], each["tool_use_id"], each["name"]) for each in reports}, {("tool_progress", use.id, "steps")})
    equal([each["message"] for each in reports], ["step 1 of 3", "step 2 of 3", "step 3 of 3"])
    equal(reports[-1]["fraction"], 1)
    assert "tool_progress" not in history(session) and "step 1 of 3" not in history(session)
    print("python: progress is in the stream, and the SDK skips it")


def interrupt():
    tool, _, _ = push("steps")
    session = session_with(custom(tool))
    with watched(session) as raw, client.beta.sessions.events.stream(session.id) as stream:
        say(session, "steps 100000 50")
        wait_for(raw.progress, "progress")
        client.beta.sessions.events.send(session.id, events=[{"type": "user.interrupt"}])
        events = until_idle(stream)
    # The tool asks whether it is to stop, and answers with what it has.
    assert result(events).endswith("steps and was stopped"), events
    equal(events[-1].stop_reason.type, "end_turn")
    equal(client.beta.sessions.retrieve(session.id).status, "idle")
    assert result(turn(session, "steps 3 1")).endswith("took 3 steps")
    print("python: an interrupt ends a call")


def restart():
    """The server is killed in the middle of two calls: of a tool without effects, which is run again, and of one with."""
    sessions = {name: session_with(custom(push(name)[0])) for name in ["steps", "job"]}
    for name, session in sessions.items():
        with watched(session) as raw:
            say(session, f"{name} 60 50")
            wait_for(raw.progress, f"progress of {name}")
    kill_and_start()
    answers = {name: ended(session) for name, session in sessions.items()}
    assert answers["steps"].content[0].text.endswith("took 60 steps") and not answers["steps"].is_error, answers
    assert answers["job"].is_error and answers["job"].content[0].text.startswith(LOST), answers
    for name, session in sessions.items():
        # The session goes on with its next turn, and its sandbox is there again.
        assert result(turn(session, f"{name} 3 1")).endswith("took 3 steps")
    print("python: sessions survive their server, calls according to their effects")


def kill_and_start():
    with open(os.environ["GLOVEBOX_PID"]) as file:
        os.kill(int(file.read()), signal.SIGKILL)
    address = BASE_URL.removeprefix("http://")

    def answers():
        try:
            return urllib.request.urlopen(f"{BASE_URL}/healthz").status == 200
        except OSError:
            return False

    wait_for(lambda: not answers(), "the server is gone")
    subprocess.Popen([os.environ["GLOVEBOX_SERVE"], address], start_new_session=True)
    wait_for(answers, "the server is back")


def ended(session):
    """The last result of a session that has come to rest by itself."""
    wait_for(lambda: client.beta.sessions.retrieve(session.id).status == "idle", "the session is idle")
    events = list(client.beta.sessions.events.list(session.id))
    uses = of(events, "agent.tool_use")
    [answer] = of(events, "agent.tool_result")
    equal((len(uses), answer.tool_use_id), (1, uses[0].id))
    equal(events[-1].stop_reason.type, "end_turn")
    return answer
