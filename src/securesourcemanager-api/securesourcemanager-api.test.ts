// The front door over HTTP, on both databases, as curl, gcloud, Terraform and generated clients ask: who is let in, what is taken, what is shown and
// what never is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../test/databases.ts';
import type { Door, Told } from '../../test/securesourcemanager/door.ts';
import { openDoor, sealer } from '../../test/securesourcemanager/door.ts';
import { openRow } from '../webhooks/subscriptions/sealed.ts';

const hooks = 'us-central1/repositories/shop/hooks';
const target = 'https://build.example.com/v1/projects/p/triggers/t:webhook';
const operationType = 'type.googleapis.com/google.cloud.securesourcemanager.v1.OperationMetadata';
const hookType = 'type.googleapis.com/google.cloud.securesourcemanager.v1.Hook';

interface GoogleError {
  readonly code: number;
  readonly message: string;
  readonly status: string;
  readonly details: readonly { readonly reason?: string; readonly fieldViolations?: readonly { readonly field: string }[] }[];
}

function errorOf({ json }: Told): GoogleError {
  return json['error'] as GoogleError;
}

/** Status, Google's word and the field that is blamed. */
function refusal(told: Told): readonly [number, string, string | undefined] {
  const { code, status, details, message } = errorOf(told);
  assert.equal(code, told.status);
  assert.ok(message.length > 10 && details[0]?.reason !== undefined, told.text);
  return [told.status, status, details[1]?.fieldViolations?.[0]?.field];
}

function responseOf({ json, text }: Told): Readonly<Record<string, unknown>> {
  assert.equal(json['done'], true, text);
  return json['response'] as Readonly<Record<string, unknown>>;
}

async function created(door: Door, hookId: string, body: object = { targetUri: target }): Promise<Readonly<Record<string, unknown>>> {
  const told = await door.ask('POST', `${hooks}?hookId=${hookId}`, { body });
  assert.equal(told.status, 200, told.text);
  return responseOf(told);
}

async function keptOf(door: Door, hookId: string) {
  const row = await door.database.read.selectFrom('webhooks').selectAll().where('hook_id', '=', hookId).executeTakeFirstOrThrow();
  const { url } = openRow(sealer, row);
  return { sent: url.href, events: JSON.parse(row.events) as unknown, filter: row.ref_filter, active: row.active, dialect: row.dialect };
}

eachDatabase((open, engine) => {
  test(`a hook is made, shown, listed, changed and deleted, and each change is an operation that is done (${engine})`, async (t) => {
    const door = await openDoor(t, await open(t));
    await door.repository('shop');
    const body = {
      targetUri: target,
      sensitiveQueryString: 'key=AIza&secret=Hello%20There',
      events: ['PUSH'],
      pushOption: { branchFilter: 'main' },
    };
    const made = await door.ask('POST', `${hooks}?hook_id=build-1`, { body });
    assert.equal(made.status, 200, made.text);
    const { '@type': type, ...hook } = responseOf(made);
    assert.equal(type, hookType);
    const { createTime, updateTime, uid, ...rest } = hook;
    const name = `projects/example/locations/${hooks}/build-1`;
    assert.deepEqual(rest, { name, targetUri: target, disabled: false, events: ['PUSH'], pushOption: { branchFilter: 'main' } });
    for (const time of [createTime, updateTime]) assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const {
      '@type': metadataType,
      target: about,
      verb,
      apiVersion,
      requestedCancellation,
    } = made.json['metadata'] as Record<string, unknown>;
    assert.deepEqual([metadataType, about, verb, apiVersion, requestedCancellation], [operationType, name, 'create', 'v1', false]);
    assert.deepEqual(door.woken, [uid]);
    assert.deepEqual(await keptOf(door, 'build-1'), {
      sent: `${target}?key=AIza&secret=Hello%20There`,
      events: ['push'],
      filter: 'main',
      active: 1,
      dialect: 'secure-source-manager',
    });
    assert.deepEqual((await door.ask('GET', `${hooks}/build-1`)).json, hook);
    assert.deepEqual((await door.ask('GET', hooks)).json, { hooks: [hook] });
    const patched = await door.ask('PATCH', `${hooks}/build-1?updateMask=disabled`, {
      body: { disabled: true, targetUri: 'https://x.example' },
    });
    const changed = responseOf(patched);
    assert.deepEqual([changed['disabled'], changed['targetUri']], [true, target], 'what the mask does not name stays');
    assert.ok(String(changed['updateTime']) >= String(updateTime));
    const gone = await door.ask('DELETE', `${hooks}/build-1`);
    assert.deepEqual(responseOf(gone), { '@type': 'type.googleapis.com/google.protobuf.Empty' });
    assert.deepEqual(refusal(await door.ask('GET', `${hooks}/build-1`)).slice(0, 2), [404, 'NOT_FOUND']);
    assert.deepEqual((await door.ask('GET', hooks)).json, { hooks: [] });
    const everything = [made, patched, gone].map(({ text }) => text).join();
    assert.ok(!everything.includes('AIza') && !everything.includes('sensitive'), 'the sensitive query string never comes back');
  });

  test(`an operation can be read again, by those who may see its repository (${engine})`, async (t) => {
    const door = await openDoor(t, await open(t));
    const repository = await door.repository('shop');
    const made = await door.ask('POST', `${hooks}?hookId=a`, { body: { targetUri: target } });
    const path = `/securesourcemanager/v1/${String(made.json['name'])}`;
    assert.deepEqual((await door.ask('GET', path)).json, made.json);
    assert.deepEqual((await door.ask('GET', path, { as: 'reader' })).json['done'], true);
    assert.deepEqual(refusal(await door.ask('GET', path, { as: 'of-shop' })).slice(0, 2), [404, 'NOT_FOUND'], 'a token for a project');
    const theirs = path.replace('/example/', '/strangers/');
    assert.deepEqual(refusal(await door.ask('GET', theirs, { as: 'stranger' })).slice(0, 2), [404, 'NOT_FOUND']);
    assert.equal(refusal(await door.ask('GET', `${path}x`))[0], 404);
    const removed = await door.ask('DELETE', `${hooks}/a`);
    assert.deepEqual((await door.ask('GET', `/securesourcemanager/v1/${String(removed.json['name'])}`)).json, removed.json);
    await created(door, 'a');
    const { response, error } = (await door.ask('GET', path)).json as { response?: unknown; error?: { code: number } };
    assert.deepEqual([response, error?.code], [undefined, 5], 'another hook of the same name is not what that operation made');
    await door.database.write((tx) => tx.updateTable('repositories').set({ deleted: 5 }).where('id', '=', repository).execute());
    assert.equal((await door.ask('GET', path)).status, 200);
  });

  test(`a patch overwrites what its mask names, in either spelling; a star replaces all (${engine})`, async (t) => {
    const door = await openDoor(t, await open(t));
    await door.repository('shop');
    const whole = {
      targetUri: target,
      sensitiveQueryString: '?key=1234',
      events: ['PULL_REQUEST'],
      disabled: true,
      pushOption: { branchFilter: 'x' },
    };
    await created(door, 'a', whole);
    const patch = async (query: string, body: object) => {
      const told = await door.ask('PATCH', `${hooks}/a${query}`, { body });
      assert.equal(told.status, 200, told.text);
      return keptOf(door, 'a');
    };
    const kept = await keptOf(door, 'a');
    assert.deepEqual(kept, {
      sent: `${target}?key=1234`,
      events: ['pull_request'],
      filter: 'x',
      active: 0,
      dialect: 'secure-source-manager',
    });
    assert.deepEqual(await patch('', {}), kept, 'nothing named, nothing changed');
    assert.deepEqual(await patch('?updateMask=', { disabled: null, uid: 'any', name: 'any' }), kept, 'null is not there');
    const elsewhere = { ...kept, sent: 'https://other.example.com/?a=b&key=1234' };
    assert.deepEqual(await patch('?update_mask=target_uri', { target_uri: 'https://other.example.com/?a=b', events: [] }), elsewhere);
    assert.deepEqual(await patch('', { pushOption: { branch_filter: 'rel*' } }), { ...elsewhere, filter: 'rel*' }, 'without a mask');
    assert.deepEqual(await patch('?updateMask=push_option.branch_filter', {}), { ...elsewhere, filter: null }, 'named and not there: none');
    assert.deepEqual(await patch('?updateMask=sensitiveQueryString,events', { events: [1, 3] }), {
      ...elsewhere,
      sent: 'https://other.example.com/?a=b',
      events: ['push', 'pull_request_comment'],
      filter: null,
    });
    assert.deepEqual(await patch('?updateMask=*', { targetUri: target }), {
      ...kept,
      sent: target,
      events: ['push'],
      filter: null,
      active: 1,
    });
    assert.deepEqual(refusal(await door.ask('PATCH', `${hooks}/a?updateMask=*`, { body: {} })), [400, 'INVALID_ARGUMENT', 'targetUri']);
    assert.deepEqual(refusal(await door.ask('PATCH', `${hooks}/a?updateMask=target`, { body: {} })), [
      400,
      'INVALID_ARGUMENT',
      'updateMask',
    ]);
    assert.equal((await door.ask('PATCH', `${hooks}/none`, { body: {} })).status, 404);
  });

  test(`pages hold at most a hundred, and go on where the one before ended (${engine})`, async (t) => {
    const door = await openDoor(t, await open(t));
    await door.repository('shop');
    await Promise.all(Array.from({ length: 103 }, (_, number) => created(door, `h${String(number).padStart(3, '0')}`)));
    const pageOf = async (query: string) => {
      const { json } = await door.ask('GET', `${hooks}?${query}`, { as: 'reader' });
      return { names: (json['hooks'] as readonly { name: string }[]).map(({ name }) => name.slice(-4)), next: json['nextPageToken'] };
    };
    assert.equal((await pageOf('')).names.length, 30);
    assert.equal((await pageOf('pageSize=0')).names.length, 30);
    const first = await pageOf('pageSize=1000');
    assert.deepEqual([first.names.length, first.names[0], first.names.at(-1)], [100, 'h000', 'h099'], 'more is cut');
    const second = await pageOf(`pageSize=100&pageToken=${String(first.next)}`);
    assert.deepEqual(second, { names: ['h100', 'h101', 'h102'], next: undefined });
    const snake = await pageOf(`page_size=3&page_token=${String(first.next)}`);
    assert.deepEqual(snake, second, 'a page that is just full is the last');
    for (const query of ['pageSize=-1', 'pageSize=x', 'pageToken=x', 'pageToken=W10', 'filter=x', 'orderBy=name'])
      assert.deepEqual(refusal(await door.ask('GET', `${hooks}?${query}`)).slice(0, 2), [400, 'INVALID_ARGUMENT'], query);
  });

  test(`who may do what: a token first, its scope, then what it sees (${engine})`, async (t) => {
    const door = await openDoor(t, await open(t));
    await door.repository('shop');
    await door.database.write((tx) =>
      tx.insertInto('projects').values({ id: 'shop', organization: door.organization, key: 'shop', name: 'Shop', created: 0 }).execute(),
    );
    await door.repository('theirs', 'shop');
    await created(door, 'a');
    const anonymous = await door.ask('GET', hooks, { as: null });
    assert.deepEqual(
      [...refusal(anonymous).slice(0, 2), anonymous.headers['www-authenticate']],
      [401, 'UNAUTHENTICATED', 'Bearer realm="gatepost"'],
    );
    assert.equal(refusal(await door.ask('GET', `${hooks}?access_token=admin`, { as: null }))[1], 'UNAUTHENTICATED');
    assert.equal(refusal(await door.ask('GET', hooks, { as: 'nobody' }))[1], 'UNAUTHENTICATED');
    for (const [method, path] of [
      ['POST', `${hooks}?hookId=b`],
      ['PATCH', `${hooks}/a`],
      ['DELETE', `${hooks}/a`],
    ] as const)
      for (const as of ['reader', 'git'])
        assert.equal(refusal(await door.ask(method, path, { as, body: {} }))[1], 'PERMISSION_DENIED', `${as} ${method}`);
    assert.equal(refusal(await door.ask('GET', hooks, { as: 'git' }))[1], 'PERMISSION_DENIED');
    const unknown = [
      'us-central1/repositories/none/hooks',
      '/securesourcemanager/v1/projects/strangers/locations/x/repositories/shop/hooks',
    ];
    for (const path of unknown) assert.equal(refusal(await door.ask('GET', path))[1], 'NOT_FOUND', path);
    assert.equal(refusal(await door.ask('GET', hooks, { as: 'stranger' }))[1], 'NOT_FOUND');
    const own = '/securesourcemanager/v1/projects/strangers/locations/x/repositories/shop/hooks';
    assert.equal(refusal(await door.ask('GET', own, { as: 'stranger' }))[1], 'NOT_FOUND', 'a repository of another organization');
    assert.equal(refusal(await door.ask('GET', hooks, { as: 'of-shop' }))[1], 'NOT_FOUND', 'a token for a project');
    const theirs = 'eu/repositories/theirs/hooks';
    const made = await door.ask('POST', `${theirs}?hookId=b`, { as: 'of-shop', body: { targetUri: target } });
    assert.equal(responseOf(made)['name'], `projects/example/locations/${theirs}/b`);
    assert.equal((await door.ask('DELETE', `${theirs}/b`, { as: 'of-shop' })).status, 200);
  });

  test(`what is not right is refused with the field to blame, and nothing is made (${engine})`, async (t) => {
    const door = await openDoor(t, await open(t));
    await door.repository('shop');
    await created(door, 'taken');
    const bodies: readonly (readonly [unknown, string | undefined])[] = [
      [{}, 'targetUri'],
      [{ targetUri: '' }, 'targetUri'],
      [{ targetUri: 7 }, 'targetUri'],
      [{ targetUri: 'ftp://example.com/' }, 'targetUri'],
      [{ targetUri: 'https://example.com/#x' }, 'targetUri'],
      [{ targetUri: 'http://10.0.0.1/' }, 'targetUri'],
      [{ targetUri: target, sensitiveQueryString: 'key=1#2' }, 'sensitiveQueryString'],
      [{ targetUri: target, push_option: { branchFilter: '[' } }, 'pushOption.branchFilter'],
      [{ targetUri: target, pushOption: { filter: 'x' } }, 'pushOption.filter'],
      [{ targetUri: target, events: ['CREATE'] }, 'events'],
      [{ targetUri: target, events: ['UNSPECIFIED'] }, 'events'],
      [{ targetUri: target, events: [0] }, 'events'],
      [{ targetUri: target, secret: 'x' }, 'secret'],
      [{ targetUri: target, serviceAccountAuth: true }, 'serviceAccountAuth'],
      [{ hook: { targetUri: target } }, 'hook'],
      ['[]', undefined],
      ['{"targetUri":', undefined],
    ];
    for (const [body, field] of bodies)
      assert.deepEqual(
        refusal(await door.ask('POST', `${hooks}?hookId=b`, { body })),
        [400, 'INVALID_ARGUMENT', field],
        JSON.stringify(body),
      );
    for (const hookId of ['', 'B', '1b', 'b-', '-b', 'b_c', 'b'.repeat(64), 'é'])
      assert.deepEqual(
        refusal(await door.ask('POST', `${hooks}?hookId=${encodeURIComponent(hookId)}`, { body: { targetUri: target } })),
        [400, 'INVALID_ARGUMENT', 'hookId'],
        hookId,
      );
    const again = await door.ask('POST', `${hooks}?hookId=taken`, { body: { targetUri: target } });
    assert.deepEqual(refusal(again).slice(0, 2), [409, 'ALREADY_EXISTS']);
    assert.equal(errorOf(again).details[0]?.reason, 'HOOK_ID_TAKEN');
    const large = await door.ask('POST', `${hooks}?hookId=b`, { body: { targetUri: `https://e.example/${'x'.repeat(2 ** 20)}` } });
    assert.deepEqual(refusal(large).slice(0, 2), [413, 'INVALID_ARGUMENT']);
    const names = ((await door.ask('GET', hooks)).json['hooks'] as readonly { name: string }[]).map(({ name }) => name);
    assert.deepEqual(names, [`projects/example/locations/${hooks}/taken`]);
    await created(door, 'b'.repeat(63));
    await created(door, 'b');
  });

  test(`the target is shown as it was written but for credentials, and what was shown changes nothing (${engine})`, async (t) => {
    const door = await openDoor(t, await open(t));
    await door.repository('shop');
    const written = 'https://User:pass@Example.COM/invoke?job=b';
    const made = await created(door, 'a', { targetUri: written, serviceAccountAuth: false });
    assert.equal(made['targetUri'], 'https://***@Example.COM/invoke?job=b');
    const body = { ...(await door.ask('GET', `${hooks}/a`)).json, events: ['PULL_REQUEST_COMMENT', 'PULL_REQUEST'] };
    const patched = await door.ask('PATCH', `${hooks}/a`, { body });
    assert.deepEqual(responseOf(patched)['events'], body.events, 'in the order that they came in');
    assert.equal((await keptOf(door, 'a')).sent, 'https://User:pass@example.com/invoke?job=b');
  });

  test(`the target is whole for admin alone: a path or a query may be the secret itself (${engine})`, async (t) => {
    const door = await openDoor(t, await open(t));
    await door.repository('shop');
    const made = await created(door, 'a', { targetUri: 'https://ci.example/T024BE7LD/aBcDeFgHiJkLmNoPqRsTa1b2?token=planted' });
    const masked = 'https://ci.example/***/***a1b2?token=***';
    const operation = await door.ask('PATCH', `${hooks}/a`, { body: { disabled: true } });
    const operationPath = `/securesourcemanager/v1/${String(operation.json['name'])}`;
    for (const path of [`${hooks}/a`, hooks, operationPath]) {
      const shown = await door.ask('GET', path, { as: 'reader' });
      assert.ok(shown.text.includes(masked) && !/planted|T024/.test(shown.text), shown.text);
      assert.ok((await door.ask('GET', path)).text.includes('planted'));
    }
    // What a reader saw changes nothing where an administrator sends it back.
    const patched = await door.ask('PATCH', `${hooks}/a`, { body: { targetUri: masked } });
    assert.equal(responseOf(patched)['targetUri'], made['targetUri']);
  });

  test(`events and a filter of stars come back as they were given, and all pushes pass (${engine})`, async (t) => {
    const door = await openDoor(t, await open(t));
    await door.repository('shop');
    const events = ['PULL_REQUEST_COMMENT', 'PUSH', 'PULL_REQUEST', 'PUSH'];
    for (const [index, branchFilter] of ['*', '**'].entries()) {
      const made = await created(door, `a${index}`, { targetUri: target, events, pushOption: { branchFilter } });
      assert.deepEqual([made['events'], made['pushOption']], [events.slice(0, 3), { branchFilter }]);
    }
    const kept = await door.database.read.selectFrom('subscriptions').select('ref_filter').where('kind', '=', 'push').execute();
    assert.deepEqual(kept, [{ ref_filter: null }, { ref_filter: null }], 'nothing is held against what lets all pass');
  });
});
