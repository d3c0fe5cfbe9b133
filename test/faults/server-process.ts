import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A real server in a process of its own, to be killed. */
export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  readonly child: ChildProcess;
  /** SIGKILL; answers once the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM; answers the exit code. */
  stop(): Promise<number | null>;
  /** What it logged so far, a line each. */
  readonly lines: readonly string[];
}

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const leash = new URL('../../bin/leash.js', import.meta.url).href;
const startMs = 30_000;

export interface ServerProcessOptions {
  readonly cwd: string;
  /** A command that ends in becoming the server: what stands behind it. */
  readonly through?: readonly string[];
}

/** Starts a server with these settings and nothing else from our environment; answers once it takes requests. */
export async function startServer(settings: Readonly<Record<string, string>>, options: ServerProcessOptions): Promise<ServerProcess> {
  const { PATH = '', HOME = '' } = process.env;
  const command = [...(options.through ?? []), process.execPath, '--import', leash, main];
  const child = spawn(command[0] ?? '', command.slice(1), {
    cwd: options.cwd,
    env: { PATH, HOME, GATEPOST_PORT: '0', ...settings },
    // A channel for the leash alone: should the test be ended, its server does not stay behind.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  if (child.stderr === null) throw new Error('The server has no log.');
  const lines: string[] = [];
  const started = Promise.withResolvers<string>();
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line);
    const url = /"url":"(http:[^"]+)","msg":"listening"/.exec(line)?.[1];
    if (url !== undefined) started.resolve(url);
  });
  const gone = once(child, 'exit').then(([code]) => code as number | null);
  void gone.then((code) => started.reject(new Error(`The server ended with ${code}: ${lines.slice(-5).join('\n')}`)));
  const timer = setTimeout(
    () => started.reject(new Error(`The server did not start in ${startMs} ms: ${lines.slice(-5).join('\n')}`)),
    startMs,
  );
  const url = await started.promise.finally(() => clearTimeout(timer));
  return {
    url,
    pid: child.pid ?? 0,
    child,
    lines,
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
    async stop() {
      child.kill('SIGTERM');
      return gone;
    },
  };
}
