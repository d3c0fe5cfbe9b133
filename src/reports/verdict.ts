import { GatepostError } from '../errors.ts';
import { isUniqueViolation } from '../storage/database/failures.ts';

/** Another node has the analysis, or it was deleted: nothing of this run is kept. */
export class ClaimLost extends Error {
  constructor() {
    super('The claim on the analysis is no longer ours');
    this.name = 'ClaimLost';
  }
}

/** What a failure of `analyze` means for the analysis. */
export type Verdict =
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly place: Readonly<Record<string, unknown>> | null }
  | { readonly kind: 'again'; readonly afterMs: number; readonly crash: boolean }
  | { readonly kind: 'lost' };

/** How long what the disk or the database refused waits for its next try. */
export const unavailableMs = 15_000;
/** After a crash of the child process; doubled with each. */
export const crashedMs = 1_000;

/**
 * Bad input fails at once, with its place. A full disk, a database out of reach, a report that was taken meanwhile, and a server that stops mean
 * another try. All else counts as a crash: three of them and the analysis has failed with the reason.
 */
export function judge(
  error: unknown,
  options: { readonly stopping: boolean; readonly crashes: number; readonly crashesMax: number },
): Verdict {
  if (error instanceof ClaimLost) return { kind: 'lost' };
  if (options.stopping) return { kind: 'again', afterMs: 0, crash: false };
  const known = error instanceof GatepostError ? error : null;
  if (known !== null && (known.kind === 'invalid' || known.kind === 'too_large')) {
    return { kind: 'failed', code: known.code, message: known.message, place: known.details ?? null };
  }
  if (known !== null && (known.kind === 'storage_full' || known.kind === 'unavailable'))
    return { kind: 'again', afterMs: unavailableMs, crash: false };
  // Somebody else made the report's row between our look and our unit of work.
  if (known?.code === 'report_taken' || isUniqueViolation(error)) return { kind: 'again', afterMs: 0, crash: false };
  if (options.crashes + 1 < options.crashesMax) return { kind: 'again', afterMs: crashedMs * 2 ** options.crashes, crash: true };
  const reason = known?.message ?? 'An unexpected error; the server’s log has it.';
  return {
    kind: 'failed',
    code: known?.code ?? 'making_failed',
    message: `Making its reports failed ${options.crashesMax} times. ${reason}`,
    place: known?.details ?? null,
  };
}
