import { textOf } from '../../sarif/json.ts';
import { isFault } from '../client/client.ts';
import { instantOf } from './dates.ts';
import type { FindingLine } from './file.ts';
import type { Measured } from './measures.ts';
import type { Found } from './search.ts';
import { pageMax, reachMax } from './slices.ts';
import type { Survey } from './survey.ts';
import { isSince } from './survey.ts';

/** Whether a finding is in new code; undefined where that is not known. */
export type IsNew = (line: FindingLine) => boolean | undefined;

export interface NewCodeJob {
  readonly pullRequest: boolean;
  /** Null: not readable. */
  readonly newCode: Measured['newCode'] | null;
  readonly survey: Pick<Survey, 'issues' | 'issuesSince'>;
  /** One page of the issues in new code. */
  readonly get: (paging: { readonly p: number; readonly ps: number }) => Promise<Found>;
}

/**
 * How to tell the findings in new code, which searches do not say of each: by the date the period began, if that comes to as many as the
 * server counts; else by their keys, if they can be paged. `readable` is false where neither does.
 */
export async function fetchNewCode(job: NewCodeJob): Promise<{ readonly isNew: IsNew; readonly readable: boolean }> {
  // All that a pull request shows is new.
  if (job.pullRequest) return { isNew: () => true, readable: true };
  const { newCode, survey } = job;
  if (newCode === undefined) return { isNew: unknown, readable: true };
  const since = instantOf(newCode?.since);
  const total = await totalOf(job);
  if (total === undefined) return { isNew: unknown, readable: false };
  if (since !== undefined && total === survey.issuesSince) return { isNew: (line) => isSince(line, since), readable: true };
  if (total > reachMax) return { isNew: unknown, readable: false };
  const keys = new Set<string>();
  for (let page = 1; page <= Math.ceil(total / pageMax); page += 1) {
    for (const item of (await job.get({ p: page, ps: pageMax })).items) keys.add(textOf(item['key']) ?? '');
  }
  // There is no such search of hotspots that all versions have.
  return { isNew: (line) => (line.kind === 'issue' ? keys.has(line.key) : undefined), readable: keys.size === total };
}

const unknown: IsNew = () => undefined;

async function totalOf(job: NewCodeJob): Promise<number | undefined> {
  try {
    return (await job.get({ p: 1, ps: 1 })).total;
  } catch (error) {
    if (isFault(error, 'source_refused', 'source_forbidden')) return undefined;
    throw error;
  }
}
