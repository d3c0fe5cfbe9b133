import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { atEnd } from '../../../test/app.ts';
import { eachDatabase, newLocation } from '../../../test/databases.ts';
import { payloadText } from '../../../test/sonarqube/ingest.ts';
import type { Mode } from '../../../test/sonarqube/small-server.ts';
import { startSmallServer } from '../../../test/sonarqube/small-server.ts';
import { createWorkBench, smallAnalysis, until } from '../../../test/sonarqube/work.ts';
import { makeAuthority } from '../../../test/webhooks/certificates.ts';
import { systemClock } from '../../clock.ts';
import type { Database } from '../../storage/database/database.ts';
import { openDatabase } from '../../storage/database/open.ts';
import { settleState } from './states.ts';

// Every way in which a source can be out of order, over HTTP: an analysis comes, its fetching meets the fault, the source's state and the log
// say so, and once the server is well the analysis is fetched without anybody doing more than its fault needs.

async function sqlite(t: TestContext): Promise<Database> {
  const database = await openDatabase(await newLocation({ after: (step) => atEnd(t, step) }, 'sqlite'), 'server');
  atEnd(t, () => database.close());
  return database;
}

/** Faults that pass by themselves, and those that somebody must mend over there. */
const faults: Readonly<Record<string, { readonly mode: Mode; readonly state: string; readonly needsLook: boolean }>> = {
  'a token that is refused': { mode: 'token-refused', state: 'source_token_refused', needsLook: true },
  'a server that answers 500': { mode: 'failing', state: 'source_failing', needsLook: false },
  'a server that is busy': { mode: 'busy', state: 'source_busy', needsLook: false },
  'a server that never answers': { mode: 'hanging', state: 'source_timeout', needsLook: false },
  'a page in the place of JSON': { mode: 'page', state: 'source_not_sonarqube', needsLook: true },
  'a server whose database is migrated': { mode: 'migrating', state: 'source_upgrading', needsLook: false },
  'a server that starts': { mode: 'starting', state: 'source_starting', needsLook: false },
};

for (const [what, { mode, state, needsLook }] of Object.entries(faults)) {
  test(`${what} is told as ${state}, and what waited is fetched when it is well`, async (t) => {
    const server = await startSmallServer(t);
    server.analyses.push(smallAnalysis(1, { project: 'shop:api' }));
    const bench = await createWorkBench(t, await sqlite(t));
    const source = await bench.addSource(server);
    server.mode = mode;
    bench.work.start();
    await bench.arrive(source, payloadText());
    const troubled = await until(
      () => bench.source(source.id),
      (seen) => seen.state === state,
    );
    assert.notEqual(troubled.stateMessage, null);
    const [waiting] = await bench.analyses();
    assert.equal(waiting?.status === 'failed', false);
    server.mode = 'well';
    if (needsLook) await bench.work.catchUp({ organization: bench.organization, source: source.id });
    await until(
      () => bench.analyses(),
      ([one]) => one?.stage === 'make',
    );
    await until(
      () => bench.source(source.id),
      (seen) => seen.state === 'ok' && seen.stateMessage === null,
    );
    // Logged once it is on disk, where it may be seen a moment before.
    const told = await until(
      () => Promise.resolve(bench.lines.filter((line) => line.message === 'source.state').map((line) => line['state'])),
      (states) => states.at(-1) === 'ok',
    );
    assert.ok(told.includes(state), told.join());
    assert.ok(!JSON.stringify(bench.lines).includes(server.token), 'the token is in the log');
  });
}

eachDatabase((open, engine) => {
  test(`a token that is revoked in the middle holds its analyses until it is replaced, however long (${engine})`, async (t) => {
    const server = await startSmallServer(t);
    server.analyses.push(smallAnalysis(1, { project: 'shop:api' }));
    const bench = await createWorkBench(t, await open(t), { settings: { GATEPOST_FETCH_FOR: '1ms' } });
    const source = await bench.addSource(server);
    bench.work.start();
    await bench.arrive(source, payloadText());
    await until(
      () => bench.analyses(),
      ([one]) => one?.stage === 'make',
    );
    server.mode = 'token-refused';
    await bench.arrive(source, payloadText({ taskId: 'second' }));
    await until(
      () => bench.source(source.id),
      (seen) => seen.state === 'source_token_refused',
    );
    const asked = server.asked.length;
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(server.asked.length, asked, 'nobody asks a server that refuses the token');
    server.mode = 'well';
    const facts = await bench.work.check({
      organization: bench.organization,
      source: source.id,
      ingestUrl: 'http://g/',
      createWebhook: false,
    });
    assert.equal(facts.token.valid, true);
    await until(
      () => bench.analyses(),
      (all) => all.every((one) => one.stage === 'make'),
    );
  });

  test(`an analysis whose server does not come back has failed when its time is over (${engine})`, async (t) => {
    const server = await startSmallServer(t);
    const bench = await createWorkBench(t, await open(t), { settings: { GATEPOST_FETCH_FOR: '300ms' } });
    const source = await bench.addSource(server);
    await server.close();
    bench.work.start();
    await bench.arrive(source, payloadText());
    const [failed] = await until(
      () => bench.analyses(),
      ([one]) => one?.status === 'failed',
    );
    assert.deepEqual([failed?.error_code, (failed?.attempts ?? 0) >= 1], ['source_unreachable', true]);
    assert.equal((await bench.source(source.id)).state, 'source_unreachable');
  });

  test(`one that hangs holds up no other (${engine})`, async (t) => {
    const [hanging, well] = [await startSmallServer(t), await startSmallServer(t)];
    hanging.mode = 'hanging';
    well.analyses.push(smallAnalysis(1, { project: 'shop:api' }));
    const settings = { GATEPOST_FETCHES_AT_ONCE: '3', GATEPOST_FETCHES_PER_SOURCE: '2' };
    // Longer than anything here waits: it hangs to the end of the test.
    const bench = await createWorkBench(t, await open(t), { settings, answersWithinMs: 60_000 });
    const first = await bench.addSource(hanging);
    const second = await bench.addSource(well);
    for (let number = 0; number < 8; number += 1) {
      await bench.arrive(first, payloadText({ taskId: `hangs-${number}`, branch: { name: `b${number}`, type: 'BRANCH', isMain: false } }));
    }
    bench.work.start();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await bench.arrive(second, payloadText());
    const all = await until(
      () => bench.analyses(),
      (all) => all.some((one) => one.source === second.id && one.stage === 'make'),
    );
    const underWay = all.filter((one) => one.source === first.id && one.status === 'running').length;
    assert.ok(underWay >= 1 && underWay <= 2, `${underWay} of the one that hangs are under way`);
  });
});

test('a certificate that nobody vouches for is told, and believed once its authority is given', async (t) => {
  const authority = makeAuthority();
  const server = await startSmallServer(t, authority.issue('IP:127.0.0.1'));
  const bench = await createWorkBench(t, await sqlite(t));
  const stranger = await bench.addSource(server);
  const known = await bench.addSource(server, { ca: authority.ca });
  const look = (source: string) =>
    bench.work.check({ organization: bench.organization, source, ingestUrl: 'http://g/', createWebhook: false });
  const [unbelieved, believed] = [await look(stranger.id), await look(known.id)];
  // The token was not shown to it.
  assert.deepEqual([unbelieved.reachable, unbelieved.token.valid, unbelieved.token.seesTasks], [false, null, null]);
  assert.deepEqual([believed.reachable, believed.token.valid], [true, true]);
  assert.deepEqual([(await bench.source(stranger.id)).state, (await bench.source(known.id)).state], ['source_tls', 'ok']);
});

test('what was found with an older token says nothing of the newer one', async (t) => {
  const server = await startSmallServer(t);
  const bench = await createWorkBench(t, await sqlite(t));
  const source = await bench.addSource(server);
  const { database } = bench;
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const fault = { code: 'source_token_refused', message: 'No.' };
  const stale = { ...source, revision: source.revision - 1 };
  assert.equal(await settleState({ database, clock: systemClock, log, source: stale, fault }), false);
  assert.equal((await bench.source(source.id)).state, 'unchecked');
  assert.equal(await settleState({ database, clock: systemClock, log, source, fault }), true);
  assert.equal(await settleState({ database, clock: systemClock, log, source, fault }), false, 'told once');
});
