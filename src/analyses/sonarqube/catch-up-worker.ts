import type { Clock } from '../../clock.ts';
import { GatepostError } from '../../errors.ts';
import type { Sealer } from '../../secret-key.ts';
import type { Database, Tx } from '../../storage/database/database.ts';
import type { Worker } from '../../worker.ts';
import { createWorker } from '../../worker.ts';
import { tryFetchesNow } from '../claim.ts';
import { catchUp } from './catch-up.ts';
import type { CatchUpDeps } from './catch-up-project.ts';
import { leftToWebhookMs } from './catch-up-project.ts';
import type { SourceClients } from './clients.ts';
import { faultText } from './probe.ts';
import type { SourceMetrics } from './source-metrics.ts';
import { openSource } from './source-store.ts';
import { faultsThatPass, settleState } from './states.ts';

export interface CatchUpWorkerDeps extends CatchUpDeps {
  readonly sealer: Sealer;
  readonly clients: SourceClients;
  readonly metrics: SourceMetrics;
  readonly everyMs: number;
  /** Sources at once. */
  readonly concurrency: number;
  /** From 0 to below 1: spreads the looks of many sources over time. */
  readonly random: () => number;
  /** There may be something to fetch. */
  readonly brought: (source: string) => void;
}

/** How long a look is believed without a sign of life. */
export const catchUpLeaseMs = 60_000;
/** How often it is looked for sources that are due. */
export const duePollMs = 5_000;
/** A fault that passes by itself is looked at again after this. */
export const troubledMs = 60_000;
/** What was left to webhooks is looked at again after this, the least that it may become being long enough. */
const lookAgainMs = leftToWebhookMs * 1.25;
const jitter = 0.2;

export interface Lease {
  readonly organization: string;
  readonly source: string;
  readonly token: string;
  /** When the next look was planned as this one began: another time since then means that somebody asked for one. */
  readonly planned: number;
  readonly began: number;
}

/** The worker that looks at each source now and then for what its webhooks did not bring. Of several nodes one looks at a source at a time. */
export function createCatchUpWorker(deps: CatchUpWorkerDeps): Worker {
  const { clock, log } = deps;
  return createWorker<Lease>({
    name: 'catch-ups',
    concurrency: deps.concurrency,
    idleMs: Math.min(duePollMs, deps.everyMs),
    clock,
    log,
    async claim() {
      const lease = await claimSource(deps);
      return lease === null ? [] : [lease];
    },
    work: (lease, stop) => workOn(deps, lease, stop),
  });
}

/** Takes the source that is due for the longest, or null. Two nodes never hold the same one. */
export async function claimSource({
  database,
  clock,
  ids,
  everyMs,
}: Pick<CatchUpWorkerDeps, 'database' | 'clock' | 'ids' | 'everyMs'>): Promise<Lease | null> {
  const began = clock.now();
  const due = await database.read
    .selectFrom('sources')
    .select('id')
    .where('next_catch_up', '<=', began)
    .where((where) => where.or([where('lease_until', 'is', null), where('lease_until', '<', began)]))
    .orderBy('next_catch_up')
    .limit(1)
    .executeTakeFirst();
  if (due === undefined) return null;
  const token = `${database.node}:${ids.next()}`;
  const planned = began + everyMs;
  const row = await database.write((tx) =>
    tx
      .updateTable('sources')
      .set({ lease_token: token, lease_until: began + catchUpLeaseMs, next_catch_up: planned })
      .where('id', '=', due.id)
      .where('next_catch_up', '<=', began)
      .where((where) => where.or([where('lease_until', 'is', null), where('lease_until', '<', began)]))
      .returning(['id', 'organization'])
      .executeTakeFirst(),
  );
  return row === undefined ? null : { organization: row.organization, source: row.id, token, planned, began };
}

async function workOn(deps: CatchUpWorkerDeps, lease: Lease, stop: AbortSignal): Promise<void> {
  const { database, sealer, clients, clock, log, metrics } = deps;
  const { organization } = lease;
  const held = holdLease(deps, lease);
  const signal = AbortSignal.any([stop, held.lost]);
  const source = await openSource({ read: database.read, sealer, organization, source: lease.source });
  if (source === null) return held.end();
  const facts = { source: source.id, organization, name: source.name };
  try {
    const done = await clients.with(source, (client) => catchUp(deps, { source, client, signal }));
    await settleState({ database, clock, log, source, fault: null });
    await settle(deps, lease, { done: true, afterMs: done.left === 0 ? deps.everyMs : Math.min(deps.everyMs, lookAgainMs) });
    metrics.caughtUp('done', done.analyses + done.deliveries);
    log.info({ ...facts, ...done, durationMs: clock.now() - lease.began }, 'source.caught_up');
    deps.brought(source.id);
  } catch (error) {
    if (stop.aborted) return await settle(deps, lease, { done: false, afterMs: 0 });
    if (!(error instanceof GatepostError) || !error.code.startsWith('source_')) {
      await settle(deps, lease, { done: false, afterMs: deps.everyMs });
      throw error;
    }
    metrics.caughtUp('failed', 0);
    const { code } = error;
    log.warn({ ...facts, code, reason: faultText(error), ...error.details }, 'source.catch_up.failed');
    await settleState({ database, clock, log, source, fault: { code, message: faultText(error) } });
    const passes = faultsThatPass.includes(code);
    await settle(deps, lease, { done: false, afterMs: passes ? Math.min(deps.everyMs, troubledMs) : deps.everyMs });
  } finally {
    held.end();
  }
}

/** Gives the source back. What was asked for meanwhile is not pushed away by the plan. */
async function settle(
  { database, clock, random }: CatchUpWorkerDeps,
  { organization, source, token, planned, began }: Lease,
  { done, afterMs }: { readonly done: boolean; readonly afterMs: number },
): Promise<void> {
  const next = Math.round(clock.now() + afterMs * (1 - jitter / 2 + random() * jitter));
  await database.write(async (tx) => {
    const own = (
      set: { readonly next_catch_up: number } | { readonly lease_token: null; readonly lease_until: null; readonly caught_up?: number },
    ) =>
      tx.updateTable('sources').set(set).where('organization', '=', organization).where('id', '=', source).where('lease_token', '=', token);
    await own({ next_catch_up: next }).where('next_catch_up', '=', planned).execute();
    await own({ lease_token: null, lease_until: null, ...(done ? { caught_up: began } : {}) }).execute();
  });
}

function holdLease({ database, clock, log }: CatchUpWorkerDeps, lease: Lease): { readonly lost: AbortSignal; end(): void } {
  const abort = new AbortController();
  const beat = async (): Promise<void> => {
    try {
      const result = await database.write((tx) =>
        tx
          .updateTable('sources')
          .set({ lease_until: clock.now() + catchUpLeaseMs })
          .where('organization', '=', lease.organization)
          .where('id', '=', lease.source)
          .where('lease_token', '=', lease.token)
          .executeTakeFirst(),
      );
      if (result.numUpdatedRows === 0n) abort.abort();
    } catch (error) {
      log.warn({ err: error, source: lease.source }, 'source.catch_up.lease');
    }
  };
  const timer = setInterval(() => void beat(), catchUpLeaseMs / 4);
  timer.unref();
  return { lost: abort.signal, end: () => clearInterval(timer) };
}

/** At start: what this node had under way is nobody's any more, and every source is looked at now, however short it was away. */
export async function planCatchUps({ database, clock }: { readonly database: Database; readonly clock: Clock }): Promise<void> {
  await database.write(async (tx) => {
    const now = clock.now();
    await tx
      .updateTable('sources')
      .set({ lease_token: null, lease_until: null })
      .where('lease_token', 'like', `${database.node}:%`)
      .execute();
    await tx.updateTable('sources').set({ next_catch_up: now }).where('next_catch_up', '>', now).execute();
  });
}

/** Asks for a look now, and lets what waits for this source be fetched at once. Answers false where there is no such source. */
export async function askForCatchUp(options: {
  readonly tx: Tx;
  readonly clock: Clock;
  readonly organization: string;
  readonly source: string;
}): Promise<boolean> {
  const { tx, clock, organization, source } = options;
  const now = clock.now();
  const asked = await tx
    .updateTable('sources')
    .set({ next_catch_up: now })
    .where('organization', '=', organization)
    .where('id', '=', source)
    .executeTakeFirst();
  // What was wrong with it is looked at anew, so that whoever asked can tell what was found from what was known.
  await tx
    .updateTable('sources')
    .set({ state: 'unchecked', state_since: now, state_message: null })
    .where('organization', '=', organization)
    .where('id', '=', source)
    .where('state', 'not in', ['ok', 'unchecked'])
    .execute();
  await tryFetchesNow({ tx, organization, source });
  return asked.numUpdatedRows === 1n;
}
