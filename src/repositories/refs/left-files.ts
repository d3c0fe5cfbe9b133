import { lstat, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemClock } from '../../clock.ts';
import type { Git } from '../git/git.ts';
import type { Intent } from './intents.ts';

/** Files that git makes to hold others off, and leaves where it is killed: nobody could move refs any more. */
const locks = ['packed-refs.lock', 'HEAD.lock', 'config.lock', 'shallow.lock'];
/** What was pushed and not taken in; git removes it unless it is killed. */
const incoming = /^(tmp_objdir-)?incoming-/;

export interface LeftFilesOptions {
  readonly git: Git;
  readonly intents: readonly Intent[];
  /** What is older has been left; milliseconds since 1970. */
  readonly before: number;
}

/** Removes what killed git processes have left in the repositories of these intents. No such process may be there any more. */
export async function removeLeftFiles({ git, intents, before }: LeftFilesOptions): Promise<void> {
  for (const { repository, commands } of intents) {
    const directory = git.directory(repository);
    if (!(await isDirectory(directory))) continue;
    await tidy(directory, before);
    for (const { ref } of commands) await removeOld(join(directory, `${ref}.lock`), before);
  }
}

/** The same for all repositories here, whatever the intents say; runs beside requests, whose files are younger. */
export async function removeAllLeftFiles({ git, before, signal }: Omit<LeftFilesOptions, 'intents'> & { readonly signal: AbortSignal }) {
  const root = dirname(git.directory('any'));
  for (const name of await readdir(root)) {
    if (signal.aborted) return;
    const directory = join(root, name);
    if (name.endsWith('.git') && (await isDirectory(directory))) await tidy(directory, before);
  }
}

/** A link is none: nothing is removed where it leads. */
async function isDirectory(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => null))?.isDirectory() ?? false;
}

async function tidy(directory: string, before: number): Promise<void> {
  for (const name of locks) await removeOld(join(directory, name), before);
  const objects = join(directory, 'objects');
  for (const name of await readdir(objects).catch(() => [])) {
    if (incoming.test(name)) await removeOld(join(objects, name), before);
  }
}

async function removeOld(path: string, before: number): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found !== null && found.mtimeMs < before) await rm(path, { recursive: true, force: true });
}

/** A lock that git holds on a whole repository is held for moments; one as old as that is nobody's. */
export const lockAbandonedMs = 60_000;

/**
 * After a git process of ours was killed while it moved these refs, which nobody else may move yet: its locks on them go at once, those on the whole
 * repository once nobody can have them any more.
 */
export async function removeLocksOfKilled(options: { readonly git: Git; readonly repository: string; readonly refs: readonly string[] }) {
  const directory = options.git.directory(options.repository);
  for (const ref of options.refs) await rm(join(directory, `${ref}.lock`), { force: true });
  setTimeout(() => {
    const before = systemClock.now() - lockAbandonedMs;
    for (const name of locks) removeOld(join(directory, name), before).catch(() => undefined);
  }, lockAbandonedMs + 1_000).unref();
}
