import { setTimeout as sleep } from 'node:timers/promises';
import { conflict, GatepostError, invalid } from '../../errors.ts';
import { listCommits } from '../facts/commits.ts';
import type { FactsSource } from '../facts/facts.ts';
import { requireHere, requireNotArchived } from '../store.ts';
import type { Identity } from './commits.ts';
import { cleanTree, identityOf, readCommits, writeAnew, writeCommit } from './commits.ts';
import type { Doing, PullsDeps } from './deps.ts';
import { scopeOf } from './deps.ts';
import { mergeMessage, squashMessage, withCoAuthors } from './messages.ts';
import type { MergeMethod, Pull } from './pull.ts';
import { alreadyMerged, bodyCharactersMax, cannotMerge, checkedText, isDraft } from './pull.ts';
import { mergePurpose } from './purpose.ts';
import { rebase } from './rebase.ts';
import type { Refresher } from './refresh.ts';
import { caughtUp, readTips } from './refresh.ts';
import { findPull, unknownPull } from './store.ts';
import { createTurns } from './turns.ts';

/** How often a merge begins anew because somebody pushed to its base meanwhile. */
export const mergeTriesMax = 4;
/** How long a merge waits for a push to its head that is being recorded. */
const settlingWaitMs = 2_000;
const settlingLookMs = 50;
/** Commits whose authors a squash looks at. */
const squashCommitsMax = 1_000;

export interface MergePullOptions extends Doing {
  readonly pull: Pull;
  readonly method: MergeMethod;
  /** What the commit is to say, whole; of `merge` and `squash`. */
  readonly message?: string | undefined;
  /** The head as it was looked at: another one is not merged. */
  readonly expectedHead?: string | undefined;
}

/**
 * Merges a pull request: objects first, then the base's ref by the one way in which refs move, with what it is for, so that the push to the base and
 * `closed` are told even where we die in between. Answers it as it is once that is on disk. Fails (409) with `repository_archived`,
 * `pull_request_merged`, `pull_request_closed`, `pull_request_draft`, `base_gone`, `head_gone`, `head_moved`, `nothing_to_merge`,
 * `unrelated_histories`, `merge_conflict` (with the paths), `too_many_commits`, `rebase_loses_merge`, and with `ref_moved` where the base never
 * stood still; as git does.
 */
export async function mergePull(deps: PullsDeps, refresher: Refresher, options: MergePullOptions): Promise<Pull> {
  const { repository } = options;
  requireHere(repository, deps.database);
  requireNotArchived(repository);
  const { message, method } = options;
  if (message !== undefined) checkedMessage(message);
  if (message !== undefined && method === 'rebase')
    throw invalid('invalid_merge', 'A rebase keeps the messages of its commits: give none.', { field: 'message' });
  // Of several merges into one base each would take the base from under the others, and all but one begin anew, again and again.
  const base = (await fresh(deps, options)).base;
  return turns.take(`${repository.id} ${base}`, async () => {
    for (let tries = 1; ; tries += 1) {
      try {
        await tryMerge(deps, refresher, options);
        break;
      } catch (error) {
        if (!(error instanceof GatepostError && error.code === 'ref_moved') || tries === mergeTriesMax) throw error;
      }
    }
    return fresh(deps, options);
  });
}

/** Of the whole process: repositories' ids are unique. */
const turns = createTurns();

function checkedMessage(message: string): void {
  checkedText(message, bodyCharactersMax, 'message');
  if (message.trim() === '') throw invalid('invalid_merge', 'The message is empty.', { field: 'message' });
}

async function fresh({ database }: PullsDeps, { repository, pull }: Pick<MergePullOptions, 'repository' | 'pull'>): Promise<Pull> {
  const found = await findPull({ read: database.read, ...scopeOf(repository), number: pull.number });
  if (found === null) throw unknownPull();
  return found;
}

async function tryMerge(deps: PullsDeps, refresher: Refresher, options: MergePullOptions): Promise<void> {
  const { repository, actor, method, expectedHead } = options;
  const pull = await refresher.refreshed({ repository, pull: await settled(deps, options) });
  requireOpen(pull);
  if (expectedHead !== undefined && expectedHead !== pull.headSha) throw headMoved(pull.headSha);
  const { base, head } = await readTips(deps, repository, pull);
  if (base === null) throw cannotMerge('base_gone');
  if (head === null) throw cannotMerge('head_gone');
  if (head !== pull.headSha) throw headMoved(head);
  if (pull.mergeability === 'nothing_to_merge' || pull.mergeability === 'unrelated') throw cannotMerge(pull.mergeability);
  const after = await makeCommit(deps, { options, pull, base, head });
  if (after === base) throw cannotMerge('nothing_to_merge');
  // The last look: what was pushed to the head while git worked is not merged, and must not look as if it were.
  if ((await readTips(deps, repository, pull)).head !== head) throw headMoved(head);
  await deps.refs.move({
    repository,
    commands: [{ ref: `refs/heads/${pull.base}`, before: base, after }],
    actor,
    purpose: mergePurpose({ kind: 'merge', pull: pull.id, number: pull.number, method, head }),
  });
}

function headMoved(head: string): GatepostError {
  return conflict('head_moved', 'The head is not the one that was to be merged: look at it again.', { head });
}

function requireOpen(pull: Pull): void {
  if (pull.state === 'merged') throw alreadyMerged();
  if (pull.state === 'closed') throw conflict('pull_request_closed', 'The pull request is closed: open it again to merge it.');
  if (isDraft(pull)) throw conflict('pull_request_draft', 'The pull request is a draft: take the mark out of its title to merge it.');
}

/** The pull request once a push to its head that has just happened is recorded; where none will be, its row is made good. */
async function settled(deps: PullsDeps, options: MergePullOptions): Promise<Pull> {
  const { repository, actor } = options;
  for (let waited = 0; ; waited += settlingLookMs) {
    const pull = await fresh(deps, options);
    if (pull.state !== 'open') return pull;
    const { head } = await readTips(deps, repository, pull);
    if (head === null || head === pull.headSha) return pull;
    if (waited >= settlingWaitMs) return caughtUp(deps, { repository, actor, pull });
    await sleep(settlingLookMs);
  }
}

interface Sides {
  readonly options: MergePullOptions;
  readonly pull: Pull;
  readonly base: string;
  readonly head: string;
}

/** The commit that the base will be at. No ref leads to it yet. */
async function makeCommit({ git, clock }: PullsDeps, { options, pull, base, head }: Sides): Promise<string> {
  const { repository, actor, method, message } = options;
  const source = { git, repository: repository.id };
  const committer = identityOf(actor, clock.now());
  if (method === 'rebase') return rebase({ ...source, base, head, committer, clock });
  const tree = await cleanTree({ ...source, ours: base, theirs: head });
  if (method === 'merge') {
    const text = message ?? mergeMessage(pull);
    return writeCommit({ ...source, tree, parents: [base, head], message: text, author: committer, committer });
  }
  return squash({ ...source, pull, base, head, tree, message, committer });
}

interface Squash extends FactsSource {
  readonly pull: Pull;
  readonly base: string;
  readonly head: string;
  readonly tree: string;
  readonly message: string | undefined;
  readonly committer: Identity;
}

/** One commit by the author of the oldest of them; the others are named in it. */
async function squash({ git, repository, pull, base, head, tree, message, committer }: Squash): Promise<string> {
  const source = { git, repository };
  const { commits } = await listCommits({ ...source, include: [head], exclude: [base], limit: squashCommitsMax, withPaths: false });
  const oldest = commits.findLast(({ parents }) => parents.length < 2) ?? commits.at(-1);
  const [of, onto] = await readCommits({ ...source, ids: [oldest?.id ?? head, base] });
  if (of === undefined || onto?.tree === tree) throw cannotMerge('nothing_to_merge');
  const text = message ?? withCoAuthors(squashMessage(pull), commits.toReversed());
  const said = text.endsWith('\n') ? text : `${text}\n`;
  return writeAnew({ ...source, of: { ...of, encoding: null, message: Buffer.from(said) }, tree, parents: [base], committer });
}
