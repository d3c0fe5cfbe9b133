import { nameCharactersMax } from '../../finding.ts';
import { cleanOf, listOf, objectOf } from '../../sarif/json.ts';
import type { SonarqubeClient } from '../client/client.ts';
import { rfc3339Of } from './dates.ts';
import { eachOf } from './each.ts';
import type { FindingLine, Reason } from './file.ts';
import { lastComment } from './lines.ts';
import { isAbsent } from './measures.ts';

export interface ReasonsJob {
  readonly client: SonarqubeClient;
  readonly aside: readonly { readonly key: string; readonly kind: FindingLine['kind'] }[];
  readonly signal: AbortSignal;
}

/** Who set each finding aside and when, from its history: one call each, since searches do not tell. What the server will not tell is left out. */
export async function fetchReasons({ client, aside, signal }: ReasonsJob): Promise<ReadonlyMap<string, Reason>> {
  const reasons = new Map<string, Reason>();
  let refused = 0;
  await eachOf(aside, async ({ key, kind }) => {
    // Where the server refuses this as a whole, asking hundreds of times more is no use.
    if (refused >= refusalsMax && reasons.size === 0) return;
    const [path, query] = kind === 'issue' ? ['api/issues/changelog', { issue: key }] : ['api/hotspots/show', { hotspot: key }];
    try {
      const reason = reasonOf(await client.get(path, query, { signal }));
      if (reason !== undefined) reasons.set(key, reason);
    } catch (error) {
      if (!isAbsent(error)) throw error;
      refused += 1;
    }
  });
  return reasons;
}

const refusalsMax = 5;
/** The history's entries that decide. */
const deciding = new Set(['resolution', 'issueStatus', 'status']);

/** The last decision in a history, and for a hotspot its comment. */
export function reasonOf(answer: unknown): Reason | undefined {
  const found = objectOf(answer);
  const decisions = listOf(found['changelog'])
    .map(objectOf)
    .filter((entry) => listOf(entry['diffs']).some((diff) => deciding.has(String(objectOf(diff)['key']))))
    .toSorted((a, b) => String(b['creationDate']).localeCompare(String(a['creationDate'])));
  const [decision] = decisions;
  if (decision === undefined) return undefined;
  const by = cleanOf(decision['user'] ?? decision['userName'], nameCharactersMax);
  const at = rfc3339Of(decision['creationDate']);
  const comment = lastComment(found['comment'], by)?.comment;
  return { ...(by === undefined ? {} : { by }), ...(at === undefined ? {} : { at }), ...(comment === undefined ? {} : { comment }) };
}
