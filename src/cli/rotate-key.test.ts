// The secret key is changed, on both databases, by file and by environment, and broken off after every step in turn: what stands then opens for a
// server, and the same command goes on from there. Nothing is left under the old key.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { gatepost, gatepostJson } from '../../test/cli/command-line.ts';
import type { Engine } from '../../test/databases.ts';
import { engines, newLocation } from '../../test/databases.ts';
import { systemClock } from '../clock.ts';
import { createIdempotencyStore } from '../http/idempotency-store.ts';
import { createIdentifiers } from '../identifiers.ts';
import type { KeyPlace } from '../key-ring.ts';
import { findKeyRing, keyFactNames, nextKeyFile, openKeyRing } from '../key-ring.ts';
import { createOrganization } from '../organizations/store.ts';
import type { Sealer } from '../secret-key.ts';
import { createSealer, keyFingerprint, makeKey, readKey, secretKeyFile } from '../secret-key.ts';
import type { Database } from '../storage/database/database.ts';
import type { DatabaseLocation } from '../storage/database/open.ts';
import { openDatabase } from '../storage/database/open.ts';
import { readSetting, settle } from '../storage/database/settings.ts';
import { rotateSecret } from '../webhooks/subscriptions/change.ts';
import { resealedOfUnitMax, sealClearUrls } from '../webhooks/subscriptions/reseal.ts';
import { openRow } from '../webhooks/subscriptions/sealed.ts';
import { insertWebhook, readWebhook } from '../webhooks/subscriptions/store.ts';
import { rotateSourceSecret } from '../analyses/sonarqube/source-change.ts';
import { sealedIn } from '../analyses/sonarqube/source.ts';
import { insertSource, openedSource } from '../analyses/sonarqube/source-store.ts';
import { rotateKey } from './rotation.ts';

const [old, next] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
const ids = createIdentifiers();
/** More than one unit holds. */
const webhooksMade = resealedOfUnitMax + 3;

const endings = new WeakMap<TestContext, (() => Promise<void>)[]>();

/** Last begun, first ended: a database is closed before its place goes. */
function atEnd(t: TestContext, step: () => Promise<void>): void {
  const steps = endings.get(t) ?? [];
  if (steps.length === 0) {
    t.after(async () => {
      for (const one of steps.toReversed()) await one();
    });
  }
  steps.push(step);
  endings.set(t, steps);
}

interface Stored {
  readonly location: DatabaseLocation;
  readonly organization: string;
  readonly webhook: string;
}

const place = { organization: '', route: 'POST /v1/tokens', key: 'k' };

/** A database with everything that is sealed, under the old key. */
async function store(t: TestContext, engine: Engine): Promise<Stored> {
  const location = await newLocation({ after: (step) => atEnd(t, step) }, engine);
  const sealer = createSealer(old);
  const database = await openDatabase(location, 'server');
  await settle({ database, name: keyFactNames.fingerprint, value: keyFingerprint(old) });
  const made = await database.write(async (tx) => {
    const common = { tx, sealer, ids, clock: systemClock, actor: 'cli' as const };
    const { organization } = await createOrganization({ ...common, name: 'Example' });
    const url = new URL('https://bob:planted@hooks.example/planted?x=planted');
    const sending = { headers: { 'x-key': 'planted' }, proxy: new URL('http://bob:planted@proxy.example') };
    let webhook = '';
    for (let n = 0; n < webhooksMade; n += 1) {
      const more = {
        project: null,
        name: 'a',
        url,
        sensitiveQuery: 'key=planted',
        events: ['report.ingested'] as const,
        dialect: 'report',
        secret: `planted ${n}`,
        sending,
      };
      webhook = (await insertWebhook({ ...common, organization: organization.id, ...more })).id;
    }
    await rotateSecret({ ...common, organization: organization.id, onlyProject: null, webhook, secret: 'planted anew', overlapMs: 60_000 });
    const settings = { versionFrom: 'property', projects: [] } as const;
    const given = { name: 's', url: 'https://sonar.example', token: 'planted', secret: 'planted before it', ca: null, settings };
    const source = await insertSource({ ...common, organization: organization.id, given });
    const anew = { secret: 'planted and changed', overlapMs: 60_000 };
    await rotateSourceSecret({ ...common, organization: organization.id, source: source.id, ...anew });
    return { organization: organization.id, webhook };
  });
  const answers = createIdempotencyStore({ database, clock: systemClock, sealer });
  await answers.begin({ ...place, organization: made.organization }, 'a');
  await answers.finish({ ...place, organization: made.organization }, 201, 'planted');
  await answers.begin({ ...place, organization: made.organization, key: 'under way' }, 'a');
  await database.close();
  return { location, ...made };
}

const factsOf = async ({ read }: Database) => ({
  fingerprint: await readSetting(read, keyFactNames.fingerprint),
  next: await readSetting(read, keyFactNames.next),
});

async function opens(database: Database, sealer: Sealer, { organization, webhook }: Stored): Promise<void> {
  const rows = await database.read.selectFrom('webhooks').selectAll().execute();
  assert.equal(rows.length, webhooksMade);
  for (const row of rows) {
    const opened = openRow(sealer, row);
    assert.equal(opened.url.href, 'https://bob:planted@hooks.example/planted?x=planted&key=planted');
    assert.deepEqual([opened.headers, opened.proxy?.password], [{ 'x-key': 'planted' }, 'planted']);
    assert.match(opened.secret, /^planted/);
  }
  const rotated = rows.find((row) => row.id === webhook);
  assert.equal(rotated === undefined ? '' : openRow(sealer, rotated).previousSecret, `planted ${webhooksMade - 1}`);
  const source = await database.read.selectFrom('sources').selectAll().executeTakeFirstOrThrow();
  const { token, secret } = openedSource(source, sealer);
  const before = sealer.open(source.previous_secret ?? '', sealedIn(source.id).previousSecret);
  assert.deepEqual([token, secret, before], ['planted', 'planted and changed', 'planted before it']);
  const answers = createIdempotencyStore({ database, clock: systemClock, sealer });
  assert.deepEqual(await answers.begin({ ...place, organization }, 'a'), { kind: 'repeat', status: 201, answer: 'planted' });
}

for (const engine of engines) {
  for (const by of ['file', 'environment'] as const) {
    test(`broken off after any step, both keys open, and the next run goes on (${engine}, ${by})`, async (t) => {
      const stored = await store(t, engine);
      const { location } = stored;
      const data = location.directory;
      if (by === 'file') makeKey(join(data, secretKeyFile), old);
      const own: KeyPlace = { data, secretKey: by === 'file' ? null : old, secretKeyNew: by === 'file' ? null : next };
      const seen: string[] = [];
      for (let runs = 0; ; runs += 1) {
        const database = await openDatabase(location, 'server');
        let steps = 0;
        const reached = (step: string) => {
          // Each run comes one step further than the one before.
          if (steps++ < runs) return;
          seen.push(step);
          throw new Error('killed');
        };
        const end = await rotateKey({ database, place: own, reached }).catch((error: unknown) => {
          assert.equal((error as Error).message, 'killed');
          return null;
        });
        const facts = await factsOf(database);
        const ring = findKeyRing(own, { ...facts, fingerprint: facts.fingerprint ?? '' });
        await opens(database, createSealer(ring.current, ring.others), stored);
        await database.close();
        if (end === null) continue;
        assert.equal(end.state, 'ended');
        break;
      }
      assert.deepEqual(seen, ['key', 'begun', 'webhooks', 'webhooks', 'sources', 'answers', 'ended']);
      const database = await openDatabase(location, 'server');
      const facts = await factsOf(database);
      assert.equal(facts.next, null);
      const { current, others } = openKeyRing({ ...own, secretKey: by === 'file' ? null : next, secretKeyNew: null }, facts);
      assert.deepEqual(others, []);
      assert.notDeepEqual(current, old);
      await opens(database, createSealer(current), stored);
      await database.close();
      if (by === 'environment') return;
      assert.equal(existsSync(join(data, nextKeyFile)), false);
      assert.deepEqual(readKey(join(data, secretKeyFile)), current);
      assert.equal(statSync(join(data, secretKeyFile)).mode & 0o777, 0o600);
      assert.deepEqual(
        readdirSync(data).filter((name) => name.endsWith('.tmp')),
        [],
      );
    });
  }

  test(`the command changes the key and says what is to be done (${engine})`, async (t) => {
    const stored = await store(t, engine);
    const { location } = stored;
    const environment = {
      GATEPOST_DATA: location.directory,
      ...(location.url === undefined ? {} : { DATABASE_URL: location.url, GATEPOST_SECRET_KEY: old.toString('base64') }),
    };
    const [kept, yes] = [join(location.directory, 'old.key'), engine === 'postgres' ? ['--yes'] : []];
    if (engine === 'sqlite') makeKey(join(location.directory, secretKeyFile), old);
    else {
      assert.equal((await gatepostJson(['rotate-key'], environment)).json['code'], 'confirmation_missing');
      assert.equal((await gatepostJson(['rotate-key', '--yes'], environment)).json['code'], 'new_key_missing');
    }
    const server = await openDatabase(location, 'server');
    const refused = await gatepostJson(['rotate-key', ...yes], environment);
    assert.deepEqual([refused.code, refused.json['code']], [1, 'directory_in_use']);
    await server.close();
    const withNew = { ...environment, ...(engine === 'sqlite' ? {} : { GATEPOST_SECRET_KEY_NEW: next.toString('base64') }) };
    const done = await gatepostJson(['rotate-key', '--old-key-to', kept, ...yes], withNew);
    assert.partialDeepStrictEqual(done, {
      code: 0,
      json: { state: 'changed', resumed: false, webhooks: webhooksMade, sources: 1, answers: 1, lost: [] },
    });
    assert.deepEqual(readKey(kept), old);
    const database = await openDatabase(location, 'server');
    const current = engine === 'sqlite' ? readKey(join(location.directory, secretKeyFile)) : next;
    assert.ok(current !== null && !current.equals(old));
    assert.equal((await factsOf(database)).fingerprint, keyFingerprint(current));
    await opens(database, createSealer(current), stored);
    await database.close();
    const texts = [done, refused].map((each) => JSON.stringify(each)).join('');
    for (const key of [old, next, current]) assert.ok(!texts.includes(key.toString('base64')));
    if (engine === 'sqlite') return;
    const again = await gatepost(['rotate-key', '--yes'], withNew);
    assert.deepEqual([again.code, /complete/.test(again.stdout)], [0, true]);
  });

  test(`a secret that no key opens is named and stays; the rest is changed (${engine})`, async (t) => {
    const { location, webhook } = await store(t, engine);
    const database = await openDatabase(location, 'server');
    atEnd(t, () => database.close());
    const strange = createSealer(Buffer.alloc(32, 9)).seal('x', 'x');
    await database.write((tx) => tx.updateTable('webhooks').set({ secret: strange }).where('id', '=', webhook).execute());
    const own = { data: location.directory, secretKey: old, secretKeyNew: next };
    const done = await rotateKey({ database, place: own });
    assert.deepEqual([done.state, done.lost, done.webhooks], ['changed', [webhook], webhooksMade]);
    const row = await database.read.selectFrom('webhooks').selectAll().where('id', '=', webhook).executeTakeFirstOrThrow();
    assert.equal(row.secret, strange);
    assert.ok(createSealer(next).isCurrent(row.url));
  });

  test(`URLs that were kept in clear before are sealed when the server starts, and by a change of key (${engine})`, async (t) => {
    const { location, webhook, organization } = await store(t, engine);
    const database = await openDatabase(location, 'server');
    atEnd(t, () => database.close());
    const clear = () => database.write((tx) => tx.updateTable('webhooks').set({ url: 'https://a.example/hook' }).execute());
    const left = async () => (await database.read.selectFrom('webhooks').select('url').where('url', 'like', 'http%').execute()).length;
    const shown = async (sealer: Sealer) =>
      (await readWebhook({ read: database.read, sealer, organization, onlyProject: null, webhook })).url;
    await clear();
    assert.equal(await shown(createSealer(old)), 'https://a.example/hook');
    assert.equal(await sealClearUrls({ database, sealer: createSealer(old) }), webhooksMade);
    assert.equal(await sealClearUrls({ database, sealer: createSealer(old) }), 0);
    assert.equal(await shown(createSealer(old)), 'https://a.example/hook');
    await clear();
    await rotateKey({ database, place: { data: location.directory, secretKey: old, secretKeyNew: next } });
    assert.deepEqual([await left(), await shown(createSealer(next))], [0, 'https://a.example/hook']);
  });
}

test('another new key than the one a change was begun with is refused; without one there is nothing to change', async (t) => {
  const { location } = await store(t, 'sqlite');
  const data = location.directory;
  const database = await openDatabase(location, 'server');
  atEnd(t, () => database.close());
  const from = { data, secretKey: old, secretKeyNew: next };
  const reached = (step: string) => {
    if (step === 'begun') throw new Error('killed');
  };
  await assert.rejects(rotateKey({ database, place: from, reached }), /killed/);
  await assert.rejects(rotateKey({ database, place: { ...from, secretKeyNew: Buffer.alloc(32, 3) } }), { code: 'secret_key_next_missing' });
  await assert.rejects(rotateKey({ database, place: { ...from, secretKeyNew: null } }), { code: 'secret_key_next_missing' });
  makeKey(join(data, secretKeyFile), old);
  makeKey(join(data, nextKeyFile), next);
  const byFile = { data, secretKey: null, secretKeyNew: Buffer.alloc(32, 3) };
  await assert.rejects(rotateKey({ database, place: byFile }), { code: 'new_key_other' });
  assert.equal(readFileSync(join(data, nextKeyFile), 'utf8').trim(), next.toString('base64'));
  const backup = await gatepostJson(['backup', join(data, 'backup')], { GATEPOST_DATA: data });
  assert.equal(backup.json['code'], 'key_change_under_way', 'it would need both keys for ever');
  const missing = await gatepostJson(['rotate-key'], { GATEPOST_DATA: join(data, 'nowhere') });
  assert.equal(missing.json['code'], 'database_missing');
});
