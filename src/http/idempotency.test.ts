// Counts how often a handler ran: a repeat under the same key must not run it again, whatever happens in between.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { Type } from 'typebox';
import { eachDatabase } from '../../test/databases.ts';
import { GatepostError } from '../errors.ts';
import { createIdentifiers } from '../identifiers.ts';
import { createSealer } from '../secret-key.ts';
import type { Database } from '../storage/database/database.ts';
import { sha256Hex } from '../hmac.ts';
import type { HttpServer } from './http-server.ts';
import { idempotencyAbandonedMs, idempotencyKeptMs, idempotencyKeyCharactersMax } from './idempotency.ts';
import { clearUnderWay, createIdempotencyStore, purgeIdempotency } from './idempotency-store.ts';
import { createHttpServer } from './server.ts';

interface World {
  readonly server: HttpServer;
  readonly clock: { ms: number; now(): number };
  readonly runs: string[];
  send(options: {
    key: string;
    body?: object;
    url?: string;
    token?: string;
  }): Promise<{ status: number; body: Record<string, unknown>; replayed: boolean; location: unknown }>;
  behave: (name: string) => Promise<void>;
}

async function build(database: Database): Promise<World> {
  const clock = { ms: 1_800_000_000_000, now: () => clock.ms };
  const runs: string[] = [];
  const server = await createHttpServer({
    log: pino({ level: 'silent' }),
    ids: createIdentifiers(clock),
    version: '0.0.0',
    findCaller: async (token) => ({ organization: token, slug: token, token: 't', scopes: ['admin'], project: null }),
    idempotency: createIdempotencyStore({ database, clock, sealer: createSealer(Buffer.alloc(32, 3)) }),
  });
  const world: World = {
    server,
    clock,
    runs,
    behave: async () => undefined,
    async send({ key, body = { name: 'a' }, url = '/v1/things', token = 'acme' }) {
      const answer = await server.inject({
        method: 'POST',
        url,
        headers: { authorization: `Bearer ${token}`, 'idempotency-key': key },
        payload: body,
      });
      return {
        status: answer.statusCode,
        body: answer.json<Record<string, unknown>>(),
        replayed: answer.headers['idempotency-replayed'] === 'true',
        location: answer.headers['location'],
      };
    },
  };
  const schema = { body: Type.Object({ name: Type.String() }) };
  server.post('/v1/things', { config: { scope: 'admin' }, schema }, async (request, reply) => {
    runs.push(request.body.name);
    await world.behave(request.body.name);
    reply.code(201).header('location', `/v1/things/${runs.length}`);
    return { number: runs.length, secret: 'whsec_shown_once' };
  });
  server.post('/v1/others', { config: { scope: 'admin' }, schema }, async (request) => {
    runs.push(request.body.name);
    return { number: runs.length };
  });
  server.post('/v1/streams', { config: { scope: 'admin', idempotency: 'streamed' } }, async (request, reply) => {
    if (await server.beginIdempotent(request, reply, sha256Hex(JSON.stringify(request.body)))) return reply;
    runs.push('stream');
    return reply.code(202).send({ number: runs.length });
  });
  return world;
}

eachDatabase((open, engine) => {
  test(`a repeat gets the first answer and nothing is done twice (${engine})`, async (t) => {
    const database = await open(t);
    const world = await build(database);
    const first = await world.send({ key: 'k1' });
    assert.deepEqual(first, { status: 201, body: { number: 1, secret: 'whsec_shown_once' }, replayed: false, location: '/v1/things/1' });
    assert.deepEqual(await world.send({ key: 'k1' }), { ...first, replayed: true });
    assert.equal((await world.send({ key: 'k2' })).body['number'], 2);
    assert.equal((await world.send({ key: 'k1', url: '/v1/others' })).body['number'], 3, 'another route is another place');
    assert.equal((await world.send({ key: 'k1', token: 'other' })).body['number'], 4, 'another organization is another place');
    const rows = await database.read.selectFrom('idempotency').select('response').execute();
    assert.doesNotMatch(JSON.stringify(rows), /whsec_shown_once/, 'what is shown once does not lie in the database in clear');
  });

  test(`the same key with another body or query is refused with 409 (${engine})`, async (t) => {
    const world = await build(await open(t));
    await world.send({ key: 'k' });
    for (const again of [{ body: { name: 'b' } }, { url: '/v1/things?x=1' }]) {
      const answer = await world.send({ key: 'k', ...again });
      assert.deepEqual([answer.status, answer.body['code']], [409, 'idempotency_key_reused']);
    }
    assert.equal(world.runs.length, 1);
  });

  test(`of many at once one is done, the others wait or get its answer (${engine})`, async (t) => {
    const world = await build(await open(t));
    world.behave = () => new Promise((resolve) => setTimeout(resolve, 100));
    const answers = await Promise.all(Array.from({ length: 8 }, () => world.send({ key: 'k' })));
    assert.equal(world.runs.length, 1);
    assert.equal(answers.filter(({ status, replayed }) => status === 201 && !replayed).length, 1);
    for (const { status, body, replayed } of answers) assert.ok(replayed || status === 201 || body['code'] === 'idempotency_key_in_use');
    assert.equal((await world.send({ key: 'k' })).replayed, true);
  });

  test(`what failed on our side may be sent again, what was refused stays refused (${engine})`, async (t) => {
    const world = await build(await open(t));
    world.behave = async () => {
      throw new Error('database away');
    };
    assert.equal((await world.send({ key: 'k' })).status, 500);
    world.behave = async () => {
      throw new GatepostError('conflict', 'taken', 'Taken.');
    };
    assert.equal((await world.send({ key: 'k' })).status, 409);
    world.behave = async () => undefined;
    const again = await world.send({ key: 'k' });
    assert.deepEqual([again.status, again.body['code'], again.replayed], [409, 'taken', true]);
    assert.equal(world.runs.length, 2);
  });

  test(`after 24 hours the key is free; a call cut off by a crash gives way sooner (${engine})`, async (t) => {
    const database = await open(t);
    const world = await build(database);
    await world.send({ key: 'k' });
    world.clock.ms += idempotencyKeptMs - 1;
    assert.equal((await world.send({ key: 'k' })).replayed, true);
    world.clock.ms += 1;
    assert.equal((await world.send({ key: 'k', body: { name: 'b' } })).replayed, false);
    await database.write((tx) => tx.updateTable('idempotency').set({ status: 0 }).execute());
    world.clock.ms += idempotencyAbandonedMs - 1;
    assert.equal((await world.send({ key: 'k', body: { name: 'b' } })).body['code'], 'idempotency_key_in_use');
    world.clock.ms += 1;
    assert.equal((await world.send({ key: 'k', body: { name: 'b' } })).status, 201);
    assert.equal(world.runs.length, 3);
    await database.write((tx) => tx.updateTable('idempotency').set({ status: 0 }).execute());
    await database.write((tx) => clearUnderWay({ tx }));
    assert.equal((await world.send({ key: 'k' })).status, 201);
    const purge = (now: number): Promise<number> => database.write((tx) => purgeIdempotency({ tx, now, limit: 10 }));
    assert.equal(await purge(world.clock.ms + idempotencyKeptMs), 0);
    assert.equal(await purge(world.clock.ms + idempotencyKeptMs + 1), 1);
  });

  test(`a streamed body is told by its hash (${engine})`, async (t) => {
    const world = await build(await open(t));
    const first = await world.send({ key: 'k', url: '/v1/streams' });
    assert.deepEqual([first.status, first.replayed], [202, false]);
    assert.deepEqual(await world.send({ key: 'k', url: '/v1/streams' }), { ...first, replayed: true });
    assert.equal((await world.send({ key: 'k', url: '/v1/streams', body: { name: 'b' } })).body['code'], 'idempotency_key_reused');
    assert.equal(world.runs.length, 1);
  });

  test(`a key of 255 visible characters is taken, others are refused (${engine})`, async (t) => {
    const world = await build(await open(t));
    assert.equal((await world.send({ key: 'k'.repeat(idempotencyKeyCharactersMax) })).status, 201);
    for (const key of ['k'.repeat(idempotencyKeyCharactersMax + 1), 'a b', 'ü'])
      assert.equal((await world.send({ key })).body['code'], 'invalid_idempotency_key');
  });
});
