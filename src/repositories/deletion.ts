import { lstat, rm } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Identifiers } from '../identifiers.ts';
import type { Actor } from '../organizations/audit.ts';
import { recordAudit } from '../organizations/audit.ts';
import type { DeletionStep } from '../organizations/deletion.ts';
import { rowsOfUnitMax, runDeletion } from '../organizations/deletion.ts';
import type { Periodic } from '../periodic.ts';
import { createPeriodic } from '../periodic.ts';
import type { Database, Tx } from '../storage/database/database.ts';
import type { Git } from './git/git.ts';
import { retireName } from './names.ts';
import type { Repository } from './repository.ts';
import { unknownRepository } from './store.ts';

// A repository goes in two steps. First its row is marked: nobody finds it any more, whatever happens next. Then rows, files and, last of all, the
// marked row are taken away; what a crash cuts off there is gone on with later. So files are never removed for the want of a row: a server that is
// pointed at another database removes nothing.

/** How often what was marked elsewhere, or was cut off, is looked for. */
export const removalEveryMs = 10_000;
const removalFirstMs = 2_000;

export interface MarkDeletedOptions {
  readonly tx: Tx;
  readonly repository: Repository;
  readonly actor: Actor;
  readonly ids: Identifiers;
  readonly clock: Clock;
}

/** From here on there is no such repository; its names stay taken. Fails with `unknown_repository` where it went meanwhile. */
export async function markDeleted({ tx, repository, actor, ids, clock }: MarkDeletedOptions): Promise<void> {
  const { id, organization, name } = repository;
  const now = clock.now();
  const gone = await tx
    .updateTable('repositories')
    .set({ deleted: now, name_key: id, project: null })
    .where('organization', '=', organization)
    .where('id', '=', id)
    .where('deleted', 'is', null)
    .executeTakeFirst();
  if (gone.numUpdatedRows === 0n) throw unknownRepository();
  await tx
    .updateTable('repository_names')
    .set({ repository: null, retired: now })
    .where('organization', '=', organization)
    .where('repository', '=', id)
    .execute();
  await retireName({ tx, organization, name, repository: null, now });
  await recordAudit({ tx, organization, actor, action: 'repository.deleted', subject: name, ids, clock });
}

/**
 * What becomes of repositories when a project or an organization goes: those of a project are tied to none from then on; an organization's are
 * marked, and `marked` is told, so that they are soon taken away.
 */
export function repositoryDeletionSteps({
  clock,
  marked,
}: {
  readonly clock: Clock;
  readonly marked: () => void;
}): readonly DeletionStep[] {
  return [
    {
      name: 'repositories',
      async run({ tx, organization, project, repository = null, limit }) {
        if (repository !== null) return 0;
        let found = tx.selectFrom('repositories').select('id').where('organization', '=', organization).where('deleted', 'is', null);
        if (project !== null) found = found.where('project', '=', project);
        const rows = await found.limit(limit).execute();
        for (const { id } of rows) {
          const values = project === null ? { deleted: clock.now(), name_key: id, project: null } : { project: null };
          await tx.updateTable('repositories').set(values).where('organization', '=', organization).where('id', '=', id).execute();
        }
        if (project === null && rows.length > 0) marked();
        return rows.length;
      },
    },
    {
      name: 'names of repositories',
      async run({ tx, organization, project, repository = null, limit }) {
        if (project !== null || repository !== null) return 0;
        const rows = await tx
          .selectFrom('repository_names')
          .select('name_key')
          .where('organization', '=', organization)
          .limit(limit)
          .execute();
        if (rows.length === 0) return 0;
        const names = rows.map((row) => row.name_key);
        await tx.deleteFrom('repository_names').where('organization', '=', organization).where('name_key', 'in', names).execute();
        return rows.length;
      },
    },
  ];
}

/** A repository's own rows, those that point to others first. */
const ownRows: readonly DeletionStep[] = [
  ...(['pull_comments', 'pulls', 'ref_intents'] as const).map((table) => step(table)),
  {
    name: 'commits of pushes',
    async run({ tx, repository = null, limit }) {
      if (repository === null) return 0;
      const rows = await tx.selectFrom('push_commits').select('sha').where('repository', '=', repository).limit(limit).execute();
      if (rows.length === 0) return 0;
      const shas = rows.map((row) => row.sha);
      await tx.deleteFrom('push_commits').where('repository', '=', repository).where('sha', 'in', shas).execute();
      return rows.length;
    },
  },
  step('pushes'),
];

function step(table: 'pull_comments' | 'pulls' | 'ref_intents' | 'pushes'): DeletionStep {
  return {
    name: table.replace('_', ' '),
    async run({ tx, repository = null, limit }) {
      if (repository === null) return 0;
      const rows = await tx.selectFrom(table).select('id').where('repository', '=', repository).limit(limit).execute();
      if (rows.length === 0) return 0;
      const ids = rows.map((row) => row.id);
      await tx.deleteFrom(table).where('repository', '=', repository).where('id', 'in', ids).execute();
      return rows.length;
    },
  };
}

export interface RemovalOptions {
  readonly database: Database;
  readonly git: Pick<Git, 'directory'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** What other nouns delete when a repository goes: its webhooks and events. */
  readonly steps: readonly DeletionStep[];
  readonly everyMs?: number;
}

/** Takes away what was marked: at once where asked, and now and then what others marked or a crash cut off. */
export interface Removal extends Periodic {
  /** Takes this one away. */
  remove(repository: string): Promise<void>;
  /** There is something to take away. */
  nudge(): void;
}

export function createRemoval(options: RemovalOptions): Removal {
  const { database, log, everyMs = removalEveryMs } = options;
  const abort = new AbortController();
  let under: Promise<void> = Promise.resolve();
  // One at a time: two would only be in each other's way.
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const mine = under.then(work);
    under = mine.catch(() => undefined);
    return mine;
  };
  const removeAll = async (): Promise<void> => {
    const marked = database.read.selectFrom('repositories').select('id').where('deleted', 'is not', null);
    for (const { id } of await marked.limit(rowsOfUnitMax).execute()) {
      await inTurn(async () => (abort.signal.aborted ? undefined : removeOne(options, id)));
    }
  };
  const periodic = createPeriodic({
    name: 'repositories.removal',
    everyMs,
    firstAfterMs: Math.min(removalFirstMs, everyMs),
    log,
    run: removeAll,
  });
  let soon: NodeJS.Timeout | null = null;
  return {
    ...periodic,
    remove: (repository) => inTurn(() => removeOne(options, repository)),
    nudge() {
      soon ??= setTimeout(() => {
        soon = null;
        removeAll().catch((error: unknown) => log.error({ err: error }, 'repositories not removed'));
      }, removalFirstMs).unref();
    },
    async stop() {
      abort.abort();
      if (soon !== null) clearTimeout(soon);
      await periodic.stop();
      await under;
    },
  };
}

/** Any node takes the rows away; the files, and with them the marked row, the node that has them. */
async function removeOne({ database, git, steps, log }: RemovalOptions, id: string): Promise<void> {
  const row = await database.read
    .selectFrom('repositories')
    .select(['organization', 'name', 'node'])
    .where('id', '=', id)
    .where('deleted', 'is not', null)
    .executeTakeFirst();
  if (row === undefined) return;
  const { organization, name } = row;
  const isOurs = row.node === database.node;
  await runDeletion({
    database,
    steps: [...steps, ...ownRows],
    scope: { organization, project: null, repository: id },
    hold: async (tx) => void (await tx.updateTable('repositories').set({ name }).where('id', '=', id).execute()),
    last: () => Promise.resolve(),
  });
  if (!isOurs) return;
  await removeDirectory(git.directory(id));
  await database.write((tx) =>
    tx.deleteFrom('repositories').where('organization', '=', organization).where('id', '=', id).where('deleted', 'is not', null).execute(),
  );
  log.info({ repository: id }, 'repository.removed');
}

/** A git that still ran may put a file where one was just taken away: so it is tried a few times. Links are removed, never followed. */
async function removeDirectory(directory: string): Promise<void> {
  const isThere = await lstat(directory).catch(() => null);
  if (isThere !== null) await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}
