import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eachDatabase } from '../../test/databases.ts';
import type { TestServer } from '../../test/http.ts';
import { createTestClock, createTestServer } from '../../test/http.ts';
import { GatepostError } from '../errors.ts';
import { sha256Hex } from '../hmac.ts';
import { createIdentifiers } from '../identifiers.ts';
import type { Database } from '../storage/database/database.ts';
import type { DeletionStep } from './deletion.ts';
import { mailAddressesMax } from './organization.ts';
import { organizationRoutes } from './routes.ts';
import { createOrganization, findOrganizationBySlug, listOrganizations } from './store.ts';
import { createTokenLookup, lastUsedEveryMs } from './token-lookup.ts';
import { tokenRoutes } from './token-routes.ts';
import { createToken } from './tokens.ts';

const standards = [
  { type: 'CWE Top 25', edition: 2025 },
  { type: 'OWASP Top 10', edition: 2025 },
];

async function build(database: Database, deletionSteps: readonly DeletionStep[] = []): Promise<TestServer> {
  const world = await createTestServer({ database });
  const { server, clock, ids } = world;
  organizationRoutes(server, { database, clock, ids, languages: ['en', 'fr'], standards, deletionSteps });
  const projectId = async (): Promise<string> => {
    throw new GatepostError('not_found', 'unknown_project', 'No such project.');
  };
  tokenRoutes(server, { database, clock, ids, projectId });
  return world;
}

eachDatabase((open, engine) => {
  test(`organizations of one name get slugs of their own, and a first token with every scope (${engine})`, async (t) => {
    const database = await open(t);
    const world = await build(database);
    const [one, two] = [await world.organization('Acme'), await world.organization('ACME!')];
    assert.deepEqual([one.slug, two.slug], ['acme', 'acme-2']);
    assert.equal((await findOrganizationBySlug({ read: database.read, slug: 'acme-2' }))?.id, two.id);
    assert.deepEqual(
      (await listOrganizations({ read: database.read })).map(({ slug }) => slug),
      ['acme', 'acme-2'],
    );
    const answer = await world.call('GET', '/v1/organization', { as: one.token });
    assert.deepEqual(answer.json, {
      id: one.id,
      slug: 'acme',
      name: 'Acme',
      language: 'en',
      readsNeedToken: false,
      standards: null,
      mailTo: [],
      created: '2027-01-15T08:00:00.000+00:00',
    });
  });

  test(`what is named is changed and nothing else, with a trace; what cannot be is refused (${engine})`, async (t) => {
    const world = await build(await open(t));
    const { token, id } = await world.organization('Acme');
    const patch = (body: unknown) => world.call('PATCH', '/v1/organization', { as: token, body });
    assert.equal((await patch({ language: 'fr' })).json['language'], 'fr');
    const changed = await patch({ name: ' New ', readsNeedToken: true, standards: [standards[0]] });
    assert.deepEqual(
      [changed.json['name'], changed.json['slug'], changed.json['language'], changed.json['readsNeedToken'], changed.json['standards']],
      ['New', 'acme', 'fr', true, [standards[0]]],
    );
    assert.equal((await patch({ standards: null })).json['standards'], null);
    for (const [body, code] of [
      [{ language: 'tlh' }, 'invalid_language'],
      [{ standards: [{ type: 'CWE Top 25', edition: 1999 }] }, 'unknown_standard'],
      [{ standards: [standards[0], standards[0]] }, 'standard_twice'],
      [{ standards: [] }, 'invalid_field'],
      [{ slug: 'x' }, 'unknown_field'],
      [{ name: '' }, 'invalid_name'],
      [{ mailTo: ['nobody'] }, 'invalid_mail_address'],
      [{ mailTo: ['a@example.com\r\nBcc: b@example.com'] }, 'invalid_mail_address'],
      [{ mailTo: ['a@example.com,b@example.com'] }, 'invalid_mail_address'],
      [{ mailTo: ['A <a@example.com>'] }, 'invalid_mail_address'],
      [{ mailTo: Array.from({ length: mailAddressesMax + 1 }, (_, n) => `a${n}@example.com`) }, 'too_many_mail_addresses'],
    ] as const) {
      const refused = await patch(body);
      assert.deepEqual([refused.status, refused.json['code']], [400, code]);
    }
    const most = Array.from({ length: mailAddressesMax }, (_, n) => `a${n}@example.com`);
    assert.deepEqual((await patch({ mailTo: [...most, ' a0@example.com '] })).json['mailTo'], most);
    assert.deepEqual((await patch({ name: 'Newer' })).json['mailTo'], most);
    assert.deepEqual((await patch({ mailTo: [] })).json['mailTo'], []);
    await patch({ standards: null });
    const audit = (await world.call('GET', '/v1/audit', { as: token })).json['entries'] as {
      action: string;
      details: unknown;
      actor: string;
    }[];
    assert.deepEqual(
      audit.map(({ action }) => action),
      [...Array.from({ length: 7 }, () => 'organization.changed'), 'token.created', 'organization.created'],
    );
    assert.deepEqual(audit[0]?.details, { standards: null });
    assert.match(audit[0]?.actor ?? '', /^token:[0-9a-f-]{36}$/);
    assert.equal(audit.at(-1)?.actor, 'cli');
    assert.doesNotMatch(JSON.stringify(audit), new RegExp(`${token}|${id}`), 'no secret, and no organization’s id');
  });

  test(`a token is shown once, kept hashed, does what its scopes say, and ends when revoked (${engine})`, async (t) => {
    const database = await open(t);
    const world = await build(database);
    const { token, tokenId } = await world.organization('Acme');
    const made = await world.call('POST', '/v1/tokens', { as: token, body: { name: 'CI', scopes: ['read', 'ingest', 'read'] } });
    assert.equal(made.status, 201);
    assert.deepEqual(made.json['scopes'], ['read', 'ingest']);
    assert.equal(made.headers['cache-control'], 'no-store');
    const text = String(made.json['token']);
    const row = await database.read.selectFrom('tokens').selectAll().where('id', '=', String(made.json['id'])).executeTakeFirstOrThrow();
    assert.equal(row.hash, sha256Hex(text));
    assert.doesNotMatch(JSON.stringify(row), new RegExp(text));
    const listed = (await world.call('GET', '/v1/tokens', { as: token })).json['tokens'] as { id: string; tail: string; name: string }[];
    assert.deepEqual(
      listed.map(({ name }) => name),
      ['CI', 'First token'],
    );
    assert.equal(listed[0]?.tail, text.slice(-4));
    assert.equal((await world.call('GET', '/v1/organization', { as: text })).status, 200);
    assert.equal((await world.call('GET', '/v1/tokens', { as: text })).json['code'], 'scope_missing');
    assert.equal((await world.call('DELETE', `/v1/tokens/${String(made.json['id'])}`, { as: token })).status, 204);
    assert.equal((await world.call('GET', '/v1/organization', { as: text })).json['code'], 'invalid_token');
    assert.equal((await world.call('DELETE', `/v1/tokens/${String(made.json['id'])}`, { as: token })).status, 404);
    assert.equal((await world.call('DELETE', `/v1/tokens/${tokenId}`, { as: token })).status, 204, 'a token may end itself');
    assert.equal((await world.call('GET', '/v1/organization', { as: token })).status, 401);
  });

  test(`a token for one project touches nothing that concerns the organization (${engine})`, async (t) => {
    const database = await open(t);
    const world = await build(database);
    const { token, id } = await world.organization('Acme');
    const { clock, ids } = world;
    const limited = await database.write((tx) =>
      createToken({ tx, organization: id, name: 'p', scopes: ['admin'], project: 'some-project', actor: 'cli', ids, clock }),
    );
    for (const [method, url, body] of [
      ['PATCH', '/v1/organization', { name: 'x' }],
      ['DELETE', '/v1/organization?confirm=acme', undefined],
      ['GET', '/v1/tokens', undefined],
      ['POST', '/v1/tokens', { name: 'x', scopes: ['admin'] }],
      ['DELETE', `/v1/tokens/${limited.id}`, undefined],
      ['GET', '/v1/audit', undefined],
    ] as const) {
      const answer = await world.call(method, url, { as: limited.token, body });
      assert.deepEqual([answer.status, answer.json['code']], [403, 'project_token'], `${method} ${url}`);
    }
    const unknown = await world.call('POST', '/v1/tokens', { as: token, body: { name: 'x', scopes: ['read'], project: 'nowhere' } });
    assert.equal(unknown.json['code'], 'unknown_project');
  });

  test(`tokens and audit are paged by key, each entry shown once (${engine})`, async (t) => {
    const database = await open(t);
    const world = await build(database);
    const { token } = await world.organization('Acme');
    for (let index = 0; index < 5; index += 1)
      await world.call('POST', '/v1/tokens', { as: token, body: { name: `t${index}`, scopes: ['read'] } });
    for (const [path, list] of [
      ['/v1/tokens', 'tokens'],
      ['/v1/audit', 'entries'],
    ] as const) {
      const seen: string[] = [];
      let url: string | null = `${path}?limit=2`;
      while (url !== null) {
        const answer = await world.call('GET', url, { as: token });
        seen.push(...(answer.json[list] as { id: string }[]).map(({ id }) => id));
        const next: string | undefined = /<http:\/\/[^/]+([^>]+)>; rel="next"/.exec(String(answer.headers['link'] ?? ''))?.[1];
        url = next ?? null;
      }
      assert.equal(new Set(seen).size, seen.length);
      assert.equal(seen.length, list === 'tokens' ? 6 : 7);
    }
    assert.equal((await world.call('GET', '/v1/tokens?cursor=x', { as: token })).json['code'], 'invalid_cursor');
  });

  test(`nothing of another organization is shown or touched (${engine})`, async (t) => {
    const world = await build(await open(t));
    const [mine, theirs] = [await world.organization('Mine'), await world.organization('Theirs')];
    assert.equal((await world.call('DELETE', `/v1/tokens/${theirs.tokenId}`, { as: mine.token })).status, 404);
    assert.equal((await world.call('GET', '/v1/organization', { as: theirs.token })).status, 200);
    for (const path of ['/v1/organization', '/v1/tokens', '/v1/audit']) {
      assert.doesNotMatch(
        (await world.call('GET', path, { as: mine.token })).text,
        new RegExp(`${theirs.id}|${theirs.tokenId}|theirs`, 'i'),
        path,
      );
    }
  });

  test(`an organization is deleted with all that is its own, when its slug confirms it (${engine})`, async (t) => {
    const database = await open(t);
    let left = 1200;
    const step: DeletionStep = {
      name: 'test',
      run: async ({ limit, project }) => {
        assert.equal(project, null);
        const deleted = Math.min(left, limit);
        left -= deleted;
        return deleted;
      },
    };
    const world = await build(database, [step]);
    const [mine, theirs] = [await world.organization('Mine'), await world.organization('Theirs')];
    const other = String((await world.call('POST', '/v1/tokens', { as: mine.token, body: { name: 'x', scopes: ['read'] } })).json['token']);
    for (const url of ['/v1/organization', '/v1/organization?confirm=theirs'])
      assert.equal((await world.call('DELETE', url, { as: mine.token })).status, 400);
    assert.equal((await world.call('DELETE', '/v1/organization?confirm=mine', { as: mine.token })).status, 204);
    assert.equal(left, 0, 'in units of bounded size, until none is left');
    for (const token of [mine.token, other]) assert.equal((await world.call('GET', '/v1/organization', { as: token })).status, 401);
    assert.equal((await world.call('GET', '/v1/organization', { as: theirs.token })).status, 200);
    const audit = await database.read.selectFrom('audit').select(['action', 'subject']).where('organization', '=', mine.id).execute();
    assert.deepEqual(audit, [{ action: 'organization.deleted', subject: 'mine' }]);
    assert.equal((await world.organization('Mine')).slug, 'mine', 'the slug is free again');
  });

  test(`the last use of a token is written down once a minute, not with the request (${engine})`, async (t) => {
    const database = await open(t);
    const clock = createTestClock();
    const ids = createIdentifiers(clock);
    const { token } = await database.write((tx) => createOrganization({ tx, name: 'Acme', actor: 'cli', ids, clock }));
    const lookup = createTokenLookup({ database, clock, log: { warn: () => undefined } });
    const lastUsed = async (): Promise<number | null> =>
      (await database.read.selectFrom('tokens').select('last_used').executeTakeFirstOrThrow()).last_used;
    const first = clock.now();
    for (let index = 0; index < 3; index += 1) assert.equal((await lookup.find(token.token))?.slug, 'acme');
    assert.equal(await lastUsed(), null);
    await lookup.stop();
    assert.equal(await lastUsed(), first);
    clock.ms += lastUsedEveryMs - 1;
    await lookup.find(token.token);
    await lookup.stop();
    assert.equal(await lastUsed(), first);
    clock.ms += 1;
    await lookup.find(token.token);
    await sleep(1200);
    assert.equal(await lastUsed(), first + lastUsedEveryMs);
  });
});
