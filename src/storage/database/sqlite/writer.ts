import { Worker } from 'node:worker_threads';
import { GatepostError } from '../../../errors.ts';
import { translated } from '../failures.ts';
import type { HotCall } from '../hot.ts';
import type { Answer } from './connection.ts';
import type { Failure, FromWriter, ToWriter, WriterOptions } from './messages.ts';

/** This side of the writer's thread. */
export interface Writer {
  /** A number for a new unit of work. Nothing is sent before its first statement. */
  unit(): number;
  query(unit: number, sql: string, parameters: readonly unknown[]): Promise<Answer>;
  /** A hot unit within a unit. */
  call(unit: number, call: HotCall): Promise<Answer>;
  /** A hot unit of its own; answers what it answered once its COMMIT is on disk. */
  whole(call: HotCall): Promise<unknown>;
  /** Answers when the unit's COMMIT is on disk, or when it has left no trace. */
  end(unit: number, commit: boolean): Promise<void>;
  close(): Promise<void>;
}

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

export async function startWriter(options: WriterOptions): Promise<Writer> {
  const writer = new WriterThread(options);
  await writer.ready;
  return writer;
}

/** The young part of the writer's heap; it would grow to five times this under load. */
const writerYoungMb = 12;

class WriterThread implements Writer {
  readonly ready: Promise<void>;
  readonly #thread: Worker;
  readonly #requests = new Map<number, Waiting<Answer>>();
  readonly #units = new Map<number, Waiting<unknown>>();
  /** Units that the thread gave up, until their callers have heard of it. */
  readonly #overdue = new Map<number, Failure>();
  readonly #opened = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  #counter = 0;
  #dead: Error | null = null;

  constructor(options: WriterOptions) {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    // Flags of this process, such as --input-type, are none for the thread.
    this.#thread = new Worker(new URL(`./writer-thread.${extension}`, import.meta.url), {
      workerData: options,
      execArgv: [],
      // It holds one group of units at a time.
      resourceLimits: { maxYoungGenerationSizeMb: writerYoungMb },
    });
    this.ready = this.#opened.promise;
    this.#thread.on('message', (message: FromWriter) => this.#hear(message));
    this.#thread.on('error', (error) => this.#die(error instanceof Error ? error : new Error(String(error))));
    this.#thread.on('exit', () => this.#die(new GatepostError('unavailable', 'database_closed', 'The database is closed.')));
  }

  unit(): number {
    this.#counter += 1;
    return this.#counter;
  }

  query(unit: number, sql: string, parameters: readonly unknown[]): Promise<Answer> {
    return this.#ask(unit, (request) => ({ kind: 'query', unit, request, sql, parameters }));
  }

  call(unit: number, call: HotCall): Promise<Answer> {
    return this.#ask(unit, (request) => ({ kind: 'call', unit, request, call }));
  }

  whole(call: HotCall): Promise<unknown> {
    if (this.#dead !== null) return Promise.reject(this.#dead);
    const unit = this.unit();
    const waiting = Promise.withResolvers<unknown>();
    this.#units.set(unit, waiting);
    this.#send({ kind: 'whole', unit, call });
    return waiting.promise;
  }

  #ask(unit: number, message: (request: number) => ToWriter): Promise<Answer> {
    if (this.#dead !== null) return Promise.reject(this.#dead);
    const failure = this.#overdue.get(unit);
    if (failure !== undefined) return Promise.reject(errorOf(failure));
    this.#counter += 1;
    const request = this.#counter;
    const waiting = Promise.withResolvers<Answer>();
    this.#requests.set(request, waiting);
    this.#send(message(request));
    return waiting.promise;
  }

  async end(unit: number, commit: boolean): Promise<void> {
    await this.#end(unit, commit);
  }

  #end(unit: number, commit: boolean): Promise<unknown> {
    if (this.#dead !== null) return Promise.reject(this.#dead);
    const failure = this.#overdue.get(unit);
    this.#send({ kind: 'end', unit, commit });
    if (failure !== undefined) {
      this.#overdue.delete(unit);
      return commit ? Promise.reject(errorOf(failure)) : Promise.resolve(null);
    }
    const waiting = Promise.withResolvers<unknown>();
    this.#units.set(unit, waiting);
    return waiting.promise;
  }

  async close(): Promise<void> {
    if (this.#dead !== null) return;
    this.#send({ kind: 'close' });
    await this.#closed.promise;
    await this.#thread.terminate();
  }

  #send(message: ToWriter): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window: there is no origin
    this.#thread.postMessage(message);
  }

  #hear(message: FromWriter): void {
    if (message.kind === 'ready') this.#opened.resolve();
    else if (message.kind === 'closed') this.#closed.resolve();
    else if (message.kind === 'settled') this.#settle(message);
    else {
      const waiting = this.#requests.get(message.request);
      this.#requests.delete(message.request);
      if (message.kind === 'rows') waiting?.resolve({ rows: message.rows, changes: message.changes });
      else waiting?.reject(errorOf(message.failure));
    }
  }

  #settle({ unit, failure, output }: Extract<FromWriter, { kind: 'settled' }>): void {
    const waiting = this.#units.get(unit);
    this.#units.delete(unit);
    if (waiting === undefined) {
      if (failure !== undefined) this.#overdue.set(unit, failure);
    } else if (failure === undefined) waiting.resolve(output);
    else waiting.reject(errorOf(failure));
  }

  #die(error: Error): void {
    this.#dead ??= error;
    this.#opened.reject(error);
    for (const waiting of [...this.#requests.values(), ...this.#units.values()]) waiting.reject(error);
    this.#requests.clear();
    this.#units.clear();
    this.#closed.resolve();
  }
}

function errorOf(failure: Failure): Error {
  if (failure.code === 'unit_too_long' || failure.code === 'unit_over')
    return new GatepostError('unavailable', 'unit_too_long', failure.message);
  return translated(failure.code, failure.message);
}
