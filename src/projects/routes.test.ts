import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../test/databases.ts';
import type { TestServer } from '../../test/http.ts';
import { createTestServer } from '../../test/http.ts';
import type { DeletionStep } from '../organizations/deletion.ts';
import { createToken } from '../organizations/tokens.ts';
import type { Database } from '../storage/database/database.ts';
import type { Project } from './project.ts';
import { projectKeyCharactersMax } from './project.ts';
import { projectRoutes } from './routes.ts';
import { findOrCreateProject } from './store.ts';

async function build(database: Database, deletionSteps: readonly DeletionStep[] = []): Promise<TestServer> {
  const world = await createTestServer({ database });
  projectRoutes(world.server, { database, clock: world.clock, ids: world.ids, deletionSteps });
  return world;
}

function make({
  database,
  world,
  organization,
  key,
  onlyProject = null,
}: {
  database: Database;
  world: TestServer;
  organization: string;
  key: string;
  onlyProject?: string | null;
}): Promise<Project> {
  const { clock, ids } = world;
  return database.write((tx) => findOrCreateProject({ tx, organization, key, onlyProject, actor: 'cli', ids, clock }));
}

eachDatabase((open, engine) => {
  test(`a project is made once, however many ask for it at once (${engine})`, async (t) => {
    const database = await open(t);
    const world = await build(database);
    const { id: organization, token } = await world.organization('Acme');
    const made = await Promise.all(Array.from({ length: 8 }, () => make({ database, world, organization, key: 'shop:api' })));
    assert.equal(new Set(made.map(({ id }) => id)).size, 1);
    assert.deepEqual((await world.call('GET', '/v1/projects/shop%3Aapi', { as: token })).json, {
      id: made[0]?.id,
      key: 'shop:api',
      name: 'shop:api',
      retentionVersions: null,
      retentionDays: null,
      gate: null,
      created: '2027-01-15T08:00:00.000+00:00',
    });
    const traces = await database.read.selectFrom('audit').select('action').where('action', '=', 'project.created').execute();
    assert.equal(traces.length, 1);
  });

  test(`a key of 400 characters works, percent-encoded (${engine})`, async (t) => {
    const database = await open(t);
    const world = await build(database);
    const { id: organization, token } = await world.organization('Acme');
    const key = ':'.repeat(projectKeyCharactersMax);
    await make({ database, world, organization, key });
    const answer = await world.call('GET', `/v1/projects/${encodeURIComponent(key)}`, { as: token });
    assert.equal(answer.json['key'], key);
  });

  test(`projects are listed by key, page by page (${engine})`, async (t) => {
    const database = await open(t);
    const world = await build(database);
    const { id: organization, token } = await world.organization('Acme');
    for (const key of ['b', 'a', 'C', 'a:1', '_']) await make({ database, world, organization, key });
    const first = await world.call('GET', '/v1/projects?limit=3', { as: token });
    const keysOf = (json: Record<string, unknown>): string[] => (json['projects'] as { key: string }[]).map(({ key }) => key);
    assert.deepEqual(keysOf(first.json), ['C', '_', 'a']);
    const next = /<http:\/\/[^/]+([^>]+)>/.exec(String(first.headers['link']))?.[1] ?? '';
    const second = await world.call('GET', next, { as: token });
    assert.deepEqual(keysOf(second.json), ['a:1', 'b']);
    assert.equal(second.headers['link'], undefined);
  });

  test(`name and retention are changed alone, within their limits (${engine})`, async (t) => {
    const database = await open(t);
    const world = await build(database);
    const { id: organization, token } = await world.organization('Acme');
    await make({ database, world, organization, key: 'p' });
    const patch = (body: unknown) => world.call('PATCH', '/v1/projects/p', { as: token, body });
    assert.equal((await patch({ retentionVersions: 5 })).json['retentionVersions'], 5);
    const changed = (await patch({ name: 'Shop', retentionDays: 90 })).json;
    assert.deepEqual([changed['name'], changed['retentionVersions'], changed['retentionDays'], changed['key']], ['Shop', 5, 90, 'p']);
    assert.equal((await patch({ retentionVersions: null })).json['retentionVersions'], null);
    for (const body of [{ retentionVersions: 0 }, { retentionDays: -1 }, { retentionDays: '5' }, { key: 'q' }, { name: '' }])
      assert.equal((await patch(body)).status, 400);
    assert.equal((await world.call('PATCH', '/v1/projects/none', { as: token, body: {} })).status, 404);
  });

  test(`nothing of another organization is shown or touched (${engine})`, async (t) => {
    const database = await open(t);
    const world = await build(database);
    const [mine, theirs] = [await world.organization('Mine'), await world.organization('Theirs')];
    await make({ database, world, organization: theirs.id, key: 'secret' });
    for (const [method, body] of [
      ['GET', undefined],
      ['PATCH', { name: 'x' }],
      ['DELETE', undefined],
    ] as const) {
      assert.equal((await world.call(method, '/v1/projects/secret', { as: mine.token, body })).status, 404, method);
    }
    assert.deepEqual((await world.call('GET', '/v1/projects', { as: mine.token })).json['projects'], []);
    const own = await make({ database, world, organization: mine.id, key: 'secret' });
    assert.equal((await world.call('DELETE', '/v1/projects/secret', { as: mine.token })).status, 204);
    assert.notEqual((await world.call('GET', '/v1/projects/secret', { as: theirs.token })).json['id'], own.id);
  });

  test(`a token for one project sees that project alone and makes no other (${engine})`, async (t) => {
    const database = await open(t);
    const world = await build(database);
    const { clock, ids } = world;
    const { id: organization } = await world.organization('Acme');
    const [one, two] = [
      await make({ database, world, organization, key: 'one' }),
      await make({ database, world, organization, key: 'two' }),
    ];
    const limited = await database.write((tx) =>
      createToken({ tx, organization, name: 'one', scopes: ['admin'], project: one.id, actor: 'cli', ids, clock }),
    );
    assert.equal((await world.call('GET', '/v1/projects/one', { as: limited.token })).status, 200);
    for (const method of ['GET', 'DELETE'] as const)
      assert.equal((await world.call(method, '/v1/projects/two', { as: limited.token })).status, 404);
    const listed = (await world.call('GET', '/v1/projects', { as: limited.token })).json['projects'] as { key: string }[];
    assert.deepEqual(
      listed.map(({ key }) => key),
      ['one'],
    );
    await assert.rejects(make({ database, world, organization, key: 'two', onlyProject: one.id }), { code: 'unknown_project' });
    await assert.rejects(make({ database, world, organization, key: 'three', onlyProject: one.id }), { code: 'unknown_project' });
    assert.equal((await make({ database, world, organization, key: 'one', onlyProject: one.id })).id, one.id);
    assert.equal(two.key, 'two');
  });

  test(`a deleted project takes with it what other nouns have and its tokens, and leaves a trace (${engine})`, async (t) => {
    const database = await open(t);
    const asked: string[] = [];
    const step: DeletionStep = {
      name: 'test',
      run: async ({ organization, project }) => {
        asked.push(`${organization} ${String(project)}`);
        return 0;
      },
    };
    const world = await build(database, [step]);
    const { clock, ids } = world;
    const { id: organization, token } = await world.organization('Acme');
    const project = await make({ database, world, organization, key: 'p' });
    const limited = await database.write((tx) =>
      createToken({ tx, organization, name: 'p', scopes: ['read'], project: project.id, actor: 'cli', ids, clock }),
    );
    assert.equal((await world.call('DELETE', '/v1/projects/p', { as: token })).status, 204);
    assert.deepEqual(new Set(asked), new Set([`${organization} ${project.id}`]));
    assert.equal((await world.call('GET', '/v1/projects/p', { as: token })).status, 404);
    assert.equal((await world.call('GET', '/v1/projects', { as: limited.token })).status, 401);
    const traces = await database.read.selectFrom('audit').select('subject').where('action', '=', 'project.deleted').execute();
    assert.deepEqual(traces, [{ subject: 'p' }]);
  });
});
