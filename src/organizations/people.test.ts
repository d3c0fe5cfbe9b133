import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../test/databases.ts';
import { createTestServer } from '../../test/http.ts';
import type { Database } from '../storage/database/database.ts';
import { loginsOf, numberOrganization, ownerOf, personOf } from './people.ts';
import { tokenRoutes } from './token-routes.ts';

// A token is the person: what is promised of numbers (each once, for ever), of logins, and of addresses that are none.

async function build(database: Database) {
  const world = await createTestServer({ database });
  const { server, clock, ids } = world;
  tokenRoutes(server, { database, clock, ids, projectId: () => Promise.reject(new Error('none')) });
  return world;
}

eachDatabase((open, engine) => {
  test(`a token's number stays, and no two have the same, also when many ask at once (${engine})`, async (t) => {
    const database = await open(t);
    const world = await build(database);
    const { id: organization, token, tokenId } = await world.organization('Acme');
    const other = await world.call('POST', '/v1/tokens', { as: token, body: { name: 'CI', scopes: ['read'] } });
    const people = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        personOf({ database, organization, token: index % 2 === 0 ? tokenId : String(other.json['id']) }),
      ),
    );
    assert.deepEqual(new Set(people.map(({ number }) => number)).size, 2);
    const number = await database.write((tx) => numberOrganization({ tx, organization }));
    assert.ok(
      people.every((person) => person.number !== number),
      'organizations count with people',
    );
    assert.equal(await database.write((tx) => numberOrganization({ tx, organization })), number);
    assert.deepEqual((await ownerOf({ read: database.read, organization }))?.number, number);
    await world.call('DELETE', `/v1/tokens/${String(other.json['id'])}`, { as: token });
    const later = await personOf({ database, organization, token: String(other.json['id']) });
    assert.equal(later.number, people[1]?.number, 'also once it is revoked');
    await assert.rejects(personOf({ database, organization: 'another', token: tokenId }), { code: 'invalid_token' });
  });

  test(`a token's mail address is its login, and commits are told by it (${engine})`, async (t) => {
    const database = await open(t);
    const world = await build(database);
    const { id: organization, token } = await world.organization('Acme');
    const body = { name: 'Ada', scopes: ['read'], email: ' Ada@Example.com ' };
    const made = await world.call('POST', '/v1/tokens', { as: token, body });
    assert.equal(made.status, 201, made.text);
    const id = String(made.json['id']);
    const ada = await personOf({ database, organization, token: id });
    assert.deepEqual([ada.login, ada.name, ada.email], ['Ada@Example.com', 'Ada', 'Ada@Example.com']);
    const asked = ['ada@EXAMPLE.com', 'nobody@example.com', ''];
    const logins = await loginsOf({ read: database.read, organization, emails: asked });
    assert.deepEqual([...logins], [['ada@example.com', 'Ada@Example.com']]);
    assert.equal((await loginsOf({ read: database.read, organization: 'another', emails: asked })).size, 0);
    for (const email of ['', 'ada', 'a b@c', 'a@b@c', '<a@b>', `${'x'.repeat(260)}@b`, 'a@b\n']) {
      const refused = await world.call('PATCH', `/v1/tokens/${id}`, { as: token, body: { email } });
      const isTrimmed = email === 'a@b\n';
      assert.deepEqual(
        [refused.status, refused.json['code']],
        isTrimmed ? [204, undefined] : [400, 'invalid_email'],
        JSON.stringify(email),
      );
    }
    assert.equal((await world.call('PATCH', `/v1/tokens/${id}`, { as: token, body: { email: null, name: 'Lovelace' } })).status, 204);
    const changed = await personOf({ database, organization, token: id });
    assert.deepEqual([changed.login, changed.email, changed.number], ['Lovelace', '', ada.number]);
    const listed = (await world.call('GET', '/v1/tokens', { as: token })).json['tokens'] as { id: string; email: string | null }[];
    assert.equal(listed.find((one) => one.id === id)?.email, null);
    assert.equal((await world.call('PATCH', '/v1/tokens/none', { as: token, body: {} })).json['code'], 'unknown_token');
    const { token: theirs } = await world.organization('Theirs');
    assert.equal((await world.call('PATCH', `/v1/tokens/${id}`, { as: theirs, body: { name: 'x' } })).status, 404);
  });
});
