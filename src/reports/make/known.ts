import type { FindingState } from '../../analyses/finding.ts';
import { createFingerprintTable } from './fingerprints.ts';
import type { KnownFinding } from './job.ts';

export type Change = 'new' | 'still' | 'reopened';

/** What the branch's past says of one finding. */
export interface Marks {
  readonly change: Change | null;
  /** Milliseconds since 1970. Null where it is not said, and for a new one, which is as old as its analysis. */
  readonly firstSeen: number | null;
}

/** What became of the known findings, told from the findings that are there now. */
export interface History {
  /**
   * Tells of a finding of the analysis, whether its fingerprint comes for the first time (never for an absent one), and whether it came to the
   * branch, or came back, since `newSince`.
   */
  meet(fingerprint: string, state: FindingState): Marks & { readonly first: boolean; readonly fresh: boolean };
  /** After all findings were met: `gone` was there on the branch, `already`: a former run of this very analysis has seen to it. */
  fate(known: KnownFinding): 'there' | 'gone' | 'already' | 'past';
  /** Whether the branch knew anything before this analysis. */
  readonly hasPast: boolean;
}

const isKnown = 1;
const isMet = 2;
const wasFixed = 4;
const bornHere = 8;
const turnedHere = 16;
const isFresh = 32;

/**
 * Compares an analysis with what its branch knew. What this very analysis has already written there counts as if it had not, so a run that
 * is repeated comes to the same. `late`: nothing is said of a past that is in truth a future.
 */
export function createHistory(options: {
  readonly known: Iterable<KnownFinding>;
  readonly analysis: string;
  readonly late: boolean;
  /** The analysis since which something is new; null or left out: nothing is. */
  readonly newSince?: string | null;
}): History {
  const { analysis, late, newSince = null } = options;
  const table = createFingerprintTable();
  let flags = new Uint8Array(1024);
  let firstSeen = new Float64Array(1024);
  let hasPast = false;

  const number = (fingerprint: string): number => {
    const index = table.add(fingerprint);
    if (index >= flags.length) {
      flags = grown(flags, new Uint8Array(flags.length * 2));
      firstSeen = grown(firstSeen, new Float64Array(firstSeen.length * 2));
    }
    return index;
  };
  for (const known of late ? [] : options.known) {
    const index = number(known.fingerprint);
    flags[index] = flagsOf(known, { analysis, newSince });
    firstSeen[index] = known.firstSeen;
    hasPast ||= known.firstSeenAnalysis !== analysis;
  }
  const marksOf = (index: number): Marks => {
    if (late) return { change: null, firstSeen: null };
    const flag = flags[index] ?? 0;
    const change = changeOf(flag);
    return { change, firstSeen: change === 'new' ? null : (firstSeen[index] ?? null) };
  };

  return {
    meet(fingerprint, state) {
      if (state === 'absent') {
        const index = table.find(fingerprint);
        return { ...(index < 0 ? { firstSeen: null } : marksOf(index)), change: null, first: false, fresh: false };
      }
      const index = number(fingerprint);
      const flag = flags[index] ?? 0;
      flags[index] = flag | isMet;
      const fresh = newSince !== null && !late && ((flag & isKnown) === 0 || (flag & isFresh) !== 0);
      return { ...marksOf(index), first: (flag & isMet) === 0, fresh };
    },
    fate(known) {
      const index = table.find(known.fingerprint);
      if (index >= 0 && ((flags[index] ?? 0) & isMet) !== 0) return 'there';
      if (known.state !== 'fixed') return 'gone';
      return known.stateAnalysis === analysis ? 'already' : 'past';
    },
    get hasPast() {
      return hasPast;
    },
  };
}

function flagsOf(known: KnownFinding, { analysis, newSince }: { readonly analysis: string; readonly newSince: string | null }): number {
  let flag = isKnown;
  // Fixed and here again counts as new whenever it was fixed. Ids are ordered by time.
  if (newSince !== null && (known.state === 'fixed' || known.stateAnalysis >= newSince)) flag |= isFresh;
  if (known.state === 'fixed') flag |= wasFixed;
  if (known.firstSeenAnalysis === analysis) flag |= bornHere;
  if (known.stateAnalysis === analysis) flag |= turnedHere;
  return flag;
}

function changeOf(flag: number): Change {
  if ((flag & isKnown) === 0 || (flag & bornHere) !== 0) return 'new';
  return (flag & (wasFixed | turnedHere)) !== 0 ? 'reopened' : 'still';
}

function grown<T extends Uint8Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
