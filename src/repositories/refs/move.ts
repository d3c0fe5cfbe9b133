import { once } from 'node:events';
import { conflict, GatepostError } from '../../errors.ts';
import { zeroId } from '../../events/git-facts.ts';
import type { Git, GitEnd } from '../git/git.ts';
import { isRefName } from '../repository.ts';
import type { Journal } from './journal.ts';
import type { Moved, MoveOptions, RefCommand } from './refs.ts';

export interface MoveDeps {
  readonly git: Git;
  readonly journal: Journal;
}

/**
 * Moves refs by one transaction of git, in the way every push does: intent, move, record. Fails with `ref_moved`, `ref_busy`, and with
 * `ref_refused` (409) where git takes no such ref, such as a branch `a/b` beside a branch `a`.
 */
export async function moveRefs({ git, journal }: MoveDeps, options: MoveOptions): Promise<readonly Moved[]> {
  const { repository, actor, purpose = null } = options;
  const commands = options.commands.filter(({ before, after }) => before !== after);
  for (const { ref } of commands) if (!isRefName(ref)) throw conflict('ref_refused', 'git takes no ref of this name.', { ref });
  if (commands.length === 0) return [];
  const begun = await journal.begin({ repository, commands, actor, purpose, options: [], pid: null, stale: 'fails' });
  let failure: unknown = null;
  let isKilled = false;
  try {
    const { status, stderr } = await updateRefs(git, repository.id, commands);
    isKilled = status === null;
    if (status !== 0) failure = conflict('ref_refused', 'git did not move the branch or tag.', { reason: stderr.trim().slice(0, 500) });
  } catch (error) {
    failure = error;
  }
  // Whatever git said: the refs tell what it did.
  const moved = await begun.settle({ isKilled });
  if (failure !== null && moved.length < commands.length) throw asError(failure);
  return moved;
}

async function updateRefs(git: Git, repository: string, commands: readonly RefCommand[]): Promise<GitEnd> {
  const process = await git.start({ repository, args: ['update-ref', '--stdin'] });
  process.stdout.resume();
  if (!process.stdin.write(transactionText(commands))) await Promise.race([once(process.stdin, 'drain'), process.ended]);
  process.stdin.end();
  return process.ended;
}

/** Said to be one transaction by name: what ends in the middle, because we did, changes nothing. */
function transactionText(commands: readonly RefCommand[]): string {
  const lines = commands.map(({ ref, before, after }) => {
    if (after === zeroId) return `delete ${ref} ${before}`;
    return before === zeroId ? `create ${ref} ${after}` : `update ${ref} ${after} ${before}`;
  });
  return ['start', ...lines, 'prepare', 'commit', ''].join('\n');
}

function asError(failure: unknown): Error {
  if (failure instanceof GatepostError) return failure;
  return failure instanceof Error ? failure : new Error(String(failure));
}
