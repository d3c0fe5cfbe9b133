import { readObjects } from './batch.ts';
import type { Commit } from './commit.ts';
import { readCommit } from './commit.ts';
import type { FactsSource } from './facts.ts';
import type { StoredObject } from './objects.ts';
import { looseObject } from './objects.ts';

/** Reads a repository's commits for one look at it; what was read is kept for as long as that takes. */
export interface CommitReader {
  /** A commit that lies in a file of its own, or was read before; null: git must be asked. */
  near(id: string): Promise<Commit | null>;
  /** Commits by their ids, those that are not there left out; one process at most. */
  commits(ids: readonly string[]): Promise<ReadonlyMap<string, Commit>>;
  /** The commits that objects come to, tags looked through, by the objects' ids; what comes to none is left out. One process at most. */
  peeled(ids: readonly string[]): Promise<ReadonlyMap<string, Commit>>;
  /** An object in a file of its own. */
  object(id: string): Promise<StoredObject | null>;
}

/** Commits that are kept: more than one push shows. */
const knownMax = 1_500;
/** Tags of tags that are looked through without asking git. */
const nearTagsMax = 3;

export function createCommitReader(source: FactsSource): CommitReader {
  const directory = source.git.directory(source.repository);
  const known = new Map<string, Commit>();
  const keep = (id: string, body: Buffer): Commit => {
    const commit = readCommit(id, body);
    if (known.size < knownMax) known.set(id, commit);
    return commit;
  };
  const near = async (id: string): Promise<Commit | null> => {
    const commit = known.get(id);
    if (commit !== undefined) return commit;
    const object = await looseObject(directory, id);
    return object?.type === 'commit' ? keep(id, object.body) : null;
  };
  const nearPeeled = async (id: string): Promise<Commit | null> => {
    let at = id;
    for (let tags = 0; tags <= nearTagsMax; tags += 1) {
      const commit = known.get(at);
      if (commit !== undefined) return commit;
      const object = await looseObject(directory, at);
      if (object?.type === 'commit') return keep(at, object.body);
      const target = object?.type === 'tag' ? /^object ([0-9a-f]{40})\n/.exec(object.body.toString('latin1', 0, 48))?.[1] : undefined;
      if (target === undefined) return null;
      at = target;
    }
    return null;
  };
  const read = async (ids: readonly string[], first: typeof near, suffix: string): Promise<ReadonlyMap<string, Commit>> => {
    const found = new Map<string, Commit>();
    const far: string[] = [];
    for (const id of new Set(ids)) {
      const commit = await first(id);
      if (commit === null) far.push(id);
      else found.set(id, commit);
    }
    await readObjects(
      source,
      far.map((id) => id + suffix),
      (index, { id, type, body }) => {
        const asked = far[index];
        if (type === 'commit' && asked !== undefined) found.set(asked, keep(id, body));
      },
    );
    return found;
  };
  return {
    near,
    commits: (ids) => read(ids, near, ''),
    peeled: (ids) => read(ids, nearPeeled, '^{commit}'),
    object: (id) => looseObject(directory, id),
  };
}
