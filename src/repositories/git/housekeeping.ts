import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../clock.ts';
import type { Periodic } from '../../periodic.ts';
import { createPeriodic } from '../../periodic.ts';
import type { Database } from '../../storage/database/database.ts';
import type { WorkerLog } from '../../worker.ts';
import type { Git } from './git.ts';

/** How often repositories are looked after that were pushed to meanwhile. */
export const housekeepingEveryMs = 10 * 60_000;
const firstAfterMs = 60_000;
/** Objects that lie each in a file of its own, and packs: of more than this they are packed together. */
export const looseObjectsMax = 2_000;
export const packsMax = 25;
/** What nothing leads to any more stays as long: a push that is under way may be about to lead there. */
export const unreachableKept = '2.weeks.ago';
/** What a push has left that was ended by force; longer than any push takes. */
export const leftKeptMs = 6 * 3_600_000;
/** Packing may take this long before it is ended; next time it begins anew. */
export const packMsMax = 2 * 3_600_000;
const pageSize = 200;

export interface HousekeepingOptions {
  readonly git: Git;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: WorkerLog;
  readonly everyMs?: number;
  readonly firstAfterMs?: number;
}

/** Objects of a repository, as `git count-objects` counts them. */
export interface Counted {
  readonly loose: number;
  readonly packs: number;
  /** All of it, on disk. */
  readonly bytes: number;
}

/**
 * Looks after the repositories of this node, one at a time and with the lowest priority: counts what they take, packs what lies about in many files,
 * and removes what killed processes left. git itself does none of it in a push, which would have to wait for it.
 */
export function createHousekeeping(options: HousekeepingOptions): Periodic {
  const { log, everyMs = housekeepingEveryMs } = options;
  const seen = new Map<string, number>();
  return createPeriodic({
    name: 'repositories',
    everyMs,
    firstAfterMs: options.firstAfterMs ?? firstAfterMs,
    log,
    run: (signal) => lookAfterAll({ ...options, seen, signal }),
  });
}

interface Round extends HousekeepingOptions {
  /** By id, when a repository was pushed to as it was last looked after. */
  readonly seen: Map<string, number>;
  readonly signal: AbortSignal;
}

async function lookAfterAll(round: Round): Promise<void> {
  const { git, database, seen, signal, log } = round;
  if (git.problem !== null) return;
  for (let after = ''; ; ) {
    const page = await database.read
      .selectFrom('repositories')
      .select(['id', 'organization', 'pushed', 'bytes'])
      .where('node', '=', database.node)
      .where('deleted', 'is', null)
      .where('pushed', 'is not', null)
      .where('id', '>', after)
      .orderBy('id')
      .limit(pageSize)
      .execute();
    for (const { id, organization, pushed, bytes } of page) {
      if (signal.aborted) return;
      after = id;
      if (seen.get(id) === pushed) continue;
      try {
        const counted = await lookAfter({ ...round, repository: id });
        if (counted.bytes !== bytes)
          await database.write((tx) =>
            tx
              .updateTable('repositories')
              .set({ bytes: counted.bytes })
              .where('organization', '=', organization)
              .where('id', '=', id)
              .execute(),
          );
        seen.set(id, pushed ?? 0);
      } catch (error) {
        // The next one may be in order; this one is looked after again next time.
        if (!signal.aborted) log.error({ err: error, repository: id }, 'housekeeping failed');
      }
    }
    if (page.length < pageSize) return;
  }
}

interface One extends Pick<HousekeepingOptions, 'git' | 'clock'> {
  readonly repository: string;
  readonly signal?: AbortSignal;
}

/** Packs what must be packed, and answers what there is after that. */
export async function lookAfter({ git, clock, repository, signal }: One): Promise<Counted> {
  await git.check(repository);
  await removeLeft(join(git.directory(repository), 'objects'), clock.now() - leftKeptMs);
  const before = await countObjects({ git, repository });
  if (before.loose <= looseObjectsMax && before.packs <= packsMax) return before;
  await git.run({
    repository,
    args: ['gc', '--quiet', `--prune=${unreachableKept}`],
    timeoutMs: packMsMax,
    isChore: true,
    ...(signal === undefined ? {} : { signal }),
  });
  return countObjects({ git, repository });
}

export async function countObjects({ git, repository }: { readonly git: Git; readonly repository: string }): Promise<Counted> {
  const { stdout } = await git.run({ repository, args: ['count-objects', '-v'] });
  const values = new Map(
    stdout
      .toString('latin1')
      .split('\n')
      .map((line): [string, number] => [line.slice(0, line.indexOf(':')), Number(line.slice(line.indexOf(':') + 1))]),
  );
  const of = (name: string): number => values.get(name) ?? 0;
  return { loose: of('count'), packs: of('packs'), bytes: (of('size') + of('size-pack') + of('size-garbage')) * 1024 };
}

/** Directories and files in which a push was taken in, and that git removes itself unless it is killed. */
async function removeLeft(objects: string, before: number): Promise<void> {
  for (const place of [objects, join(objects, 'pack')]) {
    for (const name of await readdir(place).catch(() => [])) {
      if (!/^(tmp_objdir-)?incoming-|^tmp_(pack|idx|rev|obj)_|^\.tmp-/.test(name)) continue;
      const path = join(place, name);
      const found = await stat(path).catch(() => null);
      if (found !== null && found.mtimeMs < before) await rm(path, { recursive: true, force: true });
    }
  }
}
