// The files call, seen from outside: each "Decided here" line of the report API's contract, section 4, has its test here or in download.test.ts.
// Archives are read by yauzl, which knows nothing of our writer.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { archiveServer, ask, codeOf, insertScan, listen, unzip } from '../../../test/archives.ts';
import { bytesOf } from '../../../test/artifacts/store.ts';
import { eachDatabase } from '../../../test/databases.ts';
import { acme, idOf, insertOrganization, insertReports } from '../../../test/report-rows.ts';
import type { GivenReport } from '../../../test/report-rows.ts';
import { archiveReportsMax } from './routes.ts';

interface Manifest {
  readonly reports: readonly { readonly id: string; readonly files: readonly ManifestFile[] }[];
  readonly scans: readonly ManifestFile[];
  readonly missingReports: readonly string[];
}

interface ManifestFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

function manifestOf(files: ReadonlyMap<string, Buffer>): Manifest {
  return JSON.parse(files.get('manifest.json')?.toString() ?? '') as Manifest;
}

eachDatabase((open, engine) => {
  test(`one ZIP holds all artefacts of each report, the scanner’s file once, and a manifest of it all (${engine})`, async (t) => {
    const database = await open(t);
    await insertOrganization(database);
    const at = Date.parse('2025-12-17T09:05:48Z');
    await insertReports(database, [
      { number: 1, date: at },
      { number: 2, date: at, type: 'OWASP Top 10', edition: 2025 },
    ]);
    const here = await archiveServer(t, database);
    await here.add(1, 'report.html', '<p>one</p>');
    await here.add(1, 'report.pdf', randomBytes(1_000), 0);
    await here.add(2, 'report.html', '<p>two</p>');
    await insertScan(database, here, { id: idOf(77), content: '{"version":"2.1.0"}', reports: [1, 2] });
    const answer = await here.get(`org=${acme}&reports=${idOf(1)}&reports=${idOf(2)}`);
    assert.equal(answer.statusCode, 200);
    assert.equal(answer.headers['content-type'], 'application/zip');
    assert.equal(answer.headers['content-disposition'], 'attachment; filename="Project shop 1.0.zip"');
    const files = await unzip(answer.rawPayload);
    assert.deepEqual(
      [...files.keys()].toSorted(),
      [
        'Project shop/1.0/CWE Top 25 2024/report.html',
        'Project shop/1.0/CWE Top 25 2024/report.pdf',
        'Project shop/1.0/OWASP Top 10 2025/report.html',
        'Project shop/1.0/scan.sarif',
        'manifest.json',
      ].toSorted(),
    );
    assert.equal(files.get('Project shop/1.0/OWASP Top 10 2025/report.html')?.toString(), '<p>two</p>');
    const manifest = manifestOf(files);
    const named = [...manifest.reports.flatMap((report) => report.files), ...manifest.scans];
    assert.equal(named.length, 4);
    for (const { path, bytes, sha256 } of named) {
      const content = files.get(path);
      assert.ok(content !== undefined && content.length === bytes, path);
      assert.equal(createHash('sha256').update(content).digest('hex'), sha256);
    }
    assert.deepEqual(
      manifest.reports.map((report) => report.id),
      [idOf(1), idOf(2)],
    );
    assert.equal(here.open(), 0);
  });

  test(`reports=a,b and reports[]=a&reports[]=b are taken too; a repeated ID counts once; the same bytes for the same request (${engine})`, async (t) => {
    const database = await open(t);
    await insertOrganization(database);
    await insertReports(database, [{ number: 1 }, { number: 2 }]);
    const here = await archiveServer(t, database);
    await here.add(1, 'report.html', 'one');
    await here.add(2, 'report.html', 'two');
    const [a, b] = [idOf(1), idOf(2)];
    const first = await here.get(ask(1, 2));
    for (const query of [
      `reports=${a}&reports=${b}`,
      `reports[]=${a}&reports[]=${b}`,
      `reports%5B%5D=${b},${a}`,
      `reports=${a.toUpperCase()}&reports=${a},${b}`,
    ]) {
      const answer = await here.get(`org=${acme}&${query}`);
      assert.ok(answer.rawPayload.equals(first.rawPayload), query);
      assert.equal(answer.headers.etag, first.headers.etag);
    }
    assert.match(String(first.headers.etag), /^"[\w-]{20,}"$/);
    assert.notEqual((await here.get(ask(1))).headers.etag, first.headers.etag);
  });

  test(`none of the reports: 204; some: 200 with those, the missing ones told in header and manifest (${engine})`, async (t) => {
    const database = await open(t);
    await insertOrganization(database);
    await insertOrganization(database, idOf(900));
    await insertReports(database, [{ number: 1 }, { number: 2, organization: idOf(900) }]);
    const here = await archiveServer(t, database);
    await here.add(1, 'report.html', 'one');
    for (const query of [
      ask(3, 4),
      ask(2),
      `org=${idOf(901)}&reports=${idOf(1)}`,
      'org=00000000-0000-0000-0000-000000000001&reports=00000000-0000-0000-0000-000000000002',
    ]) {
      const answer = await here.get(query);
      assert.deepEqual([answer.statusCode, answer.body], [204, ''], query);
    }
    const answer = await here.get(ask(9, 1, 2, 3));
    assert.deepEqual([answer.statusCode, answer.headers['gatepost-missing-reports']], [200, '3']);
    assert.deepEqual(manifestOf(await unzip(answer.rawPayload)).missingReports, [2, 3, 9].map(idOf));
    assert.equal((await here.get(ask(1))).headers['gatepost-missing-reports'], undefined);
  });

  test(`at most 1,000 distinct IDs, in one request line; no UUID: 400 (${engine})`, async (t) => {
    const database = await open(t);
    await insertOrganization(database);
    await insertReports(database, [{ number: 0 }]);
    const here = await archiveServer(t, database);
    await here.add(0, 'report.html', 'one');
    const url = await listen(here.server);
    const many = (count: number, name: string): string => Array.from({ length: count }, (_, i) => `${name}=${idOf(i)}`).join('&');
    for (const name of ['reports', 'reports%5B%5D']) {
      const answer = await fetch(`${url}/security/report/files?org=${acme}&${many(archiveReportsMax, name)}&${name}=${idOf(0)}`);
      assert.deepEqual([answer.status, answer.headers.get('gatepost-missing-reports')], [200, '999']);
      await answer.arrayBuffer();
    }
    const refusals: readonly (readonly [string, string])[] = [
      [`org=${acme}&${many(archiveReportsMax + 1, 'reports')}`, 'too_many_reports'],
      [`org=${acme}`, 'reports_missing'],
      [`org=${acme}&reports=`, 'invalid_report'],
      [`org=${acme}&reports=x`, 'invalid_report'],
      [`org=${acme}&reports=${idOf(0)},`, 'invalid_report'],
      [`org=x&reports=${idOf(0)}`, 'invalid_organization'],
      [`reports=${idOf(0)}`, 'missing_parameter'],
    ];
    for (const [query, code] of refusals) {
      const answer = await here.get(query);
      assert.deepEqual([answer.statusCode, codeOf(answer)], [400, code], query.slice(0, 100));
    }
  });

  test(`entries are cleaned, clashes numbered, names UTF-8; no entry leaves its folder (${engine})`, async (t) => {
    const database = await open(t);
    await insertOrganization(database);
    const given: readonly GivenReport[] = [
      { number: 1, version: '../../1.0', type: '..\\..' },
      { number: 2, projectKey: 'Ж/製', branch: 'a' },
      { number: 3, projectKey: 'Ж/製', branch: 'b' },
      { number: 4, projectKey: 'CON', version: 'nul' },
    ];
    await insertReports(database, given);
    await database.write((tx) =>
      tx
        .updateTable('reports')
        .set({
          listed: JSON.stringify({ projectName: 'manifest.json', id: idOf(4), reportType: 'x', reportVersion: 1, projectVersion: 'nul' }),
        })
        .where('id', '=', idOf(4))
        .execute(),
    );
    const here = await archiveServer(t, database);
    for (const { number } of given) {
      await here.add(number, '../../../etc/passwd', `file of ${number}`);
      await here.add(number, 'REPORT.html', 'upper');
      await here.add(number, 'report.html', 'lower');
    }
    const answer = await here.get(ask(1, 2, 3, 4));
    const names = [...(await unzip(answer.rawPayload)).keys()];
    assert.equal(names.length, 13);
    assert.equal(new Set(names.map((name) => name.toLowerCase())).size, 13);
    for (const name of names)
      assert.ok(
        name.split('/').every((part) => part !== '' && part !== '..' && !/[\\:]/.test(part)),
        name,
      );
    assert.ok(names.includes('Project Ж_製/1.0/CWE Top 25 2024/REPORT.html'), names.join('\n'));
    assert.ok(names.includes('Project Ж_製/1.0/CWE Top 25 2024 (2)/REPORT.html'));
    assert.ok(names.some((name) => name.startsWith('manifest.json (2)/_nul/x 1/')));
  });

  test(`an artefact that is missing, of the wrong size or known to be damaged: 500 before the first byte, then whole again once mended (${engine})`, async (t) => {
    const database = await open(t);
    await insertOrganization(database);
    await insertReports(database, [{ number: 1 }]);
    const here = await archiveServer(t, database);
    const sha256 = await here.add(1, 'report.html', 'some text');
    const whole = await here.get(ask(1));
    await here.damage(acme, sha256);
    assert.equal(await here.store.verify(acme, sha256), 'damaged');
    const refused = await here.get(ask(1));
    assert.deepEqual([refused.statusCode, codeOf(refused)], [500, 'artifact_missing']);
    assert.equal(refused.headers['content-disposition'], undefined);
    assert.equal(refused.headers['content-type'], 'application/json; charset=utf-8');
    await here.store.put(acme, bytesOf('some text'), { level: 6, bytesMax: 100 });
    assert.ok((await here.get(ask(1))).rawPayload.equals(whole.rawPayload));
    await rm(join(here.root, 'store', acme, sha256));
    assert.deepEqual([(await here.get(ask(1))).statusCode, (await here.get(ask(1), {}, 'HEAD')).statusCode], [500, 500]);
  });

  test(`"reads need a token" holds here too, and a project’s token gets its project’s reports (${engine})`, async (t) => {
    const database = await open(t);
    await insertOrganization(database, acme, { readsNeedToken: true });
    await insertReports(database, [{ number: 1 }, { number: 2, projectKey: 'desk' }]);
    const here = await archiveServer(t, database);
    await here.add(1, 'report.html', 'one');
    await here.add(2, 'report.html', 'two');
    assert.equal((await here.get(ask(1))).statusCode, 401);
    const answer = await here.get(ask(1, 2), { authorization: 'Bearer ofShop' });
    assert.deepEqual(manifestOf(await unzip(answer.rawPayload)).missingReports, [idOf(2)]);
  });
});
