// A small process that starts others for the server (launch.ts says why). It ends with the server; what it started does not.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { lineHead } from './launcher-line.ts';
import type { Command, Ended } from './spawn.ts';
import { keepFirst, startedOf } from './spawn.ts';

export interface LauncherRequest extends Command {
  readonly id: number;
}

export type LauncherAnswer =
  | { readonly id: number; readonly kind: 'started'; readonly pid: number }
  | { readonly id: number; readonly kind: 'failed'; readonly message: string }
  | ({ readonly id: number; readonly kind: 'ended' } & Ended);

const [, , path = ''] = process.argv;

/**
 * A line of ours is one that does not block, which a shell that reads it takes for its end. Only of a process's first three is that undone, so the
 * control line is handed over as the third, and changes its place with stderr.
 */
const swap = 'exec 4>&2 2>&3 3>&4 4>&-; ';

process.on('message', (request: LauncherRequest) => void start(request));
process.once('disconnect', () => process.exit(0));
// A signal to the whole group is the server's to answer.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

function say(answer: LauncherAnswer): void {
  if (process.connected) process.send?.(answer);
}

async function start(request: LauncherRequest): Promise<void> {
  const { id, directory, environment, hasControl } = request;
  const lines: Socket[] = [];
  try {
    for (let place = 0; place < (hasControl === true ? 3 : 2); place += 1) lines.push(await open(id, place));
    const [stdin, stdout, control] = lines;
    const [program, args] = startedOf(request, control === undefined ? '' : swap);
    const third = control === undefined ? (['pipe'] as const) : ([control, 'pipe'] as const);
    const child = spawn(program, args, { cwd: directory, env: environment, detached: true, stdio: [stdin, stdout, ...third] });
    const errors = child.stdio[control === undefined ? 2 : 3] as Readable | null;
    const stderr = errors === null ? (): string => '' : keepFirst(errors);
    child.once('close', (status, signal) => {
      if (child.pid !== undefined) say({ id, kind: 'ended', status, signal, stderr: stderr() });
    });
    child.on('error', (error) => {
      if (child.pid === undefined) say({ id, kind: 'failed', message: error.message });
    });
    if (child.pid !== undefined) say({ id, kind: 'started', pid: child.pid });
  } catch (error) {
    say({ id, kind: 'failed', message: error instanceof Error ? error.message : String(error) });
  } finally {
    // The process has its own by now.
    for (const line of lines) line.destroy();
  }
}

/** A line to the server, of which nothing is read here: it is the process's. */
async function open(id: number, place: number): Promise<Socket> {
  const line = new Socket();
  line.on('error', () => undefined);
  line.pause();
  line.connect(path);
  await once(line, 'connect');
  await new Promise<void>((resolve, reject) => {
    line.write(lineHead(id, place), (error) => (error === null || error === undefined ? resolve() : reject(error)));
  });
  return line;
}
