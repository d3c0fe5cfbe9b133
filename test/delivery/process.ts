import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

// Processes that tests and benches ask questions of: a server and a receiver each stand alone, so that one can be killed and each one's
// processor time and memory are its own.

const leash = new URL('../../bin/leash.js', import.meta.url).href;
const readyMsMax = 60_000;
const linesKeptMax = 10_000;
const linesTold = 10;

export interface ChildOptions {
  readonly module: URL;
  readonly args?: readonly string[];
  /** All that it gets of an environment, but PATH and HOME. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A command that ends in becoming the process: what stands behind it. */
  readonly through?: readonly string[];
  /** Of node itself. */
  readonly nodeOptions?: readonly string[];
  /** The file that its stderr goes to; left out, the last lines are kept here, which costs the asking process time. */
  readonly logFile?: string;
}

export interface Child<Ready> {
  readonly process: ChildProcess;
  /** What it said when it was ready. */
  readonly ready: Ready;
  /** Its newest lines on stderr, where they go to no file. */
  readonly lines: readonly string[];
  /** Fails where it fails there, and where the process ends first. */
  ask<Answer>(question: string, input?: unknown): Promise<Answer>;
  /** SIGKILL; answers once it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; answers the exit code. */
  stop(): Promise<number | null>;
}

interface Reply {
  readonly question: number;
  readonly answer?: unknown;
  readonly failure?: string;
}

interface Open {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Starts a module that calls `answerQuestions`; answers once it is ready. */
export async function startChild<Ready>(options: ChildOptions): Promise<Child<Ready>> {
  const lines: string[] = [];
  const child = spawnChild(options, lines);
  const open = new Map<number, Open>();
  const ready = Promise.withResolvers<Ready>();
  child.on('message', (message: { readonly ready: Ready } | Reply) => {
    if ('ready' in message) return ready.resolve(message.ready);
    const asked = open.get(message.question);
    open.delete(message.question);
    if (message.failure === undefined) asked?.resolve(message.answer);
    else asked?.reject(new Error(message.failure));
  });
  const gone = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  void gone.then((code) => {
    const said = options.logFile === undefined ? lines : endOf(options.logFile);
    const error = new Error(`${fileURLToPath(options.module)} ended with ${code}: ${said.slice(-linesTold).join('\n')}`);
    ready.reject(error);
    for (const asked of open.values()) asked.reject(error);
    open.clear();
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), readyMsMax);
  let questions = 0;
  return {
    process: child,
    lines,
    ready: await ready.promise.finally(() => clearTimeout(timer)),
    ask<Answer>(name: string, input?: unknown) {
      return new Promise<Answer>((resolve, reject) => {
        questions += 1;
        const question = questions;
        open.set(question, { resolve: (answer) => resolve(answer as Answer), reject });
        child.send({ question, name, input }, (error) => {
          if (error === null) return;
          open.delete(question);
          reject(error);
        });
      });
    },
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

/** Its last lines; none where the file went with its directory. */
function endOf(path: string): readonly string[] {
  return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
}

function spawnChild(options: ChildOptions, lines: string[]): ChildProcess {
  const { PATH = '', HOME = '' } = process.env;
  const { through = [], nodeOptions = [], args = [], environment = {}, cwd } = options;
  const node = [process.execPath, ...nodeOptions, '--import', leash, fileURLToPath(options.module), ...args];
  const [command = '', ...rest] = [...through, ...node];
  const log = options.logFile === undefined ? null : openSync(options.logFile, 'a');
  const child = spawn(command, rest, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { PATH, HOME, ...environment },
    stdio: ['ignore', log ?? 'ignore', log ?? 'pipe', 'ipc'],
    serialization: 'advanced',
  });
  if (log !== null) closeSync(log);
  if (child.stderr !== null) {
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (lines.length >= linesKeptMax) lines.splice(0, linesKeptMax / 2);
      lines.push(line);
    });
  }
  return child;
}

export type Answers = Readonly<Record<string, (input: never) => unknown>>;

/** In the process: says that it is ready, and answers what it is asked by name. */
export function answerQuestions(ready: unknown, answers: Answers): void {
  process.on('message', (message: { readonly question: number; readonly name: string; readonly input: unknown }) => {
    const { question, name, input } = message;
    const answer = answers[name];
    Promise.resolve()
      .then(() => {
        if (answer === undefined) throw new Error(`Nobody answers to ${name}.`);
        return answer(input as never);
      })
      .then(
        (answered) => process.send?.({ question, answer: answered } satisfies Reply),
        (error: unknown) => process.send?.({ question, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
      );
  });
  // The leash lets go of the channel; here it is what keeps the process.
  process.channel?.ref();
  process.send?.({ ready });
}

const [seconds, nanoseconds] = process.hrtime();
const originMs = seconds * 1000 + nanoseconds / 1e6 - performance.now();

/** Milliseconds by the machine's steady clock: the same in all its processes, and not moved where somebody sets the wall clock. */
export function steadyNow(): number {
  return originMs + performance.now();
}
