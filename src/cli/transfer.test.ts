// `upload` and `download` talk to a small server written for this, which keeps what it got, lists in pages and breaks lines on purpose.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { gatepost, gatepostJson, temporaryFolder } from '../../test/cli/command-line.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

async function serve(t: TestContext, handler: Handler): Promise<{ GATEPOST_URL: string; GATEPOST_TOKEN: string }> {
  const server = createServer((request, response) => void handler(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { GATEPOST_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, GATEPOST_TOKEN: 'gp_test' };
}

function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

const id = (number: number): string => `00000000-0000-0000-0000-${String(number).padStart(12, '0')}`;

test('upload sends the file gzipped on the way, with everything it was told, and waits for the reports', async (t) => {
  const folder = await temporaryFolder(t);
  const scan = Buffer.from(JSON.stringify({ version: '2.1.0', runs: [], padding: 'x'.repeat(500_000) }));
  const got: { url: string; headers: IncomingMessage['headers']; body: Buffer }[] = [];
  let polls = 0;
  const server = await serve(t, async (request, response) => {
    if (request.method === 'POST') {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      got.push({ url: request.url ?? '', headers: request.headers, body: Buffer.concat(parts) });
      json(response, 202, { id: id(1), status: 'pending' });
    } else {
      polls += 1;
      const report = { id: id(2), reportType: 'CWE Top 25', reportVersion: 2025, vulnerabilitiesCount: 3, securityRating: 'E' };
      json(response, 200, polls < 3 ? { id: id(1), status: 'running', reports: [] } : { id: id(1), status: 'done', reports: [report] });
    }
  });
  const plain = join(folder, 'scan.sarif');
  await writeFile(plain, scan);
  await writeFile(`${plain}.gz`, gzipSync(scan));
  const options = ['--project', 'a:b', '--version', '1.0', '--branch', 'main', '--revision', 'abc', '--property', 'build=7', '--wait'];
  const { code, stdout } = await gatepost(['upload', plain, ...options], server);
  assert.equal(code, 0);
  assert.match(stdout, /CWE Top 25 2025: 3 open, rated E/);
  assert.equal((await gatepost(['upload', `${plain}.gz`, ...options], server)).code, 0);
  for (const { url, headers, body } of got) {
    assert.equal(url, '/v1/projects/a%3Ab/analyses?version=1.0&branch=main&revision=abc&sonar.analysis.build=7');
    assert.deepEqual(
      [headers.authorization, headers['content-encoding'], headers['content-type']],
      ['Bearer gp_test', 'gzip', 'application/sarif+json'],
    );
    assert.deepEqual(gunzipSync(body), scan);
  }
});

test('upload of a scan that fails ends with 1 and the reason; a refusal ends with the server’s own code', async (t) => {
  const file = join(await temporaryFolder(t), 'scan.sarif');
  await writeFile(file, '{}');
  const failing = await serve(t, (request, response) => {
    if (request.method === 'POST') request.resume().on('end', () => json(response, 202, { id: id(1), status: 'pending' }));
    else json(response, 200, { id: id(1), status: 'failed', error: { code: 'not_sarif', message: 'This is no SARIF.' } });
  });
  const failed = await gatepost(['upload', file, '--project', 'p', '--version', '1', '--wait'], failing);
  assert.deepEqual([failed.code, failed.stdout.trim()], [1, `Analysis ${id(1)} failed: This is no SARIF. (not_sarif)`]);
  const refusing = await serve(t, (request, response) => {
    request.resume().on('end', () => json(response, 403, { code: 'scope_missing', message: 'The token does not allow this.' }));
  });
  const refused = await gatepostJson(['upload', file, '--project', 'p', '--version', '1'], refusing);
  assert.deepEqual([refused.code, refused.json['code']], [1, 'scope_missing']);
});

test('upload says so when there is no token, no file or no server', async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'scan.sarif');
  await writeFile(file, '{}');
  const options = ['--project', 'p', '--version', '1'];
  assert.match((await gatepost(['upload', file, ...options])).stderr, /GATEPOST_TOKEN is not set/);
  const nobody = { GATEPOST_URL: 'http://127.0.0.1:9', GATEPOST_TOKEN: 'x' };
  assert.equal((await gatepostJson(['upload', join(folder, 'none'), ...options], nobody)).json['code'], 'file_unreadable');
  assert.equal((await gatepostJson(['upload', file, ...options], nobody)).json['code'], 'server_unreachable');
});

/** Lists 3 reports in 2 pages; sends the archive as `bytesOf` says, and writes down which ranges were asked for. */
async function reportServer(t: TestContext, archive: Buffer, { breakAfter = Infinity, etag = '"v1"' } = {}) {
  const asked: (string | undefined)[] = [];
  const state = { etag, archive, breakAfter };
  const server = await serve(t, (request, response) => {
    const url = new URL(request.url ?? '', 'http://x');
    if (url.pathname === '/v1/organization') return json(response, 200, { id: id(9), slug: 'x', name: 'X' });
    if (url.pathname === '/security/report/list') {
      if (url.searchParams.get('cursor') === 'two') return json(response, 200, { reports: [{ id: id(3) }] });
      url.searchParams.set('cursor', 'two');
      const link = `<https://public.example/base/security/report/list${url.search}>; rel="next"`;
      return json(response, 200, { reports: [{ id: id(1) }, { id: id(2) }] }, { link });
    }
    assert.equal(url.searchParams.get('reports'), [id(1), id(2), id(3)].join(','));
    const range = request.headers.range;
    asked.push(range);
    const from = range !== undefined && request.headers['if-range'] === state.etag ? Number(/\d+/.exec(range)?.[0]) : 0;
    const rest = state.archive.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': rest.length, etag: state.etag, 'content-type': 'application/zip' });
    response.write(rest.subarray(0, state.breakAfter), () =>
      rest.length > state.breakAfter ? setTimeout(() => response.destroy(), 50) : response.end(),
    );
  });
  return { server, asked, state };
}

const archive = Buffer.alloc(1_000_000, 'gatepost ');

test('download lists all pages and fetches one archive; a line that breaks is gone on with where it broke', async (t) => {
  const out = join(await temporaryFolder(t), 'reports.zip');
  const { server, asked } = await reportServer(t, archive, { breakAfter: 400_000 });
  const { code, json: said } = await gatepostJson(['download', '--version', '1.0', '--out', out], server);
  assert.equal(code, 0, JSON.stringify(said));
  assert.deepEqual(await readFile(out), archive);
  assert.deepEqual(asked, [undefined, 'bytes=400000-', 'bytes=800000-']);
  assert.equal(existsSync(`${out}.part`), false);
  assert.equal(existsSync(`${out}.part.etag`), false);
});

test('a download that was ended goes on when it is called again, and begins anew where the archive is another one', async (t) => {
  const out = join(await temporaryFolder(t), 'reports.zip');
  const { server, asked, state } = await reportServer(t, archive);
  await writeFile(`${out}.part`, archive.subarray(0, 123_456));
  await writeFile(`${out}.part.etag`, '"v1"');
  assert.equal((await gatepost(['download', '--version', '1.0', '--out', out], server)).code, 0);
  assert.deepEqual([asked, await readFile(out)], [['bytes=123456-'], archive]);

  const changed = Buffer.alloc(300_000, 'other');
  Object.assign(state, { archive: changed, etag: '"v2"' });
  await writeFile(`${out}.part`, archive.subarray(0, 500_000));
  await writeFile(`${out}.part.etag`, '"v1"');
  assert.equal((await gatepost(['download', '--version', '1.0', '--out', out], server)).code, 0);
  assert.deepEqual(await readFile(out), changed);
});

test('download of a version without reports ends with 1 and makes no file', async (t) => {
  const out = join(await temporaryFolder(t), 'reports.zip');
  const server = await serve(t, (_request, response) => json(response, 200, { organizationId: id(9), reports: [] }));
  const { code, json: said } = await gatepostJson(['download', '--version', '9', '--organization', id(9), '--out', out], server);
  assert.deepEqual([code, said['code'], existsSync(out)], [1, 'no_reports', false]);
});
