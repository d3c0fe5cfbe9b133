import type { GatepostError } from '../../errors.ts';
import { conflict } from '../../errors.ts';
import { checkedBranchName } from '../repository.ts';
import { requireHere, requireNotArchived, unknownRepository } from '../store.ts';
import type { Assessment } from './assess.ts';
import { assess } from './assess.ts';
import { becomeOpened } from './become.ts';
import type { Doing, PullsDeps } from './deps.ts';
import { recorder, sceneOf, scopeOf } from './deps.ts';
import { keepHeads } from './heads.ts';
import type { Pull } from './pull.ts';
import { bodyCharactersMax, cannotMerge, checkedText, checkedTitle, headRefOf } from './pull.ts';
import { caughtUp, readTips } from './refresh.ts';
import { requireNoOther, takeNumber } from './store.ts';

export interface OpenPullOptions extends Doing {
  readonly title: string;
  readonly body: string;
  /** Branches. */
  readonly head: string;
  readonly base: string;
}

/** Fails with `same_branch` (409). */
export function requireTwoBranches(head: string | null, base: string): void {
  if (head === base) throw conflict('same_branch', 'The head and the base are the same branch.');
}

export function unknownBranch(field: 'head' | 'base'): GatepostError {
  return conflict('unknown_branch', 'The repository has no branch of this name.', { field });
}

/** Fails where there is nothing that could ever be merged. Conflicts are no reason: they can be solved. */
export function requireSomething({ mergeability }: Assessment): void {
  if (mergeability === 'nothing_to_merge' || mergeability === 'unrelated') throw cannotMerge(mergeability);
}

/**
 * Opens a pull request: its row and the event `opened` are one unit. Fails with `repository_archived`, `same_branch`, `unknown_branch`,
 * `nothing_to_merge`, `unrelated_histories`, `pull_request_exists`, `too_many_pull_requests` (all 409), `invalid_title`, `invalid_body`,
 * `invalid_branch`, and as git does.
 */
export async function openPull(deps: PullsDeps, options: OpenPullOptions): Promise<Pull> {
  const { repository, actor } = options;
  const { database, git, ids, clock } = deps;
  requireHere(repository, database);
  requireNotArchived(repository);
  const title = checkedTitle(options.title);
  const body = checkedText(options.body, bodyCharactersMax);
  const way = { head: checkedBranchName(options.head, 'head'), base: checkedBranchName(options.base, 'base') };
  requireTwoBranches(way.head, way.base);
  const { head, base } = await readTips(deps, repository, { ...way, number: 0 });
  if (base === null) throw unknownBranch('base');
  if (head === null) throw unknownBranch('head');
  const assessment = await assess({ git, repository: repository.id, base, head });
  requireSomething(assessment);
  const id = ids.next();
  const scope = scopeOf(repository);
  const pull = { ...way, title, body, author: actor, topic: null, headSha: head, baseSha: base, ...assessment };
  await requireNoOther({ tx: database.read, ...scope, pull: { ...pull, id } });
  // The head is kept before the row says that it is: a number that no row takes is a gap and no more.
  const number = await database.write((tx) => takeNumber({ tx, ...scope }));
  if (number === null) throw unknownRepository();
  await keepHeads({ git, repository: repository.id, heads: [{ ref: headRefOf({ number }), sha: head }] });
  const scene = await sceneOf(deps, options);
  const opened = await database.write((tx) =>
    becomeOpened({ tx, record: recorder(deps, tx), scene, now: clock.now() }, { id, pull: { ...pull, number } }),
  );
  deps.recorded?.();
  if (opened === null) throw unknownRepository();
  return caughtUp(deps, { repository, actor, pull: opened });
}
