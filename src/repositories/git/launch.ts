import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Call } from './launch-call.ts';
import { createCall } from './launch-call.ts';
import type { LauncherAnswer, LauncherRequest } from './launcher.ts';
import { lineHeadBytes } from './launcher-line.ts';
import type { Spawner } from './spawn.ts';

/** What systems take as the path of a local socket. */
const socketPathBytesMax = 100;

/** A small heap, and little of what makes long-lived programs fast: it has next to nothing to do. */
const launcherFlags = ['--max-old-space-size=32', '--max-semi-space-size=1', '--single-threaded', '--no-warnings'];

/**
 * Starts processes from a small one beside the server. To start one, a process is doubled first, and stands still meanwhile for as long as it has
 * memory: some 15 ms for one of 350 MB, against a fifth of a millisecond to ask another. What the processes read and write goes straight to and
 * from the server, over local sockets under `directory`.
 */
export function createLaunchedSpawner(directory: string): Spawner {
  const calls = new Map<number, Call>();
  let running: Promise<Launcher> | null = null;
  let last = 0;
  const lost = (): void => {
    running = null;
    for (const call of calls.values()) call.lost('What starts git has ended itself.');
  };
  const heard = (answer: LauncherAnswer): void => {
    const call = calls.get(answer.id);
    if (answer.kind === 'started') call?.started(answer.pid);
    else if (answer.kind === 'failed') call?.lost(answer.message);
    else call?.ended({ status: answer.status, signal: answer.signal, stderr: answer.stderr });
  };
  const joined = (id: number, place: number, line: Duplex): void => {
    const call = calls.get(id);
    if (call === undefined) line.destroy();
    else call.joined(place, line);
  };
  const started = async (): Promise<Launcher> => {
    try {
      return await startLauncher({ directory, heard, joined, lost });
    } catch (error) {
      running = null;
      throw error;
    }
  };
  return {
    async spawn(command) {
      const launcher = await (running ??= started());
      last += 1;
      const id = last;
      const call = createCall(command.hasControl === true ? 3 : 2);
      calls.set(id, call);
      hold(launcher, true);
      void call.over.then(() => {
        calls.delete(id);
        if (calls.size === 0) hold(launcher, false);
      });
      launcher.child.send({ id, ...command } satisfies LauncherRequest);
      return call.spawned;
    },
    stop() {
      void running?.then(({ child, server }) => {
        if (child.connected) child.disconnect();
        server.close();
      });
      running = null;
    },
  };
}

interface Launcher {
  readonly child: ChildProcess;
  readonly server: Server;
}

/** While nothing is under way it does not keep us from ending. */
function hold({ child, server }: Launcher, isHeld: boolean): void {
  const word = isHeld ? 'ref' : 'unref';
  child[word]();
  child.channel?.[word]();
  server[word]();
}

interface LauncherOptions {
  readonly directory: string;
  readonly heard: (answer: LauncherAnswer) => void;
  readonly joined: (id: number, place: number, line: Duplex) => void;
  readonly lost: () => void;
}

async function startLauncher({ directory, heard, joined, lost }: LauncherOptions): Promise<Launcher> {
  const path = await freePath(directory);
  const server = createServer((line) => greet(line, joined)).listen(path);
  await once(server, 'listening');
  const program = join(import.meta.dirname, `launcher${extname(import.meta.filename)}`);
  const child = spawn(process.execPath, [...launcherFlags, program, path], { env: {}, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  child.on('message', heard).on('error', lost);
  child.once('exit', () => {
    server.close();
    lost();
  });
  return { child, server };
}

let places = 0;

/** A socket of this process and call alone: the command line runs beside the server. What those left that are gone is taken away. */
async function freePath(directory: string): Promise<string> {
  places += 1;
  const name = `launcher-${process.pid}-${places}.sock`;
  for (const other of await readdir(directory)) {
    const [, pid] = /^launcher-(\d+)-\d+\.sock$/.exec(other) ?? [];
    if (pid !== undefined && (other === name || !isRunning(Number(pid)))) await rm(join(directory, other), { force: true });
  }
  const path = join(directory, name);
  return Buffer.byteLength(path) <= socketPathBytesMax ? path : join(await mkdtemp(join(tmpdir(), 'gatepost-')), name);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Each line says first whose it is, and which of its descriptors. */
function greet(line: Socket, joined: (id: number, place: number, line: Duplex) => void): void {
  line.on('error', () => undefined);
  const read = (): void => {
    const head = line.read(lineHeadBytes) as Buffer | null;
    if (head === null) return;
    line.off('readable', read);
    const [id, place] = head.toString('latin1').trim().split(' ').map(Number);
    joined(id ?? 0, place ?? 0, line);
  };
  line.on('readable', read);
}
