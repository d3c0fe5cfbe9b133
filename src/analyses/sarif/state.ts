import { type FindingState, nameCharactersMax, type Suppression } from '../finding.ts';
import { cleanOf, type JsonObject, listOf, objectOf } from './json.ts';

export type Kind = 'fail' | 'review' | 'open' | 'pass' | 'notApplicable' | 'informational';

const kinds: ReadonlyMap<string, Kind> = new Map([
  ['review', 'review'],
  ['open', 'open'],
  ['pass', 'pass'],
  ['notapplicable', 'notApplicable'],
  ['informational', 'informational'],
]);

/** `fail` where nothing is said, and for a word we do not know: better shown than lost. */
export function kindOf(result: JsonObject): Kind {
  return (typeof result.kind === 'string' ? kinds.get(result.kind.toLowerCase()) : undefined) ?? 'fail';
}

/**
 * What a result counts as. `ignored` says that there is no issue (`pass`, `notApplicable`, `informational`).
 * `absent` goes before `suppressed`: what is gone needs nobody to set it aside.
 */
export function stateOf(result: JsonObject, kind: Kind): FindingState | 'ignored' {
  if (kind === 'pass' || kind === 'notApplicable' || kind === 'informational') return 'ignored';
  if (typeof result.baselineState === 'string' && result.baselineState.toLowerCase() === 'absent') return 'absent';
  if (isSuppressed(result)) return 'suppressed';
  return kind === 'fail' ? 'open' : 'review';
}

/** At least one suppression, and none that is still under review or was rejected. */
function isSuppressed(result: JsonObject): boolean {
  const suppressions = listOf(result.suppressions);
  return suppressions.length > 0 && !suppressions.some((entry) => isContested(objectOf(entry).status));
}

function isContested(status: unknown): boolean {
  const word = typeof status === 'string' ? status.toLowerCase() : '';
  return word === 'underreview' || word === 'rejected';
}

/** The first suppression, with the first justification that any of them gives. */
export function suppressionOf(result: JsonObject): Suppression {
  const all = listOf(result.suppressions).map((entry) => objectOf(entry));
  const first = all[0] ?? {};
  const status = cleanOf(first.status, nameCharactersMax);
  const justification = all.map((entry) => cleanOf(entry.justification, nameCharactersMax)).find((text) => text !== undefined);
  return {
    kind: first.kind === 'inSource' ? 'inSource' : 'external',
    ...(status === undefined ? {} : { status }),
    ...(justification === undefined ? {} : { justification }),
  };
}
