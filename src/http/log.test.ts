// Plants secrets wherever a caller or an operator can put one, and looks for them in every line that was logged.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatepostError } from '../errors.ts';
import { createIdentifiers } from '../identifiers.ts';
import { createLog } from './log.ts';
import { createHttpServer } from './server.ts';

test('no secret reaches the log, wherever it was put', async () => {
  const lines: string[] = [];
  const log = createLog({ level: 'trace', write: (line) => void lines.push(line) });
  const server = await createHttpServer({ log, ids: createIdentifiers(), version: '0.0.0', findCaller: async () => null });
  server.get('/v1/fails', { config: { scope: null } }, async (request) => {
    request.log.info({ headers: request.headers, url: request.url }, 'somebody logs too much');
    const cause = new Error('connect postgres://gatepost:PLANTED1@db.example.org:5432/x');
    throw new GatepostError('internal', 'broken', 'POST https://user:PLANTED2@hooks.example.org/x?sig=PLANTED3&a=b failed', { cause });
  });
  const headers = { authorization: 'Bearer gp_PLANTED4000000000000000', cookie: 'session=PLANTED5' };
  await server.inject({ url: '/v1/fails?token=PLANTED6&org=PLANTED7', headers });
  await server.inject({ url: '/v1/nothing?secret=PLANTED8', headers });
  log.warn({ secret: 'PLANTED9', webhook: { secret: 'PLANTEDA' } }, 'whsec_PLANTEDB and https://hooks.example.org/services?key=PLANTEDC');
  log.warn('gp_PLANTEDD1234567 and Basic UExBTlRFREU=');
  const text = lines.join('');
  assert.equal(lines.filter((line) => line.includes('"msg":"request"')).length, 2);
  assert.match(text, /somebody logs too much/);
  assert.match(text, /hooks\.example\.org/, 'the line itself is there');
  assert.doesNotMatch(text, /PLANTED|UExBTlRFREU/);
  for (const line of lines) assert.ok(JSON.parse(line));
});

test('a request has one wide line with what it takes to find it again', async () => {
  const lines: string[] = [];
  const log = createLog({ level: 'info', write: (line) => void lines.push(line) });
  const server = await createHttpServer({
    log,
    ids: createIdentifiers(),
    version: '0.0.0',
    findCaller: async () => ({
      organization: '6d0c1c1e-0000-4000-8000-000000000000',
      slug: 'acme',
      token: 'token-id',
      scopes: ['read'],
      project: null,
    }),
  });
  server.get('/v1/things/:key', { config: { scope: 'read' } }, async () => ({}));
  const answer = await server.inject({ url: '/v1/things/a', headers: { authorization: 'Bearer x' } });
  assert.equal(lines.length, 1);
  const { time: _time, durationMs, ...line } = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
  assert.equal(typeof durationMs, 'number');
  assert.deepEqual(line, {
    level: 'info',
    requestId: answer.headers['x-request-id'],
    method: 'GET',
    route: '/v1/things/:key',
    path: '/v1/things/a',
    status: 200,
    address: '127.0.0.1',
    organization: 'acme',
    token: 'token-id',
    msg: 'request',
  });
});

test('a client that goes before its answer is in the log too', async (t) => {
  const lines: string[] = [];
  const log = createLog({ level: 'info', write: (line) => void lines.push(line) });
  const server = await createHttpServer({ log, ids: createIdentifiers(), version: '0.0.0', findCaller: async () => null });
  const { promise: entered, resolve: enter } = Promise.withResolvers<void>();
  const { promise: left, resolve: leave } = Promise.withResolvers<void>();
  server.get('/v1/slow', { config: { scope: null } }, async (request) => {
    request.raw.socket.once('close', () => leave());
    enter();
    await left;
    return {};
  });
  const base = await server.listen({ port: 0, host: '127.0.0.1' });
  t.after(() => server.close());
  const abort = new AbortController();
  const request = fetch(`${base}/v1/slow`, { signal: abort.signal });
  await entered;
  abort.abort();
  await assert.rejects(request);
  await left;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /"route":"\/v1\/slow".*"aborted":true/);
});
