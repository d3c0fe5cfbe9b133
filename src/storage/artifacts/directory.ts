import { mkdir, open, opendir, readFile, rename, rmdir, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../../clock.ts';
import { GatepostError } from '../../errors.ts';
import type { Identifiers } from '../../identifiers.ts';
import { createIdentifiers, isUuid } from '../../identifiers.ts';
import * as place from './place.ts';
import * as reading from './read.ts';
import type { ArtifactStore, PutOptions, StoredObject } from './store.ts';
import { writeObject } from './write.ts';

export interface ArtifactDirectoryOptions {
  /** Made where it is not there. */
  readonly root: string;
  readonly clock: Clock;
  readonly ids?: Identifiers;
}

interface Store {
  readonly root: string;
  readonly incoming: string;
  readonly clock: Clock;
  readonly ids: Identifiers;
  /** Temporary files that are being worked on. Their age says nothing: a source may pause for longer than the grace. */
  readonly living: Set<string>;
}

/** How often a put starts its last step again where the sweep takes the organization's empty directory away under it. */
const nameAttemptsMax = 5;

/** An artefact store in a directory: `<root>/<organization>/<sha256>`. See `ArtifactStore` for what it promises. */
export function createArtifactDirectory({ root, clock, ids = createIdentifiers(clock) }: ArtifactDirectoryOptions): ArtifactStore {
  const store: Store = { root, incoming: join(root, place.incomingName), clock, ids, living: new Set() };
  const pathOf = (organization: string, sha256: string): string => place.objectPath(root, organization, sha256);
  return {
    put: (organization, source, options) => put(store, organization, source, options),
    head: async (organization, sha256) => reading.headObject(pathOf(organization, sha256), sha256),
    open: async (organization, sha256) => reading.openObject(pathOf(organization, sha256), sha256),
    read: (organization, sha256) => reading.readObject(pathOf(organization, sha256), sha256),
    readStored: (organization, sha256, range) => reading.readStored(pathOf(organization, sha256), sha256, range),
    verify: async (organization, sha256) => reading.verifyObject(pathOf(organization, sha256), sha256),
    list: () => list(root),
    remove: async (organization, sha256) => remove(pathOf(organization, sha256)),
    removeUnused: async (organization, sha256, modifiedBefore) => removeUnused(store, pathOf(organization, sha256), modifiedBefore),
    removeLeftovers: (olderThan) => removeLeftovers(store, olderThan),
    identity: () => identity(store),
  };
}

async function put(store: Store, organization: string, source: AsyncIterable<Uint8Array>, options: PutOptions): Promise<StoredObject> {
  const directory = place.organizationDirectory(store.root, organization);
  try {
    return await withTemporary(store, async (temporary) => {
      const object = await writeTemporary(store, temporary, source, options);
      return settle(store, { temporary, directory, object });
    });
  } catch (error) {
    throw place.asStorageError(error);
  }
}

/** A name for a file that is gone afterwards, whatever came of it, and that no sweep of this store takes for a leftover meanwhile. */
async function withTemporary<T>(store: Store, work: (path: string) => Promise<T>): Promise<T> {
  await makeDirectory(store.incoming);
  const name = store.ids.next();
  const path = join(store.incoming, name);
  store.living.add(name);
  try {
    return await work(path);
  } finally {
    await place.unlinkIfThere(path);
    store.living.delete(name);
  }
}

async function writeTemporary(store: Store, path: string, source: AsyncIterable<Uint8Array>, options: PutOptions): Promise<StoredObject> {
  const file = await open(path, 'wx', 0o640);
  try {
    const object = await writeObject(file, source, options);
    const now = store.clock.now() / 1000;
    await file.utimes(now, now);
    return object;
  } finally {
    await file.close();
  }
}

interface Finished {
  readonly temporary: string;
  readonly directory: string;
  readonly object: StoredObject;
}

/** Gives the finished file its name. Where a sound object has it already, that one stays, as new for the sweep, and its facts are the answer. */
async function settle(store: Store, { temporary, directory, object }: Finished): Promise<StoredObject> {
  const path = join(directory, object.sha256);
  for (let attempt = 1; ; attempt += 1) {
    try {
      await makeDirectory(directory);
      const there = await keepThere(store, path, object.sha256);
      if (there !== null) return there;
      // A put of the same bytes may come first between the look above and here: then look again. What is there and damaged is replaced.
      if (!(await place.nameOnce(temporary, path))) {
        const other = await keepThere(store, path, object.sha256);
        if (other !== null) return other;
        await rename(temporary, path);
      }
      await place.syncDirectory(directory);
      await place.unlinkIfThere(`${path}${place.damagedSuffix}`);
      return object;
    } catch (error) {
      if (place.errorCode(error) !== 'ENOENT' || attempt === nameAttemptsMax) throw error;
    }
  }
}

async function keepThere(store: Store, path: string, sha256: string): Promise<StoredObject | null> {
  const there = await reading.headObject(path, sha256);
  if (there === null) return null;
  try {
    const now = store.clock.now() / 1000;
    await utimes(path, now, now);
  } catch (error) {
    if (place.errorCode(error) === 'ENOENT') return null;
    throw error;
  }
  // Whoever named it may not have come to its own fsync yet, and this put promises as much.
  await place.syncDirectory(dirname(path));
  return there;
}

async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; ; made = dirname(made)) {
    await place.syncDirectory(dirname(made));
    if (made === first) return;
  }
}

async function* list(root: string): AsyncGenerator<{ organization: string; sha256: string; modified: number }> {
  for await (const organization of names(root)) {
    if (!isUuid(organization)) continue;
    for await (const name of names(join(root, organization))) {
      const sha256 = name.endsWith(place.damagedSuffix) ? name.slice(0, -place.damagedSuffix.length) : name;
      if (!place.isSha256(sha256)) continue;
      const modified = await modifiedOf(join(root, organization, name));
      if (modified !== null) yield { organization, sha256, modified };
    }
  }
}

async function* names(path: string): AsyncGenerator<string> {
  try {
    for await (const entry of await opendir(path)) yield entry.name;
  } catch (error) {
    if (place.errorCode(error) !== 'ENOENT') throw error;
  }
}

async function modifiedOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (place.errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

async function remove(path: string): Promise<void> {
  await place.unlinkIfThere(path);
  await place.unlinkIfThere(`${path}${place.damagedSuffix}`);
  await removeIfEmpty(dirname(path));
}

async function removeIfEmpty(directory: string): Promise<void> {
  try {
    await rmdir(directory);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(place.errorCode(error))) throw error;
  }
}

/** Takes the name away first and looks then: a put that touched the object before finds it back, one that comes after writes its own. */
async function removeUnused(store: Store, path: string, modifiedBefore: number): Promise<boolean> {
  const modified = (await modifiedOf(path)) ?? (await modifiedOf(`${path}${place.damagedSuffix}`));
  if (modified === null || modified >= modifiedBefore) return false;
  const touched = await withTemporary(store, async (aside) => {
    try {
      await rename(path, aside);
    } catch (error) {
      if (place.errorCode(error) !== 'ENOENT') throw error;
    }
    const again = ((await modifiedOf(aside)) ?? 0) >= modifiedBefore;
    if (again) await place.nameOnce(aside, path);
    return again;
  });
  if (touched) return false;
  await place.unlinkIfThere(`${path}${place.damagedSuffix}`);
  await removeIfEmpty(dirname(path));
  return true;
}

async function removeLeftovers(store: Store, olderThan: number): Promise<number> {
  let removed = 0;
  for await (const name of names(store.incoming)) {
    if (store.living.has(name)) continue;
    const path = join(store.incoming, name);
    const modified = await modifiedOf(path);
    if (modified === null || modified >= olderThan) continue;
    await place.unlinkIfThere(path);
    removed += 1;
  }
  return removed;
}

async function identity(store: Store): Promise<string> {
  const path = join(store.root, place.markerName);
  try {
    await withTemporary(store, async (temporary) => {
      const file = await open(temporary, 'wx', 0o640);
      try {
        await file.writeFile(`${store.ids.random()}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      if (await place.nameOnce(temporary, path)) await place.syncDirectory(store.root);
    });
  } catch (error) {
    throw place.asStorageError(error);
  }
  const id = (await readFile(path, 'utf8')).trim();
  if (!isUuid(id)) throw new GatepostError('internal', 'artifact_store_unknown', 'The artefact store has a marker that is none of ours.');
  return id;
}
