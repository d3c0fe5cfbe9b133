import { GatepostError, invalid } from '../../errors.ts';
import type { EventKind } from '../../events/event.ts';
import type { Dialect } from './dialect.ts';
import { giteaDialect } from './gitea.ts';
import { githubDialect } from './github.ts';
import { reportDialect } from './report.ts';
import { secureSourceManagerDialect } from './secure-source-manager.ts';
import { sonarqubeDialect } from './sonarqube.ts';

const dialects: readonly Dialect[] = [reportDialect, sonarqubeDialect, secureSourceManagerDialect, giteaDialect, githubDialect];

/** The names that a webhook's `dialect` may have. */
export const dialectNames: readonly string[] = dialects.map((dialect) => dialect.name);
export const dialectDefault = reportDialect.name;

/** Fails with `dialect_unknown` (ours, not the caller's: names are checked where a webhook is made). */
export function dialectOf(name: string): Dialect {
  const found = dialects.find((dialect) => dialect.name === name);
  if (found === undefined) throw new GatepostError('internal', 'dialect_unknown', `There is no dialect ${name}.`);
  return found;
}

/** Refuses events that a dialect has no words for: they would be deliveries of nothing. Fails with `event_not_of_dialect`. */
export function requireEventsOfDialect(name: string, events: readonly EventKind[]): void {
  const dialect = dialectOf(name);
  const event = events.find((kind) => !dialect.events.includes(kind));
  if (event === undefined) return;
  throw invalid('event_not_of_dialect', `The dialect ${name} has no words for ${event}; it tells of ${dialect.events.join(', ')}.`, {
    field: 'events',
    event,
    dialect: name,
    events: dialect.events,
  });
}
