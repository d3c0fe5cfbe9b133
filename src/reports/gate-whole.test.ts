import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { call, configure, startApp, tenant } from '../../test/app.ts';
import type { Engine } from '../../test/databases.ts';
import { engines } from '../../test/databases.ts';
import type { AnalysisCompletedFacts, GateFacts } from '../events/event.ts';

// Scans go in over HTTP and are read in real child processes; what their gates came to, and what was told, is looked at on both databases.

const finding = (rule: string) => ({
  ruleId: rule,
  level: 'error',
  message: { text: `Found by ${rule}` },
  locations: [{ physicalLocation: { artifactLocation: { uri: `src/${rule}.js` }, region: { startLine: 7 } } }],
  properties: { tags: ['CWE-79'] },
});
const scan = (...rules: readonly string[]) => ({
  version: '2.1.0',
  runs: [{ tool: { driver: { name: 'Scanner', version: '1.0' } }, results: rules.map(finding) }],
});

interface Shown {
  readonly status: string;
  readonly kind: string;
  readonly source: string | null;
  readonly qualityGate: GateFacts | null;
}

async function bench(t: TestContext, engine: Engine) {
  const { app, base } = await startApp(t, await configure(t, engine, { GATEPOST_WEBHOOKS_ALLOW: '127.0.0.1/32' }));
  const { token } = await tenant(app, 'Acme');
  const body = { standards: [{ type: 'CWE Top 25', edition: 2025 }] };
  await call(app, 'PATCH', '/v1/organization', { as: token, body });
  const hook = { name: 'all', url: 'http://127.0.0.1:9/', events: ['analysis.completed'], retry: 'none' };
  assert.equal((await call(app, 'POST', '/v1/webhooks', { as: token, body: hook })).status, 201);
  const analyse = async (version: string, log: unknown): Promise<Shown> => {
    const taken = await call(app, 'POST', `/v1/projects/shop/analyses?version=${version}&sonar.analysis.build=7`, { as: token, body: log });
    assert.equal(taken.status, 202, JSON.stringify(taken.json));
    assert.equal(taken.json['qualityGate'], null);
    for (;;) {
      const json: Partial<Shown> = (await call(app, 'GET', `/v1/analyses/${String(taken.json['id'])}`, { as: token })).json;
      if (json.status === 'done' || json.status === 'failed') return json as Shown;
      await sleep(50);
    }
  };
  const events = () => app.database.read.selectFrom('events').select(['kind', 'facts']).orderBy('id').execute();
  return { app, base, token, analyse, events };
}

const values = ({ qualityGate }: Shown) => [qualityGate?.status, ...(qualityGate?.conditions.map(({ value }) => value ?? null) ?? [])];

for (const engine of engines) {
  test(`what a version brought fails its gate each time, the same again announces nothing but its end (${engine})`, async (t) => {
    const { app, base, token, analyse, events } = await bench(t, engine);
    const first = await analyse('1.0', scan('a', 'b'));
    assert.deepEqual(values(first), ['OK', null, null]);
    assert.deepEqual([first.kind, first.source, first.qualityGate?.name], ['sarif', null, 'Gatepost way']);
    assert.deepEqual(values(await analyse('1.0', scan('a', 'b'))), ['OK', '0', '1']);
    assert.deepEqual(values(await analyse('2.0', scan('a', 'b', 'c'))), ['ERROR', '1', '4']);
    assert.deepEqual(values(await analyse('2.0', scan('a', 'b', 'c'))), ['ERROR', '1', '4']);
    const failed = await analyse('3.0', { version: '2.1.0', runs: [{ tool: { driver: { name: 'Scanner' } } }] });
    assert.deepEqual([failed.status, failed.qualityGate], ['failed', null]);

    const told = await events();
    const ended = 'analysis.completed';
    assert.deepEqual(
      told.map(({ kind }) => kind),
      [ended, 'report.ingested', ended, ended, 'report.ingested', ended, ended],
    );
    const completed = told.filter(({ kind }) => kind === ended).map(({ facts }) => JSON.parse(facts) as AnalysisCompletedFacts);
    assert.deepEqual(
      completed.map(({ status, gate }) => [status, gate?.status]),
      [...['OK', 'OK', 'ERROR', 'ERROR'].map((status) => ['SUCCESS', status]), ['FAILED', undefined]],
    );
    assert.deepEqual([completed[0]?.serverUrl, completed[0]?.properties], [base, { 'sonar.analysis.build': '7' }]);
    const promised = await call(app, 'GET', '/v1/deliveries?event=analysis.completed', { as: token });
    assert.equal((promised.json['deliveries'] as unknown[]).length, completed.length);
  });
}
