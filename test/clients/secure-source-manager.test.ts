// Google's own client of Secure Source Manager, from PyPI, pointed at a Gatepost: it looks after the hooks of a repository by REST, and is refused
// with errors of its own.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { configure, startApp, tenant } from '../app.ts';
import { eachDatabase } from '../databases.ts';
import { findPython } from '../run/python.ts';

const run = promisify(execFile);
const clientMsMax = 60_000;
const target = 'https://build.example.com/v1/projects/p/triggers/t:webhook';

eachDatabase((_open, engine) => {
  test(`Google’s client makes, shows, changes, lists and deletes hooks (${engine})`, async (t) => {
    const { app, base } = await startApp(t, await configure(t, engine));
    const { token } = await tenant(app, 'Clients');
    const made = await fetch(`${base}/v1/repositories`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: '{"name":"shop"}',
    });
    assert.equal(made.status, 201);
    const parent = 'projects/clients/locations/europe-west4/repositories/shop';
    const script = join(import.meta.dirname, 'secure_source_manager.py');
    const options = [script, base.replace('http://', ''), token, parent];
    const { stdout } = await run(findPython(), options, { timeout: clientMsMax });
    const told = JSON.parse(stdout) as Record<string, unknown>;
    const name = `${parent}/hooks/build`;
    const hook = [name, target, false, ['PUSH', 'PULL_REQUEST'], 'main', ''];
    assert.equal(told['repository'], parent);
    assert.deepEqual([told['created'], told['got']], [hook, hook], 'without the sensitive query string');
    assert.deepEqual([told['operation'], told['readAgain']], [['create', name, 'v1'], true]);
    assert.deepEqual(told['updated'], [name, target, true, ['PUSH', 'PULL_REQUEST'], '', '']);
    assert.deepEqual(told['replaced'], [name, target, false, ['PULL_REQUEST'], '', '']);
    assert.deepEqual([told['pages'], told['deleted']], [[4, 4, 1], '']);
    assert.deepEqual(told['refused'], [
      ['NotFound', 'NOT_FOUND'],
      ['Conflict', 'HOOK_ID_TAKEN'],
      ['BadRequest', 'INVALID_HOOK_ID'],
      ['BadRequest', 'ADDRESS_REFUSED'],
      ['Unauthorized', 'INVALID_TOKEN'],
    ]);
  });
});
