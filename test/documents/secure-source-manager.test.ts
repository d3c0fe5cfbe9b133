// docs/secure-source-manager.md is held to the program: its commands are run as they stand, in a shell, against a real server; the settings of Cloud
// Build are taken; its links lead somewhere.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { call, configure, startApp, tenant } from '../app.ts';

const run = promisify(execFile);
const file = fileURLToPath(new URL('../../docs/secure-source-manager.md', import.meta.url));
const page = readFileSync(file, 'utf8');

function blocks(language: string): readonly string[] {
  return [...page.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g'))].map((match) => match[1] ?? '');
}

test('the commands make a repository and its hook, and the calls named beside them are there', async (t) => {
  const { app, base } = await startApp(t, await configure(t, 'sqlite'));
  const { token } = await tenant(app, 'Example');
  const [commands = ''] = blocks('sh');
  const environment = { PATH: process.env['PATH'], GATEPOST_URL: base, TOKEN: token, ORG: 'example' };
  const { stdout } = await run('sh', ['-euc', commands], { env: environment });
  const [repository = '', operation = ''] = stdout.split(/(?<=\})(?=\{)/);
  assert.equal((JSON.parse(repository) as { cloneUrl: string }).cloneUrl, `${base}/git/example/shop.git`);
  const { uid } = (JSON.parse(operation) as { response: { uid: string } }).response;
  const shown = await call(app, 'GET', `/v1/webhooks/${uid}`, { as: token });
  assert.deepEqual(
    ['hookId', 'dialect', 'sensitiveQuery', 'events'].map((name) => shown.json[name]),
    ['build', 'secure-source-manager', '{sensitive_query_string_placeholder}', ['push', 'pull_request']],
  );
  const paths = ((await (await fetch(`${base}/openapi.json`)).json()) as { paths: Record<string, Record<string, object>> }).paths;
  const named = [...page.matchAll(/`(GET|POST|PATCH) (\/v1\/[^`?]*)[^`]*`/g)];
  assert.ok(named.length >= 6);
  for (const [, method = '', path = ''] of named)
    assert.ok(paths[path.replace('{uid}', '{id}')]?.[method.toLowerCase()] !== undefined, `${method} ${path}`);
  const [cloudBuild = ''] = blocks('json');
  const hooks = '/securesourcemanager/v1/projects/example/locations/global/repositories/shop/hooks';
  const made = await call(app, 'POST', `${hooks}?hookId=cloud-build`, { as: token, body: JSON.parse(cloudBuild) });
  assert.deepEqual([made.status, made.json['done']], [200, true]);
});

test('every link leads to a page and a heading', () => {
  for (const [, path = '', heading = ''] of page.matchAll(/\]\(([^)#:]*)(?:#([^)]*))?\)/g)) {
    const target = path === '' ? file : join(dirname(file), path);
    assert.ok(existsSync(target), path);
    if (heading === '') continue;
    const anchors = [...readFileSync(target, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, text = '']) =>
      text
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    );
    assert.ok(anchors.includes(heading), `${path}#${heading}`);
  }
});
