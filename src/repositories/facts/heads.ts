import { zeroId } from '../../events/git-facts.ts';
import type { FactsSource, MovedRef } from './facts.ts';
import { look, pieces } from './look.ts';

/** Branches and their tips, whole names; asked for where a branch is new alone. */
export type Heads = () => Promise<ReadonlyMap<string, string>>;

/** As they are now, but for those that are moving: they count as they were before. */
export function createHeads(source: FactsSource, moving: readonly MovedRef[]): { readonly heads: Heads; moved(ref: MovedRef): void } {
  let known: Promise<Map<string, string>> | null = null;
  const after: MovedRef[] = [];
  const read = async (): Promise<Map<string, string>> => {
    const heads = await readHeads(source);
    for (const { ref, before } of moving) setTip(heads, ref, before);
    for (const { ref, after: tip } of after) setTip(heads, ref, tip);
    return heads;
  };
  return {
    heads: () => (known ??= read()),
    moved(ref) {
      after.push(ref);
      void known?.then((heads) => setTip(heads, ref.ref, ref.after)).catch(() => undefined);
    },
  };
}

function setTip(heads: Map<string, string>, ref: string, tip: string): void {
  if (!ref.startsWith('refs/heads/')) return;
  if (tip === zeroId) heads.delete(ref);
  else heads.set(ref, tip);
}

const refBytesMax = 4096;

async function readHeads(source: FactsSource): Promise<Map<string, string>> {
  const heads = new Map<string, string>();
  const take = (piece: Buffer): boolean => {
    heads.set(piece.toString('utf8', 41), piece.toString('latin1', 0, 40));
    return true;
  };
  await look(
    { ...source, args: ['for-each-ref', '--format=%(objectname) %(refname)', 'refs/heads/'] },
    pieces({ at: 0x0a, bytesMax: refBytesMax, take }),
  );
  return heads;
}
