// /v1/sources, on both databases: what is made and shown, what is refused and why, that no token goes to another host, and that no secret is ever shown
// again or lies in the database in clear.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { eachDatabase } from '../../../test/databases.ts';
import { createTestServer } from '../../../test/http.ts';
import { GatepostError } from '../../errors.ts';
import { listAudit } from '../../organizations/audit.ts';
import { createToken } from '../../organizations/tokens.ts';
import { runDeletion } from '../../organizations/deletion.ts';
import { createSealer } from '../../secret-key.ts';
import type { Database } from '../../storage/database/database.ts';
import { createSourceGuard, parseSourceAllowlist } from './client/address.ts';
import { sourceDeletionSteps } from './source-deletion.ts';
import { sourceRoutes } from './source-routes.ts';
import { openSource } from './source-store.ts';
import {
  checkedProjectFilters,
  checkedSourceSecret,
  checkedSourceToken,
  checkedSourceUrl,
  generateSourceSecret,
  overlapMsMax,
  parseSourceOverlap,
  projectFiltersMax,
  sourceSecretCharactersMax,
  sourceSecretCharactersMin,
  sourcesOfOrganizationMax,
  sourceTokenCharactersMax,
  sourceUrlCharactersMax,
  takesProject,
} from './source.ts';

const token = `squ_${'1234'.repeat(10)}`;
const least = { kind: 'sonarqube', name: ' Sonar ', url: 'https://Sonar.example.test/sonar/', token };

async function begin(t: TestContext, open: (context: TestContext) => Promise<Database>, allow: readonly string[] = []) {
  const database = await open(t);
  const sealer = createSealer(Buffer.alloc(32, 5));
  const api = await createTestServer({ database });
  const changed: string[] = [];
  sourceRoutes(api.server, {
    database,
    sealer,
    clock: api.clock,
    ids: api.ids,
    guard: createSourceGuard({ allow: parseSourceAllowlist(allow) }),
    checkedAuthorities(pem) {
      if (pem !== 'PEM') throw new GatepostError('invalid', 'invalid_ca', 'No certificate.');
      return pem;
    },
    changed: ({ source }) => void changed.push(source),
    makeWebhook: async (source) => ({ ...source, webhook: 'made' }),
  });
  const { id, token: as } = await api.organization('Example');
  const make = async (more: object = {}) => {
    const answer = await api.call('POST', '/v1/sources', { as, body: { ...least, ...more } });
    return { ...answer, id: String(answer.json['id']) };
  };
  return { ...api, database, sealer, changed, as, organization: id, make };
}

eachDatabase((open, engine) => {
  test(`a source is made, shown, listed, changed and deleted, each with its trace (${engine})`, async (t) => {
    const { database, call, as, organization, changed, make } = await begin(t, open);
    const made = await make({ projects: ['shop:', 'shop:'], versionFrom: 'tag', ca: 'PEM' });
    assert.equal(made.status, 201);
    assert.match(String(made.headers['location']), new RegExp(`/v1/sources/${made.id}$`));
    assert.equal(made.headers['cache-control'], 'no-store');
    const { secret, ...body } = made.json;
    assert.match(String(secret), /^whsec_[\w-]{43}$/);
    assert.partialDeepStrictEqual(body, {
      kind: 'sonarqube',
      name: 'Sonar',
      url: 'https://sonar.example.test/sonar',
      ingestUrl: `http://localhost:80/ingest/sonarqube/${made.id}`,
      tokenTail: '1234',
      secretTail: String(secret).slice(-4),
      overlapUntil: null,
      ca: 'PEM',
      versionFrom: 'tag',
      projects: ['shop:'],
      webhook: null,
      state: 'unchecked',
      facts: null,
      lastReceived: null,
    });
    assert.deepEqual((await call('GET', `/v1/sources/${made.id}`, { as })).json, body);
    const second = await make({ webhook: 'create' });
    assert.equal(second.json['webhook'], 'made');
    const page = await call('GET', '/v1/sources?limit=1', { as });
    assert.deepEqual(page.json, { sources: [body] });
    assert.match(String(page.headers['link']), /rel="next"/);
    const patched = await call('PATCH', `/v1/sources/${made.id}`, {
      as,
      body: { name: 'New', versionFrom: 'revision', projects: [], ca: null },
    });
    assert.deepEqual(
      ['name', 'versionFrom', 'projects', 'ca', 'url', 'tokenTail'].map((name) => patched.json[name]),
      ['New', 'revision', [], null, body['url'], '1234'],
    );
    assert.equal((await call('DELETE', `/v1/sources/${made.id}`, { as })).status, 204);
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['PATCH', ''],
      ['POST', '/secret'],
    ] as const) {
      const answer = await call(method, `/v1/sources/${made.id}${path}`, { as, ...(method === 'PATCH' ? { body: { name: 'x' } } : {}) });
      assert.deepEqual([answer.status, answer.json['code']], [404, 'unknown_source']);
    }
    assert.deepEqual(changed, [made.id, second.id, made.id, made.id]);
    const audit = await listAudit({ read: database.read, organization, limit: 5, after: null });
    assert.deepEqual(
      audit.slice(0, 4).map(({ action }) => action),
      ['source.deleted', 'source.changed', 'source.created', 'source.created'],
    );
    assert.equal(JSON.stringify(audit).includes(token) || JSON.stringify(audit).includes(String(secret)), false);
  });

  test(`another URL needs the token again, and then forgets what was found at the old one (${engine})`, async (t) => {
    const { database, sealer, organization, call, as, make } = await begin(t, open);
    const { id } = await make();
    const known = { state: 'ok', webhook: 'w', facts: '{}', checked: 1 };
    await database.write((tx) => tx.updateTable('sources').set(known).where('id', '=', id).execute());
    const patch = (body: object) => call('PATCH', `/v1/sources/${id}`, { as, body });
    for (const url of [
      'https://evil.example.test',
      'http://sonar.example.test/sonar',
      'https://sonar.example.test/other',
      'https://sonar.example.test:8443/sonar',
    ]) {
      const answer = await patch({ url });
      assert.deepEqual([answer.status, answer.json['code']], [400, 'token_required'], url);
    }
    const same = await patch({ url: 'https://SONAR.example.test/sonar//', name: 'x' });
    assert.deepEqual([same.status, same.json['state'], same.json['webhook']], [200, 'ok', 'w']);
    const moved = await patch({ url: 'https://new.example.test', token: 'sqa_new' });
    assert.deepEqual([moved.status, moved.json['state'], moved.json['webhook'], moved.json['tokenTail']], [200, 'unchecked', null, '']);
    const opened = await openSource({ read: database.read, sealer, organization, source: id });
    assert.deepEqual([opened?.url, opened?.token], ['https://new.example.test', 'sqa_new']);
    await database.write((tx) => tx.updateTable('sources').set(known).where('id', '=', id).execute());
    const newToken = await patch({ token });
    assert.deepEqual([newToken.json['state'], newToken.json['webhook']], ['unchecked', 'w']);
  });

  test(`tokens and secrets lie sealed, bound to their row and column, and are in no answer but the first (${engine})`, async (t) => {
    const { database, sealer, organization, call, as, make } = await begin(t, open);
    const { id, json } = await make({ secret: 'a secret of their own' });
    assert.equal(json['secret'], 'a secret of their own');
    const rotated = await call('POST', `/v1/sources/${id}/secret`, { as, body: { overlap: '2h' } });
    assert.equal(rotated.status, 202);
    assert.notEqual(rotated.json['overlapUntil'], null);
    const secrets = [token, 'a secret of their own', String(rotated.json['secret'])];
    const row = await database.read.selectFrom('sources').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
    const later = [
      row,
      (await call('GET', '/v1/sources', { as })).json,
      (await call('PATCH', `/v1/sources/${id}`, { as, body: { name: 'y' } })).json,
    ];
    for (const secret of secrets) assert.equal(JSON.stringify(later).includes(secret), false);
    await database.write((tx) => tx.updateTable('sources').set({ token: row.secret }).where('id', '=', id).execute());
    await assert.rejects(openSource({ read: database.read, sealer, organization, source: id }), { code: 'secret_unreadable' });
  });

  test(`who may: reading by read, changing by admin, nothing of another organization, nothing with a token for one project (${engine})`, async (t) => {
    const { database, clock, ids, organization, call, make, organization: own } = await begin(t, open);
    const { id } = await make();
    const project = await database.write(async (tx) => {
      const row = { id: ids.next(), organization: own, key: 'p', name: 'p', retention_versions: null, retention_days: null, created: 0 };
      await tx.insertInto('projects').values(row).execute();
      return row.id;
    });
    const tokenOf = async (scopes: readonly ('read' | 'ingest' | 'admin')[], only: string | null) =>
      (await database.write((tx) => createToken({ tx, organization, name: 't', scopes, project: only, actor: 'cli', ids, clock }))).token;
    const reader = await tokenOf(['read'], null);
    assert.equal((await call('GET', `/v1/sources/${id}`, { as: reader })).status, 200);
    const writes = [
      ['POST', '', least],
      ['PATCH', `/${id}`, { name: 'x' }],
      ['DELETE', `/${id}`, undefined],
      ['POST', `/${id}/secret`, {}],
    ] as const;
    const ofProject = await tokenOf(['admin'], project);
    for (const [method, path, body] of writes) {
      const given = body === undefined ? {} : { body };
      assert.equal((await call(method, `/v1/sources${path}`, { as: reader, ...given })).json['code'], 'scope_missing');
      assert.equal((await call(method, `/v1/sources${path}`, { as: ofProject, ...given })).json['code'], 'project_token');
      assert.equal((await call(method, `/v1/sources${path}`, given)).status, 401);
    }
    assert.equal((await call('GET', '/v1/sources', { as: ofProject })).json['code'], 'project_token');
    const other = await tokenOf(['ingest'], null);
    assert.equal((await call('GET', '/v1/sources', { as: other })).json['code'], 'scope_missing');
  });

  test(`what is not right is refused by code, before anything is made; an organization has so many and no more (${engine})`, async (t) => {
    const { database, organization, sealer, make, ids } = await begin(t, open);
    const cases: readonly (readonly [object, string])[] = [
      [{ kind: 'jenkins' }, 'invalid_field'],
      [{ name: '' }, 'invalid_name'],
      [{ token: 'a b' }, 'invalid_token_text'],
      [{ token: undefined }, 'missing_field'],
      [{ secret: 'short' }, 'invalid_field'],
      [{ secret: ' '.repeat(16) }, 'invalid_secret'],
      [{ url: 'sonar.example.test' }, 'invalid_url'],
      [{ url: 'http://169.254.169.254/' }, 'address_refused'],
      [{ ca: 'x' }, 'invalid_ca'],
      [{ versionFrom: 'guess' }, 'invalid_field'],
      [{ projects: ['*'] }, 'invalid_project_filter'],
      [{ more: 1 }, 'unknown_field'],
    ];
    for (const [changes, code] of cases) {
      const { status, json } = await make(changes);
      assert.deepEqual([status, json['code']], [400, code], JSON.stringify(changes));
      assert.equal(JSON.stringify(json).includes('169.254'), false);
    }
    const [first] = [await make()];
    const row = await database.read.selectFrom('sources').selectAll().where('id', '=', first.id).executeTakeFirstOrThrow();
    const rows = Array.from({ length: sourcesOfOrganizationMax - 2 }, () => ({ ...row, id: ids.next() }));
    await database.write((tx) => tx.insertInto('sources').values(rows).execute());
    assert.equal((await make()).status, 201);
    assert.deepEqual([(await make()).status, (await make()).json['code']], [409, 'too_many_sources']);
    const mark = { source: first.id, organization, project: 'p', branch: 'b', analysis: 'a', date: 1 };
    await database.write((tx) => tx.insertInto('source_marks').values(mark).execute());
    const scope = { organization, project: null };
    await runDeletion({ database, steps: sourceDeletionSteps, scope, hold: () => Promise.resolve(), last: () => Promise.resolve() });
    const left = await Promise.all(
      (['sources', 'source_marks'] as const).map((table) => database.read.selectFrom(table).selectAll().execute()),
    );
    assert.deepEqual(left, [[], []]);
    assert.ok(sealer.isCurrent(row.token));
  });

  test(`where the operator names addresses, these are all there are (${engine})`, async (t) => {
    const { make } = await begin(t, open, ['10.1.0.0/16', '*.corp.example']);
    for (const [url, status] of [
      ['http://10.1.2.3:9000', 201],
      ['https://sonar.corp.example', 201],
      ['http://10.2.0.1', 400],
      ['http://127.0.0.1', 400],
    ] as const)
      assert.equal((await make({ url })).status, status, url);
  });
});

test('a URL of a source: its path is kept, slashes at the end are not; no user, no query, no fragment', () => {
  assert.equal(checkedSourceUrl('HTTP://Sonar:9000'), 'http://sonar:9000');
  assert.equal(checkedSourceUrl('http://10.0.0.1:80/a/b//'), 'http://10.0.0.1/a/b');
  assert.equal(checkedSourceUrl('https://[::1]:9000/'), 'https://[::1]:9000');
  const wrong = [
    '',
    'sonar',
    '//sonar',
    'ftp://sonar',
    'http://',
    'http:///x',
    'http://a b',
    'http://a\\b',
    'http://u@a',
    'http://:@a',
    'http://@a',
    'http://u:p@a',
  ];
  for (const text of [...wrong, 'http://a?x', 'http://a/?', 'http://a#', 'http://a:0', 'http://a\n']) {
    assert.throws(() => checkedSourceUrl(text), { code: 'invalid_url' }, text);
  }
  const path = 'x'.repeat(sourceUrlCharactersMax - 'http://a/'.length);
  assert.equal(checkedSourceUrl(`http://a/${path}`).length, sourceUrlCharactersMax);
  assert.throws(() => checkedSourceUrl(`http://a/${path}x`), { code: 'invalid_url' });
});

test('tokens, secrets, filters and overlaps at their limits', () => {
  assert.equal(checkedSourceToken('x'.repeat(sourceTokenCharactersMax)).length, sourceTokenCharactersMax);
  for (const bad of ['', 'x'.repeat(sourceTokenCharactersMax + 1), 'a:b', 'ä', 'a\n']) {
    assert.throws(() => checkedSourceToken(bad), { code: 'invalid_token_text' });
  }
  for (const length of [sourceSecretCharactersMin, sourceSecretCharactersMax]) checkedSourceSecret('x'.repeat(length));
  for (const bad of [
    'x'.repeat(sourceSecretCharactersMin - 1),
    'x'.repeat(sourceSecretCharactersMax + 1),
    ` ${'x'.repeat(20)}`,
    `${'x'.repeat(20)}\n`,
  ]) {
    assert.throws(() => checkedSourceSecret(bad), { code: 'invalid_secret' });
  }
  assert.equal(checkedSourceSecret(generateSourceSecret()).length, 49);
  const many = (count: number) => Array.from({ length: count }, (_, n) => `p${n}`);
  assert.equal(checkedProjectFilters(many(projectFiltersMax)).length, projectFiltersMax);
  assert.throws(() => checkedProjectFilters(many(projectFiltersMax + 1)), { code: 'invalid_project_filter' });
  assert.equal(parseSourceOverlap('30d'), overlapMsMax);
  for (const bad of ['31d', '', '5', '1w']) assert.throws(() => parseSourceOverlap(bad), { code: 'invalid_overlap' });
  const settings = { versionFrom: 'property', projects: ['shop:', 'tool'] } as const;
  assert.deepEqual(
    ['shop:api', 'shop', 'toolbox', 'Tool'].map((key) => takesProject(settings, key)),
    [true, false, true, false],
  );
});
