// The verbs for sources, and what the doctor says of them, with a whole server and a small SonarQube that is well or not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, configure, startApp, tenant } from '../../test/app.ts';
import { gatepost, gatepostJson } from '../../test/cli/command-line.ts';
import { engines } from '../../test/databases.ts';
import { makeSource } from '../../test/sonarqube/ingest.ts';
import { startSmallServer } from '../../test/sonarqube/small-server.ts';
import { smallAnalysis } from '../../test/sonarqube/work.ts';
import { checkSources, lookOverdueMs } from './doctor/sources.ts';

for (const engine of engines) {
  test(`source check and catch-up say what works, in the end code too; the doctor says what does not (${engine})`, async (t) => {
    const small = await startSmallServer(t);
    const { app, base } = await startApp(t, await configure(t, engine));
    const { token } = await tenant(app, 'Example');
    const source = await makeSource(app, token, { url: small.url, token: small.token });
    const environment = { GATEPOST_URL: base, GATEPOST_TOKEN: token };
    const well = await gatepost(['source', 'check', 'Sonar'], environment);
    assert.deepEqual([well.code, well.stdout.includes('Sonar: ok'), well.stdout.includes(source.ingestUrl)], [0, true, true], well.stdout);
    const hooked = await gatepostJson(['source', 'check', source.id, '--create-webhook'], environment);
    assert.equal(small.webhooks[0]?.secret, source.secret);
    assert.deepEqual([hooked.code, hooked.json['paste']], [0, null]);
    assert.ok(!JSON.stringify(hooked.json).includes(source.secret), 'the secret is not repeated');
    const looked = await gatepost(['source', 'catch-up', 'Sonar', '--wait'], environment);
    assert.equal(looked.code, 0, looked.stderr);
    const { read } = app.database;
    const diagnosis = (now = Date.now()) => checkSources({ read, now, isServing: true });
    assert.deepEqual([(await diagnosis()).state, (await diagnosis()).says], ['ok', '1, all well']);

    small.mode = 'token-refused';
    assert.equal((await gatepost(['source', 'check', 'Sonar'], environment)).code, 1);
    assert.match((await gatepost(['source', 'check', 'Sonar'], environment)).stdout, /token: not valid, not browses/);
    small.mode = 'migrating';
    assert.match((await gatepost(['source', 'check', 'Sonar'], environment)).stdout, /source_upgrading.*\n.*\n {2}token: unknown\n/);
    small.mode = 'token-refused';
    const refused = await gatepost(['source', 'catch-up', 'Sonar', '--wait'], environment);
    assert.deepEqual([refused.code, refused.stdout.includes('source_token_refused')], [1, true], refused.stdout);
    const [item] = (await diagnosis()).items ?? [];
    assert.deepEqual([item?.['state'], item?.['source'], item?.['waiting']], ['source_token_refused', source.id, 0]);
    const metrics = await (await fetch(`${base}/metrics`)).text();
    assert.match(metrics, /gatepost_source_state\{state="source_token_refused"\} 1/);

    // Another token is given, and it is well by itself.
    small.mode = 'well';
    small.token = `squ_${'b'.repeat(40)}`;
    await call(app, 'PATCH', `/v1/sources/${source.id}`, { as: token, body: { token: small.token } });
    assert.equal((await gatepost(['source', 'catch-up', 'Sonar', '--wait'], environment)).code, 0);
    assert.equal((await diagnosis()).state, 'ok');
    assert.equal((await diagnosis(Date.now() + 24 * 3_600_000 + lookOverdueMs)).state, 'warning', 'nobody looks any more');
    const unknown = await gatepost(['source', 'check', 'Nobody'], environment);
    assert.notEqual(unknown.code, 0);
    assert.match(unknown.stderr, /There is no source/);
    small.analyses.push(smallAnalysis(1));
    assert.equal((await gatepost(['source', 'catch-up', source.id], environment)).code, 0);
  });
}
