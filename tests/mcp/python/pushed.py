"""Tools that were pushed to a server, through the official Python client of MCP, over streamable HTTP and over stdio.

run.sh says in the environment where the server and the API are, and makes three keys: WIDE_KEY may call everything and reach
nothing, CHART_KEY may call chart and json_api and reach nothing, API_KEY may reach the API and use its token.
"""

import asyncio
import base64
import json
import struct
from os import environ

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

ORDERS = {"url": f"{environ['API']}/orders", "select": '$.items[?state=="open"].id', "next": "cursor=$.cursor", "pages_max": 9}
BARS = {"kind": "bar", "x": ["a", "b"], "series": [{"name": "n", "values": [1, 2]}], "width": 400, "height": 300}


def http(key):
    client = httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=300)
    return streamable_http_client(f"{environ['GLOVEBOX_ADDRESS']}/mcp", http_client=client)


def stdio(*arguments):
    known = ["--data", environ["GLOVEBOX_DATA_FOLDER"], "--config", environ["GLOVEBOX_SANDBOX"]]
    return StdioServerParameters(
        command=environ["GLOVEBOX_BINARY"], args=["mcp", *known, *arguments], env=dict(environ)
    )


async def names(client):
    return {tool.name for tool in (await client.list_tools()).tools}


async def draws(client):
    tool = next(tool for tool in (await client.list_tools()).tools if tool.name == "chart")
    assert "chart" in tool.description and tool.input_schema["properties"]["kind"], tool
    [image] = (await client.call_tool("chart", BARS)).content
    assert (image.type, image.mime_type) == ("image", "image/png"), image
    data = base64.b64decode(image.data)
    assert data.startswith(b"\x89PNG") and struct.unpack(">II", data[16:24]) == (400, 300), data[:24]


async def orders(client):
    result = await client.call_tool("json_api", ORDERS)
    assert environ["API_TOKEN"] not in repr(result), result
    return result.is_error, result.content[0].text


async def finds_orders(client):
    failed, text = await orders(client)
    assert not failed and json.loads(text) == [2, 6, 10], text


async def finds_none(client, why):
    failed, text = await orders(client)
    assert failed and why in text, text
    assert (await client.call_tool("json_api", {**ORDERS, "authorize": False})).is_error


async def progress(client):
    heard = []

    async def report(progress, total, message):
        heard.append(message)

    result = await client.call_tool("steps", {"count": 3, "pause_ms": 300}, progress_callback=report)
    assert result.content[0].text == "took 3 steps", result
    assert heard == ["step 1 of 3", "step 2 of 3", "step 3 of 3"], heard


async def main():
    async with Client(http(environ["WIDE_KEY"])) as client:
        assert {"chart", "json_api", "steps", "bash"} <= await names(client)
        await draws(client)
        await progress(client)
        await finds_none(client, "API_TOKEN")
    async with Client(http(environ["CHART_KEY"])) as client:
        assert await names(client) == {"chart", "json_api"}
        await draws(client)
        await finds_none(client, "API_TOKEN")
    async with Client(http(environ["API_KEY"])) as client:
        await finds_orders(client)
    print("mcp: python, http, pushed tools")

    async with Client(stdio("--tool", "chart", "--tool", "json_api")) as client:
        assert await names(client) == {"chart", "json_api"}
        await draws(client)
        await finds_none(client, "API_TOKEN")
    async with Client(stdio("--allow-host", "127.0.0.1", "--secret", "API_TOKEN=env:API_TOKEN@127.0.0.1")) as client:
        assert {"chart", "json_api", "steps", "bash"} <= await names(client)
        await finds_orders(client)
        await progress(client)
    async with Client(stdio("--secret", "API_TOKEN=env:API_TOKEN@127.0.0.1")) as client:
        await finds_none(client, "127.0.0.1")
    print("mcp: python, stdio, pushed tools")


asyncio.run(main())
