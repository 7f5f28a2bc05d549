// The official TypeScript SDK with tools that were pushed to the server: the same calls as with any other agent.
// Besides the server's address and the key, GLOVEBOX is the binary that pushes and GLOVEBOX_TOOLS the folder with the tools.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import Anthropic from '@anthropic-ai/sdk';

const { GLOVEBOX, GLOVEBOX_TOOLS } = process.env;
const client = new Anthropic();
// What a session of these agents sends; the SDK has a type for each.
const KNOWN = new Set([
  'agent.message', 'agent.tool_result', 'agent.tool_use', 'session.status_idle', 'session.status_running',
  'session.thread_status_idle', 'session.thread_status_running', 'session.usage', 'span.model_request_end',
  'span.model_request_start', 'user.interrupt', 'user.message', 'user.tool_confirmation',
]);

// Publishes one of the tools that tests/tools/build.sh made, as its author would; gives its id.
function push(name) {
  const printed = execFileSync(GLOVEBOX, ['tool', 'push', `${GLOVEBOX_TOOLS}/${name}.wasm`], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return printed.split('@')[0];
}

// The SDK's types do not know `component`; it sends it all the same.
const custom = (component, more) => ({ type: 'custom', component, ...more });

async function sessionWith(...tools) {
  const agent = await client.beta.agents.create({ name: 'tools', model: 'claude-opus-5-5', tools });
  const environment = await client.beta.environments.create({ name: 'tools' });
  return client.beta.sessions.create({ agent: agent.id, environment_id: environment.id });
}

// Sends this and gives the events up to the pause. `during` is called with each of them.
async function turn(session, event, during = () => {}) {
  const stream = await client.beta.sessions.events.stream(session.id);
  await client.beta.sessions.events.send(session.id, { events: [event] });
  const events = [];
  for await (const event of stream) {
    assert.ok(KNOWN.has(event.type), JSON.stringify(event));
    events.push(event);
    await during(event);
    if (event.type === 'session.status_idle') return events;
  }
  assert.fail('the stream ended before the session was idle');
}

const message = (text) => ({ type: 'user.message', content: [{ type: 'text', text }] });
const of = (events, type) => events.filter((event) => event.type === type);
const text = (events) => of(events, 'agent.tool_result')[0].content[0].text;

async function threeToolsInOneTurn() {
  const session = await sessionWith(...['chart', 'html_table', 'markdown_html'].map((name) => custom(push(name))));
  for (const tool of session.agent.tools) {
    assert.ok(tool.description.length > 40 && tool.input_schema.properties, JSON.stringify(tool));
  }
  const events = await turn(session, message('three tools'));
  const types = events.map((event) => event.type);
  const start = types.indexOf('agent.tool_use');
  assert.deepEqual(types.slice(start, start + 9), [
    ...Array(4).fill('agent.tool_use'),
    'span.model_request_end',
    ...Array(4).fill('agent.tool_result'),
  ]);
  assert.deepEqual(of(events, 'agent.tool_use').map((use) => use.name), ['chart', 'markdown_html', 'html_table', 'markdown_html']);
  const results = new Map(of(events, 'agent.tool_result').map((result) => [result.tool_use_id, result]));
  const [chart, written, table, page] = of(events, 'agent.tool_use').map((use) => results.get(use.id));
  assert.ok([chart, written, table, page].every((result) => !result.is_error), JSON.stringify([...results.values()]));
  assert.equal(chart.content[0].source.media_type, 'image/png');
  const png = Buffer.from(chart.content[0].source.data, 'base64');
  assert.equal(png.subarray(1, 4).toString(), 'PNG');
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [640, 400]);
  assert.match(written.content[0].text, /^wrote \d+ bytes to prices.html$/);
  assert.match(table.content[0].text, /\| Apple \| 3 \|\n\| Pear \| 4 \|/);
  assert.match(page.content[0].text, /<h1>Prices<\/h1>\s*<p>They are <strong>rising<\/strong>/);
  console.log('typescript: three tools in one turn');
}

async function permissions() {
  const tool = push('steps');
  const wrong = { name: 'wrong', model: 'claude-opus-5-5', tools: [custom(tool, { description: 'Does something else.' })] };
  await assert.rejects(
    client.beta.agents.create(wrong),
    (error) => error instanceof Anthropic.BadRequestError && error.message.includes('tools.0.description'),
  );
  const session = await sessionWith(custom(tool, { permission_policy: { type: 'always_ask' } }));
  const asked = await turn(session, message('steps 3 1'));
  const [use] = of(asked, 'agent.tool_use');
  assert.equal(use.evaluated_permission, 'ask');
  assert.deepEqual(asked.at(-1).stop_reason, { type: 'requires_action', event_ids: [use.id] });
  const allowed = await turn(session, { type: 'user.tool_confirmation', tool_use_id: use.id, result: 'allow' });
  assert.match(text(allowed), /took 3 steps$/);
  console.log('typescript: a call waits for the user\'s word');
}

// Whoever reads the stream without an SDK sees frames that are no events: the progress of a tool. Resolves when the stream is
// open, to a function that gives them once the stream has shown `until`.
async function progressOf(session, until) {
  const headers = { 'x-api-key': client.apiKey };
  const answer = await fetch(`${client.baseURL}/v1/sessions/${session.id}/events/stream`, { headers });
  let seen = '';
  return async () => {
    for await (const part of answer.body.pipeThrough(new TextDecoderStream())) {
      seen += part;
      if (seen.includes(until)) break;
    }
    const frames = seen.split('\n\n').slice(0, -1).filter((frame) => !frame.includes('event:'));
    return frames.map((frame) => JSON.parse(frame.replace(/^data: /, '')));
  };
}

async function progressAndInterrupt() {
  const session = await sessionWith(custom(push('steps')));
  let progress = await progressOf(session, 'event: session.status_idle');
  // `turn` knows every type that it sees.
  assert.match(text(await turn(session, message('steps 3 300'))), /took 3 steps$/);
  const reports = await progress();
  assert.deepEqual(reports.map((report) => [report.type, report.message]), [1, 2, 3].map((step) => ['tool_progress', `step ${step} of 3`]));

  progress = await progressOf(session, '"tool_progress"');
  const events = await turn(session, message('steps 100000 50'), async (event) => {
    if (event.type !== 'agent.tool_use') return;
    await progress();
    await client.beta.sessions.events.send(session.id, { events: [{ type: 'user.interrupt' }] });
  });
  assert.match(text(events), /steps and was stopped$/);
  assert.equal(events.at(-1).stop_reason.type, 'end_turn');
  console.log('typescript: progress is skipped, and an interrupt ends a call');
}

await threeToolsInOneTurn();
await permissions();
await progressAndInterrupt();
console.log('typescript: tools ok');
