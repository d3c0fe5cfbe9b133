import { setTimeout as sleep } from 'node:timers/promises';
import { conflict, GatepostError } from '../../errors.ts';
import type { PersonFacts } from '../../events/git-facts.ts';
import { zeroId } from '../../events/git-facts.ts';
import type { Git, GitProcess } from '../git/git.ts';
import type { Begun, Journal } from '../refs/journal.ts';
import type { Moved, Purpose, RefCommand } from '../refs/refs.ts';
import type { Repository } from '../repository.ts';
import { feed } from './feed.ts';
import type { Gate } from './gate.ts';
import { createGate } from './gate.ts';
import { readGitOutput } from './git-output.ts';
import { findTooLarge } from './objects.ts';
import { flushPacket, packet } from './packets.ts';
import type { PushBody } from './push-body.ts';
import type { PushHead } from './push-head.ts';
import type { GitReport } from './report.ts';

/** How long a client waits until what moved is recorded; then it is told so, and that goes on without it. */
export const settleWaitMs = 10_000;

export interface CarryOptions {
  readonly git: Git;
  readonly journal: Journal;
  readonly repository: Repository;
  readonly actor: PersonFacts;
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

/**
 * Hands a push to git and sees it through. Until the gate opens nothing has happened, and the client's leaving, ours, or a limit ends it so. When it
 * opens, the client's push is here whole, its refs are held, and what is about to happen is on disk; from there on it goes to its end.
 */
export async function carry(options: CarryOptions): Promise<Carried> {
  const { git, repository, gone } = options;
  const args = ['receive-pack', '--stateless-rpc', git.directory(repository.id)];
  const serving = { lane: 'serve', share: repository.organization, hasControl: true } as const;
  const process = await startUnless(gone, (signal) => git.start({ repository: repository.id, args, ...serving, signal }));
  const gate = createGate(process.control);
  const giveUp = (): void => endGently(process, gate);
  gone.addEventListener('abort', giveUp, { once: true });
  const report = readGitOutput(process.stdout, { message: options.message, hidden: git.directory(repository.id) });
  try {
    const begun = await upToGate(options, { gate, process });
    gone.removeEventListener('abort', giveUp);
    if (begun === null) {
      await process.ended;
      return await withoutGate(options, await report);
    }
    // Nothing between the gate and the end may throw: what happens now must be recorded.
    // Of a client that left meanwhile, the gate is refused already.
    gate.open();
    const { status } = await process.ended;
    const settled = begun.settle({ isKilled: status === null, grown: options.body.received() });
    return { report: await report, moved: await inTime(settled) };
  } catch (error) {
    giveUp();
    await process.ended;
    throw error;
  }
}

/** A client that leaves waits for its turn no longer; once git runs, it is not ended by this any more. */
async function startUnless(gone: AbortSignal, start: (signal: AbortSignal) => Promise<GitProcess>): Promise<GitProcess> {
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
function endGently(process: GitProcess, gate: Gate): void {
  gate.refuse();
  process.stdin.destroy();
  const timer = setTimeout(() => process.end(), gentleMs);
  void process.ended.then(() => clearTimeout(timer));
}

/** git has ended without asking for leave, so it has moved nothing; should its hook not have been run, what it says it moved is recorded all the same. */
async function withoutGate(options: CarryOptions, report: GitReport | null): Promise<Carried> {
  const { journal, repository, actor, purpose, head } = options;
  const commands = options.commands.filter(({ ref }) => report?.refs.get(ref) === null);
  if (commands.length === 0) return { report, moved: [] };
  options.log.error({ repository: repository.id }, 'git moved refs without asking: its hook was not run');
  const begun = await journal.begin({ repository, commands, actor, purpose, options: head.options, pid: null, stale: 'late' });
  return { report, moved: await inTime(begun.settle({ isKilled: false })) };
}

interface AtGate {
  readonly gate: Gate;
  readonly process: GitProcess;
}

/** All that comes before refs may move. Null: git ended by itself and has moved none. */
async function upToGate(options: CarryOptions, { gate, process }: AtGate): Promise<Begun | null> {
  const { git, journal, repository, actor, head, commands, purpose, body, limits, gone, arrived } = options;
  const room = limits.bytesMax - repository.bytes;
  const fed = feed({
    body,
    process,
    head: headForGit(head, commands),
    hasPack: commands.some(({ after }) => after !== zeroId),
    enough: Promise.race([gate.reached, process.ended]),
    check(received) {
      if (received > room) throw tooFull(limits.bytesMax);
    },
  });
  // Whichever fails first: the client may stall while git waits for it.
  const [incoming] = await Promise.all([gate.reached, fed]);
  arrived();
  if (incoming === null) return null;
  const tooLarge = await findTooLarge({ git, repository: repository.id, incoming, bytesMax: limits.objectBytesMax });
  if (tooLarge !== null) throw objectTooLarge(tooLarge, limits.objectBytesMax);
  if (gone.aborted) throw new GatepostError('invalid', 'push_incomplete', 'The client has gone.');
  const about = { repository, commands, actor, purpose, options: head.options, pid: process.pid };
  return journal.begin({ ...about, stale: 'git', signal: gone });
}

async function inTime(settled: Promise<readonly Moved[]>): Promise<readonly Moved[] | null> {
  const enough = new AbortController();
  const late = sleep(settleWaitMs, null, { signal: enough.signal }).catch(() => null);
  // A server that stops settles it when it starts again.
  const moved = await Promise.race([settled.catch(() => null), late]);
  enough.abort();
  return moved;
}

/** What git must know: its report and what it says to people come on bands, whatever the client knows; push options are ours to read. */
function headForGit({ capabilities, shallow }: PushHead, commands: readonly RefCommand[]): Buffer {
  const asked = ['report-status', 'side-band-64k', ...['atomic', 'quiet', 'ofs-delta'].filter((one) => capabilities.has(one))];
  const lines = commands.map(({ ref, before, after }, at) =>
    packet(`${before} ${after} ${ref}${at === 0 ? `\0 ${asked.join(' ')} object-format=sha1 agent=gatepost` : ''}`),
  );
  return Buffer.concat([...shallow.map((line) => packet(line)), ...lines, flushPacket]);
}

function tooFull(bytesMax: number): GatepostError {
  return new GatepostError('too_large', 'repository_full', `the repository would be larger than ${bytesMax} bytes`, {
    details: { bytesMax },
  });
}

function objectTooLarge(object: string, bytesMax: number): GatepostError {
  return conflict('object_too_large', `object ${object} is larger than ${bytesMax} bytes`, { object, bytesMax });
}
