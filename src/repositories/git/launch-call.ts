import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import type { Ended, Spawned } from './spawn.ts';

/** One process that the launcher was asked for. What is known of it comes in any order: that it runs, its lines, even its end. */
export interface Call {
  readonly spawned: Promise<Spawned>;
  /** Once it has ended and was handed out, or will never be. */
  readonly over: Promise<void>;
  started(pid: number): void;
  /** One of its lines is there: by its descriptor, without stderr (0, 1, then the control line). */
  joined(place: number, line: Duplex): void;
  ended(how: Ended): void;
  /** It was not started, or nothing will be heard of it any more. */
  lost(why: string): void;
}

export function createCall(lineCount: number): Call {
  const spawned = Promise.withResolvers<Spawned>();
  const ended = Promise.withResolvers<Ended>();
  const lines = new Map<number, Duplex>();
  let pid: number | null = null;
  const handOut = (): void => {
    const [stdin, stdout, control = null] = [lines.get(0), lines.get(1), lines.get(2)];
    if (pid === null || lines.size < lineCount || stdin === undefined || stdout === undefined) return;
    // Nothing comes back on it, but that it was closed shows only to who reads.
    stdin.resume();
    spawned.resolve({ pid, stdin, stdout, control, ended: endOf(ended.promise, stdout) });
  };
  return {
    spawned: spawned.promise,
    over: Promise.all([ended.promise, spawned.promise.catch(() => undefined)]).then(() => undefined),
    started(number) {
      pid = number;
      handOut();
    },
    joined(place, line) {
      lines.set(place, line);
      handOut();
    },
    ended: ended.resolve,
    lost(why) {
      spawned.reject(new Error(why));
      ended.resolve({ status: null, signal: null, stderr: why });
    },
  };
}

/** The end of a process is its end and the end of what it wrote. What nobody began to read is thrown away then. */
async function endOf(ended: Promise<Ended>, stdout: Duplex): Promise<Ended> {
  const closed = stdout.destroyed ? Promise.resolve() : once(stdout, 'close');
  const how = await ended;
  if (stdout.readableFlowing === null && stdout.listenerCount('readable') === 0) stdout.resume();
  await closed.catch(() => undefined);
  return how;
}
