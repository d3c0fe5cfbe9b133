// docs/api.md is held to the program: each call it names is looked up in the OpenAPI description, and its JavaScript receiver is run as it stands.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { App } from '../../src/app.ts';
import { buildApp } from '../../src/app.ts';
import { readConfiguration } from '../../src/configuration.ts';
import { failureMessages } from '../../src/webhooks/delivery/failure.ts';
import { generateSecret } from '../../src/webhooks/signing/secret.ts';
import { standardWebhooks } from '../../src/webhooks/signing/standard-webhooks.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(join(root, 'docs/api.md'), 'utf8');

async function startApp(t: TestContext): Promise<App> {
  const directory = mkdtempSync(join(tmpdir(), 'gatepost-documents-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const app = await buildApp(readConfiguration({ GATEPOST_DATA: directory, GATEPOST_LOG: 'silent', GATEPOST_PORT: '0' }));
  t.after(() => app.stop());
  await app.server.ready();
  return app;
}

test('every call that api.md names is in the description of the API', async (t) => {
  const app = await startApp(t);
  const { paths = {} } = app.server.swagger();
  const known = new Set(
    Object.entries(paths).flatMap(([path, item]) => Object.keys(item ?? {}).map((method) => `${method.toUpperCase()} ${plain(path)}`)),
  );
  const named = new Set(
    [...page.matchAll(/\b(GET|POST|PATCH|DELETE) (\/[\w/{}-]+)/g)].map(([, method = '', path = '']) => `${method} ${plain(path)}`),
  );
  assert.ok(named.size > 15, 'the page names the calls');
  assert.deepEqual(
    [...named].filter((call) => !known.has(call)),
    [],
  );
});

test('every metric that operating.md names is there', async (t) => {
  const app = await startApp(t);
  await app.server.inject('/healthz');
  const { body } = await app.server.inject('/metrics');
  const named = readFileSync(join(root, 'docs/operating.md'), 'utf8').match(/\b(gatepost|nodejs)_[a-z0-9_]+\b/g) ?? [];
  assert.ok(named.length > 3, 'the page names metrics');
  assert.deepEqual(
    named.filter((name) => !body.includes(name)),
    [],
  );
});

test('api.md tells of every code that an attempt fails with', () => {
  const table = /### Why an attempt failed\n([\s\S]*?)\n\n###/.exec(page)?.[1] ?? '';
  assert.deepEqual(
    Object.keys(failureMessages).filter((code) => !table.includes(`\`${code}\``)),
    [],
  );
});

/** The names of parameters do not matter. */
function plain(path: string): string {
  return path.replaceAll(/\{[^}]+\}/g, '{}');
}

test('the JavaScript receiver of api.md takes what is signed right, and nothing else', async (t) => {
  const secret = generateSecret();
  const url = await startReceiver(t, secret);
  const body = Buffer.from(JSON.stringify({ organizationId: 'o', reports: [{ reportType: 'CWE Top 25', securityRating: 'E' }] }));
  const send = (signedWith: string) => {
    const timestampSeconds = Math.floor(Date.now() / 1000);
    const headers = standardWebhooks({ id: 'd1', timestampSeconds, body, secrets: { current: signedWith, previous: null } });
    return fetch(url, { method: 'POST', headers, body });
  };
  assert.equal((await send(secret)).status, 204);
  assert.equal((await send(generateSecret())).status, 401);
});

async function startReceiver(t: TestContext, secret: string): Promise<string> {
  const program = /```js\n([\s\S]*?)```/.exec(page)?.[1];
  assert.ok(program !== undefined, 'the page has a receiver in JavaScript');
  const port = await freePort();
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: root,
    env: { ...process.env, WEBHOOK_SECRET: secret, PORT: String(port) },
    stdio: 'ignore',
  });
  t.after(() => child.kill('SIGKILL'));
  const url = `http://127.0.0.1:${port}/`;
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const answer = await fetch(url).catch(() => null);
    if (answer !== null) return url;
    await sleep(50);
  }
  throw new Error('the receiver of api.md did not come up');
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : 0));
    });
  });
}
