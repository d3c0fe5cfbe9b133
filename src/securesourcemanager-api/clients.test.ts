// Calls put together as clients put them together: a generated REST client, Terraform's provider, gcloud and the documentation's curl.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../test/databases.ts';
import { openDoor } from '../../test/securesourcemanager/door.ts';

const parent = 'projects/example/locations/europe-west4/repositories/shop';
const api = '/securesourcemanager/v1/';

eachDatabase((open, engine) => {
  test(`a generated client sends enums as numbers and gets numbers (${engine})`, async (t) => {
    const door = await openDoor(t, await open(t));
    await door.repository('shop');
    const headers = { 'x-goog-api-client': 'gl-python/3.11 rest/2.32', 'x-goog-request-params': `parent=${parent}` };
    const encoding = '%24alt=json%3Benum-encoding%3Dint';
    const body = { targetUri: 'https://example.com/', events: [1, 2], pushOption: { branchFilter: '' } };
    const made = await door.ask('POST', `${api}${parent}/hooks?hookId=a&${encoding}`, { body, headers });
    assert.equal(made.status, 200, made.text);
    assert.deepEqual((made.json['response'] as { events: unknown }).events, [1, 2]);
    const listed = await door.ask('GET', `${api}${parent}/hooks?pageSize=10&${encoding}`, { headers });
    assert.deepEqual((listed.json['hooks'] as { events: unknown }[])[0]?.events, [1, 2]);
    assert.deepEqual(((await door.ask('GET', `${api}${parent}/hooks/a`)).json as { events: unknown }).events, ['PUSH', 'PULL_REQUEST']);
  });

  test(`Terraform’s provider makes a hook, waits for its operation, changes it by a mask, and takes it away (${engine})`, async (t) => {
    const door = await openDoor(t, await open(t));
    await door.repository('shop');
    const made = await door.ask('POST', `${api}${parent}/hooks?alt=json&hook_id=deploy`, {
      body: {
        disabled: false,
        events: ['PUSH'],
        pushOption: { branchFilter: 'main' },
        sensitiveQueryString: 'auth=s3cret-s3cret',
        targetUri: 'https://www.example.com/webhook',
      },
    });
    const operation = await door.ask('GET', `${api}${String(made.json['name'])}?alt=json`);
    assert.deepEqual([operation.json['done'], operation.json['error']], [true, undefined]);
    const read = await door.ask('GET', `${api}${parent}/hooks/deploy?alt=json`);
    assert.equal(read.json['sensitiveQueryString'], undefined);
    const mask = 'disabled%2CpushOption%2CsensitiveQueryString';
    const changed = await door.ask('PATCH', `${api}${parent}/hooks/deploy?alt=json&updateMask=${mask}`, {
      body: { disabled: true, pushOption: { branchFilter: '{main,release*}' }, sensitiveQueryString: 'auth=0ther-s3cret' },
    });
    assert.equal(changed.status, 200, changed.text);
    const { disabled, pushOption, targetUri } = changed.json['response'] as Record<string, unknown>;
    assert.deepEqual([disabled, pushOption, targetUri], [true, { branchFilter: '{main,release*}' }, 'https://www.example.com/webhook']);
    const deleted = await door.ask('DELETE', `${api}${parent}/hooks/deploy?alt=json`);
    assert.equal(deleted.json['done'], true);
    const gone = await door.ask('GET', `${api}${parent}/hooks/deploy?alt=json`);
    assert.equal(gone.status, 404, 'which tells the provider that there is none');
  });

  test(`curl sends a body without saying what it is, and reads the answer as people do (${engine})`, async (t) => {
    const door = await openDoor(t, await open(t));
    await door.repository('shop');
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const made = await door.ask('POST', `${api}${parent}/hooks?hook_id=a`, { body: '{"target_uri": "https://example.com/"}', headers });
    assert.match(made.text, /^\{\n {2}"name": "projects\/example\/locations\/europe-west4\/operations\/operation-/);
    assert.equal((await door.ask('GET', `${api}${parent}/hooks?prettyPrint=false`)).text.includes('\n'), false);
    assert.match(String(made.headers['content-type']), /^application\/json/);
  });

  test(`a call repeated under its Idempotency-Key makes one hook (${engine})`, async (t) => {
    const door = await openDoor(t, await open(t));
    await door.repository('shop');
    const asked = { body: { targetUri: 'https://example.com/' }, headers: { 'idempotency-key': 'once' } };
    const first = await door.ask('POST', `${api}${parent}/hooks?hookId=a`, asked);
    const second = await door.ask('POST', `${api}${parent}/hooks?hookId=a`, asked);
    assert.deepEqual([second.status, second.text], [200, first.text]);
    const other = await door.ask('POST', `${api}${parent}/hooks?hookId=b`, asked);
    assert.deepEqual([other.status, (other.json['error'] as { status: string }).status], [409, 'ABORTED']);
  });

  test(`the repository is a resource, too, and what is not here is said in Google’s shape (${engine})`, async (t) => {
    const door = await openDoor(t, await open(t));
    const uid = await door.repository('shop');
    const here = 'https://gatepost.example.org';
    assert.deepEqual((await door.ask('GET', `${api}${parent}`, { as: 'git' })).json, {
      name: parent,
      description: 'A shop',
      uid,
      createTime: '1970-01-01T00:00:00.000Z',
      updateTime: '1970-01-01T00:00:01.000Z',
      uris: {
        html: `${here}/git/example/shop`,
        gitHttps: `${here}/git/example/shop.git`,
        api: `${here}/securesourcemanager/v1/projects/example/locations/global/repositories/shop`,
      },
    });
    assert.equal((await door.ask('GET', `${api}${parent}`, { as: 'reader' })).status, 403);
    for (const [method, path] of [
      ['GET', `${api}projects/example/locations/europe-west4/instances`],
      ['PUT', `${api}${parent}/hooks/a`],
      ['POST', `${api}${parent}/hooks/a:test`],
      ['GET', `${api}${parent}/hooks/`],
      ['GET', `${api}projects/example/locations/EU/repositories/shop/hooks`],
      ['GET', '/securesourcemanager/'],
    ] as const) {
      const told = await door.ask(method, path);
      const { code, status } = told.json['error'] as { code: number; status: string };
      assert.deepEqual([told.status, code, status], path.includes('/EU/') ? [400, 400, 'INVALID_ARGUMENT'] : [404, 404, 'NOT_FOUND'], path);
    }
  });
});
