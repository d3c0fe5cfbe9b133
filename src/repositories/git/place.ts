import type { Stats } from 'node:fs';
import { lstat, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GatepostError } from '../../errors.ts';

/** All that a repository's own configuration says: that it is one. What git does with it is in the server's (settings.ts). */
export const placeConfig = `# Written by the server; a change here is lost.
[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
`;

export interface PlaceLog {
  warn(facts: Readonly<Record<string, unknown>>, message: string): void;
}

/** What is wrong with a repository's directory: it is not there, or git would be led out of it. */
export interface PlaceProblem {
  readonly code: 'repository_missing' | 'repository_damaged';
  /** For who runs the server. */
  readonly says: string;
}

/** What there must be, and what each may be alone: a link would lead out. */
const directories = ['objects', 'refs'];
const maybeDirectories = ['objects/info', 'objects/pack', 'info', 'refs/heads', 'refs/tags'];
const maybeFiles = ['packed-refs'];
/** Files by which git takes objects, refs and configuration from elsewhere; the server writes none. */
const leadOut = ['objects/info/alternates', 'commondir'];

/** Looks at it without changing anything; null where nothing is wrong. */
export async function placeProblem(place: string): Promise<PlaceProblem | null> {
  const damaged = (says: string): PlaceProblem => ({ code: 'repository_damaged', says });
  const look = (names: readonly string[]): Promise<readonly (readonly [string, Stats | null])[]> =>
    Promise.all(names.map(async (name) => [name, await lstat(join(place, name)).catch(noEntry)] as const));
  const top = await lstat(place).catch(noEntry);
  if (top === null) return { code: 'repository_missing', says: 'its directory is not there' };
  if (!top.isDirectory()) return damaged('its directory is a link, or no directory');
  const [needed, heads, folders, files, out] = await Promise.all([
    look(directories),
    look(['HEAD']),
    look(maybeDirectories),
    look(maybeFiles),
    look(leadOut),
  ]);
  for (const [name, found] of [...needed, ...heads]) if (found === null) return damaged(`${name} is not there`);
  for (const [name, found] of [...needed, ...folders]) if (found?.isDirectory() === false) return damaged(`${name} is no directory`);
  for (const [name, found] of [...heads, ...files]) if (found?.isFile() === false) return damaged(`${name} is no file`);
  for (const [name, found] of out) if (found !== null) return damaged(`${name} leads out of it`);
  return null;
}

interface Held {
  readonly place: string;
  readonly repository: string;
  readonly log: PlaceLog | undefined;
}

/**
 * Lets git into a repository only where nothing leads out of it, and with the configuration we wrote: what was changed there is written anew. Fails
 * with `repository_missing` and `repository_damaged` (503).
 */
export async function holdPlace({ place, repository, log }: Held): Promise<void> {
  const problem = await placeProblem(place);
  if (problem !== null) {
    log?.warn({ repository, code: problem.code, problem: problem.says }, 'a repository cannot be used');
    throw unusable(problem);
  }
  const attributes = join(place, 'info', 'attributes');
  const [isOurs, more] = await Promise.all([hasOurConfig(place), lstat(attributes).catch(noEntry)]);
  if (!isOurs) {
    await writeConfig(place);
    log?.warn({ repository, file: 'config' }, "a repository's own configuration was not ours; it was written anew");
  }
  if (more !== null) {
    await rm(attributes, { recursive: true, force: true });
    log?.warn({ repository, file: 'info/attributes' }, "a repository's own attributes were taken away");
  }
}

async function hasOurConfig(place: string): Promise<boolean> {
  const file = join(place, 'config');
  const found = await lstat(file).catch(noEntry);
  return found?.isFile() === true && found.size === placeConfig.length && (await readFile(file, 'utf8')) === placeConfig;
}

let written = 0;

/** In one step: others may read it just then. */
export async function writeConfig(place: string): Promise<void> {
  written += 1;
  const fresh = join(place, `config.${process.pid}-${written}`);
  await writeFile(fresh, placeConfig, { mode: 0o600, flag: 'wx' });
  await rename(fresh, join(place, 'config'));
}

function unusable({ code, says }: PlaceProblem): GatepostError {
  const message =
    code === 'repository_missing'
      ? 'The files of this repository are not on the disk of the server. Tell whoever runs it.'
      : 'The files of this repository are damaged, so nothing is done with it. Tell whoever runs the server.';
  return new GatepostError('unavailable', code, message, { cause: new Error(says) });
}

function noEntry(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
  throw error;
}
