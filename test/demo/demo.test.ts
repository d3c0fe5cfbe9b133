// `gatepost demo --once` is run as a person would run it, and as a program would; what it says is compared with what it left behind.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { startStandIn } from '../../examples/sonarqube/server.ts';
import { reachSonarqube } from '../../src/cli/demo/sonarqube-server.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** The promise for a second run is 30 s; a machine that also runs the other tests may take longer. */
const runMsMax = 120_000;

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function run(options: readonly string[], environment: NodeJS.ProcessEnv = process.env): Promise<Ran> {
  const words = [join(root, 'bin/gatepost.js'), 'demo', '--once', ...options];
  const child = spawn(process.execPath, words, { cwd: root, timeout: runMsMax, env: environment });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (said.out += piece));
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (said.err += piece));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...said };
}

/** A folder that the demo names, and what it says lies there. */
interface Left {
  readonly folder: string;
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
}

test('the demo shows the main job, a step a line, and ends with 0', async () => {
  const { code, out, err } = await run([]);
  assert.equal(code, 0, err + out);
  const steps = [
    /✓ Server +\d.* http:\/\/127\.0\.0\.1:\d+/,
    /✓ Organization .*Harbour/,
    /✓ Receiver .*standardwebhooks/,
    /✓ Webhook /,
    /✓ Scan of 1\.0\.0 .*139 results of Flawfinder, Bandit, nodejsscan, gosec, ESLint/,
    /✓ Reports .*2 made: .*rated [A-E]/,
    /✓ Webhook arrived .*report\.ingested with 2 reports, signature verified/,
    /✓ Scan of 1\.1\.0 .*143 results/,
    /✓ Reports .*2 made/,
    /✓ Webhook arrived .*signature verified/,
    /✓ List .*4 reports/,
    /✓ Download .*one ZIP of/,
    /✓ Unpacked .*4 pdf/,
    /✓ PDF .*report\.pdf has \d+ pages/,
    /✓ What changed .*1\.1\.0 against 1\.0\.0, CWE Top 25 2025: \d+ new, \d+ fixed, \d+ still there/,
    /✓ SonarQube .*a stand-in at http:\/\/127\.0\.0\.1:\d+, version \d/,
    /✓ Source .*Community, 1 project, webhook made over there; answers 11 of 12 calls/,
    /✓ Second webhook .*POST \/api\/webhooks\/create/,
    /✓ Analysis .*1\.1\.0 ended over there, 143 findings; its signed webhook was accepted in \d+ ms/,
    /✓ Reports .*2 made of Harbour in SonarQube 1\.1\.0: .*rated [A-E]/,
    /✓ Webhook arrived .*report\.ingested with 2 reports, signature verified, .* after the analysis ended/,
    /✓ Passed on .*bytes as they came, X-Sonar-Webhook-HMAC-SHA256 verified/,
    /✓ Unpacked .*files of what came from SonarQube: .*2 pdf/,
    /✓ Repository .*http:\/\/127\.0\.0\.1:\d+\/git\/harbour\/harbour\.git, of the project harbour, empty; git \d/,
    /✓ Hook .*for http:\/\/127\.0\.0\.1:\d+\/build\?\{key\}, made as clients of Secure Source Manager make one/,
    /✓ Push .*git push origin main v1\.0\.0: the sources of 1\.0\.0, 16 files in one commit/,
    /✓ Webhook arrived .*push of refs\/heads\/main, 1 commit; key and signature verified/,
    /✓ Webhook arrived .*push of refs\/tags\/v1\.0\.0, 0 commits; key and signature verified/,
    /✓ Push .*git push origin release-1\.1\.0: 16 files changed/,
    /✓ Webhook arrived .*push of refs\/heads\/release-1\.1\.0, 1 commit; key and signature verified/,
    /✓ Pull request .*#1 Harbour 1\.1\.0: release-1\.1\.0 into main, 1 commit, 16 files; can be merged/,
    /✓ Webhook arrived .*pull_request of #1 opened; key and signature verified/,
    /✓ Merged .*#1 by a merge commit; git pull brings main to [0-9a-f]{10}$/,
    /✓ Webhook arrived .*push of refs\/heads\/main, 2 commits; key and signature verified/,
    /✓ Webhook arrived .*pull_request of #1 closed, merged; key and signature verified/,
  ];
  const lines = out.split('\n').filter((line) => line.includes('✓'));
  assert.equal(lines.length, steps.length, out);
  for (const [index, step] of steps.entries()) assert.match(lines[index] ?? '', step);
  assert.match(out, /gate ERROR; 11 to be reviewed; 4 set aside by people/);
  const page = readFileSync(new URL(/^ {2}of SonarQube {2}(file:\S+report\.html)$/m.exec(out)?.[1] ?? ''), 'utf8');
  for (const said of ['Harbour in SonarQube', 'id="gate"']) assert.ok(page.includes(said), said);
  assert.ok(!out.includes('\u001B'), 'no colours and no cursor where nobody looks at a terminal');
});

test('with --json the demo prints one document, and the files it names are there; --sonarqube shows what that server has; without git it says so', async (t) => {
  const sonarqube = await startStandIn({ port: 0 });
  t.after(() => sonarqube.close());
  assert.equal((await fetch(`${sonarqube.url}/demo/analyses?version=1.0.0`, { method: 'POST' })).status, 200);
  const empty = await mkdtemp(join(tmpdir(), 'gatepost-test-'));
  t.after(() => rm(empty, { recursive: true }));
  const options = ['--json', '--sonarqube', sonarqube.url, '--token', sonarqube.token];
  const { code, out, err } = await run(options, { ...process.env, PATH: empty });
  assert.equal(code, 0, err + out);
  const told = JSON.parse(out) as Left & {
    readonly organization: { readonly id: string };
    readonly repository: object | null;
    readonly sonarqube: { readonly url: string; readonly standIn: boolean } & Left;
    readonly steps: readonly {
      readonly name: string;
      readonly verified?: boolean;
      readonly problem?: string;
      readonly project?: string;
      readonly version?: string;
      readonly qualityGate?: { readonly status: string };
      readonly totals?: { readonly results: number };
      readonly pdfs?: readonly { readonly pages: number }[];
    }[];
  };
  const arrived = told.steps.filter(({ name }) => name === 'Webhook arrived');
  assert.deepEqual(
    arrived.map(({ verified }) => verified),
    [true, true],
  );
  const [git, ...others] = told.steps.filter(({ problem }) => problem !== undefined);
  assert.deepEqual([git?.name, git?.problem, others, told.repository], ['Git', 'there is no git on this machine', [], null]);
  assert.deepEqual([told.sonarqube.url, told.sonarqube.standIn], [sonarqube.url, false]);
  const caughtUp = told.steps.filter(({ project }) => project !== undefined);
  assert.deepEqual(
    caughtUp.map(({ project, version, qualityGate, totals }) => [project, version, qualityGate?.status, totals?.results]),
    [['example:harbour', '1.0.0', 'ERROR', 139]],
  );
  const pages = told.steps.flatMap(({ pdfs }) => pdfs ?? []).map((pdf) => pdf.pages);
  assert.equal(pages.length, 4);
  assert.ok(pages.every((count) => count > 0));
  assert.ok(told.files.some(({ name }) => name === 'manifest.json'));
  assert.ok(told.sonarqube.files.some(({ name }) => name.endsWith('report.html')));
  for (const { folder, files } of [told, told.sonarqube])
    for (const { name, bytes } of files) {
      const path = name.split('/').map(encodeURIComponent).join('/');
      assert.equal(readFileSync(new URL(path, pathToFileURL(`${folder}/`))).length, bytes, name);
    }
});

test('a SonarQube that refuses the token, or that nobody answers for, ends the demo at once', async (t) => {
  const sonarqube = await startStandIn({ port: 0 });
  t.after(() => sonarqube.close());
  const refused = await run(['--sonarqube', sonarqube.url, '--token', 'squ_wrong']);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /^gatepost demo: The SonarQube at http:\/\/127\.0\.0\.1:\d+ refuses the token\.\n$/);
  await sonarqube.close();
  await assert.rejects(reachSonarqube(sonarqube), { code: 'sonarqube_unreachable', message: /Nothing can be had from .*ECONNREFUSED/ });
  const { code, err } = await run(['--token', 'squ_wrong']);
  assert.deepEqual([code, err.split('\n')[0]], [2, 'gatepost demo: --token goes with --sonarqube URL.']);
});

test('what is no SonarQube, or not up yet, is told as such', async (t) => {
  let answers: Readonly<Record<string, string>> = {};
  const server = createServer((request, response) => response.end(answers[request.url ?? ''] ?? '<html>Sign in</html>')).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  t.after(() => server.close());
  const real = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, token: 'squ_any' };
  await assert.rejects(reachSonarqube(real), { code: 'not_sonarqube' });
  answers = {
    '/api/authentication/validate': '{"valid":true}',
    '/api/system/status': '{"status":"DB_MIGRATION_RUNNING","version":"25.6"}',
  };
  await assert.rejects(reachSonarqube(real), { code: 'sonarqube_not_up', message: /DB_MIGRATION_RUNNING/ });
});
