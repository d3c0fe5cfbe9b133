import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The clone this runs in. */
export const root = fileURLToPath(new URL('../../../', import.meta.url));
const launcher = join(root, 'bin/gatepost.js');
/** Loaded first by a process that shall not outlive the one that started it. */
export const leash = new URL('../../../bin/leash.js', import.meta.url).href;

/** A server ends within 10 s of being asked to; one that does not must not keep the demo open. */
const stopMsMax = 15_000;

export interface DemoServer {
  readonly url: string;
  /** Where its log is written. */
  readonly log: string;
  /** Answers when it has ended, whoever ended it. */
  readonly ended: Promise<number | null>;
  stop(): Promise<void>;
}

export interface DemoServerOptions {
  /** Data and log go here. Made where it is not there. */
  readonly directory: string;
  /** 0: a free one. */
  readonly port: number;
  readonly timeoutMs: number;
}

/** `gatepost serve` as anybody would start it, in a process of its own that never outlives this one. Fails where it does not come up. */
export async function startServer({ directory, port, timeoutMs }: DemoServerOptions): Promise<DemoServer> {
  const data = join(directory, 'server');
  mkdirSync(data, { recursive: true });
  const log = join(directory, 'server.log');
  const child = spawn(process.execPath, ['--import', leash, launcher, 'serve'], {
    // There is no .env file that could change what is shown.
    cwd: directory,
    env: environmentOf(data, port),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  const url = await listening(child, log, timeoutMs).catch(async (error: unknown) => {
    child.kill('SIGKILL');
    await ended;
    throw error;
  });
  return {
    url,
    log,
    ended,
    async stop() {
      child.kill('SIGTERM');
      const enough = setTimeout(() => child.kill('SIGKILL'), stopMsMax);
      await ended;
      clearTimeout(enough);
    },
  };
}

/** Runs a verb of the command line on the demo's data directory and answers its JSON. */
export async function runVerb(directory: string, words: readonly string[]): Promise<unknown> {
  const child = spawn(process.execPath, [launcher, ...words, '--json'], {
    cwd: directory,
    env: environmentOf(join(directory, 'server'), 0),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const pieces = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (pieces.out += piece));
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (pieces.err += piece));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`gatepost ${words.join(' ')} ended with ${code}: ${pieces.err.trim()}`);
  return JSON.parse(pieces.out) as unknown;
}

/** Nobody else's settings: the demo shows the same wherever it runs. */
function environmentOf(data: string, port: number): Record<string, string | undefined> {
  const rest = Object.entries(process.env).filter(([name]) => !name.startsWith('GATEPOST_') && name !== 'DATABASE_URL');
  return {
    ...Object.fromEntries(rest),
    GATEPOST_DATA: data,
    GATEPOST_PORT: String(port),
    // The receiver of the demo is on this machine, where webhooks may not go unless they are allowed to.
    GATEPOST_WEBHOOKS_ALLOW: '127.0.0.1',
    GATEPOST_RETRY_INTERVAL: '2s',
  };
}

/** Writes the log to a file and answers the address that it names. */
async function listening(child: ChildProcess, log: string, timeoutMs: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const lines: string[] = [];
  const file = createWriteStream(log);
  if (child.stderr === null) throw new Error('the server has no log');
  createInterface({ input: child.stderr })
    .on('line', (line) => {
      file.write(`${line}\n`);
      if (lines.length < 20) lines.push(line);
      const url = line.startsWith('{') ? (JSON.parse(line) as { msg?: string; url?: string }) : {};
      if (url.msg === 'listening' && url.url !== undefined) resolve(url.url);
    })
    .once('close', () => file.end());
  child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${lines.map(messageOf).join('; ')}`)));
  const timer = setTimeout(() => reject(new Error(`the server was not up after ${timeoutMs / 1000} s; see ${log}`)), timeoutMs);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

function messageOf(line: string): string {
  return line.startsWith('{') ? ((JSON.parse(line) as { msg?: string }).msg ?? line) : line;
}
