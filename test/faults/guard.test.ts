import assert from 'node:assert/strict';
import dns from 'node:dns/promises';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { mock, test } from 'node:test';
import type { App } from '../../src/app.ts';
import { systemClock } from '../../src/clock.ts';
import { recordEvent } from '../../src/events/record.ts';
import { createIdentifiers } from '../../src/identifiers.ts';
import { createSealer } from '../../src/secret-key.ts';
import { insertWebhook } from '../../src/webhooks/subscriptions/store.ts';
import type { Tenant } from '../app.ts';
import { atEnd, call, configure, startApp, tenant } from '../app.ts';
import { taggedFacts } from '../delivery/facts.ts';
import { webhookSecret } from '../delivery/tenants.ts';
import { forms } from '../webhooks/address-forms.ts';
import { until, within } from './books.ts';

// The address guard through the whole server, where a webhook is made and where something is sent: a receiver listens on every address of this
// machine and counts who connects. What may be reached is only what the setting names.

/** But for those that stand for this machine's own addresses: here it has others. */
const refused = forms.filter(([, reason]) => reason !== null && !reason.includes('own_interface'));
const loopbacks = refused.filter(([, reason]) => reason === 'loopback').map(([host]) => host);
const intervalMs = 100;
const ids = createIdentifiers();

interface Listener {
  readonly port: number;
  /** Which of our addresses each request came to. */
  readonly requests: string[];
  connections(): number;
}

/** Listens on every address of this machine, of both families where it has them. */
async function listen(t: TestContext): Promise<Listener> {
  const requests: string[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    requests.push(String(request.socket.localAddress).replace('::ffff:', ''));
    request.resume();
    response.writeHead(204).end();
  });
  server.on('connection', () => {
    connections += 1;
  });
  await listenOn(server, '::').catch(() => listenOn(server, '0.0.0.0'));
  atEnd(t, async () => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, requests, connections: () => connections };
}

async function listenOn(server: Server, host: string): Promise<void> {
  server.listen(0, host);
  await once(server, 'listening');
}

async function start(t: TestContext, allow = ''): Promise<{ readonly app: App; readonly owner: Tenant }> {
  const settings = { GATEPOST_WEBHOOKS_ALLOW: allow, GATEPOST_RETRY_INTERVAL: `${intervalMs}ms` };
  const { app } = await startApp(t, await configure(t, 'sqlite', settings));
  return { app, owner: await tenant(app, 'Guarded') };
}

function make(app: App, owner: Tenant, url: string): ReturnType<typeof call> {
  return call(app, 'POST', '/v1/webhooks', { as: owner.token, body: { name: 'receiver', url, events: ['report.ingested'] } });
}

/** Past the guard, as if it had been made when this was allowed. */
function makeUnguarded(app: App, owner: Tenant, urls: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const sealer = createSealer(Buffer.alloc(32, 5));
  return app.database.write(async (tx) => {
    const made = new Map<string, string>();
    for (const url of urls) {
      const webhook = await insertWebhook({
        tx,
        organization: owner.id,
        project: null,
        name: 'receiver',
        url: new URL(url),
        events: ['report.ingested'],
        dialect: 'report',
        secret: webhookSecret,
        actor: 'cli',
        sealer,
        ids,
        clock: systemClock,
      });
      made.set(webhook.id, url);
    }
    return made;
  });
}

async function happen(app: App, owner: Tenant, tag: number): Promise<void> {
  const facts = taggedFacts(owner.id, tag);
  await app.database.write((tx) =>
    recordEvent({ tx, organization: owner.id, kind: 'report.ingested', project: null, facts, ids, clock: systemClock }),
  );
}

/** The error and reason of every attempt, by webhook. */
async function attemptsOf(
  app: App,
): Promise<readonly { readonly webhook: string; readonly error: string | null; readonly reason: string | null }[]> {
  const rows = await app.database.read
    .selectFrom('attempts')
    .innerJoin('deliveries', 'deliveries.id', 'attempts.delivery')
    .select(['deliveries.webhook', 'attempts.error', 'attempts.request'])
    .execute();
  return rows.map(({ webhook, error, request }) => ({
    webhook,
    error,
    reason: (JSON.parse(request) as { readonly reason?: string }).reason ?? null,
  }));
}

/** Names that DNS answers in turn, in place of the system's lookup. */
function pretendNames(t: TestContext, names: Readonly<Record<string, () => readonly string[]>>): void {
  const lookup = mock.method(dns, 'lookup', async (host: string) => {
    const addresses = names[host]?.();
    if (addresses === undefined) throw Object.assign(new Error(`No such name: ${host}`), { code: 'ENOTFOUND' });
    return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  });
  syncBuiltinESMExports();
  atEnd(t, async () => {
    lookup.mock.restore();
    syncBuiltinESMExports();
  });
}

test(`a webhook to any of ${refused.length} forms of refused addresses is not made, and the answer says why`, {
  timeout: 60_000,
}, async (t) => {
  const { app, owner } = await start(t);
  const wrong: string[] = [];
  for (const [host, reason] of refused) {
    const { status, json } = await make(app, owner, `http://${host}:8080/hook`);
    const details = json['details'] as { readonly reason?: string } | undefined;
    const answer = `${status} ${String(json['code'])} ${details?.reason}`;
    if (answer !== `400 address_refused ${reason}`) wrong.push(`${host}: ${answer}, not ${reason}`);
  }
  assert.deepEqual(wrong, []);
});

test('nothing is sent to any of them either, it is one attempt with its reason, and nobody is connected to', {
  timeout: 60_000,
}, async (t) => {
  const listener = await listen(t);
  const { app, owner } = await start(t);
  const reasons = new Map(refused.map(([host, reason]) => [`http://${host}:${listener.port}/hook`, reason]));
  const webhooks = await makeUnguarded(app, owner, [...reasons.keys()]);
  await happen(app, owner, 1);
  const tried = async (): Promise<number> => new Set((await attemptsOf(app)).map(({ webhook }) => webhook)).size;
  await within(async () => (await tried()) === webhooks.size, 20_000);
  const attempts = await attemptsOf(app);
  const wrong = attempts.flatMap(({ webhook, error, reason }) => {
    const url = webhooks.get(webhook) ?? '';
    return error === 'address_refused' && reason === reasons.get(url) ? [] : [`${url}: ${error} ${reason}, not ${reasons.get(url)}`];
  });
  assert.deepEqual(wrong, []);
  assert.equal(new Set(attempts.map(({ webhook }) => webhook)).size, webhooks.size, 'webhooks that were tried');
  assert.equal(listener.connections(), 0);
});

test('what the setting allows is made and sent to, in every form and by name, and nothing else is', { timeout: 60_000 }, async (t) => {
  const listener = await listen(t);
  pretendNames(t, { 'receiver.internal': () => ['127.0.0.1'], localhost: () => ['127.0.0.1'] });
  const { app, owner } = await start(t, '127.0.0.1/32,receiver.internal');
  const wanted = [...loopbacks.filter((host) => new URL(`http://${host}`).hostname === '127.0.0.1'), 'localhost', 'receiver.internal'];
  const wrong: string[] = [];
  for (const host of wanted) {
    const { status, json } = await make(app, owner, `http://${host}:${listener.port}/hook`);
    if (status !== 201) wrong.push(`${host}: ${status} ${JSON.stringify(json)}`);
  }
  for (const host of ['127.0.0.2', '[::1]', '10.0.0.1']) {
    const { status } = await make(app, owner, `http://${host}:${listener.port}/hook`);
    if (status !== 400) wrong.push(`${host}: ${status}`);
  }
  assert.deepEqual(wrong, []);
  await happen(app, owner, 2);
  await until(() => listener.requests.length >= wanted.length, 20_000, `${wanted.length} forms are sent to`);
  assert.deepEqual(new Set(listener.requests), new Set(['127.0.0.1']));
});

test('a name that is public when the webhook is made and ours when it is sent to is refused, and never connected to', {
  timeout: 60_000,
}, async (t) => {
  const listener = await listen(t);
  let answers: readonly string[] = ['198.41.0.4'];
  pretendNames(t, { 'rebind.example': () => answers, 'both.example': () => ['198.41.0.4', '127.0.0.1'] });
  const { app, owner } = await start(t);
  assert.equal((await make(app, owner, `http://both.example:${listener.port}/hook`)).json['code'], 'address_refused');
  assert.equal((await make(app, owner, `http://rebind.example:${listener.port}/hook`)).status, 201);
  for (const [tag, address] of ['127.0.0.1', '0.0.0.0', '::1', '::ffff:127.0.0.1', '169.254.169.254', '10.0.0.1'].entries()) {
    answers = [address];
    const before = (await attemptsOf(app)).length;
    await happen(app, owner, tag);
    await until(async () => (await attemptsOf(app)).length > before, 10_000, `an attempt while the name is ${address}`);
  }
  assert.deepEqual(new Set((await attemptsOf(app)).map(({ error }) => error)), new Set(['address_refused']));
  assert.equal(listener.connections(), 0);
});

test('a name that answers otherwise at each question is connected to only by an answer that was checked', {
  timeout: 60_000,
}, async (t) => {
  const listener = await listen(t);
  let asked = 0;
  pretendNames(t, { 'turns.example': () => [(asked += 1) % 2 === 1 ? '127.0.0.2' : '127.0.0.1'] });
  const { app, owner } = await start(t, '127.0.0.2/32');
  const { status, json } = await make(app, owner, `http://turns.example:${listener.port}/hook`);
  assert.equal(status, 201, JSON.stringify(json));
  const events = 12;
  for (let tag = 0; tag < events; tag += 1) {
    await happen(app, owner, tag);
    // Connections would be kept, and names not asked for again.
    await until(() => listener.requests.length > tag, 10_000, `event ${tag} arrives`);
    await call(app, 'PATCH', `/v1/webhooks/${String(json['id'])}`, {
      as: owner.token,
      body: { url: `http://turns.example:${listener.port}/hook${tag}` },
    });
  }
  assert.deepEqual(new Set(listener.requests), new Set(['127.0.0.2']));
  assert.ok(asked > events, `${asked} questions`);
});
