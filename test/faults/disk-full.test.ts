import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { createIdentifiers } from '../../src/identifiers.ts';
import { createOrganization } from '../../src/organizations/store.ts';
import { openDatabase } from '../../src/storage/database/open.ts';
import { startServer } from './server-process.ts';

// A data directory on a disk of its own that is full: refused clearly, nothing half stored, and it goes on when there is room again.

const diskBytes = 24 * 2 ** 20;

async function newDisk(): Promise<{ readonly directory: string; readonly unmount: () => Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'gatepost-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes},mode=0700`, 'tmpfs', directory]);
  return {
    directory,
    async unmount() {
      execFileSync('umount', ['-l', directory]);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

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
  const disk = await newDisk();
  t.after(disk.unmount);
  const database = await openDatabase({ directory: disk.directory }, 'tool');
  const clock = systemClock;
  const { token } = await database.write((tx) =>
    createOrganization({ tx, name: 'Disk', actor: 'cli', ids: createIdentifiers(clock), clock }),
  );
  await database.close();
  const server = await startServer({ GATEPOST_DATA: disk.directory }, { cwd: tmpdir() });
  t.after(async () => void (await server.stop()));
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

  const ballast = join(disk.directory, 'ballast');
  await fill(ballast);
  const full = await send(smallLog, '2');
  assert.deepEqual([full.status, full.body.code], [507, 'storage_full']);
  const list = (await (await fetch(`${server.url}/v1/projects`, { headers })).json()) as { projects: unknown[] };
  assert.deepEqual(list.projects, []);

  await rm(ballast);
  const taken = await send(smallLog, '3');
  assert.equal(taken.status, 202);
  let status = '';
  while (status !== 'done') {
    status = ((await (await fetch(`${server.url}/v1/analyses/${taken.body.id}`, { headers })).json()) as { status: string }).status;
    assert.notEqual(status, 'failed');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
});

/** Takes the disk's last byte. */
async function fill(path: string): Promise<void> {
  for (let bytes = 2 ** 22; bytes >= 1; bytes = Math.floor(bytes / 2)) {
    for (;;) {
      try {
        await writeFile(path, Buffer.alloc(bytes), { flag: 'a' });
      } catch {
        break;
      }
    }
  }
}
