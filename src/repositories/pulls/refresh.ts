import type { Repository } from '../repository.ts';
import { assess, tipsOf } from './assess.ts';
import type { Assessment } from './assess.ts';
import { assessed, becomeSynchronized } from './become.ts';
import type { Doing, PullsDeps } from './deps.ts';
import { recorder, sceneOf, scopeOf } from './deps.ts';
import { keepHeads } from './heads.ts';
import type { Mergeability, Pull } from './pull.ts';
import { headRefOf, tipsText } from './pull.ts';
import { changePull, holdPull } from './store.ts';

/** Where its two sides are now; null: gone. */
export interface Tips {
  readonly base: string | null;
  readonly head: string | null;
}

/** The ref its head moves with. */
export function movingRef(pull: Pick<Pull, 'head' | 'number'>): string {
  return pull.head === null ? headRefOf(pull) : `refs/heads/${pull.head}`;
}

export async function readTips(
  { git }: Pick<PullsDeps, 'git'>,
  repository: Repository,
  pull: Pick<Pull, 'head' | 'base' | 'number'>,
): Promise<Tips> {
  const tips = await tipsOf({ git, repository: repository.id, refs: [`refs/heads/${pull.base}`, movingRef(pull)] });
  return { base: tips.get(`refs/heads/${pull.base}`) ?? null, head: tips.get(movingRef(pull)) ?? null };
}

export interface Refresher {
  /**
   * The pull request with what is known of merging its two tips as they are now: worked out anew where one of them moved, once however many ask.
   * A head that has moved without its push being settled yet is left to that. Fails as git does.
   */
  refreshed(options: { readonly repository: Repository; readonly pull: Pull }): Promise<Pull>;
}

export function createRefresher(deps: PullsDeps): Refresher {
  const underWay = new Map<string, Promise<Pull>>();
  return {
    async refreshed({ repository, pull }) {
      if (pull.state !== 'open') return pull;
      const tips = await readTips(deps, repository, pull);
      const known = knownWithout(pull, tips);
      if (known === 'fresh') return pull;
      const key = `${pull.id} ${tips.base} ${pull.headSha}`;
      const begun = underWay.get(key) ?? look(deps, { repository, pull, base: tips.base, gone: known }).finally(() => underWay.delete(key));
      underWay.set(key, begun);
      return begun;
    },
  };
}

/** What needs no look at the commits. */
function knownWithout(pull: Pull, { base, head }: Tips): Mergeability | 'fresh' | null {
  if (base === null) return pull.mergeability === 'base_gone' ? 'fresh' : 'base_gone';
  if (head === null) return pull.mergeability === 'head_gone' ? 'fresh' : 'head_gone';
  return pull.baseSha === base && pull.mergeabilityOf === tipsText(base, pull.headSha) && !pull.mergeability.endsWith('_gone')
    ? 'fresh'
    : null;
}

async function look(
  deps: PullsDeps,
  of: { readonly repository: Repository; readonly pull: Pull; readonly base: string | null; readonly gone: Mergeability | null },
): Promise<Pull> {
  const { repository, pull, gone } = of;
  const base = of.base ?? pull.baseSha;
  const source = { git: deps.git, repository: repository.id };
  const { mergeBase, counts, headSha } = pull;
  await keepHeads({ ...source, heads: pull.head === null ? [] : [{ ref: headRefOf(pull), sha: headSha }] });
  const assessment: Assessment =
    gone === null
      ? await assess({ ...source, base, head: headSha })
      : { mergeability: gone, mergeabilityOf: tipsText(base, headSha), mergeBase, counts };
  return deps.database.write(async (tx) => {
    const scope = { tx, ...scopeOf(repository), id: pull.id };
    const held = await holdPull(scope);
    // Another has moved on meanwhile: what we found is of yesterday.
    if (held === null || held.state !== 'open' || held.headSha !== headSha || held.base !== pull.base) return held ?? pull;
    return changePull({ ...scope, change: { base_sha: base, ...assessed(assessment) } });
  });
}

/**
 * For one that has just been opened or opened again: a push to its head that was settled before its row could be seen is made good. Answers the
 * pull request as it is now.
 */
export async function caughtUp(deps: PullsDeps, { repository, actor, pull }: Doing & { readonly pull: Pull }): Promise<Pull> {
  const tips = await readTips(deps, repository, pull);
  const { head, base } = tips;
  if (head === null || base === null || head === pull.headSha) return pull;
  const source = { git: deps.git, repository: repository.id };
  const assessment = await assess({ ...source, base, head });
  await keepHeads({ ...source, heads: pull.head === null ? [] : [{ ref: headRefOf(pull), sha: head }] });
  const scene = await sceneOf(deps, { repository, actor });
  const made = await deps.database.write(async (tx) => {
    const held = await holdPull({ tx, ...scopeOf(repository), id: pull.id });
    if (held === null || held.state !== 'open' || held.headSha !== pull.headSha) return held ?? pull;
    const writing = { tx, record: recorder(deps, tx), scene, now: deps.clock.now() };
    return becomeSynchronized(writing, { pull: held, headSha: head, baseSha: base, assessment });
  });
  deps.recorded?.();
  return made;
}
