import { commitOf } from '../facts/commits.ts';
import type { Purpose } from '../refs/refs.ts';
import type { Repository } from '../repository.ts';
import { assess, tipsOf } from './assess.ts';
import type { PullsDeps } from './deps.ts';
import { scopeOf } from './deps.ts';
import { isTitleCut } from './from-push.ts';
import { titleCharactersMax } from './pull.ts';
import type { PlannedPull } from './purpose.ts';
import { plannedOf } from './purpose.ts';
import { findPull, listPulls } from './store.ts';

export interface WhatCameOptions {
  readonly repository: Repository;
  readonly purpose: Purpose | null;
  /** That have moved. */
  readonly refs: readonly string[];
}

/** What to tell whoever pushed of the pull requests that were to be opened: nothing of those that are as they were asked for. */
export async function whatCame(deps: PullsDeps, { repository, purpose, refs }: WhatCameOptions): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const plan of plannedOf(purpose).filter(({ ref }) => refs.includes(ref))) {
    const line = await lineOf(deps, { repository, plan });
    if (line !== null) lines.push(line);
  }
  return lines;
}

async function lineOf(
  deps: PullsDeps,
  { repository, plan }: { readonly repository: Repository; readonly plan: PlannedPull },
): Promise<string | null> {
  const { git } = deps;
  const { base, head, number, ref } = plan;
  const scope = { read: deps.database.read, ...scopeOf(repository) };
  const source = { git, repository: repository.id };
  const of = head ?? ref;
  const not = (why: string): string => `No pull request was opened of ${of}: ${why}.`;
  const commit = await commitOf({ ...source, revision: ref });
  if ((await findPull({ ...scope, number })) !== null) {
    const isCut = plan.title === null && commit !== null && isTitleCut(commit);
    return isCut ? `The title of pull request ${number} was cut to ${titleCharactersMax} characters.` : null;
  }
  const [other] = head === null ? [] : await listPulls({ ...scope, state: 'open', base, head, limit: 1, after: null });
  if (other !== undefined) return not(`${other.number} is open for it already`);
  const tips = await tipsOf({ ...source, refs: [ref, `refs/heads/${base}`] });
  const [headSha, baseSha] = [tips.get(ref), tips.get(`refs/heads/${base}`)];
  if (baseSha === undefined) return not(`there is no branch ${base} any more`);
  if (commit === null || commit.id !== headSha) return not('what was pushed is no commit');
  const { mergeability } = await assess({ ...source, base: baseSha, head: headSha });
  if (mergeability === 'nothing_to_merge') return not(`${base} has all of it already`);
  if (mergeability === 'unrelated') return not(`it has no commit in common with ${base}`);
  return not('the repository has as many as it may have, or it is gone');
}
