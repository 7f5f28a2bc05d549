// The official TypeScript SDK against a running server: the quickstart, and the calls around it.
// Where the server is and the key come from ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY, as for any user of the SDK.

import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';

const TASK = 'Create a Python script that writes the first 20 Fibonacci numbers to fibonacci.txt';
const FIBONACCI = [0, 1];
while (FIBONACCI.length < 20) FIBONACCI.push(FIBONACCI.at(-1) + FIBONACCI.at(-2));

const ROUND = ['span.model_request_start', 'agent.tool_use', 'span.model_request_end', 'agent.tool_result'];
const SPOKEN = ['span.model_request_start', 'agent.message', 'agent.tool_use', 'span.model_request_end', 'agent.tool_result'];
const EXPECTED = [
  'user.message',
  'session.status_running',
  'session.thread_status_running',
  ...SPOKEN,
  ...ROUND,
  ...ROUND,
  'span.model_request_start',
  'agent.message',
  'span.model_request_end',
  'session.thread_status_idle',
  'session.usage',
  'session.status_idle',
];

async function all(pages) {
  const items = [];
  for await (const item of pages) items.push(item);
  return items;
}

const client = new Anthropic();

let agent = await client.beta.agents.create({
  name: 'Coding Assistant',
  model: 'claude-opus-5-5',
  system: 'You are a helpful coding assistant. Write clean, well-documented code.',
  tools: [{ type: 'agent_toolset_20260401' }],
});
assert.equal(agent.version, 1);

const environment = await client.beta.environments.create({
  name: 'quickstart-env',
  config: { type: 'cloud', networking: { type: 'unrestricted' } },
});
const session = await client.beta.sessions.create({
  agent: agent.id,
  environment_id: environment.id,
  title: 'Quickstart session',
});
assert.equal(session.status, 'idle');

// The turn, as it happens.
const events = [];
const text = new Map();
const stream = await client.beta.sessions.events.stream(session.id, { event_deltas: ['agent.message'] });
await client.beta.sessions.events.send(session.id, {
  events: [{ type: 'user.message', content: [{ type: 'text', text: TASK }] }],
});
for await (const event of stream) {
  console.log(`  ${event.type}`);
  if (event.type === 'event_start') text.set(event.event.id, '');
  else if (event.type === 'event_delta') text.set(event.event_id, text.get(event.event_id) + event.delta.content.text);
  else events.push(event);
  if (event.type === 'session.status_idle') break;
}
assert.deepEqual(events.map((event) => event.type), EXPECTED);
assert.equal(events.at(-1).stop_reason.type, 'end_turn');
for (const message of events.filter((event) => event.type === 'agent.message')) {
  assert.equal(text.get(message.id), message.content[0].text);
}

// What the tools did: the file is there, and it is right.
const results = events.filter((event) => event.type === 'agent.tool_result');
assert.ok(results.every((result) => !result.is_error), JSON.stringify(results));
const numbers = results.at(-1).content[0].text.split(/[\s,]+/).filter(Boolean).map(Number);
assert.deepEqual(numbers, FIBONACCI);

// The history is what the stream showed.
const history = await all(client.beta.sessions.events.list(session.id));
assert.deepEqual(history.map((event) => event.id), events.map((event) => event.id));
const uses = await all(client.beta.sessions.events.list(session.id, { types: ['agent.tool_use'], limit: 2 }));
assert.deepEqual(uses.map((use) => use.name), ['write', 'bash', 'read']);

// Changing things.
agent = await client.beta.agents.update(agent.id, { version: 1, description: 'Writes code' });
assert.equal(agent.version, 2);
await assert.rejects(client.beta.agents.update(agent.id, { version: 1, name: 'Late' }), Anthropic.ConflictError);
assert.equal((await client.beta.sessions.update(session.id, { title: 'Done' })).title, 'Done');
const listed = await all(client.beta.sessions.list({ agent_id: agent.id, statuses: ['idle'] }));
assert.deepEqual(listed.map((found) => found.id), [session.id]);

// Refusals arrive as the SDK's errors, with the field named.
await assert.rejects(
  client.beta.sessions.events.send(session.id, { events: [{ type: 'user.message', content: [] }] }),
  (error) => error instanceof Anthropic.BadRequestError && error.message.includes('events.0.content'),
);
await assert.rejects(client.beta.sessions.retrieve('sesn_unknown'), Anthropic.NotFoundError);
await assert.rejects(new Anthropic({ apiKey: 'wrong' }).beta.agents.list(), Anthropic.AuthenticationError);

// The ends of things.
assert.ok((await client.beta.sessions.archive(session.id)).archived_at);
assert.equal((await client.beta.sessions.delete(session.id)).type, 'session_deleted');
assert.ok((await client.beta.agents.archive(agent.id)).archived_at);
assert.ok((await client.beta.environments.archive(environment.id)).archived_at);
assert.equal((await client.beta.environments.delete(environment.id)).type, 'environment_deleted');
console.log('typescript: ok');
