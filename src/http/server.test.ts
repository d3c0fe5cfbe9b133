// What every route shares, seen from outside: shapes of refusals, prefix, proxy, sizes, the way it stops.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { Type } from 'typebox';
import { GatepostError } from '../errors.ts';
import { createIdentifiers } from '../identifiers.ts';
import type { Caller } from './caller.ts';
import { nextLink } from './paging.ts';
import type { HttpServerOptions } from './server.ts';
import { createHttpServer, headerBytesMax, jsonBytesMax, parameterCharactersMax, stopHttpServer } from './server.ts';
import type { HttpServer } from './http-server.ts';

const reader: Caller = { organization: 'o', slug: 'acme', token: 't', scopes: ['read'], project: null };

async function build(options: Partial<HttpServerOptions> = {}): Promise<HttpServer> {
  const server = await createHttpServer({
    log: pino({ level: 'silent' }),
    ids: createIdentifiers(),
    version: '0.0.0',
    findCaller: async (token) => (token === 'good' ? reader : null),
    ...options,
  });
  server.get('/v1/open', { config: { scope: null } }, async () => ({ ok: true }));
  server.get('/v1/closed', { config: { scope: 'read' } }, async (request) => ({ slug: request.caller.slug }));
  server.get('/v1/administer', { config: { scope: 'admin' } }, async () => ({ ok: true }));
  server.get(
    '/v1/things/:key',
    { config: { scope: null }, schema: { params: Type.Object({ key: Type.String() }) } },
    async (request) => request.params,
  );
  server.get(
    '/v1/list',
    {
      config: { scope: null },
      schema: { querystring: Type.Object({ limit: Type.Optional(Type.Integer({ minimum: 1 })), cursor: Type.Optional(Type.String()) }) },
    },
    async (request, reply) => {
      nextLink(request, reply, 'next');
      return { limit: request.query.limit ?? null };
    },
  );
  server.post(
    '/v1/things',
    {
      config: { scope: null },
      schema: { body: Type.Object({ name: Type.String(), size: Type.Optional(Type.Integer()) }, { additionalProperties: false }) },
    },
    async (request) => request.body,
  );
  server.get('/v1/breaks', { config: { scope: null } }, async () => {
    throw new Error('select * from /var/lib/secret');
  });
  server.get('/v1/busy', { config: { scope: null } }, async () => {
    throw new GatepostError('rate_limited', 'too_many', 'Too many.', { retryAfterSeconds: 7 });
  });
  return server;
}

test('a closed route tells a missing token, a bad one, a bad header and a missing scope apart', async () => {
  const server = await build();
  const codeOf = async (url: string, authorization?: string): Promise<string> => {
    const answer = await server.inject({ url, headers: authorization === undefined ? {} : { authorization } });
    assert.equal(answer.headers['www-authenticate'] !== undefined, answer.statusCode === 401);
    const { code = '' } = answer.json<{ code?: string }>();
    return `${answer.statusCode} ${code}`.trim();
  };
  assert.equal(await codeOf('/v1/closed'), '401 token_missing');
  assert.equal(await codeOf('/v1/closed', 'Bearer bad'), '401 invalid_token');
  assert.equal(await codeOf('/v1/closed', 'Basic Zm9vOmJhcg=='), '401 invalid_authorization');
  assert.equal(await codeOf('/v1/administer', 'Bearer good'), '403 scope_missing');
  assert.equal(await codeOf('/v1/closed', 'bearer good'), '200');
  assert.equal(await codeOf('/v1/open', 'Bearer bad'), '200', 'an open route does not look at it by itself');
});

test('a route that names no scope cannot be registered', async () => {
  const server = await build();
  assert.throws(() => server.get('/v1/forgotten', async () => ({})), /names no scope/);
});

test('what a schema refuses names the field and what is wrong with it', async () => {
  const server = await build();
  const refusal = async (options: { url: string; payload?: object | string }): Promise<unknown> => {
    const answer = await server.inject({
      url: options.url,
      method: options.payload === undefined ? 'GET' : 'POST',
      headers: { 'content-type': 'application/json' },
      ...(options.payload === undefined ? {} : { payload: options.payload }),
    });
    assert.equal(answer.statusCode, 400);
    const { code, details } = answer.json<{ code: string; details?: { field: string } }>();
    return [code, details?.field];
  };
  assert.deepEqual(await refusal({ url: '/v1/list?limit=0' }), ['invalid_parameter', 'limit']);
  assert.deepEqual(await refusal({ url: '/v1/list?limit=x' }), ['invalid_parameter', 'limit']);
  assert.deepEqual(await refusal({ url: '/v1/list?limit=1&limit=2' }), ['invalid_parameter', 'limit']);
  assert.deepEqual(await refusal({ url: '/v1/things', payload: {} }), ['missing_field', 'name']);
  assert.deepEqual(await refusal({ url: '/v1/things', payload: { name: 5 } }), ['invalid_field', 'name']);
  assert.deepEqual(await refusal({ url: '/v1/things', payload: { name: 'a', size: '5' } }), ['invalid_field', 'size']);
  assert.deepEqual(await refusal({ url: '/v1/things', payload: { name: 'a', other: 1 } }), ['unknown_field', 'other']);
  assert.deepEqual(await refusal({ url: '/v1/things', payload: '{' }), ['not_json', undefined]);
  assert.deepEqual(await refusal({ url: '/v1/things', payload: '' }), ['body_missing', undefined]);
});

test('a DELETE that names JSON and has no body is a DELETE; one that has a body is read', async () => {
  const server = await build();
  server.delete('/v1/things/:id', { config: { scope: null, idempotency: 'none' } }, async () => ({ gone: true }));
  const ask = async (payload?: string): Promise<number> => {
    const headers = { 'content-type': 'application/json' };
    return (await server.inject({ method: 'DELETE', url: '/v1/things/a', headers, ...(payload === undefined ? {} : { payload }) }))
      .statusCode;
  };
  assert.deepEqual([await ask(), await ask(''), await ask('{}'), await ask('{')], [200, 200, 200, 400]);
});

test('404, 405, 413 and 415 have our shape; a bug shows nothing of itself', async () => {
  const server = await build();
  const unknown = await server.inject('/v1/nothing?x=1');
  assert.deepEqual([unknown.statusCode, unknown.json<{ code: string }>().code], [404, 'not_found']);
  const method = await server.inject({ method: 'DELETE', url: '/v1/things/abc' });
  assert.deepEqual(
    [method.statusCode, method.json<{ code: string }>().code, method.headers.allow],
    [405, 'method_not_allowed', 'GET, HEAD'],
  );
  const headers = { 'content-type': 'application/json' };
  const large = await server.inject({
    method: 'POST',
    url: '/v1/things',
    headers,
    payload: JSON.stringify({ name: 'a'.repeat(jsonBytesMax) }),
  });
  assert.deepEqual([large.statusCode, large.json<{ code: string }>().code], [413, 'body_too_large']);
  const media = await server.inject({ method: 'POST', url: '/v1/things', headers: { 'content-type': 'text/csv' }, payload: 'a' });
  assert.deepEqual([media.statusCode, media.json<{ code: string }>().code], [415, 'unsupported_media_type']);
  const bug = await server.inject('/v1/breaks');
  assert.deepEqual([bug.statusCode, bug.json()], [500, { code: 'internal', message: 'Internal error' }]);
  const path = await server.inject('/v1/things/%zz');
  assert.deepEqual([path.statusCode, path.json<{ code: string }>().code], [400, 'invalid_url']);
  const busy = await server.inject('/v1/busy');
  assert.deepEqual([busy.statusCode, busy.headers['retry-after']], [429, '7']);
});

test('a path part of 400 percent-encoded characters works, a longer one is refused in our shape', async () => {
  const server = await build();
  const key = '::'.repeat(200);
  assert.equal((await server.inject(`/v1/things/${encodeURIComponent(key)}`)).json<{ key: string }>().key, key);
  const long = await server.inject(`/v1/things/${'a'.repeat(parameterCharactersMax + 1)}`);
  assert.deepEqual([long.statusCode, long.json<{ code: string }>().code], [414, 'path_too_long']);
});

test('under a path prefix all is found with it and without it, and links carry it', async () => {
  const server = await build({ path: '/gatepost/' });
  for (const url of ['/gatepost/v1/open', '/v1/open']) assert.equal((await server.inject(url)).statusCode, 200, url);
  assert.equal((await server.inject('/gatepostal/v1/open')).statusCode, 404);
  const answer = await server.inject({ url: '/gatepost/v1/list?limit=5&q=%C3%A9', headers: { host: 'example.org:8480' } });
  assert.equal(answer.headers.link, '<http://example.org:8480/gatepost/v1/list?limit=5&q=%C3%A9&cursor=next>; rel="next"');
});

test('forwarded headers count from a trusted proxy alone; GATEPOST_URL stands above them', async () => {
  const headers = {
    host: 'inside:8480',
    'x-forwarded-host': 'reports.example.org',
    'x-forwarded-proto': 'https',
    'x-forwarded-for': '203.0.113.9',
  };
  const linkOf = async (options: Partial<HttpServerOptions>): Promise<string> => {
    const server = await build(options);
    return String((await server.inject({ url: '/v1/list', headers, remoteAddress: '10.0.0.7' })).headers.link);
  };
  assert.match(await linkOf({}), /^<http:\/\/inside:8480\/v1/);
  assert.match(await linkOf({ trustProxy: ['192.0.2.0/24'] }), /^<http:\/\/inside:8480\/v1/);
  assert.match(await linkOf({ trustProxy: ['10.0.0.0/8'] }), /^<https:\/\/reports\.example\.org\/v1/);
  assert.match(await linkOf({ publicUrl: 'https://example.org/g' }), /^<https:\/\/example\.org\/g\/v1/);
});

test('a GET with a request line of 64 KiB and headers of 64 KiB is taken; more is 431 in our shape', async (t) => {
  const server = await build();
  await server.listen({ port: 0, host: '127.0.0.1' });
  t.after(() => server.close());
  const { port } = server.server.address() as AddressInfo;
  const ids = 'a'.repeat(65_000);
  const fine = await fetch(`http://127.0.0.1:${port}/v1/open?x=${ids}`, { headers: { 'x-more': 'b'.repeat(65_000) } });
  assert.equal(fine.status, 200);
  const over = await fetch(`http://127.0.0.1:${port}/v1/open?x=${ids}`, { headers: { 'x-more': 'b'.repeat(headerBytesMax) } });
  assert.equal(over.status, 431);
  assert.equal(((await over.json()) as { code: string }).code, 'headers_too_large');
});

test('what is no HTTP is answered in our shape', async (t) => {
  const server = await build();
  await server.listen({ port: 0, host: '127.0.0.1' });
  t.after(() => server.close());
  const socket = connect((server.server.address() as AddressInfo).port, '127.0.0.1');
  socket.write('nonsense\r\n\r\n');
  const [data] = (await once(socket, 'data')) as [Buffer];
  assert.match(data.toString(), /^HTTP\/1\.1 400 [\s\S]*"code":"invalid_request"/);
  socket.destroy();
});

test('a stop finishes what is in flight, refuses what is new, and cuts what does not end', async () => {
  const server = await build();
  const { promise: entered, resolve: enter } = Promise.withResolvers<void>();
  server.get('/v1/slow', { config: { scope: null } }, async () => {
    enter();
    await sleep(150);
    return { ok: true };
  });
  const base = await server.listen({ port: 0, host: '127.0.0.1' });
  const slow = fetch(`${base}/v1/slow`);
  await entered;
  assert.equal(await stopHttpServer(server, 2000), true);
  assert.equal((await slow).status, 200);
  await assert.rejects(fetch(`${base}/v1/open`));

  const stuck = await build();
  stuck.get('/v1/stuck', { config: { scope: null } }, async () => sleep(5000, {}, { ref: false }));
  const other = await stuck.listen({ port: 0, host: '127.0.0.1' });
  const request = fetch(`${other}/v1/stuck`);
  const failed = assert.rejects(request);
  await sleep(30);
  const began = Date.now();
  assert.equal(await stopHttpServer(stuck, 100), false);
  assert.ok(Date.now() - began < 1000);
  await failed;
});

test('large answers are compressed for whoever asks, small ones are not', async () => {
  const server = await build();
  server.get('/v1/large', { config: { scope: null } }, async () => ({ text: 'a'.repeat(20_000) }));
  for (const encoding of ['br', 'gzip']) {
    const answer = await server.inject({ url: '/v1/large', headers: { 'accept-encoding': encoding } });
    assert.deepEqual([answer.headers['content-encoding'], answer.headers.vary], [encoding, 'accept-encoding']);
    assert.ok(answer.rawPayload.length < 500);
  }
  assert.equal((await server.inject('/v1/large')).headers['content-encoding'], undefined);
  assert.equal((await server.inject({ url: '/v1/open', headers: { 'accept-encoding': 'gzip' } })).headers['content-encoding'], undefined);
});
