import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Duplex, Readable, Writable } from 'node:stream';

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** A line to it and back, as its file descriptor 3. */
  readonly hasControl?: boolean;
  /** How much memory it may ask for; without it no bound is set. */
  readonly memoryBytesMax?: number;
}

/** What there is to start: a program, or a shell that becomes it after it has set the bound, where its system knows that one. */
export function startedOf({ program, args, memoryBytesMax }: Command, before = ''): readonly [string, readonly string[]] {
  const bound = memoryBytesMax === undefined ? '' : `ulimit -v ${Math.floor(memoryBytesMax / 1024)} 2>/dev/null; `;
  if (before === '' && bound === '') return [program, args];
  return ['/bin/sh', ['-c', `${before}${bound}exec "$0" "$@"`, program, ...args]];
}

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** A process in a group of its own. */
export interface Spawned {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly control: Duplex | null;
  readonly ended: Promise<Ended>;
}

/** Starts a process; fails where there is no such program or directory. */
export interface Spawner {
  spawn(command: Command): Promise<Spawned>;
  stop(): void;
}

/** Of what a process writes to stderr so much is kept; the rest is read and thrown away, as a full pipe would hold it up for ever. */
export const stderrBytesMax = 8 * 1024;

/** Starts processes from this very one, which stands still for as long as that takes: right for one that is small and short-lived. */
export function createOwnSpawner(): Spawner {
  return {
    async spawn(command) {
      const { directory, environment, hasControl = false } = command;
      const [program, args] = startedOf(command);
      const extra = hasControl ? (['pipe'] as const) : [];
      const child = spawn(program, args, { cwd: directory, env: environment, detached: true, stdio: ['pipe', 'pipe', 'pipe', ...extra] });
      const control = hasControl ? (child.stdio[3] as Duplex) : null;
      const ignored = (): void => undefined;
      child.stdin.on('error', ignored);
      child.stdout.on('error', ignored);
      control?.on('error', ignored);
      const stderr = keepFirst(child.stderr);
      const ended = new Promise<Ended>((resolve) => {
        child.once('close', (status, signal) => resolve({ status, signal, stderr: stderr() }));
      });
      const { pid } = child;
      if (pid === undefined) {
        throw await new Promise<Error>((resolve) => {
          child.once('error', resolve);
        });
      }
      child.on('error', ignored);
      return { pid, stdin: child.stdin, stdout: child.stdout, control, ended };
    },
    stop: () => undefined,
  };
}

/** Reads to the end; answers what gives the first bytes as text. */
export function keepFirst(stream: Readable): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('error', () => undefined);
  stream.on('data', (chunk: Buffer) => {
    const kept = chunk.subarray(0, stderrBytesMax - bytes);
    bytes += kept.length;
    if (kept.length > 0) chunks.push(kept);
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

/** Signals a process and whatever it started. Nothing happens where all of it has ended. */
export function signalGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-pid, constants.signals[signal]);
  } catch {
    // All have ended.
  }
}
