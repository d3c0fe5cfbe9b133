import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { createIdentifiers } from '../../src/identifiers.ts';
import { createOrganization } from '../../src/organizations/store.ts';
import { openDatabase } from '../../src/storage/database/open.ts';
import { startServer } from './server-process.ts';
import { startOnSmallDisk } from './small-disk.ts';

// A data directory on a disk of its own that is full: refused clearly, nothing half stored, and it goes on when there is room again.

const diskBytes = 24 * 2 ** 20;

/** A log that is large and hardly shrinks. */
function largeLog(bytes: number): string {
  const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(60_000))).toString('base64');
  const text = noise.repeat(Math.ceil(bytes / noise.length));
  return JSON.stringify({ version: '2.1.0', runs: [{ tool: { driver: { name: 'S' } }, results: [], properties: { noise: text } }] });
}

const smallLog = JSON.stringify({
  version: '2.1.0',
  runs: [{ tool: { driver: { name: 'S' } }, results: [{ ruleId: 'x', message: { text: 'x' }, properties: { cwe: 'CWE-79' } }] }],
});

test('a full disk is a 507 with a code, nothing is half stored, and it works again when there is room', { timeout: 120_000 }, async (t) => {
  const seed = await mkdtemp(join(tmpdir(), 'gatepost-seed-'));
  t.after(() => rm(seed, { recursive: true, force: true }));
  const database = await openDatabase({ directory: seed }, 'tool');
  const clock = systemClock;
  const { token } = await database.write((tx) =>
    createOrganization({ tx, name: 'Disk', actor: 'cli', ids: createIdentifiers(clock), clock }),
  );
  await database.close();
  const disk = await startOnSmallDisk({
    seed,
    diskBytes,
    start: ({ directory, through }) => startServer({ GATEPOST_DATA: directory }, { cwd: tmpdir(), through }),
  });
  t.after(disk.close);
  const { server } = disk;
  const headers = { authorization: `Bearer ${token.token}`, 'content-type': 'application/sarif+json' };
  const send = async (body: string, version: string) => {
    const answer = await fetch(`${server.url}/v1/projects/disk/analyses?version=${version}`, { method: 'POST', headers, body });
    return { status: answer.status, body: (await answer.json()) as { id: string; code?: string; status?: string } };
  };
  const objects = async (): Promise<number> =>
    (await readdir(join(disk.directory, 'artifacts'), { recursive: true, withFileTypes: true }).catch(() => [])).filter(
      (entry) => entry.isFile() && /^[0-9a-f]{64}$/.test(entry.name),
    ).length;

  const before = await objects();
  const refused = await send(largeLog(2 * diskBytes), '1');
  assert.deepEqual([refused.status, refused.body.code], [507, 'storage_full']);
  assert.equal(await objects(), before);

  await disk.fill();
  const full = await send(smallLog, '2');
  assert.deepEqual([full.status, full.body.code], [507, 'storage_full']);
  const list = (await (await fetch(`${server.url}/v1/projects`, { headers })).json()) as { projects: unknown[] };
  assert.deepEqual(list.projects, []);

  await disk.free();
  const taken = await send(smallLog, '3');
  assert.equal(taken.status, 202);
  let status = '';
  while (status !== 'done') {
    status = ((await (await fetch(`${server.url}/v1/analyses/${taken.body.id}`, { headers })).json()) as { status: string }).status;
    assert.notEqual(status, 'failed');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
});
