// The store is looked at from outside: what lies in its directory after a put, a failed put, a killed put; and that what comes out is what went in.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import { GatepostError } from '../../errors.ts';
import { createArtifactDirectory } from './directory.ts';
import { objectHeaderBytes } from './object.ts';
import { bytesOf, collect, collectBytes, organization, temporaryStore } from '../../../test/artifacts/store.ts';

const limits = { level: 6, bytesMax: 10_000_000 };
const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

async function filesUnder(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}

test('what went in comes out, whatever its size and method, and its facts are right', async (t) => {
  const { store } = await temporaryStore(t);
  for (const size of [0, 1, 72, 262_143, 262_144, 262_145, 3_000_000]) {
    for (const level of [0, 6]) {
      const bytes = Buffer.concat([randomBytes(size >> 1), Buffer.alloc(size - (size >> 1), 'ab')]);
      bytes[0] = level;
      const object = await store.put(organization, bytesOf(bytes.subarray(0, 10), bytes.subarray(10)), { level, bytesMax: size });
      assert.deepEqual(object, {
        sha256: sha256(bytes),
        bytes: size,
        storedBytes: object.storedBytes,
        crc32: crc32(bytes),
        method: object.method,
      });
      if (size > 1) assert.equal(object.method, level === 0 ? 'stored' : 'deflated');
      assert.deepEqual(await store.head(organization, object.sha256), object);
      assert.ok((await collectBytes(store.read(organization, object.sha256))).equals(bytes));
      const stored = await collectBytes(store.readStored(organization, object.sha256));
      assert.equal(stored.length, object.storedBytes);
      const part = await collectBytes(store.readStored(organization, object.sha256, { start: 5, end: 300_000 }));
      assert.ok(part.equals(stored.subarray(5, 300_000)));
      assert.equal(await store.verify(organization, object.sha256), 'sound');
    }
  }
});

test('many small chunks and one large one give the same object', async (t) => {
  const { store } = await temporaryStore(t);
  const lines = Array.from({ length: 50_000 }, (_, i) => `line ${i}\n`);
  const one = await store.put(organization, bytesOf(lines.join('')), limits);
  const other = await store.put('0190f3a1-0000-4000-8000-00000000000b', bytesOf(...lines), limits);
  assert.deepEqual(one, other);
});

test('the same bytes twice, at the same time and at different levels, are one object with one set of facts', async (t) => {
  const { store, root } = await temporaryStore(t);
  const puts = Array.from({ length: 20 }, (_, i) =>
    store.put(organization, bytesOf('the same text '.repeat(500)), { ...limits, level: i % 3 }),
  );
  const objects = await Promise.all(puts);
  for (const object of objects) assert.deepEqual(object, objects[0]);
  assert.deepEqual(await store.head(organization, objects[0]?.sha256 ?? ''), objects[0]);
  assert.equal((await filesUnder(join(root, 'store'))).length, 1);
});

test('two organizations never share an object, and neither reads the other’s', async (t) => {
  const { store } = await temporaryStore(t);
  const other = '0190f3a1-0000-4000-8000-00000000000b';
  const object = await store.put(organization, bytesOf('mine'), limits);
  assert.equal(await store.head(other, object.sha256), null);
  await store.put(other, bytesOf('mine'), limits);
  await store.remove(other, object.sha256);
  assert.equal(await collect(store.read(organization, object.sha256)), 'mine');
});

test('bytesMax is met exactly and never passed', async (t) => {
  const { store, root } = await temporaryStore(t);
  await store.put(organization, bytesOf('12345'), { level: 0, bytesMax: 5 });
  for (const level of [0, 6]) {
    await assert.rejects(store.put(organization, bytesOf('123', '456'), { level, bytesMax: 5 }), {
      kind: 'too_large',
      code: 'artifact_too_large',
    });
  }
  assert.equal((await filesUnder(join(root, 'store'))).length, 1);
});

test('a source that fails leaves nothing behind, and its own error comes out', async (t) => {
  const { store, root } = await temporaryStore(t);
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield randomBytes(600_000);
    throw new GatepostError('invalid', 'body_cut_short', 'The client left.');
  }
  for (const level of [0, 6]) await assert.rejects(store.put(organization, broken(), { ...limits, level }), { code: 'body_cut_short' });
  assert.deepEqual(await filesUnder(join(root, 'store')), []);
});

test('names that are no UUID or no SHA-256 are refused before the disk is touched', async (t) => {
  const { store, root } = await temporaryStore(t);
  const name = sha256('x');
  for (const owner of ['', '..', '../other', '/etc', `${organization}/..`, organization.replace('-', '_')]) {
    await assert.rejects(store.put(owner, bytesOf('x'), limits), { code: 'artifact_name_invalid' }, owner);
  }
  for (const bad of ['', '..', '../../etc/passwd', name.toUpperCase(), `${name}.damaged`, `${name}/x`, name.slice(1)]) {
    await assert.rejects(store.head(organization, bad), { code: 'artifact_name_invalid' }, bad);
  }
  assert.deepEqual(await readdir(root), []);
});

test('a missing object, one cut short and one with another’s bytes have no head and cannot be read', async (t) => {
  const { store, root } = await temporaryStore(t);
  assert.equal(await store.head(organization, sha256('nothing')), null);
  assert.equal(await store.verify(organization, sha256('nothing')), 'missing');
  await assert.rejects(collect(store.read(organization, sha256('nothing'))), { code: 'artifact_missing' });
  const object = await store.put(organization, bytesOf('some text that is cut'), { ...limits, level: 0 });
  const path = join(root, 'store', organization, object.sha256);
  await truncate(path, objectHeaderBytes + 4);
  assert.equal(await store.head(organization, object.sha256), null);
  await writeFile(path, 'not one of ours');
  assert.equal(await store.open(organization, object.sha256), null);
  assert.equal(await store.verify(organization, object.sha256), 'damaged');
});

test('damage is found by verify, its bytes are never given out again, and the next put mends it', async (t) => {
  const { store, damage } = await temporaryStore(t);
  for (const level of [0, 6]) {
    const text = `text at level ${level} `.repeat(100);
    const object = await store.put(organization, bytesOf(text), { ...limits, level });
    await damage(organization, object.sha256);
    assert.equal(await store.verify(organization, object.sha256), 'damaged');
    assert.equal(await store.head(organization, object.sha256), null);
    await assert.rejects(collect(store.read(organization, object.sha256)), { code: 'artifact_missing' });
    assert.equal(await store.verify(organization, object.sha256), 'damaged', 'it is still known');
    assert.deepEqual(await store.put(organization, bytesOf(text), { ...limits, level }), object);
    assert.equal(await store.verify(organization, object.sha256), 'sound');
  }
});

test('a reader of damaged bytes gets an error instead of an end', async (t) => {
  const { store, damage } = await temporaryStore(t);
  for (const level of [0, 6]) {
    const object = await store.put(organization, bytesOf(`damaged while it lies there, level ${level}`), { ...limits, level });
    await damage(organization, object.sha256);
    await assert.rejects(collect(store.read(organization, object.sha256)), { code: 'artifact_damaged' });
    assert.equal(await store.head(organization, object.sha256), null);
  }
});

test('an existing object whose file was cut short is replaced by a put of the same bytes', async (t) => {
  const { store, root } = await temporaryStore(t);
  const object = await store.put(organization, bytesOf('whole'), limits);
  await truncate(join(root, 'store', organization, object.sha256), 10);
  assert.deepEqual(await store.put(organization, bytesOf('whole'), limits), object);
  assert.equal(await store.verify(organization, object.sha256), 'sound');
});

test('list names every object and nothing else; remove takes the object and then the empty directory', async (t) => {
  const { store, root, clock } = await temporaryStore(t);
  const one = await store.put(organization, bytesOf('one'), limits);
  const two = await store.put(organization, bytesOf('two'), limits);
  await store.identity();
  await writeFile(join(root, 'store', organization, 'notes.txt'), 'a stranger');
  const listed = [];
  for await (const object of store.list()) listed.push(object);
  assert.deepEqual(listed.map((object) => object.sha256).toSorted(), [one.sha256, two.sha256].toSorted());
  assert.ok(listed.every((object) => object.organization === organization && Math.abs(object.modified - clock.now()) < 1_000));
  await rm(join(root, 'store', organization, 'notes.txt'));
  await store.remove(organization, one.sha256);
  await store.remove(organization, two.sha256);
  await store.remove(organization, two.sha256);
  await assert.rejects(stat(join(root, 'store', organization)), { code: 'ENOENT' });
});

test('a store has one id, whoever asks first', async (t) => {
  const { store, root, clock } = await temporaryStore(t);
  const other = createArtifactDirectory({ root: join(root, 'store'), clock });
  const ids = await Promise.all([store.identity(), other.identity(), store.identity()]);
  assert.equal(new Set(ids).size, 1);
});

test('leftovers of puts that a crash cut short are removed once they are old, those under way are not', async (t) => {
  const { store, root, clock } = await temporaryStore(t);
  await store.put(organization, bytesOf('x'), limits);
  await writeFile(join(root, 'store', '.incoming', 'left'), 'half');
  assert.equal(await store.removeLeftovers(clock.now() - 60_000), 0);
  assert.equal(await store.removeLeftovers(clock.now() + 60_000), 1);
  assert.equal((await filesUnder(join(root, 'store'))).length, 1);
});

test('a put whose source pauses for longer than the grace is no leftover', async (t) => {
  const { store, clock } = await temporaryStore(t);
  const removed: number[] = [];
  async function* pausing(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('before ');
    clock.advance(48 * 3_600_000);
    removed.push(await store.removeLeftovers(clock.now() - 24 * 3_600_000));
    yield Buffer.from('after');
  }
  const object = await store.put(organization, pausing(), limits);
  assert.deepEqual(removed, [0]);
  assert.equal(await collect(store.read(organization, object.sha256)), 'before after');
});

test('kill -9 in the middle of a put leaves nothing visible, and its leftover is swept', async (t) => {
  const { store, root, clock } = await temporaryStore(t);
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('../../../test/artifacts/put-for-ever.ts', import.meta.url)), join(root, 'store'), organization],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const files = await filesUnder(join(root, 'store'));
  assert.equal(files.length, 1);
  assert.match(files[0] ?? '', /^\.incoming\//);
  const listed = [];
  for await (const object of store.list()) listed.push(object);
  assert.deepEqual(listed, []);
  assert.equal(await store.removeLeftovers(clock.now() + 60_000), 1);
});

test('a full disk is storage_full, leaves nothing half there, and the store works again when there is room', async (t) => {
  const { root } = await temporaryStore(t);
  const disk = join(root, 'disk');
  await mkdir(disk);
  await chmod(disk, 0o777);
  const script = fileURLToPath(new URL('../../../test/artifacts/full-disk.ts', import.meta.url));
  const run = (command: string, args: readonly string[]): { status: number | null; stdout: string } =>
    spawnSync(command, [...args, process.execPath, script, disk, organization], { encoding: 'utf8', timeout: 60_000 });
  const mounted = 'mount -t tmpfs -o size=2m tmpfs "$2" && exec "$0" "$1" "$2" "$3"';
  // A small disk of its own, by root or in a user namespace; where neither is allowed, a limit on the size of a file, which writes meet alike.
  const namespace = process.getuid?.() === 0 ? ['--mount'] : ['--user', '--map-root-user', '--mount'];
  const trial = spawnSync('unshare', [...namespace, 'sh', '-c', mounted, 'true', '-', disk, '-'], { encoding: 'utf8' });
  const outcome =
    trial.status === 0
      ? run('unshare', [...namespace, 'sh', '-c', mounted])
      : run('sh', ['-c', 'trap "" XFSZ; ulimit -f 2048; exec "$0" "$@"']);
  assert.equal(outcome.status, 0, outcome.stdout);
  assert.deepEqual(JSON.parse(outcome.stdout), { errors: ['storage_full', 'storage_full'], left: 1, objects: 2 });
});
