"""The official Python client of MCP, over streamable HTTP and over stdio, with the lifecycle of either generation.

`clients.py GLOVEBOX URL KEY NARROW_KEY`: the narrow key may call bash and read, and write nothing.
"""

import asyncio
import base64
import sys
import tempfile
from pathlib import Path

import httpx2
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

GLOVEBOX, URL, KEY, NARROW_KEY = sys.argv[1:]

# One black pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


def http(key):
    client = httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=300)
    return streamable_http_client(URL, http_client=client)


def text(result):
    return result.content[0].text


async def works(client):
    """What every client sees, however it is connected."""
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert {"bash", "read", "write", "edit", "glob", "grep", "web_fetch", "web_search"} <= set(tools), tools
    assert tools["bash"].input_schema["type"] == "object"
    assert tools["read"].annotations.read_only_hint is True
    assert tools["bash"].annotations.read_only_hint is False

    result = await client.call_tool("bash", {"command": "mkdir -p here && cd here && echo $((6 * 7)) && export LEFT=1"})
    assert not result.is_error and text(result) == "42", result
    # The shell goes on where it was.
    assert text(await client.call_tool("bash", {"command": "pwd; echo $LEFT"})) == "/workspace/here\n1"

    await client.call_tool("write", {"file_path": "/workspace/a.txt", "content": "hello"})
    assert text(await client.call_tool("read", {"file_path": "/workspace/a.txt"})) == "hello"
    await client.call_tool("bash", {"command": f"echo {base64.b64encode(PNG).decode()} | base64 -d > /workspace/a.png"})
    image = (await client.call_tool("read", {"file_path": "/workspace/a.png"})).content[0]
    assert (image.type, image.mime_type) == ("image", "image/png"), image
    assert base64.b64decode(image.data) == PNG

    missing = await client.call_tool("read", {"file_path": "/workspace/none"})
    assert missing.is_error and text(missing)
    outside = await client.call_tool("bash", {"command": "cat /etc/passwd"})
    assert outside.is_error or "root:" not in text(outside)
    network = await client.call_tool("web_fetch", {"url": "https://example.com/"})
    assert network.is_error and "example.com" in text(network), network
    try:
        await client.call_tool("hammer", {})
        raise AssertionError("an unknown tool was called")
    except MCPError as error:
        assert "hammer" in str(error), error

    # Calls run side by side, and one that is given up does not hold up the others.
    try:
        async with asyncio.timeout(2):
            await client.call_tool("bash", {"command": "sleep 1000"})
        raise AssertionError("nothing sleeps that long")
    except TimeoutError:
        pass
    both = [client.call_tool("glob", {"pattern": "*.txt"}) for _ in range(2)]
    assert [text(result) for result in await asyncio.gather(*both)] == ["/workspace/a.txt"] * 2


async def main():
    for mode in ["legacy", "auto"]:
        async with Client(http(KEY), mode=mode) as client:
            await works(client)
            print(f"mcp: python, http, {client.protocol_version}")
        async with Client(http(NARROW_KEY), mode=mode) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == ["bash", "read"]
            refused = await client.call_tool("bash", {"command": "echo x > /workspace/x"})
            assert refused.is_error, refused
        try:
            async with Client(http("wrong"), mode=mode) as client:
                raise AssertionError("a wrong key was let in")
        except AssertionError:
            raise
        except BaseException as error:
            print(f"mcp: python, a wrong key is refused with {type(error).__name__}")

        with tempfile.TemporaryDirectory() as folder:
            parameters = StdioServerParameters(command=GLOVEBOX, args=["mcp", "--workspace", folder])
            async with Client(parameters, mode=mode) as client:
                await works(client)
                print(f"mcp: python, stdio, {client.protocol_version}")
            assert (Path(folder) / "a.txt").read_text() == "hello"


asyncio.run(main())
