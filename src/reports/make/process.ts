import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { GatepostError } from '../../errors.ts';
import type { StageAnswer, StageRequest } from './stages.ts';

export interface StageLimits {
  /** Resident memory of the process, whoever asked for it: V8's own flags do not see native memory. */
  readonly rssBytesMax: number;
  readonly ms: number;
}

/** How often the memory is looked at. */
const watchEveryMs = 50;
/** Lower than the server's, so that its loop gets a core whenever it wants one. */
const nice = 10;
const errorOutputCharactersMax = 4_096;
/** A small young generation: the stages stream, and a large one only fills memory with what is dead already. */
const nodeOptions = ['--max-semi-space-size=4'];

/** Runs one stage in a child process and answers once that has ended, so that its memory is free again. */
export async function runStage<T>(
  request: StageRequest,
  options: { readonly program: URL; readonly limits: StageLimits; readonly signal?: AbortSignal },
): Promise<T> {
  options.signal?.throwIfAborted();
  const child = fork(options.program, [], {
    execArgv: nodeOptions,
    // Nothing of ours: the server's environment holds secrets. PATH is for what a renderer may start.
    env: { PATH: process.env.PATH ?? '', TZ: 'UTC' },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // A group of its own, so that what it starts ends with it, and so that Ctrl-C in the server's terminal does not.
    detached: true,
  });
  lowerPriority(child);
  const ended = endOf(child);
  let stopped: 'memory' | 'time' | 'aborted' | null = null;
  const stop = (why: 'memory' | 'time' | 'aborted'): void => {
    stopped ??= why;
    killGroup(child);
  };
  const abort = (): void => stop('aborted');
  options.signal?.addEventListener('abort', abort, { once: true });
  const watch = setInterval(() => {
    if ((residentBytes(child.pid) ?? 0) > options.limits.rssBytesMax) stop('memory');
  }, watchEveryMs);
  const deadline = setTimeout(() => stop('time'), options.limits.ms);
  try {
    child.send(request);
    const end = await ended;
    options.signal?.throwIfAborted();
    if (end.answer === null) throw lost(stopped, end);
    return resultOf<T>(end.answer);
  } finally {
    clearInterval(watch);
    clearTimeout(deadline);
    options.signal?.removeEventListener('abort', abort);
  }
}

interface End {
  readonly answer: StageAnswer | null;
  readonly code: number | null;
  readonly signal: string | null;
  readonly errorOutput: string;
}

function endOf(child: ChildProcess): Promise<End> {
  return new Promise((resolve) => {
    let answer: StageAnswer | null = null;
    let errorOutput = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errorOutput = (errorOutput + text).slice(-errorOutputCharactersMax);
    });
    child.on('message', (message) => {
      answer = message as StageAnswer;
    });
    // A child that could not be started, or that is gone before the request reached it: `close` follows only for the latter.
    child.on('error', (error) => {
      errorOutput ||= error.message;
      if (child.pid === undefined) resolve({ answer, code: null, signal: null, errorOutput });
    });
    // What it started may hold its pipes open, and has nothing to do any more.
    child.on('exit', () => killGroup(child));
    child.on('close', (code, signal) => resolve({ answer, code, signal, errorOutput }));
  });
}

function resultOf<T>(answer: StageAnswer): T {
  if (answer.ok) return answer.result as T;
  const { kind, code, message, details, cause } = answer.error;
  throw new GatepostError(kind, code, message, {
    ...(details === undefined ? {} : { details }),
    ...(cause === undefined ? {} : { cause }),
  });
}

function lost(stopped: 'memory' | 'time' | 'aborted' | null, end: End): GatepostError {
  const reasons = {
    memory: 'The process that makes the reports needed more memory than it may have',
    time: 'The process that makes the reports took longer than it may',
    ended: 'The process that makes the reports ended before it was done',
  };
  const reason = stopped === 'memory' || stopped === 'time' ? stopped : 'ended';
  return new GatepostError('internal', 'worker_lost', reasons[reason], {
    details: { reason },
    cause: `exit code ${end.code}, signal ${end.signal}: ${end.errorOutput}`,
  });
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
}

/** Set from outside and at once: on Linux only threads that start later inherit it, and V8 starts its own soon. */
function lowerPriority(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) setPriority(child.pid, nice);
  } catch {
    // It may have ended already, or the system may not allow it; it then competes on equal terms.
  }
}

/** Null where the system has no /proc: there the limit is not watched. */
function residentBytes(pid: number | undefined): number | null {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  } catch {
    return null;
  }
}
