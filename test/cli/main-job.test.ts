// The main job by the command line alone, against a server that is started as people start it: an organization, a scan, its reports as a ZIP that is
// whole, a backup while the server runs.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { gatepost, gatepostJson, temporaryFolder } from './command-line.ts';

const project = join(import.meta.dirname, '..', '..');
const scan = join(project, 'examples', 'harbour', '1.0.0', 'harbour.sarif');

test('organization create, upload --wait, download, verify, backup and doctor beside a running server; SIGTERM ends it with 0', async (t) => {
  const folder = await temporaryFolder(t);
  const environment = { GATEPOST_DATA: join(folder, 'data'), GATEPOST_LOG: 'warn' };
  const server = spawn(process.execPath, [join(project, 'bin', 'gatepost.js'), 'serve', '--json'], {
    cwd: folder,
    env: { ...process.env, ...environment, GATEPOST_PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => server.kill('SIGKILL'));
  let said = '';
  for await (const line of createInterface({ input: server.stdout })) {
    said += line;
    if (line === '}') break;
  }
  const { url } = JSON.parse(said) as { url: string };
  const made = (await gatepostJson(['organization', 'create', '--name', 'Example'], environment)).json as { token: { token: string } };
  const client = { GATEPOST_URL: url, GATEPOST_TOKEN: made.token.token };

  const uploaded = await gatepost(['upload', scan, '--project', 'harbour', '--version', '1.0.0', '--wait'], client);
  assert.equal(uploaded.code, 0, uploaded.stdout + uploaded.stderr);
  assert.match(uploaded.stdout, /CWE Top 25 2025: \d+ open, rated [A-E]/);
  const out = join(folder, 'harbour.zip');
  const downloaded = await gatepostJson(['download', '--version', '1', '--project', 'harbour', '--out', out], client);
  assert.equal(downloaded.code, 0, JSON.stringify(downloaded.json));
  const verified = await gatepostJson(['verify', out]);
  assert.deepEqual([verified.code, verified.json['ok'], verified.json['problems']], [0, true, []]);
  assert.equal((await gatepost(['backup', join(folder, 'backup')], environment)).code, 0);
  assert.equal((await gatepost(['doctor', '--artifacts'], { ...environment, ...client })).code, 0);

  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
});
