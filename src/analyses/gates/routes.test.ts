import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { eachDatabase } from '../../../test/databases.ts';
import { createTestServer } from '../../../test/http.ts';
import { runDeletion } from '../../organizations/deletion.ts';
import { projectRoutes } from '../../projects/routes.ts';
import { findOrCreateProject } from '../../projects/store.ts';
import type { Database } from '../../storage/database/database.ts';
import { builtInGateId, gatesOfOrganizationMax } from './gate.ts';
import { gateRoutes } from './routes.ts';
import { assertGateThere, gateDeletionSteps, gateOfProject } from './store.ts';

// The routes over HTTP, with the rows behind them, on both databases.

const condition = { metric: 'blocker_violations', operator: 'GREATER_THAN', errorThreshold: '0' };
const gate = (name: string, more: object = {}) => ({ name, conditions: [condition], ...more });

async function bench(database: Database) {
  const it = await createTestServer({ database });
  const { server, clock, ids } = it;
  gateRoutes(server, { database, clock, ids, standards: [{ type: 'CWE Top 25', edition: 2025 }] });
  projectRoutes(server, { database, clock, ids, deletionSteps: [], assertGateThere });
  const acme = await it.organization('Acme');
  const project = (organization: string, key: string) =>
    database.write((tx) => findOrCreateProject({ tx, organization, key, onlyProject: null, actor: 'cli', ids, clock }));
  const make = async (name: string, more: object = {}, as = acme.token): Promise<string> => {
    const made = await it.call('POST', '/v1/gates', { as, body: gate(name, more) });
    assert.equal(made.status, 201, made.text);
    return String(made.json['id']);
  };
  const list = async (as = acme.token) => {
    const { gates } = (await it.call('GET', '/v1/gates', { as })).json as { gates: { id: string; name: string; isDefault: boolean }[] };
    return gates.map(({ name, isDefault }) => (isDefault ? `${name} *` : name));
  };
  return { ...it, acme, project, make, list };
}

type Open = (t: TestContext) => Promise<Database>;

function resource(open: Open, engine: string): void {
  test(`a gate is made, shown, changed and deleted, each with a trace (${engine})`, async (t) => {
    const database = await open(t);
    const { call, acme, list } = await bench(database);
    const as = acme.token;
    assert.deepEqual(await list(), ['Gatepost way *']);
    const made = await call('POST', '/v1/gates', { as, body: gate(' House ', { isDefault: true }) });
    assert.equal(made.status, 201);
    const { id, created, updated, ...rest } = made.json;
    assert.deepEqual(rest, { name: 'House', isDefault: true, builtIn: false, conditions: [condition] });
    assert.equal(created, updated);
    assert.ok(String(made.headers['location']).endsWith(`/v1/gates/${String(id)}`));
    assert.deepEqual((await call('GET', `/v1/gates/${String(id)}`, { as })).json, made.json);
    const conditions = [{ metric: 'new_cwe_top_25_2025', operator: 'GREATER_THAN', errorThreshold: 3 }];
    const changed = await call('PATCH', `/v1/gates/${String(id)}`, { as, body: { conditions } });
    assert.deepEqual(changed.json['conditions'], [{ ...conditions[0], errorThreshold: '3' }]);
    assert.equal(changed.json['name'], 'House');
    assert.equal((await call('DELETE', `/v1/gates/${String(id)}`, { as })).status, 204);
    for (const method of ['GET', 'PATCH', 'DELETE'] as const) {
      const answer = await call(method, `/v1/gates/${String(id)}`, { as, ...(method === 'PATCH' ? { body: { isDefault: true } } : {}) });
      assert.deepEqual([answer.status, answer.json['code']], [404, 'unknown_gate'], method);
    }
    const trace = await database.read
      .selectFrom('audit')
      .select(['action', 'subject'])
      .where('action', 'like', 'gate.%')
      .orderBy('id')
      .execute();
    assert.deepEqual(
      trace.map(({ action, subject }) => `${action} ${subject}`),
      ['gate.created House', 'gate.changed House', 'gate.deleted House'],
    );
  });

  test(`one gate is the default at a time, and the built-in one where none is (${engine})`, async (t) => {
    const { call, acme, make, list } = await bench(await open(t));
    const as = acme.token;
    const first = await make('first', { isDefault: true });
    const second = await make('second');
    assert.deepEqual(await list(), ['Gatepost way', 'first *', 'second']);
    assert.equal((await call('PATCH', `/v1/gates/${second}`, { as, body: { isDefault: true } })).json['isDefault'], true);
    assert.deepEqual(await list(), ['Gatepost way', 'first', 'second *']);
    await make('third', { isDefault: true });
    assert.deepEqual(await list(), ['Gatepost way', 'first', 'second', 'third *']);
    await Promise.all([first, second].map((id) => call('PATCH', `/v1/gates/${id}`, { as, body: { isDefault: true } })));
    assert.equal((await list()).filter((name) => name.endsWith('*')).length, 1);
    for (const id of [first, second]) await call('PATCH', `/v1/gates/${id}`, { as, body: { isDefault: false } });
    assert.deepEqual(await list(), ['Gatepost way *', 'first', 'second', 'third']);
  });

  test(`names are taken once, also by two who ask at the same time, and the built-in one stays as it is (${engine})`, async (t) => {
    const { call, acme, make, list } = await bench(await open(t));
    const as = acme.token;
    const answers = await Promise.all([1, 2, 3].map(() => call('POST', '/v1/gates', { as, body: gate('House') })));
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [201, 409, 409]);
    assert.equal(answers.find(({ status }) => status === 409)?.json['code'], 'gate_name_taken');
    const other = await make('Other');
    for (const name of ['House', 'Gatepost way']) {
      const answer = await call('PATCH', `/v1/gates/${other}`, { as, body: { name } });
      assert.deepEqual([answer.status, answer.json['code']], [409, 'gate_name_taken']);
    }
    assert.equal((await call('PATCH', `/v1/gates/${other}`, { as, body: { name: 'Other' } })).status, 200);
    assert.equal((await call('GET', `/v1/gates/${builtInGateId}`, { as })).json['builtIn'], true);
    for (const [method, body] of [
      ['PATCH', { name: 'x' }],
      ['DELETE', undefined],
    ] as const) {
      const answer = await call(method, `/v1/gates/${builtInGateId}`, { as, ...(body === undefined ? {} : { body }) });
      assert.deepEqual([answer.status, answer.json['code']], [409, 'gate_built_in']);
    }
    assert.deepEqual(await list(), ['Gatepost way *', 'House', 'Other']);
  });

  test(`an organization has as many gates as it may and not one more; the list has pages (${engine})`, async (t) => {
    const database = await open(t);
    const { call, acme, make } = await bench(database);
    const as = acme.token;
    const row = { organization: acme.id, conditions: '[]', created: 0, updated: 0 };
    const rows = Array.from({ length: gatesOfOrganizationMax - 1 }, (_, index) => ({
      ...row,
      id: `0${index + 100}`,
      name: `gate ${index}`,
    }));
    await database.write((tx) => tx.insertInto('gates').values(rows).execute());
    await make('the last');
    const refused = await call('POST', '/v1/gates', { as, body: gate('too many') });
    assert.deepEqual(
      [refused.status, refused.json['code'], refused.json['details']],
      [409, 'too_many_gates', { max: gatesOfOrganizationMax }],
    );
    const names: string[] = [];
    let url = '/v1/gates?limit=40';
    for (let pages = 0; url !== '' && pages < 9; pages += 1) {
      const page = await call('GET', url, { as });
      names.push(...(page.json['gates'] as { name: string }[]).map(({ name }) => name));
      url = /<http:\/\/[^/]+(\/[^>]+)>/.exec(String(page.headers['link'] ?? ''))?.[1] ?? '';
    }
    assert.equal(names.length, gatesOfOrganizationMax + 1);
    assert.deepEqual([names[0], names.at(-1), new Set(names).size], ['Gatepost way', 'the last', names.length]);
  });
}

function around(open: Open, engine: string): void {
  test(`a project goes by the gate it chose, else by the default; a deleted one is chosen no longer (${engine})`, async (t) => {
    const database = await open(t);
    const { call, acme, project, make } = await bench(database);
    const as = acme.token;
    const { id } = await project(acme.id, 'shop');
    const goesBy = async () => {
      const row = await database.read.selectFrom('projects').select('gate').where('id', '=', id).executeTakeFirstOrThrow();
      return (await gateOfProject({ read: database.read, organization: acme.id, chosen: row.gate })).name;
    };
    const choose = (chosen: unknown) => call('PATCH', '/v1/projects/shop', { as, body: { gate: chosen } });
    assert.equal(await goesBy(), 'Gatepost way');
    await make('default', { isDefault: true });
    assert.equal(await goesBy(), 'default');
    const own = await make('own');
    assert.deepEqual([(await choose(own)).json['gate'], await goesBy()], [own, 'own']);
    assert.equal((await call('PATCH', '/v1/projects/shop', { as, body: { name: 'Shop' } })).json['gate'], own);
    assert.deepEqual([(await choose(builtInGateId)).status, await goesBy()], [200, 'Gatepost way']);
    assert.deepEqual([(await choose(null)).json['gate'], await goesBy()], [null, 'default']);
    await choose(own);
    assert.equal((await call('DELETE', `/v1/gates/${own}`, { as })).status, 204);
    assert.equal((await call('GET', '/v1/projects/shop', { as })).json['gate'], null);
    for (const chosen of [own, 'nonsense']) {
      const refused = await choose(chosen);
      assert.deepEqual([refused.status, refused.json['code']], [400, 'unknown_gate']);
    }
  });

  test(`a gate that goes while a project chooses it is chosen by nobody (${engine})`, async (t) => {
    const { call, acme, project, make } = await bench(await open(t));
    const as = acme.token;
    await project(acme.id, 'shop');
    for (let round = 0; round < 5; round += 1) {
      const id = await make(`gate ${round}`);
      const choose = () => call('PATCH', '/v1/projects/shop', { as, body: { gate: id } });
      const remove = () => call('DELETE', `/v1/gates/${id}`, { as });
      const [first, second] = await Promise.all(round % 2 === 0 ? [choose(), remove()] : [remove(), choose()]);
      assert.deepEqual(
        [first, second].filter(({ status }) => status >= 500),
        [],
      );
      assert.equal((await call('GET', '/v1/projects/shop', { as })).json['gate'], null);
    }
  });

  test(`gates of another organization are neither seen nor chosen, and go with theirs alone (${engine})`, async (t) => {
    const database = await open(t);
    const { call, acme, organization, project, make, list } = await bench(database);
    const other = await organization('Other');
    const theirs = await make('theirs', { isDefault: true }, other.token);
    await make('ours');
    await project(acme.id, 'shop');
    assert.deepEqual(await list(), ['Gatepost way *', 'ours']);
    for (const method of ['GET', 'PATCH', 'DELETE'] as const) {
      const body = method === 'PATCH' ? { body: { name: 'mine' } } : {};
      assert.equal((await call(method, `/v1/gates/${theirs}`, { as: acme.token, ...body })).status, 404, method);
    }
    assert.equal((await call('PATCH', '/v1/projects/shop', { as: acme.token, body: { gate: theirs } })).status, 400);
    await runDeletion({
      database,
      steps: gateDeletionSteps,
      scope: { organization: other.id, project: null },
      hold: async () => {},
      last: async () => {},
    });
    assert.deepEqual([await list(other.token), await list()], [['Gatepost way *'], ['Gatepost way *', 'ours']]);
  });
}

eachDatabase((open, engine) => {
  resource(open, engine);
  around(open, engine);

  test(`what is no gate is refused with its reason (${engine})`, async (t) => {
    const { call, acme } = await bench(await open(t));
    const refused = async (body: unknown) => (await call('POST', '/v1/gates', { as: acme.token, body })).json['code'];
    assert.equal(await refused(gate('x', { conditions: [{ ...condition, metric: 'owasp_top_10_2021' }] })), 'unknown_metric');
    assert.equal(await refused(gate('x', { conditions: [{ ...condition, errorThreshold: 'many' }] })), 'invalid_threshold');
    assert.equal(await refused(gate('x', { conditions: [condition, condition] })), 'duplicate_condition');
    assert.equal(await refused(gate(' ')), 'invalid_name');
    for (const body of [{ name: 'x' }, gate('x', { conditions: [{ ...condition, operator: 'EQUALS' }] }), gate('x', { more: 1 })]) {
      assert.equal((await call('POST', '/v1/gates', { as: acme.token, body })).status, 400, JSON.stringify(body));
    }
    assert.equal((await call('POST', '/v1/gates', { body: gate('x') })).status, 401);
  });
});
