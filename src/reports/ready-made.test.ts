import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, configure, startApp, tenant } from '../../test/app.ts';
import { engines } from '../../test/databases.ts';
import { readZip } from '../../test/hostile/unzip.ts';
import type { App } from '../app.ts';
import { systemClock } from '../clock.ts';
import { createIdentifiers } from '../identifiers.ts';
import { editionMax, fileNameCharactersMax, mediaTypeOf, parseMetadata, readyMadeFilesMax, reportTypeCharactersMax } from './ready-made.ts';
import { retainAll } from './retention.ts';

// Reports that another system made, over HTTP: taken in as they are, with the same list, ZIP and event. Then the rules alone.

const metadata = {
  projectName: 'Test product',
  projectKey: 'test-product',
  reportType: 'PCI DSS',
  reportVersion: 4,
  projectVersion: '1.0',
  date: '2025-12-17T09:05:48.5946432+00:00',
  vulnerabilitiesCount: 3,
  securityRating: 'C',
};

function formOf(
  given: unknown,
  files: Readonly<Record<string, string>> = { 'report.html': '<h1>x</h1>', 'report.pdf': '%PDF-' },
): FormData {
  const form = new FormData();
  form.append('metadata', typeof given === 'string' ? given : JSON.stringify(given));
  for (const [name, content] of Object.entries(files)) form.append('file', new Blob([content]), name);
  return form;
}

const events = async (app: App): Promise<readonly string[]> =>
  (await app.database.read.selectFrom('events').select('kind').orderBy('id').execute()).map((row) => row.kind);

for (const engine of engines) {
  test(`a ready-made report is listed, zipped and announced as it came (${engine})`, async (t) => {
    const { app } = await startApp(t, await configure(t, engine));
    const { id: org, token } = await tenant(app, 'Ready');
    const made = await call(app, 'POST', '/v1/reports', { as: token, form: formOf(metadata) });
    assert.equal(made.status, 201);
    const list = await call(app, 'GET', `/security/report/list?org=${org}&version=1.0`);
    const [listed] = list.json['reports'] as Record<string, unknown>[];
    assert.deepEqual(
      { ...listed, uploadDate: '' },
      {
        projectName: 'Test product',
        id: made.json['id'],
        reportType: 'PCI DSS',
        reportVersion: 4,
        projectVersion: '1.0',
        date: metadata.date,
        uploadDate: '',
        vulnerabilitiesCount: 3,
        securityRating: 'C',
      },
    );
    const zip = await readZip(
      Buffer.from(
        await (await fetch(`${app.address()}/security/report/files?org=${org}&reports=${String(made.json['id'])}`)).arrayBuffer(),
      ),
    );
    assert.equal(zip.get('Test product/1.0/PCI DSS 4/report.html')?.toString(), '<h1>x</h1>');
    assert.deepEqual(await events(app), ['report.ingested']);
  });

  test(`the same again changes nothing, another file is an update, an older date is kept as evidence (${engine})`, async (t) => {
    const { app } = await startApp(t, await configure(t, engine));
    const { token } = await tenant(app, 'Ready');
    const send = (given: unknown, files?: Record<string, string>) =>
      call(app, 'POST', '/v1/reports', { as: token, form: formOf(given, files) });
    const first = await send(metadata);
    const same = await send(metadata);
    assert.deepEqual(same.json, first.json);
    const other = await send(metadata, { 'report.html': 'new' });
    assert.equal(other.json['id'], first.json['id']);
    const older = await send({ ...metadata, date: '2024-01-01T00:00:00Z', vulnerabilitiesCount: 9 });
    assert.equal(older.json['vulnerabilitiesCount'], 3);
    assert.deepEqual(await events(app), ['report.ingested', 'report.updated']);
    const shown = await call(app, 'GET', `/v1/reports/${String(first.json['id'])}`, { as: token });
    const snapshots = shown.json['snapshots'] as { id: string; shown: boolean; vulnerabilitiesCount: number }[];
    assert.deepEqual(
      snapshots.map((snapshot) => [snapshot.shown, snapshot.vulnerabilitiesCount]),
      [
        [true, 3],
        [false, 3],
        [false, 9],
      ],
    );
    const earlier = await fetch(
      `${app.address()}/v1/reports/${String(first.json['id'])}/artifacts/report.html?snapshot=${snapshots[1]?.id}`,
      { headers: { authorization: `Bearer ${token}` } },
    );
    assert.equal(await earlier.text(), '<h1>x</h1>');
  });

  test(`a deleted report is gone from list and ZIP, and comes back under a new id (${engine})`, async (t) => {
    const { app } = await startApp(t, await configure(t, engine));
    const { id: org, token } = await tenant(app, 'Ready');
    const made = await call(app, 'POST', '/v1/reports', { as: token, form: formOf(metadata) });
    const path = `/v1/reports/${String(made.json['id'])}`;
    assert.equal((await call(app, 'DELETE', path, { as: token })).status, 204);
    assert.equal((await call(app, 'GET', path, { as: token })).json['code'], 'unknown_report');
    assert.equal((await call(app, 'GET', `/security/report/files?org=${org}&reports=${String(made.json['id'])}`)).status, 204);
    const again = await call(app, 'POST', '/v1/reports', { as: token, form: formOf(metadata) });
    assert.notEqual(again.json['id'], made.json['id']);
    const audit = (await call(app, 'GET', '/v1/audit', { as: token })).json['entries'] as { action: string }[] | undefined;
    assert.ok(JSON.stringify(audit ?? (await call(app, 'GET', '/v1/audit', { as: token })).json).includes('report.deleted'));
  });

  test(`versions beyond those that a project keeps go, the newest stays (${engine})`, async (t) => {
    const { app } = await startApp(t, await configure(t, engine));
    const { id: org, token } = await tenant(app, 'Ready');
    const at = (day: number) => new Date(Date.now() - day * 86_400_000).toISOString();
    for (const [version, day] of [
      ['1.0', 300],
      ['1.1', 200],
      ['1.2', 100],
    ] as const) {
      await call(app, 'POST', '/v1/reports', { as: token, form: formOf({ ...metadata, projectVersion: version, date: at(day) }) });
    }
    const versions = async (): Promise<unknown[]> =>
      ((await call(app, 'GET', `/security/report/list?org=${org}&minver=0`)).json['reports'] as { projectVersion: string }[]).map(
        (report) => report.projectVersion,
      );
    const retain = () => retainAll({ database: app.database, ids: createIdentifiers(), clock: systemClock }, new AbortController().signal);
    assert.equal(await retain(), 0);
    await call(app, 'PATCH', '/v1/projects/test-product', { as: token, body: { retentionVersions: 2 } });
    assert.equal(await retain(), 1);
    assert.deepEqual(await versions(), ['1.2', '1.1']);
    await call(app, 'PATCH', '/v1/projects/test-product', { as: token, body: { retentionVersions: null, retentionDays: 30 } });
    assert.equal(await retain(), 1);
    assert.deepEqual(await versions(), ['1.2']);
  });

  test(`a renamed project is listed under its new name (${engine})`, async (t) => {
    const { app } = await startApp(t, await configure(t, engine));
    const { id: org, token } = await tenant(app, 'Ready');
    await call(app, 'POST', '/v1/reports', { as: token, form: formOf(metadata) });
    await call(app, 'PATCH', '/v1/projects/test-product', { as: token, body: { name: 'New "name"' } });
    const [listed] = (await call(app, 'GET', `/security/report/list?org=${org}&version=1`)).json['reports'] as Record<string, unknown>[];
    assert.equal(listed?.['projectName'], 'New "name"');
    assert.deepEqual(Object.keys(listed ?? {})[0], 'projectName');
  });
}

test('what is sent wrongly is refused with a code, and nothing is listed', async (t) => {
  const { app } = await startApp(t, await configure(t, 'sqlite', { GATEPOST_UPLOAD_MAX: '1MiB' }));
  const { id: org, token } = await tenant(app, 'Ready');
  const many = Object.fromEntries(Array.from({ length: readyMadeFilesMax + 1 }, (_, at) => [`f${at}.txt`, 'x']));
  const filesFirst = new FormData();
  filesFirst.append('file', new Blob(['x']), 'report.html');
  const twice = formOf(metadata, { 'a.html': '1' });
  twice.append('file', new Blob(['2']), 'sub/a.html');
  const field = formOf(metadata);
  field.append('other', 'x');
  for (const [form, status, code] of [
    [formOf('{'), 400, 'invalid_metadata'],
    [formOf([]), 400, 'invalid_metadata'],
    [formOf({ ...metadata, colour: 'red' }), 400, 'invalid_metadata'],
    [formOf({ ...metadata, projectVersion: undefined }), 400, 'invalid_metadata'],
    [formOf({ ...metadata, securityRating: 'F' }), 400, 'invalid_metadata'],
    [formOf({ ...metadata, securityRating: null }), 400, 'invalid_metadata'],
    [formOf({ ...metadata, date: '2025-02-30T00:00:00Z' }), 400, 'invalid_metadata'],
    [formOf({ ...metadata, projectKey: '123' }), 400, 'invalid_project_key'],
    [formOf(metadata, {}), 400, 'missing_files'],
    [formOf(metadata, { '..': 'x' }), 400, 'invalid_file_name'],
    [formOf(metadata, { 'big.html': 'x'.repeat(2 ** 20 + 1) }), 413, 'body_too_large'],
    [formOf(metadata, many), 413, null],
    [filesFirst, 400, 'missing_metadata'],
    [twice, 400, 'repeated_file_name'],
    [field, null, null],
  ] as const) {
    const answer = await call(app, 'POST', '/v1/reports', { as: token, form });
    if (status !== null) assert.equal(answer.status, status, JSON.stringify(answer.json));
    assert.ok(answer.status >= 400 && answer.status < 500, JSON.stringify(answer.json));
    if (code !== null) assert.equal(answer.json['code'], code);
    assert.equal(typeof answer.json['code'], 'string');
  }
  assert.equal((await call(app, 'POST', '/v1/reports', { as: token, body: metadata })).status, 415);
  assert.deepEqual((await call(app, 'GET', `/security/report/list?org=${org}&minver=0`)).json['reports'], []);
});

test('a page that somebody sent in runs nothing where it is shown', async (t) => {
  const { app } = await startApp(t, await configure(t, 'sqlite'));
  const { token } = await tenant(app, 'Ready');
  const made = await call(app, 'POST', '/v1/reports', {
    as: token,
    form: formOf(metadata, { 'report.html': '<script>1</script>', 'x.svg': '<svg/>' }),
  });
  const get = (name: string) =>
    fetch(`${app.address()}/v1/reports/${String(made.json['id'])}/artifacts/${name}`, { headers: { authorization: `Bearer ${token}` } });
  const page = await get('report.html');
  assert.match(page.headers.get('content-security-policy') ?? '', /^sandbox; default-src 'none'/);
  assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
  assert.equal((await get('x.svg')).headers.get('content-type'), 'application/octet-stream');
  const etag = page.headers.get('etag') ?? '';
  const again = await fetch(page.url, { headers: { authorization: `Bearer ${token}`, 'if-none-match': etag } });
  assert.equal(again.status, 304);
  assert.equal((await get('other.html')).status, 404);
});

test('metadata holds at its limits', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  const parse = (more: Record<string, unknown>) => parseMetadata(JSON.stringify({ ...metadata, ...more }), now);
  assert.equal(parse({ reportType: 'x'.repeat(reportTypeCharactersMax), reportVersion: editionMax }).edition, editionMax);
  for (const more of [
    { reportType: 'x'.repeat(reportTypeCharactersMax + 1) },
    { reportVersion: editionMax + 1 },
    { reportVersion: 1.5 },
    { vulnerabilitiesCount: -1 },
    { projectName: '\u0007' },
  ]) {
    assert.throws(() => parse(more), { code: 'invalid_metadata' });
  }
  assert.equal(parse({ date: null }).date, null);
  assert.ok(fileNameCharactersMax > 0);
  assert.equal(mediaTypeOf('a.b.PDF'), 'application/pdf');
  assert.equal(mediaTypeOf('archive'), 'application/octet-stream');
});
