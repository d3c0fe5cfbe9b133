import { setTimeout as sleep } from 'node:timers/promises';
import { GatepostError } from '../../errors.ts';
import type { PersonFacts } from '../../events/git-facts.ts';
import { zeroId } from '../../events/git-facts.ts';
import type { Git, GitProcess } from '../git/git.ts';
import type { Journal } from '../refs/journal.ts';
import type { Moved, Purpose, RefCommand } from '../refs/refs.ts';
import type { Repository } from '../repository.ts';
import { flushPacket, packet } from './packets.ts';
import type { PushBody } from './push-body.ts';
import type { PushHead } from './push-head.ts';
import type { GitReport } from './report.ts';

// What pushes have in common, whether git gets them as they arrive or at once.

/** How long a client waits until what moved is recorded; then it is told so, and that goes on without it. */
export const settleWaitMs = 10_000;

export interface CarryOptions {
  readonly git: Git;
  readonly journal: Journal;
  readonly repository: Repository;
  readonly actor: PersonFacts;
  /** Whose place among all others' git takes. */
  readonly shares: readonly string[];
  readonly head: PushHead;
  /** For git, in the client's order. */
  readonly commands: readonly RefCommand[];
  readonly purpose: Purpose | null;
  readonly body: PushBody;
  readonly limits: { readonly bytesMax: number; readonly objectBytesMax: number };
  readonly log: { error(facts: Readonly<Record<string, unknown>>, message: string): void };
  /** Aborted when the client has gone. */
  readonly gone: AbortSignal;
  /** Packets for people, as git writes them. */
  readonly message: (packets: Buffer) => void;
  /** Called once the client has sent everything. */
  readonly arrived: () => void;
}

export interface Carried {
  /** Null: git wrote none. */
  readonly report: GitReport | null;
  /** What has moved and is recorded; null: that is still going on. */
  readonly moved: readonly Moved[] | null;
}

/** Whether git reads a pack behind these commands: not where all of them delete. */
export function hasPack(commands: readonly RefCommand[]): boolean {
  return commands.some(({ after }) => after !== zeroId);
}

/** A client that leaves waits for its turn no longer; once git runs, it is not ended by this any more. */
export async function startUnless(gone: AbortSignal, start: (signal: AbortSignal) => Promise<GitProcess>): Promise<GitProcess> {
  const waiting = new AbortController();
  const leave = (): void => waiting.abort();
  gone.addEventListener('abort', leave, { once: true });
  if (gone.aborted) leave();
  try {
    return await start(waiting.signal);
  } finally {
    gone.removeEventListener('abort', leave);
  }
}

/** How long git may take to see that its input has ended. */
export const gentleMs = 5_000;

/** It sees the end of its input, fails by itself, and takes away what it had so far: one that is told to end by a signal leaves that lying. */
export function endGently(process: GitProcess): void {
  process.stdin.destroy();
  const timer = setTimeout(() => process.end(), gentleMs);
  void process.ended.then(() => clearTimeout(timer));
}

export async function inTime(settled: Promise<readonly Moved[]>): Promise<readonly Moved[] | null> {
  const enough = new AbortController();
  const late = sleep(settleWaitMs, null, { signal: enough.signal }).catch(() => null);
  // A server that stops settles it when it starts again.
  const moved = await Promise.race([settled.catch(() => null), late]);
  enough.abort();
  return moved;
}

/** What git must know: its report and what it says to people come on bands, whatever the client knows; push options are ours to read. */
export function headForGit({ capabilities, shallow }: PushHead, commands: readonly RefCommand[]): Buffer {
  const asked = ['report-status', 'side-band-64k', ...['atomic', 'quiet', 'ofs-delta'].filter((one) => capabilities.has(one))];
  const lines = commands.map(({ ref, before, after }, at) =>
    packet(`${before} ${after} ${ref}${at === 0 ? `\0 ${asked.join(' ')} object-format=sha1 agent=gatepost` : ''}`),
  );
  return Buffer.concat([...shallow.map((line) => packet(line)), ...lines, flushPacket]);
}

/** Fails with `repository_full` where the repository would be larger than it may, with so many bytes more. */
export function requireRoom({ repository, limits }: Pick<CarryOptions, 'repository' | 'limits'>, bytes: number): void {
  if (repository.bytes + bytes <= limits.bytesMax) return;
  throw new GatepostError('too_large', 'repository_full', `the repository would be larger than ${limits.bytesMax} bytes`, {
    details: { bytesMax: limits.bytesMax },
  });
}
