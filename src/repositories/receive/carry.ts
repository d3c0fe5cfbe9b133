import { conflict, GatepostError } from '../../errors.ts';
import type { GitProcess } from '../git/git.ts';
import type { Begun } from '../refs/journal.ts';
import { feed } from './feed.ts';
import type { Gate } from './gate.ts';
import { createGate } from './gate.ts';
import { readGitOutput } from './git-output.ts';
import { findTooLarge } from './objects.ts';
import type { Carried, CarryOptions } from './git-push.ts';
import { endGently, hasPack, headForGit, inTime, requireRoom, startUnless } from './git-push.ts';
import type { GitReport } from './report.ts';

/**
 * Hands a push to git and sees it through. Until the gate opens nothing has happened, and the client's leaving, ours, or a limit ends it so. When it
 * opens, the client's push is here whole, its refs are held, and what is about to happen is on disk; from there on it goes to its end.
 */
export async function carry(options: CarryOptions): Promise<Carried> {
  const { git, repository, gone } = options;
  const args = ['receive-pack', '--stateless-rpc', git.directory(repository.id)];
  const serving = { lane: 'serve', shares: options.shares, hasControl: true } as const;
  const process = await startUnless(gone, (signal) => git.start({ repository: repository.id, args, ...serving, signal }));
  options.body.takesPlace();
  const gate = createGate(process.control);
  let isGivenUp = false;
  const giveUp = (): void => {
    isGivenUp = true;
    gate.refuse();
    endGently(process);
  };
  gone.addEventListener('abort', giveUp, { once: true });
  // What git says of being ended is not why: that we say ourselves.
  const message = (packets: Buffer): void => (isGivenUp ? undefined : options.message(packets));
  const report = readGitOutput(process.stdout, { message, hidden: git.directory(repository.id) });
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
  const fed = feed({
    body,
    process,
    head: headForGit(head, commands),
    hasPack: hasPack(commands),
    enough: Promise.race([gate.reached, process.ended]),
    check: (received) => requireRoom(options, received),
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

function objectTooLarge(object: string, bytesMax: number): GatepostError {
  return conflict('object_too_large', `object ${object} is larger than ${bytesMax} bytes`, { object, bytesMax });
}
