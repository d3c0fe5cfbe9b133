// The calls that people and programs make, on both databases: webhooks made, changed, tested, deleted; deliveries listed, shown, sent again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { Webhook } from 'standardwebhooks';
import { eachDatabase } from '../../../test/databases.ts';
import type { Engine } from '../../../test/webhooks/engine.ts';
import { createEngine, ids, lastFirst, sealer, startReceiver, until } from '../../../test/webhooks/engine.ts';
import { systemClock } from '../../clock.ts';
import type { Caller } from '../../http/caller.ts';
import { createIdempotencyStore } from '../../http/idempotency-store.ts';
import { createHttpServer } from '../../http/server.ts';
import type { Database } from '../../storage/database/database.ts';
import { webhookDeletionSteps } from '../deletion.ts';
import type { Answered } from '../../../test/webhooks/answered.ts';
import { createGuard, parseAllowlist } from '../delivery/guard.ts';
import { deliveryRoutes } from '../delivery/routes.ts';
import { webhookRoutes } from './routes.ts';
import { webhooksOfOrganizationMax } from './webhook.ts';

interface Answer {
  readonly status: number;
  readonly body: Answered;
  readonly headers: Readonly<Record<string, string | string[] | number | undefined>>;
}

type Call = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>;

interface Api {
  readonly call: Call;
  /** The same with a token for one project alone. */
  readonly asProject: Call;
  /** The same in another organization. */
  readonly asStranger: Call;
}

async function serve(engine: Engine, database: Database, project = ''): Promise<Api> {
  const caller: Caller = {
    organization: engine.organization,
    slug: 'example',
    token: ids.next(),
    scopes: ['read', 'admin'],
    project: null,
  };
  const callers: Record<string, Caller> = {
    all: caller,
    project: { ...caller, project },
    stranger: { ...caller, organization: ids.random(), slug: 'stranger' },
  };
  const server = await createHttpServer({
    log: pino({ level: 'silent' }),
    version: '0.0.0',
    ids,
    findCaller: async (token) => callers[token] ?? null,
    idempotency: createIdempotencyStore({ database, clock: systemClock, sealer }),
  });
  const guard = createGuard({ allow: parseAllowlist(['127.0.0.0/8']), clock: systemClock });
  const deps = { database, clock: systemClock, ids, sealer, guard, retryForMs: 60_000, wake: () => engine.worker.nudge() };
  webhookRoutes(server, deps);
  deliveryRoutes(server, deps);
  const as =
    (token: string): Call =>
    async (method, url, body, headers = {}) => {
      const answer = await server.inject({
        method,
        url,
        headers: { authorization: `Bearer ${token}`, ...headers },
        ...(body === undefined ? {} : { payload: body as object }),
      });
      return {
        status: answer.statusCode,
        body: JSON.parse(answer.body === '' ? 'null' : answer.body) as Answered,
        headers: answer.headers,
      };
    };
  return { call: as('all'), asProject: as('project'), asStranger: as('stranger') };
}

const wanted = (url: string) => ({ name: 'dashboard', url, events: ['report.ingested', 'report.updated'] });

eachDatabase((open, engine) => {
  test(`a webhook's secret is shown when it is made and never again, and verifies what arrives (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const it = await createEngine(t, { database });
    const receiver = await startReceiver(t);
    const { call } = await serve(it, database);
    const made = await call('POST', '/v1/webhooks', wanted(receiver.url));
    assert.equal(made.status, 201);
    assert.match(made.body.secret, /^whsec_/);
    assert.match(String(made.headers['location']), new RegExp(`/v1/webhooks/${made.body.id}$`));
    const { secret, ...rest } = made.body;
    assert.deepEqual((await call('GET', `/v1/webhooks/${made.body.id}`)).body, rest);
    assert.deepEqual((await call('GET', '/v1/webhooks')).body, { webhooks: [rest] });
    const fields =
      'id name url sensitiveQuery events dialect scope hookId refFilter active off health retry ordered rateLimit headers proxy ca hasSecret secretTail overlapUntil created updated';
    assert.equal(Object.keys(rest).join(' '), fields);
    assert.equal(rest.scope, 'organization');
    assert.equal(rest.secretTail, secret.slice(-4));
    await it.worker.start();
    await it.happen();
    await receiver.count(1);
    new Webhook(secret).verify(receiver.arrived[0]?.body ?? '', receiver.arrived[0]?.headers as Record<string, string>);
  });

  test(`any text is taken as a secret; a repeat under Idempotency-Key makes no second webhook (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const it = await createEngine(t, { database });
    const { call } = await serve(it, database);
    const body = { ...wanted('http://127.0.0.1:1/'), secret: 'correct horse battery staple' };
    const [one, two] = [
      await call('POST', '/v1/webhooks', body, { 'idempotency-key': 'k' }),
      await call('POST', '/v1/webhooks', body, { 'idempotency-key': 'k' }),
    ];
    assert.equal(one.body.secret, 'correct horse battery staple');
    assert.deepEqual(two.body, one.body);
    assert.equal((await call('GET', '/v1/webhooks')).body.webhooks.length, 1);
    // What is kept for the repeat lies sealed, like the secret itself.
    const rows = [
      await database.read.selectFrom('idempotency').selectAll().execute(),
      await database.read.selectFrom('webhooks').selectAll().execute(),
    ];
    assert.ok(!JSON.stringify(rows).includes('battery'));
  });

  test(`bad webhooks are refused with the field that is wrong (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const it = await createEngine(t, { database });
    const { call } = await serve(it, database);
    const good = wanted('https://hooks.invalid/');
    const bad: readonly (readonly [object, string])[] = [
      [{ ...good, url: 'ftp://a.invalid/' }, 'invalid_url'],
      [{ ...good, url: 'http://10.0.0.1/' }, 'address_refused'],
      [{ ...good, url: 'http://0xa9fea9fe/' }, 'address_refused'],
      [{ ...good, name: ' ' }, 'invalid_name'],
      [{ ...good, events: [] }, 'invalid_field'],
      [{ ...good, events: ['report.ingested', 'report.ingested'] }, 'invalid_field'],
      [{ ...good, events: ['webhook.test'] }, 'invalid_field'],
      [{ ...good, dialect: 'smoke' }, 'invalid_field'],
      [{ ...good, secret: '' }, 'invalid_field'],
      [{ ...good, secret: ' \n ' }, 'invalid_secret'],
      [{ ...good, surprise: 1 }, 'unknown_field'],
      [{ name: 'x', events: ['report.ingested'] }, 'missing_field'],
    ];
    for (const [body, code] of bad) {
      const answer = await call('POST', '/v1/webhooks', body);
      assert.equal(answer.body.code, code, JSON.stringify(body));
      assert.equal(answer.status, 400);
    }
    const unknown = await call('POST', '/v1/webhooks', { ...good, scope: { project: 'nope' } });
    assert.equal(unknown.body.code, 'unknown_project');
    assert.deepEqual((await call('GET', '/v1/webhooks')).body, { webhooks: [] });
  });

  test(`credentials in a URL are kept sealed, never shown, and survive a change of something else (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const it = await createEngine(t, { database });
    const receiver = await startReceiver(t);
    const { call } = await serve(it, database);
    const made = await call('POST', '/v1/webhooks', wanted(`${receiver.url.replace('//', '//bob:planted@')}?token=planted`));
    assert.equal(made.body.url, `${receiver.url.replace('//', '//***@')}?token=***`);
    const changed = await call('PATCH', `/v1/webhooks/${made.body.id}`, { name: 'other', url: made.body.url });
    assert.equal(changed.body.name, 'other');
    await it.worker.start();
    await it.happen();
    await receiver.count(1);
    assert.equal(receiver.arrived[0]?.url, '/hook?token=planted');
    assert.ok(!JSON.stringify(await database.read.selectFrom('webhooks').selectAll().execute()).includes('planted'));
    assert.ok(!JSON.stringify(await database.read.selectFrom('audit').selectAll().execute()).includes('planted'));
  });

  test(`while a secret is being changed both sign, after the overlap the new one alone (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const it = await createEngine(t, { database });
    const receiver = await startReceiver(t);
    const { call } = await serve(it, database);
    const made = await call('POST', '/v1/webhooks', wanted(receiver.url));
    await it.worker.start();
    const changed = await call('POST', `/v1/webhooks/${made.body.id}/secret`, { overlap: '1h' });
    assert.equal(changed.status, 202);
    assert.notEqual(changed.body.secret, made.body.secret);
    await it.happen();
    await receiver.count(1);
    const [both] = receiver.arrived;
    for (const secret of [made.body.secret, changed.body.secret])
      new Webhook(secret).verify(both?.body ?? '', both?.headers as Record<string, string>);
    assert.ok(both?.headers['x-gatepost-signature-256-next']);
    const last = await call('POST', `/v1/webhooks/${made.body.id}/secret`, { overlap: '0s', secret: 'a new secret of my own' });
    assert.equal(last.body.overlapUntil, null);
    await it.happen();
    await receiver.count(2);
    const alone = receiver.arrived[1];
    assert.equal(String(alone?.headers['webhook-signature']).split(' ').length, 1);
    assert.equal(alone?.headers['x-gatepost-signature-256-next'], undefined);
    for (const overlap of ['31d', '1y', '-1h', '', '1.5h']) {
      assert.equal((await call('POST', `/v1/webhooks/${made.body.id}/secret`, { overlap })).body.code, 'invalid_overlap', overlap);
    }
    assert.equal((await call('POST', `/v1/webhooks/${made.body.id}/secret`)).status, 202);
  });

  test(`a test delivery goes the very same way, and its answer is honest (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const it = await createEngine(t, { database });
    const receiver = await startReceiver(t, (response) => response.writeHead(500).end('broken'));
    const { call } = await serve(it, database);
    const made = await call('POST', '/v1/webhooks', wanted(receiver.url));
    await it.worker.start();
    const asked = await call('POST', `/v1/webhooks/${made.body.id}/test`);
    assert.equal(asked.status, 202);
    const path = new URL(String(asked.headers['location'])).pathname;
    await until(async () => (await call('GET', path)).body.state === 'exhausted');
    const { body: shown } = await call('GET', path);
    assert.deepEqual(shown.event.kind, 'webhook.test');
    assert.equal(shown.body, JSON.stringify({ organizationId: it.organization, reports: [] }));
    assert.equal(shown.attempts.length, 1);
    const [attempt] = shown.attempts;
    assert.equal(attempt?.response?.status, 500);
    assert.equal(attempt?.response?.body, 'broken');
    assert.equal(attempt?.request?.headers['webhook-signature'], 'v1,***');
    assert.equal(attempt?.request?.headers['x-gatepost-signature-256'], 'sha256=***');
    new Webhook(made.body.secret).verify(receiver.arrived[0]?.body ?? '', receiver.arrived[0]?.headers as Record<string, string>);
    await call('PATCH', `/v1/webhooks/${made.body.id}`, { active: false });
    const refused = await call('POST', `/v1/webhooks/${made.body.id}/test`);
    assert.equal(refused.status, 409);
    assert.equal(refused.body.code, 'webhook_off');
    const again = await call('POST', `${path}/resend`);
    assert.equal(again.body.code, 'webhook_off');
    assert.equal(receiver.arrived.length, 1);
  });

  test(`deliveries are listed by filter and paged by key, each seen once (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const it = await createEngine(t, { database });
    const { call, asStranger } = await serve(it, database);
    const [a, b] = [
      await it.addWebhook('http://127.0.0.1:1/a'),
      await it.addWebhook('http://127.0.0.1:1/b', { events: ['report.updated'] }),
    ];
    for (let n = 0; n < 5; n += 1) await it.happen();
    const event = await it.happen({ kind: 'report.updated' });
    await database.write((tx) =>
      tx.updateTable('deliveries').set({ state: 'leased', lease_token: 'x' }).where('webhook', '=', b).execute(),
    );
    const count = async (query: string) => (await call('GET', `/v1/deliveries?${query}`)).body.deliveries.length;
    assert.equal(await count(''), 7);
    assert.equal(await count(`webhook=${a}`), 6);
    assert.equal(await count(`webhook=${b}`), 1);
    assert.equal(await count('event=report.updated'), 2);
    assert.equal(await count(`event=${event}`), 2);
    // Who is under way is pending to those who look.
    assert.equal(await count('state=pending'), 7);
    assert.equal(await count('state=delivered'), 0);
    assert.equal(await count(`since=${encodeURIComponent(new Date(Date.now() + 60_000).toISOString())}`), 0);
    assert.equal(await count(`since=${new Date(Date.now() - 60_000).toISOString().replace('Z', '+00:00')}`), 7);
    assert.equal((await call('GET', '/v1/deliveries?state=leased')).status, 400);
    assert.equal((await call('GET', '/v1/deliveries?since=yesterday')).body.code, 'invalid_since');
    const seen: string[] = [];
    let url: string | undefined = '/v1/deliveries?limit=3';
    while (url !== undefined) {
      const page: Answer = await call('GET', url);
      seen.push(...page.body.deliveries.map((each: { id: string }) => each.id));
      const next = /<([^>]+)>; rel="next"/.exec(String(page.headers['link'] ?? ''))?.[1];
      url = next === undefined ? undefined : new URL(next).pathname + new URL(next).search;
    }
    assert.equal(new Set(seen).size, 7);
    assert.equal(seen.length, 7);
    assert.deepEqual(seen.toSorted().toReversed(), seen);
    assert.deepEqual((await asStranger('GET', '/v1/deliveries')).body, { deliveries: [] });
    for (const path of [`/v1/deliveries/${seen[0]}`, `/v1/webhooks/${a}`]) assert.equal((await asStranger('GET', path)).status, 404);
    for (const path of [`/v1/deliveries/${seen[0]}/resend`, `/v1/webhooks/${a}/test`, `/v1/webhooks/${a}/secret`]) {
      assert.equal((await asStranger('POST', path)).status, 404, path);
    }
    assert.equal((await asStranger('DELETE', `/v1/webhooks/${a}`)).status, 404);
    assert.equal((await asStranger('PATCH', `/v1/webhooks/${a}`, { name: 'mine' })).status, 404);
  });

  test(`what waits for a webhook is cancelled with it, its log stays, and nothing can be sent again (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const it = await createEngine(t, { database });
    const { call } = await serve(it, database);
    const webhook = await it.addWebhook('http://127.0.0.1:1/');
    await it.happen();
    assert.equal((await call('DELETE', `/v1/webhooks/${webhook}`)).status, 204);
    assert.equal((await call('GET', `/v1/webhooks/${webhook}`)).body.code, 'unknown_webhook');
    assert.equal((await call('DELETE', `/v1/webhooks/${webhook}`)).status, 404);
    const [delivery] = (await call('GET', '/v1/deliveries')).body.deliveries;
    assert.equal(delivery?.state, 'cancelled');
    assert.equal((await call('POST', `/v1/deliveries/${delivery?.id}/resend`)).body.code, 'webhook_gone');
    const actions = (await database.read.selectFrom('audit').select('action').orderBy('id').execute()).map((row) => row.action);
    assert.deepEqual(actions.slice(-2), ['webhook.created', 'webhook.deleted']);
  });

  test(`a token for one project makes and sees that project's webhooks alone (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const it = await createEngine(t, { database });
    const project = ids.next();
    await database.write((tx) =>
      tx
        .insertInto('projects')
        .values({
          id: project,
          organization: it.organization,
          key: 'shop',
          name: 'Shop',
          retention_versions: null,
          retention_days: null,
          created: 1,
        })
        .execute(),
    );
    const { call, asProject } = await serve(it, database, project);
    const whole = (await call('POST', '/v1/webhooks', wanted('http://127.0.0.1:1/'))).body;
    assert.equal((await asProject('POST', '/v1/webhooks', wanted('http://127.0.0.1:1/'))).body.code, 'project_token');
    const own = await asProject('POST', '/v1/webhooks', { ...wanted('http://127.0.0.1:1/'), scope: { project: 'shop' } });
    assert.deepEqual(own.body.scope, { project: 'shop' });
    assert.equal((await asProject('GET', '/v1/webhooks')).body.webhooks.length, 1);
    assert.equal((await asProject('GET', `/v1/webhooks/${whole.id}`)).status, 404);
    await it.happen({ project });
    await it.happen({ project: null });
    assert.equal((await call('GET', '/v1/deliveries')).body.deliveries.length, 3);
    assert.equal((await asProject('GET', '/v1/deliveries')).body.deliveries.length, 1);
  });

  test(`an organization has as many webhooks as it may, and not one more (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const it = await createEngine(t, { database });
    const { call } = await serve(it, database);
    const first = await it.addWebhook('http://127.0.0.1:1/');
    const row = await database.read.selectFrom('webhooks').selectAll().where('id', '=', first).executeTakeFirstOrThrow();
    const copies = Array.from({ length: webhooksOfOrganizationMax - 2 }, () => ({ ...row, id: ids.next() }));
    await database.write((tx) => tx.insertInto('webhooks').values(copies).execute());
    assert.equal((await call('POST', '/v1/webhooks', wanted('http://127.0.0.1:1/'))).status, 201);
    const refused = await call('POST', '/v1/webhooks', wanted('http://127.0.0.1:1/'));
    assert.equal(refused.status, 409);
    assert.equal(refused.body.code, 'too_many_webhooks');
  });

  test(`a deleted project or organization takes its webhooks, events and deliveries along, and nobody else's (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const it = await createEngine(t, { database });
    const other = await createEngine(t, { database });
    const project = ids.next();
    for (const each of [it, other]) {
      await each.addWebhook('http://127.0.0.1:1/');
      await each.addWebhook('http://127.0.0.1:1/', { project });
      await each.happen({ project });
      await each.happen();
    }
    const counts = async (organization: string) =>
      Promise.all(
        (['webhooks', 'deliveries', 'events', 'event_bodies'] as const).map(
          async (table) =>
            (await database.read.selectFrom(table).select('organization').where('organization', '=', organization).execute()).length,
        ),
      );
    assert.deepEqual(await counts(it.organization), [2, 3, 2, 2]);
    const run = async (scope: { organization: string; project: string | null }) => {
      for (const step of webhookDeletionSteps) {
        // One row at a time: the steps must come to the same end in pieces.
        while ((await database.write((tx) => step.run({ ...scope, tx, limit: 1 }))) === 1);
      }
    };
    await run({ organization: it.organization, project });
    assert.deepEqual(await counts(it.organization), [1, 1, 1, 1]);
    await run({ organization: it.organization, project: null });
    assert.deepEqual(await counts(it.organization), [0, 0, 0, 0]);
    assert.deepEqual(await counts(other.organization), [2, 3, 2, 2]);
  });
});
