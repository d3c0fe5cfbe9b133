import { GatepostError } from '../../errors.ts';
import { sourceFaults } from './client/client.ts';
import { faultsForPeople } from './states.ts';

/** Another node has the analysis, or it was deleted: nothing of this run is kept. */
export class FetchLost extends Error {
  constructor() {
    super('The claim on the analysis is no longer ours');
    this.name = 'FetchLost';
  }
}

/** What a failed fetch means for its analysis. `waits`: until its source is well again, however long that takes. */
export type FetchVerdict =
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'again'; readonly afterMs: number; readonly counts: boolean; readonly crash: boolean }
  | { readonly kind: 'lost' };

/** How often what is no fault of the source may happen before the analysis has failed. */
export const mistakesMax = 3;
/** The wait after a failure is never longer than this. */
export const waitMsMax = 900_000;
/** What the disk or the database refused waits this long. */
export const unavailableMs = 15_000;

/** Faults that another try does not mend: the project or the analysis is not there, or what we ask is not to be had. */
const forGood: readonly string[] = [
  'source_project_unknown',
  'source_not_analysed',
  'source_not_found',
  'source_path_unknown',
  'source_refused',
  'source_gone',
];

export interface Tried {
  readonly stopping: boolean;
  /** Failures before this one. */
  readonly attempts: number;
  readonly crashes: number;
  /** How long ago the analysis came. */
  readonly ageMs: number;
  readonly firstWaitMs: number;
  readonly forMs: number;
}

/** `firstWaitMs`, doubled with each failure, up to `waitMsMax`. */
export function waitAfter(attempts: number, firstWaitMs: number): number {
  return Math.min(firstWaitMs * 2 ** Math.min(attempts, 30), Math.max(waitMsMax, firstWaitMs));
}

/**
 * What is not there fails for good; what the source does wrong is tried again with growing waits, for `forMs` since the analysis came, and for as
 * long as it takes where a person must mend the source first. A full disk and a server that stops are tried again; all else is a mistake of
 * ours, and three of them are enough.
 */
export function judgeFetch(error: unknown, tried: Tried): FetchVerdict {
  if (error instanceof FetchLost) return { kind: 'lost' };
  const known = error instanceof GatepostError ? error : null;
  if (tried.stopping || known?.code === 'stopped') return { kind: 'again', afterMs: 0, counts: false, crash: false };
  if (known !== null && forGood.includes(known.code)) return { kind: 'failed', code: known.code, message: known.message };
  const afterMs = waitAfter(tried.attempts, tried.firstWaitMs);
  if (known !== null && faultsForPeople.includes(known.code)) return { kind: 'again', afterMs, counts: true, crash: false };
  if (known !== null && isOfSource(known.code)) {
    if (tried.ageMs < tried.forMs) return { kind: 'again', afterMs, counts: true, crash: false };
    return { kind: 'failed', code: known.code, message: known.message };
  }
  if (known !== null && (known.kind === 'storage_full' || known.kind === 'unavailable')) {
    return { kind: 'again', afterMs: unavailableMs, counts: false, crash: false };
  }
  if (tried.crashes + 1 < mistakesMax) return { kind: 'again', afterMs, counts: true, crash: true };
  const reason = known?.message ?? 'An unexpected error; the server’s log has it.';
  return { kind: 'failed', code: known?.code ?? 'fetching_failed', message: `Fetching it failed ${mistakesMax} times. ${reason}` };
}

function isOfSource(code: string): boolean {
  return sourceFaults.some((fault) => fault === code);
}
