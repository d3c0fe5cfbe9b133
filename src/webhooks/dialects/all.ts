import { GatepostError } from '../../errors.ts';
import type { Dialect } from './dialect.ts';
import { reportDialect } from './report.ts';

const dialects: readonly Dialect[] = [reportDialect];

/** The names that a webhook's `dialect` may have. */
export const dialectNames: readonly string[] = dialects.map((dialect) => dialect.name);
export const dialectDefault = reportDialect.name;

/** Fails with `dialect_unknown` (ours, not the caller's: names are checked where a webhook is made). */
export function dialectOf(name: string): Dialect {
  const found = dialects.find((dialect) => dialect.name === name);
  if (found === undefined) throw new GatepostError('internal', 'dialect_unknown', `There is no dialect ${name}.`);
  return found;
}
