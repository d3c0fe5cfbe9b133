// Clients of SonarQube as they are, pointed at a Gatepost: two libraries of PyPI, and a script that posts as Terraform's provider does. Each makes,
// lists, changes and deletes webhooks, and is told what it would be told over there.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Engine } from '../databases.ts';
import { eachDatabase } from '../databases.ts';
import { configure, startApp, tenant } from '../app.ts';
import { findPython } from '../run/python.ts';

const run = promisify(execFile);
const key = 'shop:api';
const loopback = { GATEPOST_WEBHOOKS_ALLOW: '127.0.0.0/8' };
const clientMsMax = 60_000;

interface Place {
  readonly base: string;
  readonly token: string;
  /** The URLs that webhooks have now, as they are sent to. */
  urls(): Promise<readonly string[]>;
}

async function place(t: TestContext, engine: Engine): Promise<Place> {
  const { app, base } = await startApp(t, await configure(t, engine, loopback));
  const { token } = await tenant(app, 'Clients');
  const query = 'version=1.0.0&name=Shop%20API';
  const answer = await fetch(`${base}/v1/projects/${encodeURIComponent(key)}/analyses?${query}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ version: '2.1.0', runs: [] }),
  });
  assert.equal(answer.status, 202);
  const { id } = (await answer.json()) as { readonly id: string };
  await ended(`${base}/v1/analyses/${id}`, token);
  const urls = async () => {
    const list = await fetch(`${base}/v1/webhooks`, { headers: { authorization: `Bearer ${token}` } });
    const { webhooks } = (await list.json()) as { readonly webhooks: readonly { readonly url: string }[] };
    return webhooks.map(({ url }) => url);
  };
  return { base, token, urls };
}

/** What its end announces would otherwise come to webhooks that are made meanwhile. */
async function ended(analysis: string, token: string): Promise<void> {
  for (;;) {
    const answer = await fetch(analysis, { headers: { authorization: `Bearer ${token}` } });
    const { status } = (await answer.json()) as { readonly status: string };
    if (status === 'done' || status === 'failed') return;
    await sleep(20);
  }
}

async function python(script: string, options: readonly string[]): Promise<Record<string, never>> {
  const { stdout } = await run(findPython(), [join(import.meta.dirname, script), ...options], { timeout: clientMsMax });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, never>;
}

eachDatabase((_open, engine) => {
  test(`python-sonarqube-api looks after webhooks, and is refused in words it understands (${engine})`, async (t) => {
    const { base, token, urls } = await place(t, engine);
    const told: Record<string, unknown> = await python('python_sonarqube_api.py', [base, token, key]);
    assert.deepEqual([told['valid'], told['stranger'], told['version']], ['{"valid":true}', '{"valid":false}', '26.9.0.129388']);
    assert.equal((told['project'] as { key: string }).key, key);
    const { webhook } = told['created'] as { webhook: { key: string; hasSecret: boolean } };
    assert.equal(webhook.hasSecret, true);
    const shown = { key: webhook.key, name: 'by script', url: 'http://****:**@127.0.0.1:9/hook', hasSecret: true };
    assert.deepEqual(told['listed'], { webhooks: [shown] });
    assert.deepEqual(told['renamed'], { webhooks: [{ ...shown, name: 'renamed' }] });
    assert.deepEqual(told['deliveries'], { paging: { pageIndex: 1, pageSize: 5, total: 0 }, deliveries: [] });
    assert.match(String(told['badUrl']), /Url parameter with value 'nope' is not a valid url/);
    assert.match(String(told['unknown']), /No webhook with key 'no-such'/);
    assert.match(String(told['nobody']), /401/);
    assert.deepEqual(told['left'], { webhooks: [] }, 'that of the project is none of these');
    assert.deepEqual(await urls(), ['http://127.0.0.1:9/']);
  });
});

test('sonar-tools connects, and makes, changes, audits, exports and deletes webhooks', async (t) => {
  const { base, token } = await place(t, 'sqlite');
  // It takes nothing for a token that is not as long as those of SonarQube.
  const told: Record<string, unknown> = await python('sonar_tools.py', [base, `sq${token}`, key]);
  assert.deepEqual([told['version'], told['edition']], [[26, 9, 0], 'community']);
  const [made] = told['listed'] as { key: string; name: string; url: string }[];
  assert.deepEqual(made, { key: made?.key, name: 'by tool', url: 'http://****:**@127.0.0.1:9/hook' });
  assert.equal(told['changed'], true);
  assert.deepEqual(told['after'], [{ ...made, url: 'http://127.0.0.1:9/other' }]);
  assert.deepEqual(told['problems'], []);
  assert.equal((told['ofProject'] as unknown[]).length, 1);
  assert.deepEqual(told['projects'], [key]);
  assert.deepEqual([told['deleted'], told['left']], [true, []]);
});

test('a client that posts as Terraform’s provider does gets the statuses and the words it looks for', async (t) => {
  const { base, token, urls } = await place(t, 'sqlite');
  const { stdout } = await run('sh', [join(import.meta.dirname, 'terraform.sh'), base, token], { timeout: clientMsMax });
  const [created = '', ...rest] = stdout.trim().split('\n');
  const [, made = ''] = /^created ([0-9a-f-]{36})$/.exec(created) ?? [];
  assert.notEqual(made, '');
  assert.deepEqual(rest, ['listed', 'updated', 'deleted', `refused No webhook with key \\u0027${made}\\u0027`]);
  assert.deepEqual(await urls(), []);
});
