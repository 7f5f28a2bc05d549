"""Pushed tools in Rust, Python and JavaScript, called by one answer of the model; and what an agent's entry may say."""

import base64
import struct

import anthropic
from support import checked, client, custom, equal, of, push, session_of, session_with, turn

CALLS = ["agent.tool_use"] * 4 + ["span.model_request_end"] + ["agent.tool_result"] * 4


def three_tools_in_one_turn():
    tools = {name: push(name) for name in ["chart", "html_table", "markdown_html"]}
    agent = checked(
        client.beta.agents.create(
            name="three languages",
            model="claude-opus-5-5",
            tools=[custom(tool) for tool, _, _ in tools.values()],
        )
    )
    agent = checked(client.beta.agents.retrieve(agent.id))
    for entry, (name, (tool, _, _)) in zip(agent.tools, tools.items(), strict=True):
        equal((entry.type, entry.name, entry.component), ("custom", name, tool))
        assert len(entry.description) > 40 and entry.input_schema.properties, entry
    session = session_of(agent)
    equal([entry.component for entry in session.agent.tools], [f"{tool}@1" for tool, _, _ in tools.values()])

    events = turn(session, "three tools")
    types = [event.type for event in events]
    start = types.index("agent.tool_use")
    equal(types[start : start + len(CALLS)], CALLS)
    equal(events[-1].stop_reason.type, "end_turn")
    uses, results = of(events, "agent.tool_use"), of(events, "agent.tool_result")
    equal([use.name for use in uses], ["chart", "markdown_html", "html_table", "markdown_html"])
    equal({use.evaluated_permission for use in uses}, {"allow"})
    by_use = {answer.tool_use_id: answer for answer in results}
    chart, written, table, page = (by_use[use.id] for use in uses)
    assert not any(answer.is_error for answer in results), results

    image = chart.content[0]
    equal((image.type, image.source.type, image.source.media_type), ("image", "base64", "image/png"))
    equal(png_size(base64.b64decode(image.source.data)), (640, 400))
    assert written.content[0].text.startswith("wrote ") and "prices.html" in written.content[0].text, written
    equal(table.content[0].text, "Table 1\n\n| Fruit | Price |\n| --- | --- |\n| Apple | 3 |\n| Pear | 4 |")
    html = page.content[0].text
    assert "<h1>Prices</h1>" in html and "<strong>rising</strong>" in html and html.rstrip().endswith("</html>"), html
    print("python: three tools in one turn")


def png_size(data):
    """Width and height of a PNG that is whole."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR" and data[-8:-4] == b"IEND", data[:16]
    return struct.unpack(">II", data[16:24])


def references():
    tool, version, digest = push("steps")
    for reference in [tool, f"{tool}@{version}", digest]:
        session = session_with(custom(reference))
        events = turn(session, "steps 3 1")
        equal([use.name for use in of(events, "agent.tool_use")], ["steps"])
        equal(of(events, "agent.tool_result")[0].content[0].text, "took 3 steps")
    print("python: tools by id, version and digest")


def contradictions():
    tool, _, _ = push("steps")
    schema = {"type": "object", "properties": {"count": {"type": "string"}}}
    for field, value in [("description", "Does something else."), ("name", "leaps"), ("input_schema", schema)]:
        refused(custom(tool, **{field: value}), f"tools.0.{field}")
    refused(custom("tool_unknown"), "tools.0.component")
    refused(custom(tool, grants={"disks": ["*"]}), "tools.0.grants")
    print("python: entries that contradict their tool are refused")


def refused(entry, field):
    try:
        client.beta.agents.create(name="wrong", model="claude-opus-5-5", tools=[entry])
        raise AssertionError(f"accepted: {entry}")
    except anthropic.BadRequestError as error:
        assert field in str(error), error
