// The list call, seen from outside, on both databases: each "Decided here" line of the report API's contract, section 3, has its test.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { LightMyRequestResponse } from 'fastify';
import { pino } from 'pino';
import { eachDatabase } from '../../../test/databases.ts';
import { acme, idOf, insertOrganization, insertReports, listedOf, projectId } from '../../../test/report-rows.ts';
import { systemClock } from '../../clock.ts';
import type { Caller } from '../../http/caller.ts';
import { createHttpServer } from '../../http/server.ts';
import type { HttpServerOptions } from '../../http/server.ts';
import { createIdentifiers } from '../../identifiers.ts';
import type { Database } from '../../storage/database/database.ts';
import { createOpenLimits } from '../open-limits.ts';
import { versionCharactersMax } from '../version.ts';
import { reportListRoutes } from './routes.ts';

const callers: Readonly<Record<string, Caller>> = {
  reader: { organization: acme, slug: 'acme', token: 't1', scopes: ['read'], project: null },
  ingester: { organization: acme, slug: 'acme', token: 't2', scopes: ['ingest'], project: null },
  stranger: { organization: idOf(1), slug: 'other', token: 't3', scopes: ['admin'], project: null },
  ofShop: { organization: acme, slug: 'acme', token: 't4', scopes: ['read'], project: projectId(acme, 'shop') },
};

interface Client {
  get(query: string, headers?: Record<string, string>, method?: 'GET' | 'HEAD'): Promise<LightMyRequestResponse>;
  ids(query: string): Promise<string[]>;
}

async function client(
  t: { after(step: () => Promise<void>): void },
  database: Database,
  options: Partial<HttpServerOptions> & { perSecond?: number } = {},
): Promise<Client> {
  const server = await createHttpServer({
    log: pino({ level: 'silent' }),
    ids: createIdentifiers(),
    version: '0',
    findCaller: async (token) => callers[token] ?? null,
    ...options,
  });
  t.after(() => server.close());
  const limits = createOpenLimits({
    clock: systemClock,
    perSecond: options.perSecond ?? 1e6,
    archivesPerAddress: 1,
    archivesPerOrganization: 1,
  });
  reportListRoutes(server, { database, limits });
  const get: Client['get'] = (query, headers = {}, method = 'GET') =>
    server.inject({ method, url: `/security/report/list?${query}`, headers });
  return {
    get,
    async ids(query) {
      const answer = await get(query);
      assert.equal(answer.statusCode, 200, answer.body);
      return answer.json<{ reports: { id: string }[] }>().reports.map((report) => report.id);
    },
  };
}

const numbers = (...list: readonly number[]): string[] => list.map(idOf);
const codeOf = (answer: LightMyRequestResponse): string => answer.json<{ code: string }>().code;

eachDatabase((open, engine) => {
  test(`the body is byte for byte the contract’s (${engine})`, async (t) => {
    const database = await open(t);
    await insertOrganization(database);
    await insertReports(database, [{ number: 1, date: 1_765_962_348_594 }]);
    const { get } = await client(t, database);
    const answer = await get(`org=${acme}&version=1.0`);
    assert.equal(answer.statusCode, 200);
    assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8');
    const date = '2025-12-17T09:05:48.594+00:00';
    assert.equal(
      answer.body,
      `{"organizationId":"${acme}","reports":[{"projectName":"Project shop","id":"${idOf(1)}","reportType":"CWE Top 25","reportVersion":2024,"projectVersion":"1.0","date":"${date}","uploadDate":"${date}","vulnerabilitiesCount":0,"securityRating":"A"}]}`,
    );
  });

  test(`at least one of version, minver, maxver must be given, else 400 (${engine})`, async (t) => {
    const database = await open(t);
    await insertOrganization(database);
    const { get } = await client(t, database);
    const answer = await get(`org=${acme}`);
    assert.deepEqual([answer.statusCode, codeOf(answer)], [400, 'version_missing']);
    assert.deepEqual(Object.keys(answer.json()), ['code', 'message', 'details']);
  });

  test(`Versions: 1, 1.0, v1.0, 1.0.0 are the same; a text is matched by the very same text and never by a range (${engine})`, async (t) => {
    const database = await open(t);
    await insertOrganization(database);
    await insertReports(database, [
      { number: 1, version: '1' },
      { number: 2, version: 'v1.0' },
      { number: 3, version: '1.0.0' },
      { number: 4, version: '1.0.0+build.5' },
      { number: 5, version: '1.0.0-rc.1' },
      { number: 6, version: '2024-Q1 hotfix' },
      { number: 7, version: '1.0.1' },
      { number: 8, version: '0.9' },
    ]);
    const { ids } = await client(t, database);
    for (const version of ['1', '1.0', 'v1.0', '1.0.0', '1.0.0.0', '1.0.0%2Bother', '1.0.0+other', '01.00']) {
      assert.deepEqual((await ids(`org=${acme}&version=${version}`)).toSorted(), numbers(1, 2, 3, 4), version);
    }
    assert.deepEqual(await ids(`org=${acme}&version=1.0.0-rc.1`), numbers(5));
    assert.deepEqual(await ids(`org=${acme}&version=2024-Q1%20hotfix`), numbers(6));
    assert.deepEqual(await ids(`org=${acme}&version=2024-Q1+hotfix`), numbers(6));
    assert.deepEqual(await ids(`org=${acme}&version=2024-q1%20hotfix`), []);
    assert.deepEqual(await ids(`org=${acme}&maxver=1.0.0%2B5&minver=1.0.0%2B4`), numbers(1, 2, 3, 4));
    assert.deepEqual(await ids(`org=${acme}&minver=0`), numbers(7, 1, 2, 3, 4, 5, 8));
    assert.deepEqual(await ids(`org=${acme}&maxver=9999`), numbers(7, 1, 2, 3, 4, 5, 8));
    assert.deepEqual(await ids(`org=${acme}&minver=1.0.0-rc.1&maxver=1.0`), numbers(1, 2, 3, 4, 5));
    assert.deepEqual(await ids(`org=${acme}&minver=1.0-rc.2&maxver=1`), numbers(1, 2, 3, 4));
    // version together with a range: both must hold.
    assert.deepEqual(await ids(`org=${acme}&version=1.0.1&minver=1.0&maxver=2`), numbers(7));
    assert.deepEqual(await ids(`org=${acme}&version=1.0.1&maxver=1.0`), []);
    assert.deepEqual(await ids(`org=${acme}&version=2024-Q1%20hotfix&minver=0`), []);
  });

  test(`Versions: empty, without order as a bound, minver above maxver: 400 (${engine})`, async (t) => {
    const database = await open(t);
    await insertOrganization(database);
    const { get } = await client(t, database);
    const refusals: readonly (readonly [string, string])[] = [
      ['version=', 'invalid_version'],
      ['version=1&minver=', 'invalid_version'],
      ['maxver=', 'invalid_version'],
      ['minver=latest', 'invalid_version'],
      ['minver=2024-Q1%20hotfix', 'invalid_version'],
      ['maxver=1.0.0-01', 'invalid_version'],
      ['maxver=1.2.3.4.5.6.7', 'invalid_version'],
      ['version=%00', 'invalid_version'],
      [`version=${'1'.repeat(versionCharactersMax + 1)}`, 'invalid_version'],
      ['minver=2&maxver=1.9', 'invalid_version_range'],
      ['minver=1.0.0&maxver=1.0.0-rc.1', 'invalid_version_range'],
      ['version=1&version=2', 'invalid_parameter'],
      ['version=1&limit=0', 'invalid_parameter'],
      ['version=1&limit=1001', 'invalid_parameter'],
      ['version=1&limit=ten', 'invalid_parameter'],
      ['version=1&cursor=x', 'invalid_cursor'],
      [`version=1&cursor=${Buffer.from('["a\\u0000",1,"b"]').toString('base64url')}`, 'invalid_cursor'],
      ['version=1&since=yesterday', 'invalid_time'],
      ['version=1&rating=F', 'invalid_parameter'],
      ['version=1&branch=%00', 'invalid_parameter'],
    ];
    for (const [query, code] of refusals) {
      const answer = await get(`org=${acme}&${query}`);
      assert.deepEqual([answer.statusCode, codeOf(answer)], [400, code], query);
    }
    assert.equal((await get(`org=${acme}&version=${'1'.repeat(versionCharactersMax)}`)).statusCode, 200);
    assert.equal((await get(`org=${acme}&minver=1&maxver=1.0&limit=1000`)).statusCode, 200);
  });

  test(`Versions that people really use are ordered too (${engine})`, async (t) => {
    const database = await open(t);
    await insertOrganization(database);
    const rising = [
      '1.2.3.4-beta',
      '1.2.3.4',
      '1.2.3.10',
      '2.0.0-alpha',
      '2.0.0-alpha.1',
      '2.0.0-alpha.beta',
      '2',
      '10.0',
      '2024.1.9',
      '2024.01.15',
      '18446744073709551616.1',
    ];
    await insertReports(
      database,
      rising.map((version, number) => ({ number, version })),
    );
    const { ids } = await client(t, database);
    const falling = rising.map((_, number) => idOf(number)).toReversed();
    assert.deepEqual(await ids(`org=${acme}&minver=0`), falling);
    assert.deepEqual(await ids(`org=${acme}&minver=2&maxver=2024.1.9`), falling.slice(2, 5));
  });

  test(`an ID is each 8-4-4-4-12 hexadecimal UUID; the customer’s own example answers 204, not 400 (${engine})`, async (t) => {
    const database = await open(t);
    await insertOrganization(database);
    const { get, ids } = await client(t, database);
    const answer = await get('org=00000000-0000-0000-0000-000000000001&version=1.0');
    assert.deepEqual([answer.statusCode, answer.body], [204, '']);
    for (const org of ['', 'acme', '1', `${acme}0`, acme.replaceAll('-', '')]) {
      const refused = await get(`org=${org}&version=1`);
      assert.deepEqual([refused.statusCode, codeOf(refused)], [400, 'invalid_organization'], org);
    }
    assert.deepEqual([(await get('version=1')).statusCode, codeOf(await get('version=1'))], [400, 'missing_parameter']);
    assert.deepEqual(await ids(`org=${acme.toUpperCase()}&version=1`), []);
  });

  test(`Unknown organization: 204. Known organization without a match: 200 and an empty list (${engine})`, async (t) => {
    const database = await open(t);
    await insertOrganization(database);
    await insertOrganization(database, idOf(2));
    await insertReports(database, [{ number: 1, organization: idOf(2) }]);
    const { get } = await client(t, database);
    assert.equal((await get(`org=${idOf(3)}&version=1`)).statusCode, 204);
    const answer = await get(`org=${acme}&version=1`);
    assert.deepEqual([answer.statusCode, answer.body], [200, `{"organizationId":"${acme}","reports":[]}`]);
    assert.equal(answer.headers.link, undefined);
  });

  test(`Order and paging: newest version, newest date, then id; by key, the next page in Link (${engine})`, async (t) => {
    const database = await open(t);
    await insertOrganization(database);
    const given = Array.from({ length: 257 }, (_, number) => ({ number, version: `1.${number % 3}`, date: ((number >> 3) % 5) * 1000 }));
    await insertReports(database, given);
    const expected = given
      .toSorted((a, b) => b.version.localeCompare(a.version) || b.date - a.date || a.number - b.number)
      .map((report) => idOf(report.number));
    const { get, ids } = await client(t, database, { publicUrl: 'https://example.org/gatepost' });
    assert.deepEqual(await ids(`org=${acme}&minver=0`), expected.slice(0, 100), 'the default is 100');
    assert.deepEqual(await ids(`org=${acme}&minver=0&limit=1000`), expected);
    for (const limit of [1, 7, 100, 256, 257]) {
      const seen: string[] = [];
      let query = `org=${acme}&minver=1.0&maxver=1.2&limit=${limit}`;
      for (;;) {
        const answer = await get(query);
        const page = answer.json<{ reports: { id: string }[] }>().reports;
        assert.ok(page.length <= limit && page.length > 0);
        seen.push(...page.map((report) => report.id));
        if (answer.headers.link === undefined) break;
        const next = /^<https:\/\/example\.org\/gatepost\/security\/report\/list\?([^>]+)>; rel="next"$/.exec(
          String(answer.headers.link),
        )?.[1];
        assert.ok(next !== undefined, String(answer.headers.link));
        query = next;
      }
      assert.deepEqual(seen, expected, `limit ${limit}`);
    }
  });

  test(`a report that is there throughout is shown exactly once while others come in and go (${engine})`, async (t) => {
    const database = await open(t);
    await insertOrganization(database);
    await insertReports(
      database,
      Array.from({ length: 90 }, (_, number) => ({ number, version: `1.${number % 4}`, date: (number % 7) * 1000 })),
    );
    const { get } = await client(t, database);
    const seen: string[] = [];
    let query = `org=${acme}&minver=0&limit=10`;
    for (let round = 0; query !== ''; round += 1) {
      const answer = await get(query);
      seen.push(...answer.json<{ reports: { id: string }[] }>().reports.map((report) => report.id));
      query = /\?([^>]+)>/.exec(String(answer.headers.link ?? ''))?.[1] ?? '';
      await insertReports(
        database,
        [0, 1, 2, 3].map((part) => ({ number: 1_000 + round * 4 + part, version: `1.${part}`, date: ((round + part) % 7) * 1000 })),
      );
      // The last one shown goes: its place is still a place.
      await database.write((tx) =>
        tx
          .deleteFrom('reports')
          .where('organization', '=', acme)
          .where('id', '=', seen.at(-1) ?? '')
          .execute(),
      );
    }
    const throughout = seen.filter((id) => id < idOf(1_000));
    assert.equal(new Set(seen).size, seen.length);
    assert.equal(throughout.length, 90);
  });

  test(`securityRating is null for a report that was not assessed (${engine})`, async (t) => {
    const database = await open(t);
    await insertOrganization(database);
    await insertReports(database, [{ number: 1, rating: null }]);
    const { get } = await client(t, database);
    assert.match((await get(`org=${acme}&version=1`)).body, /"vulnerabilitiesCount":0,"securityRating":null\}\]\}$/);
  });

  test(`More filters: project, type, edition, branch, rating, since, until (${engine})`, async (t) => {
    const database = await open(t);
    await insertOrganization(database);
    const day = Date.parse('2025-12-17T00:00:00Z');
    await insertReports(database, [
      { number: 1, projectKey: 'shop', date: day },
      { number: 2, projectKey: 'desk', date: day + 1, type: 'OWASP Top 10', edition: 2025 },
      { number: 3, date: day + 2, branch: 'main', rating: 'C' },
      { number: 4, date: day + 86_400_000, rating: null },
    ]);
    const { ids } = await client(t, database);
    const of = (filter: string): Promise<string[]> => ids(`org=${acme}&minver=0&${filter}`);
    assert.deepEqual(await of('project=desk'), numbers(2));
    assert.deepEqual(await of('project=none'), []);
    assert.deepEqual(await of('type=OWASP%20Top%2010'), numbers(2));
    assert.deepEqual(await of('type=OWASP+Top+10&edition=2025&project=desk'), numbers(2));
    assert.deepEqual(await of('edition=2024'), numbers(4, 3, 1));
    assert.deepEqual(await of('branch=main'), numbers(3));
    assert.deepEqual(await of('branch='), numbers(4, 2, 1));
    assert.deepEqual(await of('rating=C'), numbers(3));
    assert.deepEqual(await of('rating=none'), numbers(4));
    assert.deepEqual(await of('since=2025-12-18'), numbers(4));
    assert.deepEqual(await of('until=2025-12-17'), numbers(3, 2, 1));
    assert.deepEqual(await of('since=2025-12-17T00:00:00.001Z&until=2025-12-17T01:00:00.002%2B01:00'), numbers(3, 2));
    assert.deepEqual(await of('since=2025-12-17T01:00:00.002+01:00'), numbers(4, 3));
    assert.deepEqual(await of('edition=2024&limit=2'), numbers(4, 3));
  });

  test(`ETag, If-None-Match: 304; another page, another tag; HEAD works (${engine})`, async (t) => {
    const database = await open(t);
    await insertOrganization(database);
    await insertReports(database, [{ number: 1 }, { number: 2, version: '2' }]);
    const { get } = await client(t, database);
    const first = await get(`org=${acme}&minver=0`);
    const tag = String(first.headers.etag);
    for (const header of [tag, `"other", ${tag}`, '*', tag.replace('W/', '')]) {
      const again = await get(`org=${acme}&minver=0`, { 'if-none-match': header });
      assert.deepEqual([again.statusCode, again.body, again.headers.etag], [304, '', tag], header);
    }
    assert.equal((await get(`org=${acme}&minver=0`, { 'if-none-match': '"other"' })).statusCode, 200);
    assert.notEqual((await get(`org=${acme}&minver=1.5`)).headers.etag, tag);
    const head = await get(`org=${acme}&minver=0`, {}, 'HEAD');
    assert.deepEqual([head.statusCode, head.body, head.headers.etag], [200, '', tag]);
    assert.equal(head.headers['content-length'], first.headers['content-length']);
    await insertReports(database, [{ number: 3 }]);
    assert.equal((await get(`org=${acme}&minver=0`, { 'if-none-match': tag })).statusCode, 200);
  });

  test(`gzip and br when asked (${engine})`, async (t) => {
    const database = await open(t);
    await insertOrganization(database);
    const given = Array.from({ length: 20 }, (_, number) => ({ number }));
    await insertReports(database, given);
    const { get } = await client(t, database);
    const expected = `{"organizationId":"${acme}","reports":[${given.map(listedOf).join(',')}]}`;
    const gzip = await get(`org=${acme}&version=1`, { 'accept-encoding': 'gzip' });
    assert.equal(gzip.headers['content-encoding'], 'gzip');
    assert.equal(gunzipSync(gzip.rawPayload).toString(), expected);
    const br = await get(`org=${acme}&version=1`, { 'accept-encoding': 'gzip, br' });
    assert.equal(br.headers['content-encoding'], 'br');
    assert.equal(brotliDecompressSync(br.rawPayload).toString(), expected);
    assert.match(String(br.headers.vary), /accept-encoding/i);
    assert.equal((await get(`org=${acme}&version=1`)).body, expected);
    assert.equal((await get(`org=${acme}&version=2`, { 'accept-encoding': 'br' })).headers['content-encoding'], undefined);
  });

  test(`"reads need a token": 401 without, 403 with another’s or without the scope; a project’s token sees its project (${engine})`, async (t) => {
    const database = await open(t);
    await insertOrganization(database, acme, { readsNeedToken: true });
    await insertReports(database, [{ number: 1 }, { number: 2, projectKey: 'desk' }]);
    const { get } = await client(t, database);
    const ask = (token: string | null): Promise<LightMyRequestResponse> =>
      get(`org=${acme}&version=1`, token === null ? {} : { authorization: `Bearer ${token}` });
    const none = await ask(null);
    assert.deepEqual([none.statusCode, codeOf(none)], [401, 'token_missing']);
    assert.deepEqual([(await ask('unknown')).statusCode, codeOf(await ask('unknown'))], [401, 'invalid_token']);
    assert.deepEqual([(await ask('ingester')).statusCode, codeOf(await ask('ingester'))], [403, 'scope_missing']);
    assert.deepEqual([(await ask('stranger')).statusCode, codeOf(await ask('stranger'))], [403, 'organization_other']);
    assert.equal((await ask('reader')).json<{ reports: unknown[] }>().reports.length, 2);
    assert.deepEqual(
      (await ask('ofShop')).json<{ reports: { id: string }[] }>().reports.map((report) => report.id),
      numbers(1),
    );
  });

  test(`Open calls have limits: requests per second per address, 429 with Retry-After (${engine})`, async (t) => {
    const database = await open(t);
    await insertOrganization(database);
    const { get } = await client(t, database, { perSecond: 2 });
    const statuses = [];
    for (let i = 0; i < 3; i += 1) statuses.push((await get(`org=${acme}&version=1`)).statusCode);
    assert.deepEqual(statuses, [200, 200, 429]);
    const refused = await get(`org=${acme}&version=1`);
    assert.deepEqual([codeOf(refused), refused.headers['retry-after']], ['too_many_requests', '1']);
  });
});
