import type { FactsSource } from './facts.ts';
import { look, pieces } from './look.ts';

export interface WalkOptions extends FactsSource {
  /** What `git rev-list` takes: ids and whole refs, `^` before what is left out. */
  readonly revisions: readonly string[];
  /** Ids that are kept. */
  readonly limit: number;
  readonly args?: readonly string[];
}

export interface Walked {
  /** Newest first. */
  readonly ids: readonly string[];
  /** All there were. */
  readonly total: number;
  /** Of a symmetric difference (`a...b`): commits of its left side. */
  readonly left: number;
  /** False: git stumbled, and what is here is what it had found. */
  readonly isWhole: boolean;
}

/** Walks history by git. Revisions that are not there are passed over. */
export async function walk({ revisions, limit, args = [], ...source }: WalkOptions): Promise<Walked> {
  const ids: string[] = [];
  const counts = { right: 0, left: 0 };
  const take = (piece: Buffer): boolean => {
    // `<` marks the left side of a symmetric difference; nothing else is marked by what we ask for.
    if (piece[0] === 0x3c) counts.left += 1;
    else {
      counts.right += 1;
      if (ids.length < limit) ids.push(piece.toString('latin1', piece.length - 40));
    }
    return true;
  };
  const end = await look(
    { ...source, args: ['rev-list', '--ignore-missing', ...args, '--stdin'], input: `${revisions.join('\n')}\n` },
    pieces({ at: 0x0a, bytesMax: 64, take }),
  );
  return { ids, total: counts.right, left: counts.left, isWhole: end === 'ended' };
}
