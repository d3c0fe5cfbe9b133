// What people set and see of a webhook, over HTTP on both databases and without anything being sent: each field taken, shown, changed, kept.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { pino } from 'pino';
import { eachDatabase } from '../../../test/databases.ts';
import { systemClock, timestampText } from '../../clock.ts';
import type { Caller } from '../../http/caller.ts';
import { createIdempotencyStore } from '../../http/idempotency-store.ts';
import { createHttpServer } from '../../http/server.ts';
import { createIdentifiers } from '../../identifiers.ts';
import { createOrganization } from '../../organizations/store.ts';
import { createSealer } from '../../secret-key.ts';
import type { Database } from '../../storage/database/database.ts';
import type { Answered } from '../../../test/webhooks/answered.ts';
import { createGuard, parseAllowlist } from '../delivery/guard.ts';
import { webhookRoutes } from './routes.ts';
import { openRow } from './sealed.ts';
import { rateCountMax } from './webhook.ts';

const ids = createIdentifiers();
const sealer = createSealer(Buffer.alloc(32, 7));
const pem = readFileSync(join(import.meta.dirname, '..', '..', '..', 'test', 'webhooks', 'authority.pem'), 'utf8');

interface Answer {
  readonly status: number;
  readonly body: Answered;
}

interface Api {
  call(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, body?: object): Promise<Answer>;
  /** Makes a webhook and answers its id. */
  make(more?: object): Promise<string>;
  row(id: string): ReturnType<typeof rowOf>;
  readonly woken: string[];
  readonly organization: string;
}

async function serve(t: TestContext, database: Database): Promise<Api> {
  const clock = systemClock;
  const { organization } = await database.write((tx) => createOrganization({ tx, name: 'Example', actor: 'cli', ids, clock }));
  const caller: Caller = { organization: organization.id, slug: 'example', token: ids.next(), scopes: ['read', 'admin'], project: null };
  const server = await createHttpServer({
    log: pino({ level: 'silent' }),
    version: '0.0.0',
    ids,
    findCaller: async () => caller,
    idempotency: createIdempotencyStore({ database, clock, sealer }),
  });
  t.after(() => server.close());
  const woken: string[] = [];
  const guard = createGuard({ allow: parseAllowlist(['127.0.0.0/8']), clock });
  webhookRoutes(server, {
    database,
    clock,
    ids,
    sealer,
    guard,
    dialectsMax: { sonarqube: 2 },
    wake: (webhook) => void woken.push(webhook),
  });
  const call: Api['call'] = async (method, url, payload) => {
    const headers = { authorization: 'Bearer all' };
    const answer = await server.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
    return { status: answer.statusCode, body: JSON.parse(answer.body === '' ? 'null' : answer.body) as Answered };
  };
  return {
    call,
    async make(more = {}) {
      const made = await call('POST', '/v1/webhooks', { ...wanted, ...more });
      assert.equal(made.status, 201, JSON.stringify(made.body));
      return made.body.id;
    },
    row: (id) => rowOf(database, id),
    woken,
    organization: organization.id,
  };
}

async function rowOf(database: Database, id: string) {
  return database.read.selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
}

const wanted = { name: 'dashboard', url: 'http://127.0.0.1:1/hook', events: ['report.ingested'] };
const sent = {
  retry: 'backoff',
  ordered: true,
  rateLimit: { count: 30, per: 'minute' },
  headers: { 'X-Api-Key': 'planted-key', 'x-team': 'planted-team' },
  proxy: 'http://bob:planted-pass@127.0.0.1:3128',
  ca: `a comment\n${pem}`,
};
const shown = {
  retry: 'backoff',
  ordered: true,
  rateLimit: { count: 30, per: 'minute' },
  headers: { 'x-api-key': '***', 'x-team': '***' },
  proxy: 'http://***@127.0.0.1:3128/',
  ca: pem,
};
const pick = (body: Record<string, unknown>) => Object.fromEntries(Object.keys(shown).map((key) => [key, body[key]]));

eachDatabase((open, engine) => {
  test(`how deliveries are sent is taken, shown without its secrets, and kept sealed (${engine})`, async (t) => {
    const database = await open(t);
    const { call, make, row } = await serve(t, database);
    const id = await make(sent);
    assert.deepEqual(pick((await call('GET', `/v1/webhooks/${id}`)).body), shown);
    const kept = await row(id);
    assert.deepEqual([kept.retry, kept.ordered, kept.rate_count, kept.rate_period_ms, kept.revision], ['backoff', 1, 30, 60_000, 0]);
    const opened = openRow(sealer, kept);
    assert.deepEqual(opened.headers, { 'x-api-key': 'planted-key', 'x-team': 'planted-team' });
    assert.equal(opened.proxy?.password, 'planted-pass');
    for (const secret of ['planted-key', 'planted-team', 'planted-pass', opened.secret]) assert.ok(opened.masked.includes(secret), secret);
    const plain = (await call('GET', `/v1/webhooks/${await make()}`)).body;
    assert.deepEqual(pick(plain), { retry: 'hourly', ordered: false, rateLimit: null, headers: {}, proxy: null, ca: null });
    const tables = [
      await database.read.selectFrom('webhooks').selectAll().execute(),
      await database.read.selectFrom('audit').selectAll().execute(),
    ];
    assert.doesNotMatch(JSON.stringify(tables), /planted/);
  });

  test(`a change changes what it names and raises the revision; what is given as it was shown stays (${engine})`, async (t) => {
    const { call, make, row, woken } = await serve(t, await open(t));
    const id = await make(sent);
    const path = `/v1/webhooks/${id}`;
    const same = await call('PATCH', path, { name: 'other', ...shown });
    assert.equal(same.status, 200, JSON.stringify(same.body));
    assert.deepEqual(pick(same.body), shown);
    const opened = async () => openRow(sealer, await row(id));
    assert.deepEqual((await opened()).headers, { 'x-api-key': 'planted-key', 'x-team': 'planted-team' });
    assert.equal((await opened()).proxy?.password, 'planted-pass');
    await call('PATCH', path, { headers: { 'X-TEAM': '***', 'x-new': 'new' } });
    assert.deepEqual((await opened()).headers, { 'x-team': 'planted-team', 'x-new': 'new' });
    for (const [given, after] of [
      [{ retry: 'none' }, { retry: 'none' }],
      [{ ordered: false }, { ordered: false }],
      [{ rateLimit: { count: 1, per: 'second' } }, { rateLimit: { count: 1, per: 'second' } }],
      [{ rateLimit: null }, { rateLimit: null }],
      [{ headers: null }, { headers: {} }],
      [{ proxy: null }, { proxy: null }],
      [{ ca: null }, { ca: null }],
    ] as const) {
      const { revision } = await row(id);
      const { body } = await call('PATCH', path, given);
      assert.partialDeepStrictEqual(body, after);
      assert.equal((await row(id)).revision, revision + 1);
    }
    const { body: last } = await call('GET', path);
    assert.deepEqual(pick(last), { retry: 'none', ordered: false, rateLimit: null, headers: {}, proxy: null, ca: null });
    const { revision } = await row(id);
    await call('POST', `${path}/secret`, {});
    assert.equal((await row(id)).revision, revision + 1);
    // The nine changes and the secret: what waits in memory must not go out as it was.
    assert.equal(woken.length, 10);
  });

  test(`what cannot be is refused with the field that is wrong, and its secrets are not repeated (${engine})`, async (t) => {
    const { call, make } = await serve(t, await open(t));
    const id = await make();
    const bad: readonly (readonly [object, string])[] = [
      [{ retry: 'daily' }, 'invalid_field'],
      [{ ordered: 'yes' }, 'invalid_field'],
      [{ rateLimit: { count: 0, per: 'second' } }, 'invalid_field'],
      [{ rateLimit: { count: rateCountMax + 1, per: 'second' } }, 'invalid_field'],
      [{ rateLimit: { count: 1.5, per: 'second' } }, 'invalid_field'],
      [{ rateLimit: { count: 1, per: 'hour' } }, 'invalid_field'],
      [{ headers: { host: 'planted' } }, 'reserved_header'],
      [{ headers: { 'webhook-id': 'planted' } }, 'reserved_header'],
      [{ headers: { 'x-a': 'planted\nx-b: 1' } }, 'invalid_header_value'],
      [{ headers: { 'x-a': '***' } }, 'invalid_header_value'],
      [{ headers: { 'x a': 'planted' } }, 'invalid_header_name'],
      [{ proxy: 'socks5://planted' }, 'invalid_proxy'],
      [{ proxy: 'http://bob:planted@127.0.0.1/path' }, 'invalid_proxy'],
      [{ proxy: 'http://***@127.0.0.1:8080/' }, 'invalid_proxy'],
      [{ proxy: 'http://bob:planted@169.254.169.254/' }, 'address_refused'],
      [{ ca: 'planted' }, 'invalid_ca'],
      [{ ca: pem.replace(/M/, 'A') }, 'invalid_ca'],
      [{ url: 'http://127.0.0.1:1/services/***/***a1b2' }, 'invalid_url'],
    ];
    for (const [given, code] of bad) {
      for (const answer of [
        await call('POST', '/v1/webhooks', { ...wanted, ...given }),
        await call('PATCH', `/v1/webhooks/${id}`, given),
      ]) {
        assert.deepEqual([answer.status, answer.body.code], [400, code], JSON.stringify([given, answer.body]));
        assert.doesNotMatch(JSON.stringify(answer.body), /planted/);
      }
    }
    const most = await make({ rateLimit: { count: rateCountMax, per: 'second' } });
    assert.deepEqual((await call('GET', `/v1/webhooks/${most}`)).body.rateLimit, { count: rateCountMax, per: 'second' });
    const login = { url: 'http://bob:secret@127.0.0.1:1/', headers: { authorization: 'Bearer x' } };
    assert.equal((await call('POST', '/v1/webhooks', { ...wanted, ...login })).body.code, 'reserved_header');
    const added = await make({ headers: { authorization: 'Bearer x' } });
    assert.equal((await call('PATCH', `/v1/webhooks/${added}`, { url: login.url })).body.code, 'reserved_header');
  });

  test(`a path that is a secret is kept sealed and shown by its end; given as it was shown it stays (${engine})`, async (t) => {
    const database = await open(t);
    const { call, make, row } = await serve(t, database);
    const id = await make({ url: 'http://127.0.0.1:1/services/T024BE7LD/plantedPlantedPlanted1234' });
    const { body } = await call('GET', `/v1/webhooks/${id}`);
    assert.equal(body.url, 'http://127.0.0.1:1/services/***/***1234');
    await call('PATCH', `/v1/webhooks/${id}`, { name: 'other', url: body.url });
    const kept = openRow(sealer, await row(id));
    assert.equal(kept.url.pathname, '/services/T024BE7LD/plantedPlantedPlanted1234');
    assert.ok(kept.masked.includes('plantedPlantedPlanted1234'));
    const tables = [
      await database.read.selectFrom('webhooks').selectAll().execute(),
      await database.read.selectFrom('audit').selectAll().execute(),
    ];
    assert.doesNotMatch(JSON.stringify(tables), /planted/);
    const short = await make();
    assert.match((await row(short)).url, /^s2\./, 'a URL without secrets is sealed too');
    assert.equal((await call('GET', `/v1/webhooks/${short}`)).body.url, wanted.url);
  });

  test(`it shows how it does, since when and why it is off, and what to replay when it is switched on (${engine})`, async (t) => {
    const database = await open(t);
    const { call, make, row, woken } = await serve(t, database);
    const id = await make();
    const path = `/v1/webhooks/${id}`;
    const fresh = (await call('GET', path)).body;
    assert.equal(fresh.off, null);
    const never = { failingSince: null, lastSuccess: null, lastFailure: null, lastStatus: null, lastError: null, restingUntil: null };
    assert.deepEqual(fresh.health, { standing: 'healthy', ...never });
    const facts = {
      failures: 3,
      failing_since: 1000,
      last_success: 500,
      last_failure: 3000,
      last_status: 503,
      last_error: null,
      resting_until: 9000,
    };
    const fail = () =>
      database.write((tx) =>
        tx
          .updateTable('webhook_states')
          .set({ ...facts, warned: 2000, announce: 'disabled' })
          .where('webhook', '=', id)
          .execute(),
      );
    await fail();
    const failing = (await call('GET', '/v1/webhooks')).body.webhooks[0];
    assert.deepEqual(failing?.health, {
      standing: 'failing',
      failingSince: timestampText(1000),
      lastSuccess: timestampText(500),
      lastFailure: timestampText(3000),
      lastStatus: 503,
      lastError: null,
      restingUntil: timestampText(9000),
    });
    const off = (await call('PATCH', path, { active: false })).body;
    assert.deepEqual([off.active, off.health.standing, off.off?.reason, 'replay' in off], [false, 'off', 'by_hand', false]);
    assert.equal(off.health.restingUntil, null, 'nothing is tried then');
    assert.deepEqual(woken, [id]);
    const again = (await call('PATCH', path, { active: false, name: 'other' })).body;
    assert.deepEqual(again.off, off.off, 'off already: since then');
    const on = (await call('PATCH', path, { active: true })).body;
    assert.deepEqual([on.active, on.off, on.replay], [true, null, { since: off.off?.since }]);
    assert.deepEqual([on.health.standing, on.health.failingSince, on.health.restingUntil], ['healthy', null, null]);
    assert.deepEqual(woken, [id, id, id]);
    const state = await database.read.selectFrom('webhook_states').selectAll().where('webhook', '=', id).executeTakeFirstOrThrow();
    assert.partialDeepStrictEqual(state, {
      failures: 0,
      failing_since: null,
      warned: null,
      resting_until: null,
      announce: null,
      last_success: 500,
    });
    assert.equal('replay' in (await call('PATCH', path, { active: true })).body, false, 'it was on');
    // As the engine writes it when a receiver answers 410.
    await database.write((tx) =>
      tx.updateTable('webhooks').set({ active: 0, off_since: 7000, off_reason: 'gone' }).where('id', '=', id).execute(),
    );
    assert.deepEqual((await call('PATCH', path, { active: false })).body.off, { since: timestampText(7000), reason: 'gone' });
    assert.deepEqual((await call('PATCH', path, { active: true })).body.replay, { since: timestampText(7000) });
    assert.deepEqual([(await row(id)).off_since, (await row(id)).off_reason], [null, null]);
  });

  test(`that a webhook was switched off is in the audit log, however soon somebody switches it on again (${engine})`, async (t) => {
    const database = await open(t);
    const { call, make } = await serve(t, database);
    const id = await make();
    await database.write(async (tx) => {
      await tx.updateTable('webhooks').set({ active: 0, off_since: 7000, off_reason: 'gone' }).where('id', '=', id).execute();
      await tx.updateTable('webhook_states').set({ announce: 'disabled' }).where('webhook', '=', id).execute();
    });
    for (const active of [true, false, true]) await call('PATCH', `/v1/webhooks/${id}`, { active });
    const entries = await database.read.selectFrom('audit').select(['action', 'actor', 'details']).orderBy('id').execute();
    const disabled = entries.filter(({ action }) => action === 'webhook.disabled');
    assert.deepEqual(disabled, [{ action: 'webhook.disabled', actor: 'system', details: '{"reason":"gone"}' }]);
    assert.ok(
      entries.indexOf(disabled[0] ?? { action: '', actor: '', details: '' }) <
        entries.findIndex(({ action }) => action === 'webhook.changed'),
    );
  });

  test(`a webhook whose secrets do not open is still listed, mended and deleted (${engine})`, async (t) => {
    const database = await open(t);
    const { call, make, row } = await serve(t, database);
    const [id, good] = [await make(sent), await make()];
    const other = createSealer(Buffer.alloc(32, 8)).seal('x', 'x');
    const lost = { url: other, secret: other, headers: other, proxy: other };
    const lose = () => database.write((tx) => tx.updateTable('webhooks').set(lost).where('id', '=', id).execute());
    await lose();
    const { body } = await call('GET', '/v1/webhooks');
    assert.deepEqual(
      body.webhooks.map((each: { id: string; url: string }) => [each.id, each.url]),
      [
        [id, '***'],
        [good, wanted.url],
      ],
    );
    assert.equal((await call('PATCH', `/v1/webhooks/${id}`, { active: false })).status, 200);
    const mended = await call('PATCH', `/v1/webhooks/${id}`, { url: wanted.url, headers: null, proxy: null });
    assert.equal(mended.status, 200, JSON.stringify(mended.body));
    assert.equal((await call('POST', `/v1/webhooks/${id}/secret`, { overlap: '0s' })).status, 202);
    assert.equal(openRow(sealer, await row(id)).url.href, wanted.url);
    await lose();
    assert.equal((await call('DELETE', `/v1/webhooks/${id}`)).status, 204);
  });

  test(`what changed since it was read is not written over (${engine})`, async (t) => {
    const database = await open(t);
    const { call, make, row } = await serve(t, database);
    const id = await make();
    // Many at once: on PostgreSQL they read the same row; each one that is answered 200 is in it, the others say so.
    const names = Array.from({ length: 8 }, (_, n) => `x-${n}`);
    const answers = await Promise.all([
      ...names.map((name) => call('PATCH', `/v1/webhooks/${id}`, { headers: { [name]: 'v' } })),
      call('PATCH', `/v1/webhooks/${id}`, { active: false }),
      call('POST', `/v1/webhooks/${id}/secret`, { overlap: '0s' }),
    ]);
    for (const { status, body } of answers) assert.ok([200, 202].includes(status) || body.code === 'webhook_changed', JSON.stringify(body));
    const done = answers.filter(({ status }) => status < 300);
    assert.ok(done.length >= 1);
    assert.equal((await row(id)).revision, done.length);
  });
});

eachDatabase((open, engine) => {
  test(`a webhook has no secret where its dialect need not sign, and says so (${engine})`, async (t) => {
    const api = await serve(t, await open(t));
    const bare = { dialect: 'sonarqube', events: ['analysis.completed'], secret: null };
    const made = await api.call('POST', '/v1/webhooks', { ...wanted, ...bare });
    assert.deepEqual([made.status, made.body.secret, made.body.hasSecret, made.body.secretTail], [201, null, false, '']);
    assert.equal((await api.row(made.body.id)).secret, '');
    assert.equal(openRow(sealer, await api.row(made.body.id)).secret, '');
    const signed = await api.call('POST', `/v1/webhooks/${made.body.id}/secret`, { secret: 'from now on it signs' });
    assert.deepEqual([signed.status, signed.body.hasSecret, signed.body.overlapUntil], [202, true, null], 'no old secret signs beside it');
    const refused = await api.call('POST', '/v1/webhooks', { ...wanted, secret: null });
    assert.deepEqual([refused.status, refused.body.code], [400, 'secret_missing']);
    const overlap = await api.call('POST', `/v1/webhooks/${made.body.id}/secret`, { secret: null, overlap: '1h' });
    assert.deepEqual([overlap.status, overlap.body.code], [400, 'invalid_overlap']);
    const unsigned = await api.call('POST', `/v1/webhooks/${made.body.id}/secret`, { secret: null });
    const { status, body } = unsigned;
    assert.deepEqual([status, body.secret, body.hasSecret, body.secretTail, body.overlapUntil], [202, null, false, '', null]);
    const row = await api.row(made.body.id);
    assert.deepEqual([row.secret, row.previous_secret], ['', null], 'nothing signs any longer');
    const always = await api.make();
    const kept = await api.call('POST', `/v1/webhooks/${always}/secret`, { secret: null });
    assert.deepEqual([kept.status, kept.body.code], [400, 'secret_missing']);
  });

  test(`of a dialect with a limit no more are made, here and for each project, by however many at once (${engine})`, async (t) => {
    const database = await open(t);
    const api = await serve(t, database);
    const more = { dialect: 'sonarqube', events: ['analysis.completed'] };
    const answers = await Promise.all(Array.from({ length: 5 }, () => api.call('POST', '/v1/webhooks', { ...wanted, ...more })));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 201, 409, 409, 409]);
    assert.deepEqual(answers.find(({ status }) => status === 409)?.body.details, { max: 2, dialect: 'sonarqube' });
    await api.make();
    const { organization } = api;
    const row = { id: ids.next(), organization, key: 'shop', name: 'Shop', retention_versions: null, retention_days: null, created: 1 };
    await database.write((tx) => tx.insertInto('projects').values(row).execute());
    await api.make({ ...more, scope: { project: 'shop' } });
  });
});
