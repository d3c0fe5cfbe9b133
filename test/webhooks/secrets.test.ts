// No secret is anywhere: webhooks whose URLs, paths, queries, added headers, proxies and secrets are planted deliver to receivers that throw all they
// got back at us, in an answer that works, fails, redirects, says gone; or that cannot be reached. Then every answer of the API, every log line, every
// row, and with SQLite every byte of the data directory, is searched for what was planted.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import type { IncomingMessage, Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import pg from 'pg';
import type { App } from '../../src/app.ts';
import { buildApp } from '../../src/app.ts';
import type { Configuration } from '../../src/configuration.ts';
import { createLog } from '../../src/http/log.ts';
import { atEnd, call, configure, tenant } from '../app.ts';
import { engines } from '../databases.ts';

/** Everything that was planted, and the forms that a program may put it in. */
const planted = new Set<string>();

function plant(kind: string): string {
  const text = `${kind}/${randomBytes(12).toString('hex')}+"`;
  for (const form of [
    text,
    encodeURIComponent(text),
    text.replaceAll('/', '\\/'),
    Buffer.from(text).toString('base64').replace(/=+$/, ''),
  ]) {
    planted.add(form);
  }
  // The part that no encoding changes.
  planted.add(text.slice(kind.length + 1, -2));
  return text;
}

async function listen(t: TestContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, async () => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Throws back what it got, in headers and body, as it came and as programs write it. */
async function startReceiver(t: TestContext, status: number, seen: IncomingMessage[]): Promise<number> {
  const server = createServer((request, response) => {
    seen.push(request);
    request.resume().on('end', () => {
      const all = { url: request.url, decoded: decodeURIComponent(request.url ?? ''), ...request.headers };
      const json = JSON.stringify(all);
      response.writeHead(status, {
        'x-all': json.replaceAll(/[^\x20-\x7e]/g, ''),
        'set-cookie': `a=${request.headers['x-key'] as string}`,
        ...(status === 302 ? { location: `http://127.0.0.1:1${request.url}` } : {}),
      });
      response.end(`${json}\n${json.replaceAll('/', '\\/')}\n${encodeURIComponent(json)}\n${html(json)}\n${Object.values(all).join('\n')}`);
    });
  });
  return listen(t, server);
}

const html = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** A proxy that opens the way where it is asked to, or refuses and throws the credentials back. */
async function startProxy(t: TestContext, opens: boolean): Promise<number> {
  const server = createServer();
  server.on('connect', (request, socket) => {
    socket.on('error', () => socket.destroy());
    if (!opens)
      return socket.end(`HTTP/1.1 407 ${request.headers['proxy-authorization']}\r\nx: ${request.headers['proxy-authorization']}\r\n\r\n`);
    const [host, port] = (request.url ?? '').split(':');
    const on = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      on.pipe(socket).pipe(on);
    });
    on.on('error', () => socket.destroy());
    return socket;
  });
  return listen(t, server);
}

function credentials(): string {
  const password = plant('password');
  planted.add(Buffer.from(`bob:${password}`).toString('base64'));
  return `bob:${encodeURIComponent(password)}`;
}

function webhook(port: number, proxy: number | null) {
  const path = [encodeURIComponent(plant('path')), encodeURIComponent(plant('last'))].join('/');
  return {
    name: 'a webhook',
    url: `http://${credentials()}@127.0.0.1:${port}/services/${path}?token=${encodeURIComponent(plant('query'))}&${encodeURIComponent(plant('flag'))}`,
    sensitiveQuery: `?key=${encodeURIComponent(plant('sensitive'))}&${plant('lone').replaceAll('"', '%22')}`,
    events: ['report.ingested'],
    secret: plant('secret'),
    headers: { 'x-key': plant('header'), 'x-bearer': `Bearer ${plant('bearer')}` },
    ...(proxy === null ? {} : { proxy: `http://${credentials()}@127.0.0.1:${proxy}` }),
  };
}

interface World {
  readonly app: App;
  readonly token: string;
  /** Everything that the server has said to anybody. */
  readonly said: string[];
  ask(method: string, url: string, body?: unknown): Promise<Record<string, unknown>>;
}

async function start(t: TestContext, configuration: Configuration): Promise<World> {
  const said: string[] = [];
  const app = await buildApp(configuration, { log: createLog({ level: 'trace', write: (line) => void said.push(line) }) });
  atEnd(t, () => app.stop());
  await app.start();
  const { token } = await tenant(app, 'Example');
  return {
    app,
    token,
    said,
    async ask(method, url, body) {
      const { status, json } = await call(app, method, url, { as: token, ...(body === undefined ? {} : { body }) });
      said.push(`${method} ${url} ${status} ${JSON.stringify(json)}`);
      return json;
    },
  };
}

/** Makes them, has each tried by a test and by an event, and answers their ids once all were. */
async function deliver({ app, token, ask, said }: World, wanted: readonly ReturnType<typeof webhook>[]): Promise<readonly string[]> {
  const made: string[] = [];
  for (const one of wanted) {
    const { status, json } = await call(app, 'POST', '/v1/webhooks', { as: token, body: one });
    assert.equal(status, 201, JSON.stringify(json));
    // Shown this once, as promised; all the rest of the answer must hold none.
    assert.equal(json['secret'], one.secret);
    said.push(JSON.stringify({ ...json, secret: null }));
    made.push(String(json['id']));
  }
  const { secret: _shown, ...changed } = await ask('POST', `/v1/webhooks/${made[0]}/secret`, { secret: plant('new'), overlap: '1h' });
  said.splice(-1, 1, JSON.stringify(changed));
  for (const id of made) await ask('POST', `/v1/webhooks/${id}/test`);
  const form = new FormData();
  form.append('metadata', JSON.stringify({ ...report, projectKey: 'harbour' }));
  form.append('file', new Blob(['<p>theirs</p>']), 'report.html');
  assert.equal((await call(app, 'POST', '/v1/reports', { as: token, form })).status, 201);
  const end = performance.now() + 15_000;
  for (;;) {
    const { deliveries } = (await call(app, 'GET', '/v1/deliveries', { as: token })).json as { deliveries: { attemptCount: number }[] };
    // The one that is gone is off, so that its second delivery may never be tried.
    if (deliveries.filter((delivery) => delivery.attemptCount > 0).length >= made.length * 2 - 1) return made;
    assert.ok(performance.now() < end, `not all were tried: ${JSON.stringify(deliveries)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const report = {
  reportType: 'CWE Top 25',
  reportVersion: 2025,
  projectVersion: '1.0',
  vulnerabilitiesCount: 1,
  securityRating: 'B',
};

async function lookAtAll({ ask, app, said }: World, made: readonly string[]): Promise<number> {
  const { deliveries } = (await ask('GET', '/v1/deliveries')) as { deliveries: { id: string }[] };
  let attempts = 0;
  for (const { id } of deliveries) attempts += ((await ask('GET', `/v1/deliveries/${id}`))['attempts'] as unknown[]).length;
  await ask('GET', '/v1/webhooks');
  for (const id of made) {
    const shown = await ask('GET', `/v1/webhooks/${id}`);
    await ask('PATCH', `/v1/webhooks/${id}`, {
      url: shown['url'],
      sensitiveQuery: shown['sensitiveQuery'],
      headers: shown['headers'],
      proxy: shown['proxy'],
    });
    for (const bad of [
      { url: `ftp://${credentials()}@a.example/${encodeURIComponent(plant('bad'))}` },
      { url: `http://${credentials()}@10.0.0.1/${encodeURIComponent(plant('bad'))}` },
      { proxy: `http://${credentials()}@a.example/${encodeURIComponent(plant('bad'))}` },
      { sensitiveQuery: `key=${plant('bad')}#` },
      { sensitiveQuery: `key= ${plant('bad')}` },
      { sensitiveQuery: `${'k'.repeat(2_001)}${plant('bad')}` },
      { headers: { 'x-key': `${plant('bad')}\n` } },
      { headers: { host: plant('bad') } },
      { ca: plant('bad') },
      { secret: plant('bad') },
    ]) {
      assert.equal(typeof (await ask('PATCH', `/v1/webhooks/${id}`, bad))['code'], 'string');
    }
  }
  await ask('GET', '/v1/audit');
  said.push(await (await fetch(`${app.address()}/metrics`)).text());
  for (const id of made) await ask('DELETE', `/v1/webhooks/${id}`);
  await ask('GET', '/v1/audit');
  return attempts;
}

async function stored({ databaseUrl, data }: Configuration): Promise<readonly (readonly [string, Buffer])[]> {
  const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name !== 'secret.key',
  );
  const bytes = files.map((entry) => [entry.name, readFileSync(join(entry.parentPath, entry.name))] as const);
  if (databaseUrl === null) {
    assert.ok(files.some((entry) => entry.name === 'gatepost.db-wal'));
    return bytes;
  }
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const tables = await client.query<{ name: string }>("select tablename as name from pg_tables where schemaname = 'public'");
    const dumps: (readonly [string, Buffer])[] = [];
    for (const { name } of tables.rows) {
      const rows = await client.query<{ row: string }>(`select t::text as row from "${name}" t`);
      dumps.push([name, Buffer.from(rows.rows.map(({ row }) => row.replaceAll('""', '"').replaceAll('\\\\', '\\')).join('\n'))]);
    }
    return [...bytes, ...dumps];
  } finally {
    await client.end();
  }
}

function search(where: string, text: string | Buffer): void {
  for (const secret of planted) {
    const at = text.indexOf(secret);
    assert.ok(at < 0, `${secret} is in ${where}: ${text.slice(Math.max(0, at - 300), at + 100).toString()}`);
  }
}

for (const engine of engines) {
  test(`no secret is in an answer, a log line, a row or a file (${engine})`, async (t) => {
    const configuration = await configure(t, engine, { GATEPOST_WEBHOOKS_ALLOW: '127.0.0.0/8', GATEPOST_RETRY_INTERVAL: '1h' });
    const seen: IncomingMessage[] = [];
    const ports = await Promise.all([200, 500, 302, 410].map((status) => startReceiver(t, status, seen)));
    const [opens, refuses] = [await startProxy(t, true), await startProxy(t, false)];
    const world = await start(t, configuration);
    const wanted = [
      ...ports.map((port) => webhook(port, null)),
      webhook(1, null),
      webhook(ports[0] ?? 0, opens),
      webhook(ports[0] ?? 0, refuses),
      webhook(ports[0] ?? 0, 1),
    ];
    const made = await deliver(world, wanted);
    const before = await stored(configuration);
    const attempts = await lookAtAll(world, made);
    assert.ok(attempts >= wanted.length * 2 - 1, `${attempts} attempts`);
    // The search finds something where there is something: what was sent holds it all.
    const sent = JSON.stringify(seen.map(({ url, rawHeaders }) => [url, rawHeaders]));
    assert.ok(wanted.slice(0, 4).every((one) => sent.includes(JSON.stringify(one.headers['x-key']).slice(1, -1))));
    assert.ok(wanted.slice(0, 4).every((one) => sent.includes(one.sensitiveQuery.slice(1).split('&')[0] ?? '-')));
    const after = await stored(configuration);
    await world.app.stop();
    for (const text of world.said) search('what the server said', text);
    for (const [name, bytes] of [...before, ...after]) search(name, bytes);
  });
}
