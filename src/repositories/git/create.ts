import { accessSync, constants, statSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { GatepostError } from '../../errors.ts';
import { collectWhileStreaming } from '../../heap.ts';
import type { Git, GitEnd, GitProcess, GitResult, GitRun, GitStart } from './git.ts';
import { createLaunchedSpawner } from './launch.ts';
import { collect } from './output.ts';
import type { PlaceLog } from './place.ts';
import { holdPlace, writeConfig } from './place.ts';
import { layGround } from './settings.ts';
import type { Slots } from './slots.ts';
import { createSlots } from './slots.ts';
import type { Command, Spawned, Spawner } from './spawn.ts';
import { createOwnSpawner, signalGroup } from './spawn.ts';
import { versionOf, versionProblem } from './version.ts';

export interface GitOptions {
  /** The server's data directory. */
  readonly data: string;
  readonly program?: string;
  /** How many processes at once serve clients. */
  readonly serving?: number;
  /** How long a client waits for its turn. */
  readonly servingWaitMs?: number;
  /** How much memory one process may ask for. */
  readonly memoryBytesMax?: number;
  /** Told of repositories that cannot be used, and of what was changed in one. */
  readonly log?: PlaceLog;
  /** What starts it: a small process beside this one, unless told otherwise. */
  readonly spawner?: Spawner;
}

/** How many processes serve clients at once, unless told otherwise. */
export const servingDefault = 32;
/** How many requests may wait for their turn, and for how long. */
export const servingQueueMax = 256;
export const servingWaitMs = 30_000;
/** Our own commands at once; each is short. */
export const workingMax = 6;
export const workingQueueMax = 2_000;
export const workingWaitMs = 60_000;
/** What a process may ask for, unless told otherwise: a pack that lies about its sizes ends there. */
export const memoryBytesMaxDefault = 4 * 2 ** 30;
/** As `nice` counts: 19 is the lowest. */
const chorePriority = 10;
/** How long a process that was asked to end may take. */
export const endMs = 3_000;

/**
 * Finds the system's git and writes the ground that it stands on (`<data>/git`). Where there is none, or it is too old, the answer says so, and
 * only what needs it fails.
 */
export async function createGit(options: GitOptions): Promise<Git> {
  const { data, serving = servingDefault, memoryBytesMax = memoryBytesMaxDefault } = options;
  const [root, ground] = [join(data, 'repositories'), join(data, 'git')];
  const { environment } = await layGround(ground);
  await mkdir(root, { recursive: true, mode: 0o700 });
  const program = onPath(options.program ?? 'git', environment['PATH'] ?? '');
  const found = await findVersion({ program, directory: root, environment });
  const spawner = options.spawner ?? createLaunchedSpawner(ground);
  const lanes = {
    serve: createSlots({ count: serving, queueMax: servingQueueMax, waitMs: options.servingWaitMs ?? servingWaitMs }),
    work: createSlots({ count: workingMax, queueMax: workingQueueMax, waitMs: workingWaitMs }),
  };
  const underWay = new Set<GitProcess>();
  let stopped = false;
  const directory = (repository: string): string => join(root, `${checkedId(repository)}.git`);
  const check = (repository: string): Promise<void> => holdPlace({ place: directory(repository), repository, log: options.log });
  const start = async (asked: GitStart, isNew = false): Promise<GitProcess> => {
    if (found.problem !== null) throw new GatepostError('unavailable', 'git_missing', found.problem);
    if (stopped) throw new GatepostError('unavailable', 'stopping', 'The server is stopping. Try again.', { retryAfterSeconds: 1 });
    const place = directory(asked.repository);
    if (!isNew) await check(asked.repository);
    const command = {
      program,
      args: [...settingsOf(asked.settings), ...asked.args],
      memoryBytesMax,
      directory: place,
      environment: { ...environment, GIT_DIR: place, ...asked.environment },
      hasControl: asked.hasControl ?? false,
    };
    const process = await inSlot(lanes[asked.lane ?? 'work'], asked, async () => guarded(await spawner.spawn(command), { root, asked }));
    if (asked.isChore === true) giveWay(process);
    underWay.add(process);
    const release = asked.lane === 'serve' ? collectWhileStreaming() : null;
    void process.ended.then(() => {
      underWay.delete(process);
      release?.();
    });
    return process;
  };
  const run = async (asked: GitRun): Promise<GitResult> => collect(await start(asked), asked);
  return {
    ...found,
    directory,
    check,
    start: (asked) => start(asked),
    run,
    load: () => ({ serving: lanes.serve.busy(), waiting: lanes.serve.waiting() }),
    async create({ repository, defaultBranch }) {
      const place = directory(repository);
      await mkdir(place, { recursive: true, mode: 0o700 });
      const init = { repository, args: ['init', '--quiet', '--bare', '--template=', `--initial-branch=${defaultBranch}`] };
      await collect(await start(init, true), init);
      await writeConfig(place);
      for (const name of ['config', 'HEAD', '.', '..']) await toDisk(join(place, name));
    },
    async stop(graceMs = 0) {
      stopped = true;
      const ended = Promise.all([...underWay].map((process) => process.ended));
      const timer = setTimeout(() => {
        for (const process of underWay) process.end();
      }, graceMs);
      await ended;
      clearTimeout(timer);
      spawner.stop();
    },
  };
}

/** The whole path, so that it is not looked for each time; the name as it is where nothing is found, which shows when it is started. */
function onPath(program: string, path: string): string {
  if (program.includes('/')) return resolve(program);
  const places = path.split(delimiter).map((place) => join(place, program));
  return places.find((place) => isProgram(place)) ?? program;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** What it starts itself begins with the same. */
function giveWay({ pid }: GitProcess): void {
  try {
    setPriority(pid, chorePriority);
  } catch {
    // It has ended already.
  }
}

/** An id becomes a part of a path, so it is looked at again here, whoever brought it. */
function checkedId(repository: string): string {
  if (!/^[0-9a-zA-Z-]{1,64}$/.test(repository)) throw new Error('A repository is named by its id.');
  return repository;
}

function settingsOf(settings: Readonly<Record<string, string>> = {}): readonly string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

async function inSlot(slots: Slots, asked: GitStart, begin: () => Promise<GitProcess>): Promise<GitProcess> {
  const giveBack = await slots.take(asked);
  try {
    const process = await begin();
    void process.ended.then(giveBack);
    return process;
  } catch (error) {
    giveBack();
    throw error;
  }
}

function guarded(spawned: Spawned, { root, asked }: { readonly root: string; readonly asked: GitStart }): GitProcess {
  let force: NodeJS.Timeout | undefined;
  let over = false;
  const end = (): void => {
    // A process that has ended is asked nothing more: its number may be another's by now.
    if (over || force !== undefined) return;
    signalGroup(spawned.pid, 'SIGTERM');
    force = setTimeout(() => signalGroup(spawned.pid, 'SIGKILL'), endMs);
  };
  asked.signal?.addEventListener('abort', end, { once: true });
  const ended = spawned.ended.then((how): GitEnd => {
    over = true;
    asked.signal?.removeEventListener('abort', end);
    clearTimeout(force);
    return { ...how, stderr: how.stderr.replaceAll(`${root}/`, '') };
  });
  if (asked.signal?.aborted === true) end();
  const { pid, stdin, stdout, control } = spawned;
  return { pid, stdin, stdout, control, ended, end };
}

interface Found {
  readonly version: string | null;
  readonly problem: string | null;
}

async function findVersion(command: Pick<Command, 'program' | 'directory' | 'environment'>): Promise<Found> {
  try {
    const child = await createOwnSpawner().spawn({ ...command, args: ['--version'] });
    child.stdin.end();
    const chunks = await child.stdout.toArray();
    await child.ended;
    const version = versionOf(Buffer.concat(chunks as Buffer[]).toString('latin1'));
    const problem = versionProblem(version);
    return { version: problem === null ? version : null, problem };
  } catch {
    return { version: null, problem: `The program "${command.program}" was not found: repositories need git.` };
  }
}

async function toDisk(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
