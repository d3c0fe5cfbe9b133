import type { Clock } from '../../clock.ts';
import type { ArtifactStore } from './store.ts';

/** How long what nothing points to is kept, in ms: longer than any download and any unit of work that has put but not committed yet. */
export const sweepGraceMsDefault = 24 * 60 * 60 * 1000;
/** Objects asked about at once. */
const batchMax = 500;

export interface SweepOptions {
  readonly store: ArtifactStore;
  readonly clock: Clock;
  readonly graceMs?: number;
  /** Which of these objects something points to. */
  readonly isReferenced: (organization: string, sha256: readonly string[]) => Promise<ReadonlySet<string>>;
  readonly signal?: AbortSignal;
}

export interface SweepOutcome {
  readonly seen: number;
  readonly removed: number;
  /** Temporary files of puts that a crash cut short. */
  readonly leftovers: number;
}

/**
 * Removes what nothing points to and was last put longer ago than the grace. An object that is put again while this runs stays: its time is
 * looked at once more after its name was taken away.
 */
export async function sweepArtifacts(options: SweepOptions): Promise<SweepOutcome> {
  const before = options.clock.now() - (options.graceMs ?? sweepGraceMsDefault);
  let seen = 0;
  let removed = 0;
  let batch: string[] = [];
  let organization = '';
  async function settle(): Promise<void> {
    if (batch.length === 0) return;
    const referenced = await options.isReferenced(organization, batch);
    for (const sha256 of batch) {
      if (!referenced.has(sha256) && (await options.store.removeUnused(organization, sha256, before))) removed += 1;
    }
    batch = [];
  }
  for await (const object of options.store.list()) {
    if (options.signal?.aborted) break;
    seen += 1;
    if (object.modified >= before) continue;
    if (object.organization !== organization || batch.length === batchMax) await settle();
    organization = object.organization;
    batch.push(object.sha256);
  }
  await settle();
  return { seen, removed, leftovers: await options.store.removeLeftovers(before) };
}
