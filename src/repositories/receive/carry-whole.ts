import { readGitOutput } from './git-output.ts';
import type { Carried, CarryOptions } from './git-push.ts';
import { endGently, hasPack, headForGit, inTime, requireRoom, startUnless } from './git-push.ts';
import { isPlainPack, packTailBytes, plainPackBytesMax } from './pack.ts';

/** The whole push, where it is small and nothing about it is odd; else null, and git must be asked in the middle of it. */
export async function wholePush(options: CarryOptions, bytesMax: number = plainPackBytesMax): Promise<Buffer | null> {
  const { body, commands, head, limits } = options;
  const rest = bytesMax === 0 ? null : await body.whole(bytesMax);
  if (rest === null) return null;
  requireRoom(options, rest.length);
  const isPlain = hasPack(commands) ? isPlainPack(rest, limits.objectBytesMax) : rest.length === 0;
  return isPlain ? Buffer.concat([headForGit(head, commands), rest]) : null;
}

/**
 * Hands git a push that is here whole. It needs no gate: git can do nothing before it has the last bytes, which it gets when the refs are held and
 * what is about to happen is on disk. That saves the hook, which takes a fifth of the time of a small push.
 */
export async function carryWhole(options: CarryOptions, whole: Buffer): Promise<Carried> {
  const { git, journal, repository, actor, head, commands, purpose, body, arrived, gone } = options;
  arrived();
  const place = git.directory(repository.id);
  const serving = { lane: 'serve', shares: options.shares, settings: { 'core.hooksPath': '/dev/null' } } as const;
  const args = ['receive-pack', '--stateless-rpc', place];
  const process = await startUnless(gone, (signal) => git.start({ repository: repository.id, args, ...serving, signal }));
  let isGivenUp = false;
  const message = (packets: Buffer): void => (isGivenUp ? undefined : options.message(packets));
  const report = readGitOutput(process.stdout, { message, hidden: place });
  try {
    process.stdin.write(whole.subarray(0, -packTailBytes));
    const about = { repository, commands, actor, purpose, options: head.options, pid: process.pid };
    const begun = await journal.begin({ ...about, stale: 'git' });
    process.stdin.end(whole.subarray(-packTailBytes));
    const { status } = await process.ended;
    return { report: await report, moved: await inTime(begun.settle({ isKilled: status === null, grown: body.received() })) };
  } catch (error) {
    isGivenUp = true;
    endGently(process);
    await process.ended;
    throw error;
  }
}
