// Every state that a change of key can break off in, as the files and the database then stand: the ring must open what was sealed before and
// after, or refuse and change nothing.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { findKeyRing, nextKeyFile, openKeyRing } from './key-ring.ts';
import { keyFingerprint, makeKey, readKey, secretKeyFile } from './secret-key.ts';

const [old, next, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2), Buffer.alloc(32, 3)];
const [oldPrint, nextPrint] = [keyFingerprint(old), keyFingerprint(next)];

function folder(t: TestContext, files: Readonly<Record<string, Buffer>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'gatepost-ring-'));
  t.after(() => rmSync(directory, { recursive: true }));
  for (const [name, key] of Object.entries(files)) makeKey(join(directory, name), key);
  return directory;
}

const none = { secretKey: null, secretKeyNew: null };

test('a new database makes its key; a known one without its key is refused and nothing is made', (t) => {
  const data = folder(t, {});
  assert.throws(() => openKeyRing({ ...none, data }, { fingerprint: oldPrint, next: null }), { code: 'secret_key_lost' });
  assert.deepEqual(readdirSync(data), []);
  const { current, others } = openKeyRing({ ...none, data }, { fingerprint: null, next: null });
  assert.deepEqual(readKey(join(data, secretKeyFile)), current);
  assert.deepEqual(others, []);
  assert.throws(() => openKeyRing({ ...none, data }, { fingerprint: oldPrint, next: null }), { code: 'secret_key_other' });
});

test('broken off before the first row: the old key alone', (t) => {
  const data = folder(t, { [secretKeyFile]: old, [nextKeyFile]: next });
  assert.deepEqual(openKeyRing({ ...none, data }, { fingerprint: oldPrint, next: null }), { current: old, others: [] });
  assert.deepEqual(readKey(join(data, nextKeyFile)), next);
});

test('broken off between rows: the old key seals, both open; without the new one it is refused', (t) => {
  const facts = { fingerprint: oldPrint, next: nextPrint };
  const data = folder(t, { [secretKeyFile]: old, [nextKeyFile]: next });
  assert.deepEqual(openKeyRing({ ...none, data }, facts), { current: old, others: [next] });
  const empty = folder(t, {});
  assert.deepEqual(openKeyRing({ data: empty, secretKey: old, secretKeyNew: next }, facts), { current: old, others: [next] });
  for (const secretKeyNew of [null, other]) {
    assert.throws(() => openKeyRing({ data: empty, secretKey: old, secretKeyNew }, facts), { code: 'secret_key_next_missing' });
  }
});

test('broken off after the last row: the new key takes the place of the old one', (t) => {
  const facts = { fingerprint: nextPrint, next: null };
  const data = folder(t, { [secretKeyFile]: old, [nextKeyFile]: next });
  assert.deepEqual(findKeyRing({ ...none, data }, facts), { current: next, others: [] });
  assert.deepEqual(readdirSync(data).toSorted(), [secretKeyFile, nextKeyFile], 'who only looks changes nothing');
  assert.deepEqual(openKeyRing({ ...none, data }, facts), { current: next, others: [] });
  assert.deepEqual(readdirSync(data), [secretKeyFile]);
  assert.equal(readFileSync(join(data, secretKeyFile), 'utf8').trim(), next.toString('base64'));
});

test('by the environment: the new key counts under either name, so that nodes may be changed over one after the other', (t) => {
  const data = folder(t, {});
  const facts = { fingerprint: nextPrint, next: null };
  for (const [secretKey, secretKeyNew] of [
    [old, next],
    [next, next],
    [next, null],
  ] as const) {
    assert.deepEqual(openKeyRing({ data, secretKey, secretKeyNew }, facts), { current: next, others: [] });
  }
  assert.throws(() => openKeyRing({ data, secretKey: old, secretKeyNew: null }, facts), { code: 'secret_key_other' });
});
