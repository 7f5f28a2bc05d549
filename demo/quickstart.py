"""The quickstart of the official Python SDK, unchanged but for where the server is.

ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY say that, as for any program that uses the SDK. When the server is on this machine,
GLOVEBOX_PROGRAM (the server's program) and GLOVEBOX_DATA (its data directory) show the file that the agent made.
"""

import io
import os
import subprocess
import sys
import tarfile

from anthropic import Anthropic

TASK = "Create a Python script that writes the first 20 Fibonacci numbers to fibonacci.txt, run it, and check the file."

client = Anthropic()

agent = client.beta.agents.create(
    name="Coding Assistant",
    model="claude-opus-4-8",
    system="You are a helpful coding assistant. Write clean, well-documented code.",
    tools=[{"type": "agent_toolset_20260401"}],
)
print(f"agent        {agent.id}, version {agent.version}")

environment = client.beta.environments.create(
    name="quickstart-env",
    config={"type": "cloud", "networking": {"type": "limited", "allowed_hosts": []}},
)
print(f"environment  {environment.id}")

session = client.beta.sessions.create(agent=agent.id, environment_id=environment.id, title="Quickstart session")
print(f"session      {session.id}\n")


def shorten(text, width=100):
    line = " ⏎ ".join(text.strip().splitlines())
    return line if len(line) <= width else line[: width - 1] + "…"


def show(event):
    """One event on one line; the text of a message was shown while it streamed."""
    detail = ""
    match event.type:
        case "user.message":
            detail = shorten(event.content[0].text)
        case "agent.tool_use":
            detail = f"{event.name} {shorten(str(event.input))}"
        case "agent.tool_result":
            texts = [block.text for block in event.content or [] if block.type == "text"]
            detail = ("ERROR " if event.is_error else "") + shorten("\n".join(texts))
        case "span.model_request_end":
            usage = event.model_usage
            detail = f"{usage.input_tokens} tokens in, {usage.output_tokens} out"
        case "session.error":
            detail = f"{event.error.type}: {event.error.message}"
        case "session.status_idle":
            detail = event.stop_reason.type
    print(f"{event.type:<32} {detail}".rstrip(), flush=True)


failed = False
with client.beta.sessions.events.stream(session.id, event_deltas=["agent.message"]) as stream:
    client.beta.sessions.events.send(
        session.id,
        events=[{"type": "user.message", "content": [{"type": "text", "text": TASK}]}],
    )
    streaming = False
    for event in stream:
        if event.type == "event_start":
            continue
        if event.type == "event_delta":
            if not streaming:
                print(f"{'agent.message (streaming)':<32} ", end="")
            streaming = True
            print(event.delta.content.text, end="", flush=True)
            continue
        if streaming:
            print()
            streaming = False
        show(event)
        failed = failed or event.type == "session.error" or bool(getattr(event, "is_error", False))
        if event.type in ("session.status_idle", "session.status_terminated"):
            break

program = os.environ.get("GLOVEBOX_PROGRAM")
if program:
    export = subprocess.run([program, "session", "export", session.id], check=True, stdout=subprocess.PIPE)
    with tarfile.open(fileobj=io.BytesIO(export.stdout)) as workspace:
        if "fibonacci.txt" not in workspace.getnames():
            sys.exit("\nthe agent made no fibonacci.txt")
        numbers = workspace.extractfile("fibonacci.txt").read().decode().split()
    print(f"\nfibonacci.txt, of {program} session export {session.id}:\n{' '.join(numbers)}")
    failed = failed or len(numbers) != 20 or numbers[-1] != "4181"
sys.exit("\nthe quickstart did not end well" if failed else None)
