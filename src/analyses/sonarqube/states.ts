import type { Clock } from '../../clock.ts';
import { GatepostError } from '../../errors.ts';
import type { Database } from '../../storage/database/database.ts';
import { tryFetchesNow } from '../claim.ts';
import type { SourceFault } from './client/client.ts';

// How a source stands: `unchecked` until somebody has looked, then `ok` or the code of the fault that the last look, fetch or catch-up met.

export interface SourceLog {
  debug(facts: Readonly<Record<string, unknown>>, message: string): void;
  info(facts: Readonly<Record<string, unknown>>, message: string): void;
  warn(facts: Readonly<Record<string, unknown>>, message: string): void;
  error(facts: Readonly<Record<string, unknown>>, message: string): void;
}

/** Faults that only a person mends: what waits for such a source is left alone until a check or a catch-up finds it well again. */
export const faultsForPeople: readonly string[] = [
  'source_token_refused',
  'source_tls',
  'source_address_refused',
  'source_not_sonarqube',
] satisfies readonly SourceFault[];

/** Faults that pass by themselves: what met one is tried again after a while. */
export const faultsThatPass: readonly string[] = [
  'source_unreachable',
  'source_timeout',
  'source_upgrading',
  'source_starting',
  'source_busy',
  'source_failing',
] satisfies readonly SourceFault[];

/** What a failure says of its source as a whole; null where it is about what was asked for alone, or none of the source's. */
export function faultOfSource(error: unknown): { readonly code: string; readonly message: string } | null {
  if (!(error instanceof GatepostError)) return null;
  const { code, message } = error;
  return faultsForPeople.includes(code) || faultsThatPass.includes(code) ? { code, message } : null;
}

/** A source as whoever spoke to it knew it: what was found with an older token or address says nothing of the newer one. */
export interface SpokenTo {
  readonly id: string;
  readonly organization: string;
  readonly name: string;
  readonly revision: number;
}

export interface SettleStateOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: SourceLog;
  readonly source: SpokenTo;
  /** Null: it is well. */
  readonly fault: { readonly code: string; readonly message: string } | null;
}

export const stateMessageCharactersMax = 500;

/**
 * Writes down how a source stands, and says so in the log where that has changed. One that is well again gets what waits for it at once. Answers
 * whether it changed. Costs one read where nothing did.
 */
export async function settleState({ database, clock, log, source, fault }: SettleStateOptions): Promise<boolean> {
  const { id, organization, revision } = source;
  const state = fault?.code ?? 'ok';
  const message = fault === null ? null : fault.message.slice(0, stateMessageCharactersMax);
  const known = await database.read
    .selectFrom('sources')
    .select(['state', 'state_message'])
    .where('organization', '=', organization)
    .where('id', '=', id)
    .executeTakeFirst();
  if (known === undefined || (known.state === state && known.state_message === message)) return false;
  const isOther = known.state !== state;
  const changed = await database.write(async (tx) => {
    const now = clock.now();
    const result = await tx
      .updateTable('sources')
      .set({ state, state_message: message, ...(isOther ? { state_since: now } : {}) })
      .where('organization', '=', organization)
      .where('id', '=', id)
      .where('revision', '=', revision)
      .where('state', '=', known.state)
      .executeTakeFirst();
    if (result.numUpdatedRows === 0n || !isOther) return false;
    if (fault !== null) return true;
    await tryFetchesNow({ tx, organization, source: id });
    return true;
  });
  if (!changed) return false;
  const facts = { source: id, organization, name: source.name, from: known.state, state, ...(message === null ? {} : { reason: message }) };
  if (fault === null) log.info(facts, 'source.state');
  else log.warn(facts, 'source.state');
  return true;
}
