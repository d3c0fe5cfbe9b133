// The process itself: what it prints, how it ends.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const main = new URL('main.ts', import.meta.url).pathname;

test('the server prints its address once it takes requests, logs it, and ends with 0 on SIGTERM', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'gatepost-main-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const child = spawn(process.execPath, [main], {
    cwd: directory,
    env: { ...process.env, GATEPOST_PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const [printed] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const url = /^Gatepost listens on (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(printed)?.[1] ?? '';
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'close'), [0, null]);
  const lines = log
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(lines.find((line) => line['msg'] === 'listening')?.['url'], url);
  await assert.rejects(fetch(`${url}/healthz`));
});

test('a bad setting stops the start with plain lines and 1', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'gatepost-main-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const env = { ...process.env, GATEPOST_PORT: 'x', GATEPOST_RETRY: '1h' };
  const child = spawn(process.execPath, [main], { cwd: directory, env, stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  assert.deepEqual(await once(child, 'close'), [1, null]);
  assert.deepEqual(text.trim().split('\n').sort(), [
    'GATEPOST_PORT: must be a whole number from 0 to 65535',
    'GATEPOST_RETRY: no such setting',
  ]);
});
