import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { App } from '../../src/app.ts';
import type { GateFacts } from '../../src/events/event.ts';
import { atEnd, call, configure, startApp, tenant } from '../app.ts';
import { engines } from '../databases.ts';
import { startReceiver } from '../faults/receiver.ts';
import type { StubProject } from './facts.ts';
import { makeFacts } from './facts.ts';
import { makeSource, payloadText, sendSigned } from './ingest.ts';
import type { Stub } from './stub.ts';
import { startStub } from './stub.ts';
import { until } from './work.ts';

// A whole server with a stand-in for SonarQube: a webhook comes in, the findings are fetched, the reports stand, and a receiver is told.

const quick = {
  GATEPOST_WEBHOOKS_ALLOW: '127.0.0.1',
  GATEPOST_RETRY_INTERVAL: '1s',
  GATEPOST_FETCH_RETRY: '50ms',
  GATEPOST_CATCH_UP_INTERVAL: '1h',
  GATEPOST_ANALYSES_AT_ONCE: '2',
};

async function startedStub(t: TestContext): Promise<Stub> {
  const stub = await startStub({ facts: makeFacts({ issues: 6, hotspots: 2 }) });
  atEnd(t, () => stub.close());
  return stub;
}

function shop(stub: Stub): StubProject {
  const [project] = stub.facts.projects;
  assert.ok(project !== undefined);
  return project;
}

const text = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}+0000`;

/** The newest analysis of the project, as its webhook tells it. */
function payloadOf({ key, name, analyses }: StubProject, more: Readonly<Record<string, unknown>> = {}): string {
  const [newest] = analyses;
  assert.ok(newest !== undefined);
  return payloadText({
    taskId: newest.task,
    analysedAt: text(newest.date),
    changedAt: text(newest.date),
    revision: newest.revision ?? undefined,
    project: { key, name, url: 'https://sonar.example.test/' },
    ...more,
  });
}

interface Shown {
  readonly id: string;
  readonly status: string;
  readonly version: string;
  readonly branch: string | null;
  readonly reports: readonly { readonly id: string }[];
  readonly error?: { readonly code: string };
}

async function analysesOf(app: App, as: string, key: string): Promise<readonly Shown[]> {
  const { json } = await call(app, 'GET', `/v1/projects/${encodeURIComponent(key)}/analyses?limit=100`, { as });
  return (json['analyses'] as readonly Shown[] | undefined) ?? [];
}

/** The gate that the reports of an analysis tell as they stand, out of each one's findings.json. */
async function gatesOf(app: App, as: string, analysis: Shown | undefined): Promise<readonly unknown[]> {
  const ids = (analysis?.reports ?? []).map((report) => report.id);
  return Promise.all(
    ids.map(async (id) => {
      const { json } = await call(app, 'GET', `/v1/reports/${id}/artifacts/findings.json`, { as });
      return (json['report'] as { readonly gate?: unknown }).gate;
    }),
  );
}

const allDone = (app: App, as: string, key: string, count: number): Promise<readonly Shown[]> =>
  until(
    () => analysesOf(app, as, key),
    (all) => all.length >= count && all.every((one) => one.status === 'done' || one.status === 'failed'),
    40_000,
  );

for (const engine of engines) {
  test(`a webhook in, the reports standing, the receiver told; an edit of issues updates them (${engine})`, async (t) => {
    const stub = await startedStub(t);
    const receiver = await startReceiver();
    atEnd(t, () => receiver.close());
    const { app } = await startApp(t, await configure(t, engine, quick));
    const { token } = await tenant(app, 'Example');
    const hook = { name: 'receiver', url: receiver.url, events: ['report.ingested', 'report.updated'] };
    receiver.verifyWith(String((await call(app, 'POST', '/v1/webhooks', { as: token, body: hook })).json['secret']));
    const source = await makeSource(app, token, { url: stub.url, token: stub.token });
    const project = shop(stub);
    assert.equal((await sendSigned(source, payloadOf(project))).status, 200);
    const [first] = await allDone(app, token, project.key, 1);
    assert.deepEqual(
      [first?.status, first?.version, first?.branch, first?.reports.length, first?.error],
      ['done', '1.1.0', 'main', 2, undefined],
    );
    await until(
      () => Promise.resolve(receiver.deliveries.size),
      (count) => count >= 1,
    );
    // Somebody over there sets an issue aside.
    const { taskId: _none, ...edit } = JSON.parse(payloadOf(project, { changedAt: text(Date.now()) })) as Record<string, unknown>;
    for (const issue of project.issues) Object.assign(issue, { status: 'RESOLVED', resolution: 'WONTFIX', by: 'ada', comments: [] });
    stub.changed();
    assert.equal((await sendSigned(source, JSON.stringify(edit))).status, 200);
    const all = await allDone(app, token, project.key, 2);
    assert.deepEqual(
      all.map((one) => [one.status, one.version, one.reports.map((report) => report.id)]),
      [1, 2].map(() => ['done', '1.1.0', first?.reports.map((report) => report.id)]),
    );
    await until(
      () => Promise.resolve(receiver.deliveries.size),
      (count) => count >= 2,
    );
    const { qualityGate: told } = JSON.parse(payloadText()) as { readonly qualityGate: GateFacts };
    // Another edit changes the gate alone: its value is content, so the reports say it anew.
    const [condition] = told.conditions;
    const gate = { ...told, status: 'OK', conditions: [{ ...condition, value: '3', status: 'OK' }] };
    assert.deepEqual(await gatesOf(app, token, first), [told, told]);
    const regraded = { ...edit, changedAt: text(Date.now()), qualityGate: gate };
    assert.equal((await sendSigned(source, JSON.stringify(regraded))).status, 200);
    await allDone(app, token, project.key, 3);
    assert.deepEqual(await gatesOf(app, token, first), [gate, gate]);
    await until(
      () => Promise.resolve(receiver.deliveries.size),
      (count) => count >= 3,
    );
    assert.equal(receiver.refused, 0);
    const { json } = await call(app, 'GET', `/v1/sources/${source.id}`, { as: token });
    assert.equal(json['state'], 'ok');
  });

  test(`down during five analyses, their webhooks lost: after the start all have their reports, once (${engine})`, async (t) => {
    const stub = await startedStub(t);
    const configuration = await configure(t, engine, quick);
    const before = await startApp(t, configuration);
    const { token } = await tenant(before.app, 'Example');
    const source = await makeSource(before.app, token, { url: stub.url, token: stub.token });
    await allDone(before.app, token, shop(stub).key, 1);
    await lookedAt(before.app, token, source.id);
    await before.app.stop();
    addFive(stub);
    const { app } = await startApp(t, configuration);
    for (const [key, count] of [...wanted, ['shop:api', 4] as const]) await allDone(app, token, key, count);
    // A second look finds nothing more.
    await lookedAt(app, token, source.id);
    for (const [key, count] of wanted) {
      const all = (await analysesOf(app, token, key)).filter((one) => one.version !== '1.1.0');
      assert.equal(all.length, count, key);
      for (const one of all) assert.deepEqual([one.status, one.reports.length, one.error], ['done', 2, undefined], one.version);
      assert.equal(new Set(all.flatMap((one) => one.reports.map((report) => report.id))).size, count * 2);
    }
  });
}

/** Three versions of one project and one of each of two more. */
const wanted: readonly (readonly [key: string, count: number])[] = [
  ['shop:api', 3],
  ['shop:part1', 1],
  ['shop:part2', 1],
];

function addFive(stub: Stub): void {
  const first = shop(stub);
  let number = 0;
  for (const [key, count] of wanted) {
    const project = key === first.key ? first : { ...first, key, name: key, analyses: [] };
    if (project !== first) stub.facts.projects.push(project);
    for (let version = 1; version <= count; version += 1) {
      number += 1;
      const made = { key: `late-analysis-${number}`, task: `late-task-${number}`, version: `2.${version}`, revision: `f00d${number}` };
      project.analyses.unshift({ ...made, date: Date.now() - 60_000 + number * 1000 });
    }
  }
  stub.changed();
}

async function lookedAt(app: App, as: string, source: string): Promise<void> {
  const { json } = await call(app, 'POST', `/v1/sources/${source}/catch-ups`, { as });
  const asked = Date.parse(String(json['asked']));
  await until(
    async () => (await call(app, 'GET', `/v1/sources/${source}`, { as })).json,
    (seen) => Date.parse(String(seen['caughtUp'])) >= asked,
  );
}
