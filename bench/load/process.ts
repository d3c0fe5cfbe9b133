import { fork } from 'node:child_process';
import { once } from 'node:events';

// Servers of the benches run in processes of their own, so that their memory is theirs alone.

interface Ready {
  readonly port: number;
}

export interface ServerProcess {
  readonly port: number;
  /** Resident memory now, in bytes, and from then on its highest until `peak` is asked for. */
  idle(): Promise<number>;
  peak(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts a bench's server, a module that calls `serveBench`. */
export async function startServer(module: URL, args: readonly string[]): Promise<ServerProcess> {
  const child = fork(module, args, { execArgv: ['--expose-gc'] });
  const ask = async <T>(question: string): Promise<T> => {
    child.send(question);
    const [answer] = await once(child, 'message');
    return answer as T;
  };
  const [ready] = (await once(child, 'message')) as [Ready];
  return {
    port: ready.port,
    idle: () => ask<number>('idle'),
    peak: () => ask<number>('peak'),
    async stop() {
      child.kill();
      await once(child, 'exit');
    },
  };
}

const sampleMs = 5;

/** In the child: says where it listens, and answers questions about its memory. */
export function serveBench(port: number): void {
  let peak = 0;
  setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, sampleMs).unref();
  process.on('message', (question) => {
    if (question === 'idle') {
      globalThis.gc?.();
      peak = process.memoryUsage.rss();
    }
    process.send?.(peak);
  });
  process.send?.({ port } satisfies Ready);
}
