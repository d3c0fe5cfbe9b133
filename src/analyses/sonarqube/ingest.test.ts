// SonarQube's webhooks, sent over HTTP to a real server on both databases as SonarQube sends them: what is answered, what is in the database then, and
// what the organization's webhooks are told.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { call, configure, startApp, tenant } from '../../../test/app.ts';
import { engines } from '../../../test/databases.ts';
import type { Engine } from '../../../test/databases.ts';
import { makeSource, payloadText, send, sendSigned, signatureOf } from '../../../test/sonarqube/ingest.ts';
import type { App } from '../../app.ts';
import type { AnalysisCompletedFacts } from '../../events/event.ts';
import { holdProject } from '../../projects/store.ts';
import { projectOfKey } from '../../../test/sonarqube/rows.ts';
import { payloadBytesMax } from './ingest-routes.ts';

async function begin(t: TestContext, engine: Engine) {
  const { app } = await startApp(t, await configure(t, engine));
  const { id: organization, token } = await tenant(app, 'Example');
  return { app, organization, token, source: await makeSource(app, token) };
}

const analyses = ({ database }: App) => database.read.selectFrom('analyses').selectAll().orderBy('id').execute();
async function events({ database }: App) {
  const rows = await database.read.selectFrom('events').selectAll().where('kind', '=', 'analysis.completed').orderBy('id').execute();
  return rows.map((row) => ({ ...row, facts: JSON.parse(row.facts) as AnalysisCompletedFacts }));
}

for (const engine of engines) {
  test(`what is signed and new is on disk with its event, to the byte, before it is answered (${engine})`, async (t) => {
    const { app, organization, source } = await begin(t, engine);
    const body = payloadText();
    const answer = await sendSigned(source, body);
    assert.equal(answer.status, 200);
    const [row, ...more] = await analyses(app);
    assert.deepEqual([answer.json['status'], answer.json['analysis'], more.length], ['accepted', row?.id, 0]);
    const project = await projectOfKey(app.database, organization, 'shop:api');
    assert.equal(project.name, 'Shop <API> & Söhne');
    assert.partialDeepStrictEqual(row, {
      organization,
      project: project.id,
      branch: 'main',
      branch_type: 'BRANCH',
      version: '',
      revision: '9b1f6a0c2d3e4f5061728394a5b6c7d8e9f00112',
      date_given: '2026-03-02T09:15:04+01:00',
      kind: 'sonarqube',
      stage: 'fetch',
      source: source.id,
      source_key: 'task:AaIEdEABEEeIsvarASFK',
      source_task: 'AaIEdEABEEeIsvarASFK',
      source_analysis: null,
    });
    assert.equal(row?.payload?.toString('utf8'), body);
    assert.equal((JSON.parse(row?.gate ?? '{}') as { name: string }).name, 'House gate');
    const [event] = await events(app);
    assert.deepEqual([event?.project, event?.facts.analysis, event?.facts.relayed], [project.id, row?.id, body]);
    assert.partialDeepStrictEqual(event?.facts, {
      organization: 'example',
      origin: 'sonarqube',
      serverUrl: app.address(),
      task: 'AaIEdEABEEeIsvarASFK',
      status: 'SUCCESS',
      analysedAt: '2026-03-02T09:15:04+0100',
      project: { key: 'shop:api', name: 'Shop <API> & Söhne' },
      branch: { name: 'main', type: 'BRANCH', isMain: true },
    });
  });

  test(`one task is one analysis, and so are the same bytes without a task, be they sent at once (${engine})`, async (t) => {
    const { app, source, token } = await begin(t, engine);
    const body = payloadText();
    const together = await Promise.all(Array.from({ length: 12 }, () => sendSigned(source, body)));
    assert.deepEqual(new Set(together.map(({ status }) => status)), new Set([200]));
    assert.equal(together.filter(({ json }) => json['status'] === 'accepted').length, 1);
    assert.equal(new Set(together.map(({ json }) => json['analysis'])).size, 1);
    // Other bytes of the same task: both of two webhooks over there may send it.
    assert.equal((await sendSigned(source, payloadText({ changedAt: '2026-03-02T09:15:05+0100' }))).json['status'], 'known');
    const edit = payloadText({ taskId: undefined, changedAt: '2026-03-02T10:00:00+0100' });
    const edits = await Promise.all([sendSigned(source, edit), sendSigned(source, edit)]);
    assert.deepEqual(edits.map(({ json }) => json['status']).toSorted(), ['accepted', 'known']);
    const later = payloadText({ taskId: undefined, changedAt: '2026-03-02T10:00:01+0100' });
    assert.equal((await sendSigned(source, later)).json['status'], 'accepted');
    const rows = await analyses(app);
    assert.deepEqual([rows.length, (await events(app)).length], [3, 3]);
    assert.deepEqual(rows.map((row) => row.date_text).slice(1), ['2026-03-02T10:00:00+01:00', '2026-03-02T10:00:01+01:00']);
    // Another source's task of the same name is another analysis.
    assert.equal((await sendSigned(await makeSource(app, token), body)).json['status'], 'accepted');
  });

  test(`whatever is wrong with a signature: 401, one code, and nothing is kept (${engine})`, async (t) => {
    const { app, source } = await begin(t, engine);
    const body = payloadText();
    const good = signatureOf(source.secret, body);
    const twice = await new Promise<number>((resolve, reject) => {
      const sent = request(source.ingestUrl, { method: 'POST' }, (answer) => resolve(answer.resume().statusCode ?? 0));
      sent.setHeader('X-Sonar-Webhook-HMAC-SHA256', [good, good]);
      sent.on('error', reject).end(body);
    });
    assert.equal(twice, 401);
    const untyped = await fetch(source.ingestUrl, {
      method: 'POST',
      headers: { 'X-Sonar-Webhook-HMAC-SHA256': signatureOf(source.secret, 'no json') },
      body: Buffer.from('no json'),
    });
    assert.deepEqual(
      [untyped.status, ((await untyped.json()) as { code: string }).code],
      [400, 'not_json'],
      'signed, whatever type it claims',
    );
    const other = good.replace(/./, (digit) => (digit === '0' ? '1' : '0'));
    const forms = [
      null,
      '',
      'x',
      other,
      good.toUpperCase(),
      `sha256=${good}`,
      good.slice(1),
      `${good}0`,
      `${good},${good}`,
      'é'.repeat(64),
    ];
    for (const signature of [...forms, signatureOf('another secret', body), signatureOf(source.secret, `${body} `)]) {
      const { status, json } = await send(source.ingestUrl, body, signature);
      assert.deepEqual([status, json['code'], json['details']], [401, 'invalid_signature', undefined], String(signature));
    }
    const unescaped = JSON.stringify(JSON.parse(body));
    assert.equal((await send(source.ingestUrl, body, signatureOf(source.secret, unescaped))).status, 401, 'the raw bytes are what counts');
    // Refused before anything reads it.
    assert.equal((await send(source.ingestUrl, 'no json', null)).json['code'], 'invalid_signature');
    assert.equal((await send(source.ingestUrl, '', signatureOf(source.secret, ''))).json['code'], 'not_json');
    assert.deepEqual([await analyses(app), await events(app)], [[], []]);
  });

  test(`a body up to the limit is read, one byte more is 413; a signed one that is no payload is refused by code and place (${engine})`, async (t) => {
    const { app, source } = await begin(t, engine);
    const room = payloadBytesMax - Buffer.byteLength(payloadText({ pad: '' }));
    const full = payloadText({ pad: 'x'.repeat(room) });
    assert.equal(Buffer.byteLength(full), payloadBytesMax);
    assert.equal((await sendSigned(source, full)).json['status'], 'accepted');
    const over = await sendSigned(source, payloadText({ pad: 'x'.repeat(room + 1) }));
    assert.deepEqual([over.status, over.json['code']], [413, 'body_too_large']);
    const wrong = await sendSigned(source, payloadText({ taskId: 'b', status: 'CANCELED' }));
    assert.deepEqual([wrong.status, wrong.json['code'], wrong.json['details']], [400, 'invalid_payload', { pointer: '/status' }]);
    const latin = Buffer.from(payloadText(), 'latin1');
    const bad = await send(source.ingestUrl, latin, signatureOf(source.secret, latin));
    assert.deepEqual([bad.status, bad.json['code']], [400, 'not_utf8']);
    assert.equal((await analyses(app)).length, 1);
  });

  test(`a failed task is a failed analysis that webhooks are told of; pull requests, early failures and odd texts are kept (${engine})`, async (t) => {
    const { app, source } = await begin(t, engine);
    const failed = { status: 'FAILED', qualityGate: undefined };
    const early = { ...failed, taskId: 'c', analysedAt: undefined, revision: undefined, properties: {} };
    const pull = { taskId: 'd', branch: { name: '45', type: 'PULL_REQUEST', isMain: false } };
    const odd = {
      taskId: 'e',
      branch: { isMain: true },
      project: { key: 'shop:api', name: '\u0000\ud800' },
      properties: { p: 'a\u0000b' },
    };
    const ahead = { taskId: 'f', analysedAt: '2199-01-01T00:00:00+0000' };
    for (const changes of [{ ...failed, taskId: 'b' }, early, pull, odd, ahead]) {
      assert.equal((await sendSigned(source, payloadText(changes))).status, 200);
    }
    const rows = await analyses(app);
    assert.deepEqual(
      rows.map((row) => [row.source_task, row.status === 'failed', row.error_code, row.branch, row.branch_type]),
      [
        ['b', true, 'source_analysis_failed', 'main', 'BRANCH'],
        ['c', true, 'source_analysis_failed', 'main', 'BRANCH'],
        ['d', false, null, '45', 'PULL_REQUEST'],
        ['e', false, null, '', 'BRANCH'],
        ['f', false, null, 'main', 'BRANCH'],
      ],
    );
    assert.ok(
      rows.every((row) => row.date <= Date.now()),
      'one that is dated far ahead would hide all that follow',
    );
    assert.deepEqual(
      (await events(app)).map(({ facts }) => [facts.status, facts.gate === null, facts.analysedAt === null]),
      [
        ['FAILED', true, false],
        ['FAILED', true, true],
        ['SUCCESS', false, false],
        ['SUCCESS', false, false],
        ['SUCCESS', false, false],
      ],
    );
    const shown = await call(app, 'GET', `/v1/analyses/${rows[0]?.id ?? ''}`, { as: (await tenant(app, 'Other')).token });
    assert.equal(shown.status, 404);
  });

  test(`a project that was deleted since it was last heard of is made again, and its analysis with its event is its own (${engine})`, async (t) => {
    const { app, organization, source, token } = await begin(t, engine);
    const { database } = app;
    await sendSigned(source, payloadText());
    const gone = await projectOfKey(database, organization, 'shop:api');
    assert.equal((await call(app, 'DELETE', '/v1/projects/shop%3Aapi', { as: token })).status, 204);
    assert.deepEqual(await analyses(app), []);
    assert.equal((await sendSigned(source, payloadText())).json['status'], 'accepted', 'it went with its project, so it is new');
    const project = await projectOfKey(database, organization, 'shop:api');
    assert.notEqual(project.id, gone.id);
    assert.deepEqual(
      [(await analyses(app)).map((row) => row.project), (await events(app)).map((row) => row.project)],
      [[project.id], [project.id]],
    );
    // Both at once: what was answered 200 went with the project or stands in the new one, and nothing points to one that is no more.
    const sent = Array.from({ length: 8 }, (_, n) => sendSigned(source, payloadText({ taskId: `t${n}` })));
    await call(app, 'DELETE', '/v1/projects/shop%3Aapi', { as: token });
    assert.deepEqual(new Set((await Promise.all(sent)).map(({ status }) => status)), new Set([200]));
    const projects = new Set((await database.read.selectFrom('projects').select('id').execute()).map(({ id }) => id));
    const left = [...(await analyses(app)), ...(await events(app))].filter((row) => !projects.has(row.project ?? ''));
    assert.deepEqual(left, []);
  });

  test(`after its organization's end a source takes nothing in, be it known still, and nothing is left behind (${engine})`, async (t) => {
    const { app, source, token } = await begin(t, engine);
    await sendSigned(source, payloadText());
    const { slug } = (await call(app, 'GET', '/v1/organization', { as: token })).json;
    assert.equal((await call(app, 'DELETE', `/v1/organization?confirm=${String(slug)}`, { as: token })).status, 204);
    for (const taskId of ['b', 'c']) {
      const { status, json } = await sendSigned(source, payloadText({ taskId }));
      assert.deepEqual([status, json['code']], [404, 'unknown_source']);
    }
    const tables = ['analyses', 'events', 'projects', 'sources', 'source_marks'] as const;
    const left = await Promise.all(tables.map((table) => app.database.read.selectFrom(table).selectAll().execute()));
    assert.deepEqual(left, [[], [], [], [], []]);
  });

  test(`only the projects that the source takes in; "last received" is written down (${engine})`, async (t) => {
    const { app, token } = await begin(t, engine);
    const source = await makeSource(app, token, { projects: ['shop:', 'tool'] });
    assert.equal((await sendSigned(source, payloadText())).json['status'], 'accepted');
    const other = await sendSigned(source, payloadText({ taskId: 'b', project: { key: 'other', name: 'Other' } }));
    assert.deepEqual([other.status, other.json], [200, { analysis: null, status: 'ignored' }]);
    assert.equal((await analyses(app)).length, 1);
    const at = async () => (await call(app, 'GET', `/v1/sources/${source.id}`, { as: token })).json['lastReceived'];
    for (let tries = 0; tries < 40 && (await at()) === null; tries += 1) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.notEqual(await at(), null);
  });

  test(`while the secret is being changed both count; afterwards the old one no more, and of a deleted source none (${engine})`, async (t) => {
    const { app, token, source } = await begin(t, engine);
    const rotate = async (body: object) => {
      const { status, json } = await call(app, 'POST', `/v1/sources/${source.id}/secret`, { as: token, body });
      assert.equal(status, 202);
      return String(json['secret']);
    };
    const status = async (secret: string, task: string) => (await sendSigned({ ...source, secret }, payloadText({ taskId: task }))).status;
    const second = await rotate({});
    assert.deepEqual([await status(source.secret, 'a'), await status(second, 'b')], [200, 200]);
    const third = await rotate({ secret: 'ключ-из-16-букв-ё✓', overlap: '1s' });
    assert.deepEqual([await status(source.secret, 'c'), await status(second, 'c'), await status(third, 'd')], [401, 200, 200]);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    assert.equal(await status(second, 'e'), 401);
    const fourth = await rotate({ overlap: '0s' });
    assert.deepEqual([await status(third, 'f'), await status(fourth, 'f')], [401, 200]);
    assert.equal((await call(app, 'DELETE', `/v1/sources/${source.id}`, { as: token })).status, 204);
    const gone = await sendSigned({ ...source, secret: fourth }, payloadText({ taskId: 'g' }));
    const never = await send(`${app.address()}/ingest/sonarqube/019c0000-0000-7000-8000-000000000000`, 'x', null);
    const noId = await send(`${app.address()}/ingest/sonarqube/x`, 'x', null);
    assert.deepEqual([gone.status, gone.json], [404, never.json]);
    assert.deepEqual([never.status, noId.json], [404, never.json]);
    assert.equal((await analyses(app)).length, 5, 'what came of it stays');
  });
}

test('where several can write, a project that is on its way out is waited for; the analysis then stands in a new one', async (t) => {
  const { app, organization, source } = await begin(t, 'postgres');
  const { database } = app;
  await sendSigned(source, payloadText());
  const project = await projectOfKey(database, organization, 'shop:api');
  const [held, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const deleting = database.write(async (tx) => {
    await holdProject({ tx, organization, project: project.id });
    held.resolve();
    await ended.promise;
    await tx.deleteFrom('analyses').where('organization', '=', organization).where('source_task', '=', 'AaIEdEABEEeIsvarASFK').execute();
    await tx.deleteFrom('projects').where('organization', '=', organization).where('id', '=', project.id).execute();
  });
  await held.promise;
  const sending = sendSigned(source, payloadText({ taskId: 'b' }));
  const first = await Promise.race([sending.then(() => 'answered'), new Promise((resolve) => setTimeout(resolve, 200, 'waits'))]);
  assert.equal(first, 'waits');
  ended.resolve();
  await deleting;
  assert.equal((await sending).json['status'], 'accepted');
  const now = await projectOfKey(database, organization, 'shop:api');
  assert.deepEqual(
    (await analyses(app)).map((row) => [row.source_task, row.project]),
    [['b', now.id]],
  );
});
