// The official TypeScript clients of MCP, over streamable HTTP and over stdio.
//
// `clients.mjs GLOVEBOX URL KEY`

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as second from "@modelcontextprotocol/client";
import { StdioClientTransport as SecondStdio } from "@modelcontextprotocol/client/stdio";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [glovebox, url, key] = process.argv.slice(2);
const information = { name: "conformance", version: "1" };
const generations = {
  "sdk 1": { Client, Http: StreamableHTTPClientTransport, Stdio: StdioClientTransport },
  "client 2": { Client: second.Client, Http: second.StreamableHTTPClientTransport, Stdio: SecondStdio },
};

// What every client sees, however it is connected.
async function works(client) {
  const { tools } = await client.listTools();
  const names = tools.map((tool) => tool.name);
  for (const name of ["bash", "edit", "glob", "grep", "read", "web_fetch", "web_search", "write"]) {
    assert(names.includes(name), name);
  }
  const call = (name, input, options) =>
    client.callTool({ name, arguments: input }, ...(client instanceof Client ? [undefined, options] : [options]));
  const bash = async (command) => (await call("bash", { command })).content[0].text;
  assert.equal(await bash("mkdir -p there && cd there && LEFT=1 && echo $((6 * 7))"), "42");
  assert.equal(await bash("pwd; echo $LEFT"), "/workspace/there\n1");
  await call("write", { file_path: "/workspace/b.txt", content: "hello" });
  assert.equal((await call("read", { file_path: "/workspace/b.txt" })).content[0].text, "hello");
  assert.equal((await call("read", { file_path: "/workspace/none" })).isError, true);
  await assert.rejects(call("hammer", {}), /hammer/);

  // A call that is given up does not hold up the others.
  const given = new AbortController();
  const slow = call("bash", { command: "sleep 1000" }, { signal: given.signal });
  setTimeout(() => given.abort(new Error("enough")), 1000);
  await assert.rejects(slow, /enough|abort/i);
  assert.equal((await call("glob", { pattern: "*.txt" })).content[0].text, "/workspace/b.txt");
}

for (const [generation, { Client, Http, Stdio }] of Object.entries(generations)) {
  const http = (key) => new Http(new URL(url), { requestInit: { headers: { Authorization: `Bearer ${key}` } } });
  const client = new Client(information);
  const transport = http(key);
  await client.connect(transport);
  await works(client);
  if (transport.sessionId) await transport.terminateSession();
  await client.close();
  console.log(`mcp: typescript ${generation}, http`);
  await assert.rejects(new Client(information).connect(http("wrong")));

  const folder = mkdtempSync(join(tmpdir(), "glovebox-mcp-"));
  const local = new Client(information);
  await local.connect(new Stdio({ command: glovebox, args: ["mcp", "--workspace", folder], env: process.env }));
  await works(local);
  await local.close();
  assert.equal(readFileSync(join(folder, "b.txt"), "utf8"), "hello");
  rmSync(folder, { recursive: true });
  console.log(`mcp: typescript ${generation}, stdio`);
}
