// Tools that were pushed to a server, through the official TypeScript clients of MCP, over streamable HTTP and over stdio.
// run.sh says in the environment where the server and the API are, and which keys there are (see python/pushed.py).

import assert from "node:assert/strict";
import * as second from "@modelcontextprotocol/client";
import { StdioClientTransport as SecondStdio } from "@modelcontextprotocol/client/stdio";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const { API, API_KEY, CHART_KEY, GLOVEBOX_ADDRESS, GLOVEBOX_BINARY, GLOVEBOX_DATA_FOLDER, GLOVEBOX_SANDBOX } = process.env;
const generations = {
  "sdk 1": { Client, Http: StreamableHTTPClientTransport, Stdio: StdioClientTransport },
  "client 2": { Client: second.Client, Http: second.StreamableHTTPClientTransport, Stdio: SecondStdio },
};
const BARS = { kind: "bar", x: ["a", "b"], series: [{ name: "n", values: [1, 2] }], width: 400, height: 300 };
const ORDERS = { url: `${API}/orders`, select: '$.items[?state=="open"].id', next: "cursor=$.cursor", pages_max: 9 };

const names = async (client) => (await client.listTools()).tools.map((tool) => tool.name).sort();

async function draws(client) {
  const { content } = await client.callTool({ name: "chart", arguments: BARS });
  assert.equal(content.length, 1);
  assert.equal(content[0].type, "image");
  assert.equal(content[0].mimeType, "image/png");
  const png = Buffer.from(content[0].data, "base64");
  assert.deepEqual([png.subarray(1, 4).toString(), png.readUInt32BE(16), png.readUInt32BE(20)], ["PNG", 400, 300]);
}

const orders = (client) => client.callTool({ name: "json_api", arguments: ORDERS });

for (const [generation, { Client, Http, Stdio }] of Object.entries(generations)) {
  const connected = async (transport) => {
    const client = new Client({ name: "conformance", version: "1" });
    await client.connect(transport);
    return client;
  };
  const http = (key) =>
    connected(new Http(new URL(`${GLOVEBOX_ADDRESS}/mcp`), { requestInit: { headers: { Authorization: `Bearer ${key}` } } }));
  const stdio = (...more) => {
    const args = ["mcp", "--data", GLOVEBOX_DATA_FOLDER, "--config", GLOVEBOX_SANDBOX, ...more];
    return connected(new Stdio({ command: GLOVEBOX_BINARY, args, env: process.env }));
  };
  const wide = ["--allow-host", "127.0.0.1", "--secret", "API_TOKEN=env:API_TOKEN@127.0.0.1"];
  for (const [kind, narrow, reaching] of [
    ["http", await http(CHART_KEY), await http(API_KEY)],
    ["stdio", await stdio("--tool", "chart", "--tool", "json_api"), await stdio(...wide)],
  ]) {
    assert.deepEqual(await names(narrow), ["chart", "json_api"]);
    await draws(narrow);
    assert.equal((await orders(narrow)).isError, true);
    const found = await orders(reaching);
    assert.ok(!found.isError, JSON.stringify(found));
    assert.deepEqual(JSON.parse(found.content[0].text), [2, 6, 10]);
    for (const client of [narrow, reaching]) {
      if (client.transport.sessionId) await client.transport.terminateSession();
      await client.close();
    }
    console.log(`mcp: typescript ${generation}, ${kind}, pushed tools`);
  }
}
