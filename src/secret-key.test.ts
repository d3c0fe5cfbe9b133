import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createSealer, keyFingerprint, readOrMakeSecretKey, secretKeyFile } from './secret-key.ts';

test('what is sealed opens under the same key and place, and nowhere else', () => {
  const sealer = createSealer(Buffer.alloc(32, 1));
  const sealed = sealer.seal('whsec_ü', 'webhooks:1:secret');
  assert.doesNotMatch(sealed, /whsec/);
  assert.notEqual(sealer.seal('whsec_ü', 'webhooks:1:secret'), sealed);
  assert.equal(sealer.open(sealed, 'webhooks:1:secret'), 'whsec_ü');
  assert.throws(() => sealer.open(sealed, 'webhooks:2:secret'), { code: 'secret_unreadable' });
  assert.throws(() => createSealer(Buffer.alloc(32, 2)).open(sealed, 'webhooks:1:secret'), { code: 'secret_unreadable' });
  for (const bad of ['', 's1.', 'plain', `${sealed.slice(0, -3)}AAA`])
    assert.throws(() => sealer.open(bad, 'webhooks:1:secret'), { code: 'secret_unreadable' });
});

test('a sealed text says which key sealed it: older keys of the ring open it, the current one seals', () => {
  const [old, next] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  const before = createSealer(old).seal('text', 'a');
  const ring = createSealer(next, [old]);
  assert.equal(ring.open(before, 'a'), 'text');
  assert.equal(ring.isCurrent(before), false);
  const after = ring.seal('text', 'a');
  assert.equal(ring.isCurrent(after), true);
  assert.equal(createSealer(next).open(after, 'a'), 'text');
  assert.throws(() => createSealer(old).open(after, 'a'), { code: 'secret_unreadable' });
  assert.match(after, new RegExp(`^s2\\.${keyFingerprint(next).slice(0, 8)}\\.[\\w-]+$`));
});

test('what was sealed before keys had names opens with any key of the ring', () => {
  const [old, next] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  const unnamed = createSealer(old)
    .seal('text', 'a')
    .replace(/^s2\.\w+\./, 's1.');
  for (const sealer of [createSealer(old), createSealer(next, [old]), createSealer(old, [next])]) {
    assert.equal(sealer.open(unnamed, 'a'), 'text');
    assert.equal(sealer.isCurrent(unnamed), false);
  }
  assert.throws(() => createSealer(next).open(unnamed, 'a'), { code: 'secret_unreadable' });
});

test('the key file is made once, for its owner alone, and the same key is read again', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'gatepost-key-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const key = readOrMakeSecretKey(join(directory, 'data'));
  assert.equal(key.length, 32);
  assert.deepEqual(readOrMakeSecretKey(join(directory, 'data')), key);
  assert.deepEqual(readdirSync(join(directory, 'data')), [secretKeyFile]);
  assert.equal(statSync(join(directory, 'data', secretKeyFile)).mode & 0o777, 0o600);
  assert.equal(keyFingerprint(key), keyFingerprint(Buffer.from(key)));
  assert.notEqual(keyFingerprint(key), keyFingerprint(Buffer.alloc(32)));
});

test('a key file that others may read, or that holds no key, stops the start', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'gatepost-key-'));
  t.after(() => rmSync(directory, { recursive: true }));
  readOrMakeSecretKey(directory);
  chmodSync(join(directory, secretKeyFile), 0o644);
  assert.throws(() => readOrMakeSecretKey(directory), { code: 'secret_key_open' });
  chmodSync(join(directory, secretKeyFile), 0o600);
  writeFileSync(join(directory, secretKeyFile), 'c2hvcnQ=\n');
  assert.throws(() => readOrMakeSecretKey(directory), { code: 'secret_key_unreadable' });
});
