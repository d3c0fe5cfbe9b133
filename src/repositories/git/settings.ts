import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hooks } from './hooks.ts';

/** A file of more than this is not held in memory by git, and not stored as a difference to another. */
export const bigFileBytes = 32 * 2 ** 20;
/** What of the packs one process of git maps at once, beside what it works on. */
export const packBytesMapped = 256 * 2 ** 20;
/** What git keeps to find small differences by. */
export const packWindowBytes = 64 * 2 ** 20;

/**
 * What every repository is worked on with, and nothing else: the machine's and the user's configuration are not read. Each has its reason:
 * what git says is done is on disk (`fsync`), nothing of it outlives its request (`auto`), memory is bounded, objects are checked as they come in,
 * git goes out to nobody (`protocol`), and three faults of the oldest histories, which nobody can mend any more, are let in.
 */
const settings: Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>> = {
  core: {
    fsync: 'all',
    logAllRefUpdates: true,
    bigFileThreshold: bigFileBytes,
    packedGitWindowSize: packBytesMapped / 8,
    packedGitLimit: packBytesMapped,
    deltaBaseCacheLimit: packWindowBytes,
    useReplaceRefs: false,
    attributesFile: '/dev/null',
    excludesFile: '/dev/null',
    fsmonitor: false,
    // What is taken in lies beside the repository at first, which git takes for another one and asks for its refs, which it knows already.
    alternateRefsCommand: 'true',
    // Whoever packs the refs holds them for longer than git waits by itself.
    filesRefLockTimeout: 5_000,
    packedRefsTimeout: 15_000,
  },
  safe: { directory: '*' },
  init: { defaultBranch: 'main' },
  user: { useConfigOnly: true },
  gc: { auto: 0 },
  maintenance: { auto: false },
  pack: { threads: 1, windowMemory: packWindowBytes, deltaCacheSize: packWindowBytes / 2 },
  protocol: { allow: 'never' },
  transfer: { fsckObjects: true },
  receive: { fsckObjects: true, autogc: false, advertisePushOptions: true, updateServerInfo: false },
  uploadpack: { allowFilter: true, allowAnySHA1InWant: false },
};

/** What the oldest tools wrote, and git reads without harm. */
const forgiven = ['badTimezone', 'missingSpaceBeforeDate', 'zeroPaddedFilemode'];

function settingsText(hooksDirectory: string): string {
  const lines = ['# Written by the server at each start; a change here is lost.'];
  const all: typeof settings = { ...settings, core: { ...settings['core'], hooksPath: hooksDirectory } };
  for (const [section, values] of Object.entries(all)) {
    lines.push(`[${section}]`);
    for (const [name, value] of Object.entries(values)) lines.push(`\t${name} = ${quoted(String(value))}`);
  }
  for (const section of ['fsck', 'receive "fsck"', 'fetch "fsck"']) {
    lines.push(`[${section}]`, ...forgiven.map((name) => `\t${name} = ignore`));
  }
  return `${lines.join('\n')}\n`;
}

function quoted(value: string): string {
  return `"${value.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`;
}

export interface GitGround {
  /** The variables every git is given; nothing of our own environment but the search path. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Writes git's configuration, its home and its hooks under this directory, and answers the environment that leads there. */
export async function layGround(directory: string): Promise<GitGround> {
  const [home, hooksDirectory, file] = [join(directory, 'home'), join(directory, 'hooks'), join(directory, 'config')];
  await mkdir(home, { recursive: true, mode: 0o700 });
  await mkdir(hooksDirectory, { recursive: true, mode: 0o700 });
  await write(file, settingsText(hooksDirectory), 0o600);
  for (const [name, script] of Object.entries(hooks)) await write(join(hooksDirectory, name), script, 0o700);
  return {
    environment: {
      PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
      HOME: home,
      XDG_CONFIG_HOME: home,
      LC_ALL: 'C.UTF-8',
      TZ: 'UTC',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: file,
      GIT_ATTR_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      GIT_ASKPASS: 'false',
      GIT_OPTIONAL_LOCKS: '0',
      GIT_NO_REPLACE_OBJECTS: '1',
      // A file that is not there: a repository's own would give commits other parents.
      GIT_GRAFT_FILE: join(home, 'no-grafts'),
    },
  };
}

/** In one step: the command line may run beside the server, with the same files. */
async function write(file: string, text: string, mode: number): Promise<void> {
  if ((await readFile(file, 'utf8').catch(() => null)) === text) return;
  const fresh = `${file}.${process.pid}`;
  await writeFile(fresh, text, { mode });
  await rename(fresh, file);
}
