import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What has come to a receiver: each once, and what was refused. */
export interface Arrivals<T> {
  has(id: string): boolean;
  /** One that was verified; whoever listens or waits is told. */
  add(id: string, one: T): void;
  refuse(why: string): void;
  /** The first that is as wanted; waits for it. Fails after `timeoutMs`, and says then what was refused. */
  waitFor(wanted: (one: T) => boolean, timeoutMs: number): Promise<T>;
  /** Is called for every one that comes from now on. */
  onFurther(listener: (one: T) => void): void;
}

export function createArrivals<T>(): Arrivals<T> {
  const received = new Map<string, T>();
  const refused: string[] = [];
  let tell: (one: T) => void = () => undefined;
  let wake = Promise.withResolvers<void>();
  const wakeAll = (): void => {
    wake.resolve();
    wake = Promise.withResolvers();
  };
  return {
    has: (id) => received.has(id),
    add(id, one) {
      received.set(id, one);
      tell(one);
      wakeAll();
    },
    refuse(why) {
      refused.push(why);
    },
    onFurther(listener) {
      tell = listener;
    },
    async waitFor(wanted, timeoutMs) {
      const timer = AbortSignal.timeout(timeoutMs);
      const timedOut = once(timer, 'abort');
      for (;;) {
        const found = [...received.values()].find(wanted);
        if (found !== undefined) return found;
        if (timer.aborted)
          throw new Error(`no such webhook came within ${timeoutMs / 1000} s${refused.map((one) => `; refused: ${one}`).join('')}`);
        await Promise.race([wake.promise, timedOut]);
      }
    },
  };
}

/** Has it listen on a free port of this machine; answers its origin. */
export async function listenHere(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export async function closeHere(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}
