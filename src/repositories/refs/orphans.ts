import { readdir, readFile, readlink } from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatepostError } from '../../errors.ts';
import type { Git } from '../git/git.ts';
import type { LeftIntent } from './intents.ts';

/** How long git processes of a server that died may go on: they have all they need, and end by themselves. */
export const orphanMs = 10_000;
/** How long one takes that was told to end, and that was forced to. */
export const orphanEndMs = 3_000;
const lookEveryMs = 25;

export interface OrphansOptions {
  readonly git: Git;
  readonly intents: readonly LeftIntent[];
  readonly log: { warn(facts: Readonly<Record<string, unknown>>, message: string): void };
}

/**
 * Answers once no git process that an earlier server started can move refs any more: each is waited for, then ended. Only then do the refs tell what
 * became of the intents. Fails with `git_left_behind` where one cannot be ended.
 */
export async function endOrphans({ git, intents, log }: OrphansOptions): Promise<void> {
  const root = dirname(git.directory('any'));
  const pids = intents.flatMap(({ pid }) => (pid === null ? [] : [pid]));
  const find = (): Promise<readonly number[]> => findOrphans(root, pids);
  if (await goneWithin(find, orphanMs)) return;
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    for (const pid of await find()) {
      log.warn({ pid, signal }, 'a git process of an earlier server is ended');
      end(pid, signal);
    }
    if (await goneWithin(find, orphanEndMs)) return;
  }
  throw new GatepostError(
    'unavailable',
    'git_left_behind',
    'Git processes of an earlier run still work in the repositories and cannot be ended. End them, then start again.',
    { details: { pids: await find() } },
  );
}

async function goneWithin(find: () => Promise<readonly number[]>, ms: number): Promise<boolean> {
  const until = performance.now() + ms;
  for (;;) {
    if ((await find()).length === 0) return true;
    if (performance.now() > until) return false;
    await sleep(lookEveryMs);
  }
}

/** The commands that move refs, as they stand in a process's arguments. */
const movers = /^(git-)?(receive-pack|update-ref|symbolic-ref|pack-refs|gc|maintenance|reflog)$/;

/** Where the system shows it: git processes that work in one of our repositories. Elsewhere: those that the intents name, while they are there. */
async function findOrphans(root: string, pids: readonly number[]): Promise<readonly number[]> {
  const names = await readdir('/proc').catch(() => null);
  if (names === null) return pids.filter(isThere);
  const found = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map((name) => ofOurs(root, name)));
  return found.filter((pid) => pid !== null);
}

async function ofOurs(root: string, name: string): Promise<number | null> {
  try {
    const place = await readlink(`/proc/${name}/cwd`);
    if (!place.startsWith(root + sep)) return null;
    const args = (await readFile(`/proc/${name}/cmdline`, 'utf8')).split('\0');
    return args.some((arg) => movers.test(arg)) ? Number(name) : null;
  } catch {
    // It has ended meanwhile, or is another user's.
    return null;
  }
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function end(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}
