// Webhooks of one repository by our API, on both databases, beside a git host that is made up: made, seen, changed, tested, greeted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { eachDatabase } from '../../../test/databases.ts';
import type { Answered } from '../../../test/webhooks/answered.ts';
import type { Receiver } from '../../../test/webhooks/engine.ts';
import { putRepository } from '../../../test/webhooks/repository-row.ts';
import { createEngine, ids, lastFirst, sealer, startReceiver } from '../../../test/webhooks/engine.ts';
import { pullRequest, push, repository as repositoryFacts } from '../../../test/webhooks/git-facts.ts';
import { systemClock } from '../../clock.ts';
import { notFound } from '../../errors.ts';
import type { Caller } from '../../http/caller.ts';
import { createIdempotencyStore } from '../../http/idempotency-store.ts';
import { createHttpServer } from '../../http/server.ts';
import { createToken } from '../../organizations/tokens.ts';
import { findOrCreateProject } from '../../projects/store.ts';
import type { Database } from '../../storage/database/database.ts';
import { createGuard, parseAllowlist } from '../delivery/guard.ts';
import { deliveryRoutes } from '../delivery/routes.ts';
import { findHook, listHooks } from './hooks.ts';
import { queryPlaceholder } from './query.ts';
import type { WebhookRepositories } from './repositories.ts';
import { webhookRoutes } from './routes.ts';

const refs = ['refs/heads/main', 'refs/heads/dev', 'refs/tags/v1'];

/** `crane` has branches and a tag, `empty` nothing at all, and a pull request is there where a test puts one. */
function gitHost(known: ReadonlyMap<string, string>, has: { pull: boolean }): WebhookRepositories {
  return {
    named({ name }) {
      const id = known.get(name);
      return id === undefined ? Promise.reject(notFound('unknown_repository', 'There is none.')) : Promise.resolve({ id, name });
    },
    sample({ kind, repository, passes, id }) {
      if (known.size === 0) return Promise.resolve({ missing: 'no_repository' });
      const where = repository ?? known.get('crane') ?? '';
      if (kind !== 'push') {
        return Promise.resolve(has.pull ? { facts: pullRequest(), repository: where, ref: null } : { missing: 'no_pull_request' });
      }
      const ref = refs.find(passes);
      return Promise.resolve(ref === undefined ? { missing: 'ref_filtered' } : { facts: push({ ref, push: id }), repository: where, ref });
    },
    facts: ({ repository }) => Promise.resolve({ ...repositoryFacts, id: repository }),
  };
}

interface World {
  readonly call: (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, body?: object, as?: 'project') => Promise<Answer>;
  readonly receiver: Receiver;
  readonly database: Database;
  readonly organization: string;
  readonly repository: string;
  readonly has: { pull: boolean };
  readonly log: readonly string[];
}

interface Answer {
  readonly status: number;
  readonly body: Answered;
}

async function start(context: Parameters<typeof lastFirst>[0], database: Database): Promise<World> {
  const t = lastFirst(context);
  const engine = await createEngine(t, { database });
  const receiver = await startReceiver(t);
  const { organization } = engine;
  const common = { organization, ids, clock: systemClock, actor: 'cli' as const };
  const project = await database.write((tx) => findOrCreateProject({ ...common, tx, key: 'p', onlyProject: null }));
  const token = await database.write((tx) => createToken({ ...common, tx, name: 'ada', scopes: ['admin'], project: null }));
  const repository = ids.next();
  await database.write((tx) => putRepository({ tx, organization, id: repository, project: project.id }));
  await database.write((tx) =>
    tx.updateTable('repositories').set({ name: 'crane', name_key: 'crane' }).where('id', '=', repository).execute(),
  );
  const caller: Caller = { organization, slug: 'harbour', token: token.id, scopes: ['read', 'admin'], project: null };
  const server = await createHttpServer({
    log: pino({ level: 'silent' }),
    version: '0.0.0',
    ids,
    findCaller: async (text) => (text === 'project' ? { ...caller, project: project.id } : caller),
    idempotency: createIdempotencyStore({ database, clock: systemClock, sealer }),
  });
  const has = { pull: false };
  const repositories = gitHost(new Map([['crane', repository]]), has);
  const guard = createGuard({ allow: parseAllowlist(['127.0.0.0/8']), clock: systemClock });
  const deps = { database, clock: systemClock, ids, sealer, guard, retryForMs: 60_000, wake: engine.worker.wake };
  webhookRoutes(server, { ...deps, repositories });
  deliveryRoutes(server, deps);
  await engine.worker.start();
  return {
    receiver,
    database,
    organization,
    repository,
    has,
    log: engine.log,
    async call(method, url, body, as) {
      const headers = { authorization: `Bearer ${as ?? 'all'}` };
      const answer = await server.inject({ method, url, headers, ...(body === undefined ? {} : { payload: body }) });
      return { status: answer.statusCode, body: JSON.parse(answer.body === '' ? 'null' : answer.body) as Answered };
    },
  };
}

const wanted = ({ url }: Receiver, change: object = {}) => ({
  name: 'ci',
  url,
  events: ['push', 'pull_request'],
  dialect: 'secure-source-manager',
  secret: null,
  scope: { repository: 'crane' },
  ...change,
});

eachDatabase((open, engine) => {
  test(`a webhook of a repository is made with its hook ID, query and filter, and shows no secret (${engine})`, async (context) => {
    const { call, receiver, database, organization, repository } = await start(context, await open(context));
    const made = await call(
      'POST',
      '/v1/webhooks',
      wanted(receiver, { hookId: 'ci-main', sensitiveQuery: '?token=s3cr3t%20x', refFilter: 'main' }),
    );
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const { scope, hookId, refFilter, sensitiveQuery, url, id } = made.body;
    const shown = {
      scope: { repository: 'crane' },
      hookId: 'ci-main',
      refFilter: 'main',
      sensitiveQuery: queryPlaceholder,
      url: receiver.url,
    };
    assert.deepEqual({ scope, hookId, refFilter, sensitiveQuery, url }, shown);
    assert.deepEqual((await call('GET', `/v1/webhooks/${id}`, undefined, 'project')).body.hookId, 'ci-main');
    // What is left as it was shown stays as it is.
    const same = { url, sensitiveQuery, refFilter: 'release/*' };
    assert.equal((await call('PATCH', `/v1/webhooks/${id}`, same)).body.refFilter, 'release/*');
    await call('PATCH', `/v1/webhooks/${id}`, { refFilter: '' });
    const { body: tested } = await call('POST', `/v1/webhooks/${id}/test?wait=10s`);
    assert.equal(tested.state, 'delivered');
    assert.equal(receiver.arrived[0]?.url, '/hook?token=s3cr3t%20x');
    assert.equal(tested.attempts[0]?.request?.url, `${receiver.url}?${queryPlaceholder}`);
    assert.equal((await call('PATCH', `/v1/webhooks/${id}`, { sensitiveQuery: null })).body.sensitiveQuery, null);
    await call('POST', `/v1/webhooks/${id}/test?wait=10s`);
    assert.equal(receiver.arrived[1]?.url, '/hook');
    // Where none is named, there is one all the same.
    const other = await call('POST', '/v1/webhooks', wanted(receiver));
    assert.match(String(other.body.hookId), /^hook-[0-9a-f-]{36}$/);
    const of = { read: database.read, sealer, organization, repository, dialect: 'secure-source-manager' };
    assert.equal((await findHook({ ...of, hookId: 'ci-main' }))?.webhook.id, id);
    assert.equal(await findHook({ ...of, dialect: 'github', hookId: 'ci-main' }), null);
    const page = await listHooks({ ...of, limit: 1, after: 'ci-main' });
    assert.deepEqual(
      page.map((hook) => [hook.hookId, hook.url]),
      [[other.body.hookId, receiver.url]],
    );
  });

  test(`what cannot be is refused with a code of its own (${engine})`, async (context) => {
    const { call, receiver } = await start(context, await open(context));
    assert.equal((await call('POST', '/v1/webhooks', wanted(receiver, { hookId: 'ci' }))).status, 201);
    const refused: readonly (readonly [change: object, status: number, code: string])[] = [
      [{ hookId: 'ci' }, 409, 'hook_id_taken'],
      [{ hookId: 'Ci' }, 400, 'invalid_hook_id'],
      [{ hookId: 'ci-2', scope: 'organization' }, 400, 'hook_id_without_repository'],
      [{ scope: { repository: 'gone' } }, 404, 'unknown_repository'],
      [{ scope: { repository: 'crane', project: 'p' } }, 400, 'invalid_field'],
      [{ sensitiveQuery: 'a=b#c' }, 400, 'invalid_sensitive_query'],
      [{ url: `${receiver.url}#x` }, 400, 'invalid_url'],
      [{ refFilter: '[' }, 400, 'invalid_ref_filter'],
      [{ refFilter: 'a'.repeat(501) }, 400, 'invalid_ref_filter'],
      [{ sensitiveQuery: 'a'.repeat(2_001) }, 400, 'invalid_sensitive_query'],
      [{ hookId: 'a'.repeat(64) }, 400, 'invalid_hook_id'],
      [{ events: ['report.ingested'] }, 400, 'event_not_of_dialect'],
      [{ dialect: 'report', secret: 'of ours', events: ['push', 'report.ingested'] }, 400, 'event_not_of_scope'],
    ];
    for (const [change, status, code] of refused) {
      const answer = await call('POST', '/v1/webhooks', wanted(receiver, change));
      assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify(change));
    }
    const { body } = await call('POST', '/v1/webhooks', wanted(receiver, { hookId: 'ci-3' }));
    for (const [change, code] of [
      [{ refFilter: '[c-a]' }, 'invalid_ref_filter'],
      [{ sensitiveQuery: '#' }, 'invalid_sensitive_query'],
    ] as const) {
      assert.equal((await call('PATCH', `/v1/webhooks/${body.id}`, change)).body.code, code);
    }
    assert.equal((await call('PATCH', `/v1/webhooks/${body.id}`, { hookId: 'other' })).body.code, 'unknown_field');
  });

  test(`a test delivery tells of what the webhook would be told, or says why it tells nothing (${engine})`, async (context) => {
    const { call, receiver, has, log } = await start(context, await open(context));
    const test = async (change: object) => {
      const { body } = await call('POST', '/v1/webhooks', wanted(receiver, change));
      return call('POST', `/v1/webhooks/${body.id}/test?wait=10s`);
    };
    const told = async (change: object) => {
      const { status, body } = await test(change);
      assert.deepEqual([status, body.state], [202, 'delivered'], JSON.stringify(body));
      const sent = receiver.arrived.at(-1);
      const { ref } = JSON.parse(sent?.body ?? '{}') as { ref?: string };
      return [sent?.headers['x-securesourcemanager-event'], ref, body.event.kind];
    };
    assert.deepEqual(await told({}), ['push', 'refs/heads/main', 'webhook.test']);
    assert.deepEqual(await told({ refFilter: 'd*' }), ['push', 'refs/heads/dev', 'webhook.test']);
    assert.deepEqual(await told({ refFilter: 'refs/tags/*' }), ['push', 'refs/tags/v1', 'webhook.test']);
    assert.deepEqual(await told({ scope: 'organization' }), ['push', 'refs/heads/main', 'webhook.test']);
    const before = receiver.arrived.length;
    const filtered = await test({ refFilter: 'nothing' });
    assert.deepEqual([filtered.status, filtered.body.code, filtered.body.details], [409, 'ref_filtered', { refFilter: 'nothing' }]);
    const none = await test({ events: ['pull_request'] });
    assert.deepEqual([none.status, none.body.code], [409, 'no_pull_request']);
    assert.equal(receiver.arrived.length, before);
    has.pull = true;
    assert.deepEqual(await told({ events: ['pull_request'], refFilter: 'nothing' }), [
      'pull_request',
      undefined,
      'webhook.test.pull_request',
    ]);
    // The filter keeps every push out; a pull request is what is left.
    const both = await told({ events: ['push', 'pull_request'], refFilter: 'nothing' });
    assert.deepEqual(both, ['pull_request', undefined, 'webhook.test.pull_request']);
    // Nothing that only a test told is asked for again by those who want such events.
    assert.ok(log.every((line) => !line.includes('"level":50')));
  });

  test(`path, query and sensitive query string go out as they were written, also after another change (${engine})`, async (context) => {
    const { call, receiver } = await start(context, await open(context));
    const url = `${receiver.url}/a/../%7Eb?x="<1>"`;
    const { body } = await call('POST', '/v1/webhooks', wanted(receiver, { url, sensitiveQuery: "sig=it's" }));
    const sent = async () => {
      await call('POST', `/v1/webhooks/${body.id}/test?wait=10s`);
      return receiver.arrived.at(-1)?.url;
    };
    assert.equal(await sent(), `/hook/a/../%7Eb?x="<1>"&sig=it's`);
    await call('PATCH', `/v1/webhooks/${body.id}`, { headers: { 'x-more': 'v' } });
    assert.equal(await sent(), `/hook/a/../%7Eb?x="<1>"&sig=it's`);
    await call('PATCH', `/v1/webhooks/${body.id}`, { url: `${receiver.url}/./c` });
    assert.equal(await sent(), "/hook/./c?sig=it's");
  });

  test(`a new webhook of the dialect github is greeted once, by a signed ping (${engine})`, async (context) => {
    const { call, receiver, repository, database } = await start(context, await open(context));
    const { status, body } = await call(
      'POST',
      '/v1/webhooks',
      wanted(receiver, { dialect: 'github', secret: 'kept quiet', sensitiveQuery: 'key=hush-hush' }),
    );
    assert.equal(status, 201, JSON.stringify(body));
    await receiver.count(1);
    const [ping] = receiver.arrived;
    assert.deepEqual([ping?.headers['x-github-event'], ping?.url], ['ping', '/hook?key=hush-hush']);
    assert.match(String(ping?.headers['x-hub-signature-256']), /^sha256=[0-9a-f]{64}$/);
    const told = JSON.parse(ping?.body ?? '') as {
      hook: { config: { url: string } };
      repository: { name: string };
      sender: { login: string };
    };
    assert.deepEqual([told.hook.config.url, told.repository.name, told.sender.login], [receiver.url, 'crane', 'ada']);
    assert.ok(!ping?.body.includes('hush-hush'));
    const [event] = await database.read.selectFrom('events').selectAll().execute();
    assert.deepEqual([event?.kind, event?.repository, event?.fanned_out], ['webhook.ping', repository, 1]);
    // Others are not greeted.
    await call('POST', '/v1/webhooks', wanted(receiver));
    assert.equal((await database.read.selectFrom('deliveries').selectAll().execute()).length, 1);
  });
});
