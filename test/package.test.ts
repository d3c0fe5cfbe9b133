// The package that `npm pack` makes is installed in an empty folder, without any install script, and its server started from there.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createInterface } from 'node:readline';

const project = join(import.meta.dirname, '..');
const startMsMax = 30_000;

function npm(cwd: string, ...options: readonly string[]): string {
  // npm must not take the settings of the `npm test` that we run under for its own.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(config_local_prefix|package|lifecycle)/.test(name)),
  );
  return execFileSync('npm', [...options, '--loglevel=error'], { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

test('the package installs elsewhere without scripts, holds no source and no test, and its server answers', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gatepost-package-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  npm(project, 'pack', '--pack-destination', folder);
  const [tarball] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  assert.ok(tarball);
  const elsewhere = join(folder, 'elsewhere');
  await mkdir(elsewhere);
  await writeFile(join(elsewhere, 'package.json'), '{"private":true}');
  npm(elsewhere, 'install', join(folder, tarball), '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund');

  const installed = join(elsewhere, 'node_modules', 'gatepost');
  const files = await readdir(installed, { recursive: true });
  const own = files.filter((name) => !name.startsWith('node_modules'));
  assert.deepEqual(
    own.filter((name) => /\.ts$|\.test\.js$|^src|^test|run\.js$|build\.js$/.test(name) && name !== join('dist', 'cli', 'run.js')),
    [],
  );
  for (const name of ['LICENSE', 'THIRD-PARTY.md', 'package.json']) assert.ok(existsSync(join(installed, name)), name);

  const gatepost = join(elsewhere, 'node_modules', '.bin', 'gatepost');
  const data = join(folder, 'data');
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? folder,
    GATEPOST_DATA: data,
    GATEPOST_PORT: '0',
    GATEPOST_LOG: 'warn',
  };
  const made = JSON.parse(
    execFileSync(gatepost, ['organization', 'create', '--name', 'Packed', '--json'], { cwd: elsewhere, env, encoding: 'utf8' }),
  ) as {
    organization: { slug: string };
  };
  assert.equal(made.organization.slug, 'packed');

  const server = spawn(gatepost, ['serve'], { cwd: elsewhere, env, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => server.kill('SIGKILL'));
  const lines = createInterface({ input: server.stdout });
  const [line] = (await once(lines, 'line', { signal: AbortSignal.timeout(startMsMax) })) as [string];
  const address = /http:\/\/\S+/.exec(line)?.[0] ?? '';
  assert.equal((await fetch(`${address}/healthz`)).status, 200);
  assert.equal((await fetch(`${address}/openapi.json`)).status, 200);
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
});
