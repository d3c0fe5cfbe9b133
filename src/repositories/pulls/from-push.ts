import { zeroId } from '../../events/git-facts.ts';
import type { CommitFacts } from '../../events/git-facts.ts';
import { commitOf } from '../facts/commits.ts';
import type { MovedRefs } from '../refs/refs.ts';
import { assessInTime, assessMs, tipsOf } from './assess.ts';
import type { PullsDeps } from './deps.ts';
import { keepHeads } from './heads.ts';
import type { Pull } from './pull.ts';
import { bodyCharactersMax, headRefOf, titleCharactersMax } from './pull.ts';
import type { PlannedPull } from './purpose.ts';
import type { NewPull } from './store.ts';

/** A pull request that a push opens, looked at and ready to be written. */
export interface NewOne {
  readonly id: string;
  readonly pull: NewPull;
}

interface Asked {
  readonly moved: MovedRefs;
  readonly planned: readonly PlannedPull[];
  /** That are there already and that the push touches. */
  readonly open: readonly Pull[];
}

/** Those that were planned and whose ref moved; without those that would bring nothing, or whose base went meanwhile. */
export async function newOnes(deps: PullsDeps, { moved, planned, open }: Asked): Promise<readonly NewOne[]> {
  const news: NewOne[] = [];
  for (const plan of planned) {
    const command = moved.moved.find(({ ref, after }) => ref === plan.ref && after !== zeroId);
    if (command === undefined || open.some((pull) => pull.number === plan.number || isSameWay(pull, plan))) continue;
    const pull = await newOne(deps, { moved, plan, headSha: command.after });
    if (pull !== null) news.push({ id: deps.ids.next(), pull });
  }
  return news;
}

function isSameWay(pull: Pull, { head, base }: PlannedPull): boolean {
  return head !== null && pull.head === head && pull.base === base;
}

async function newOne(
  deps: PullsDeps,
  { moved, plan, headSha }: { readonly moved: MovedRefs; readonly plan: PlannedPull; readonly headSha: string },
): Promise<NewPull | null> {
  const source = { git: deps.git, repository: moved.repository.id };
  const { number, base, head, topic } = plan;
  const commit = await commitOf({ ...source, revision: headSha });
  const tips = await tipsOf({ ...source, refs: [`refs/heads/${base}`] });
  const baseSha = tips.get(`refs/heads/${base}`);
  // A tag's object may be pushed to refs/for too: it is no head.
  if (commit === null || commit.id !== headSha || baseSha === undefined) return null;
  const assessment = await assessInTime({ ...source, base: baseSha, head: headSha, mergeBase: baseSha, withinMs: assessMs });
  if (assessment.mergeability === 'nothing_to_merge' || assessment.mergeability === 'unrelated') return null;
  await keepHeads({ ...source, heads: [{ ref: headRefOf({ number }), sha: headSha }] });
  const said = textOf(commit);
  return {
    number,
    base,
    head,
    topic,
    title: plan.title ?? said.title,
    body: plan.body ?? said.body,
    author: moved.actor,
    headSha,
    baseSha,
    ...assessment,
  };
}

/** Whether its subject is longer than a title may be. */
export function isTitleCut({ message }: CommitFacts): boolean {
  return (message.split('\n', 1)[0] ?? '').trim().length > titleCharactersMax;
}

/** Title and body as its newest commit says them. */
function textOf({ message, id }: CommitFacts): { readonly title: string; readonly body: string } {
  const [subject = '', ...rest] = message.replaceAll('\0', '').toWellFormed().split('\n');
  const title = subject
    .replaceAll(/[\p{Cc}\p{Cs}]/gu, ' ')
    .trim()
    .slice(0, titleCharactersMax)
    .toWellFormed();
  const body = rest.join('\n').trim().slice(0, bodyCharactersMax);
  return { title: title === '' ? id.slice(0, 12) : title, body: body.toWellFormed() };
}
