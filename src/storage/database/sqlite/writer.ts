import { Worker } from 'node:worker_threads';
import { GatepostError } from '../../../errors.ts';
import { translated } from '../failures.ts';
import type { Answer } from './connection.ts';
import type { Failure, FromWriter, ToWriter, WriterOptions } from './messages.ts';

/** This side of the writer's thread. */
export interface Writer {
  /** A number for a new unit of work. Nothing is sent before its first statement. */
  unit(): number;
  query(unit: number, sql: string, parameters: readonly unknown[]): Promise<Answer>;
  /** Answers when the unit's COMMIT is on disk, or when it has left no trace. */
  end(unit: number, commit: boolean): Promise<void>;
  close(): Promise<void>;
}

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

export async function startWriter(options: WriterOptions): Promise<Writer> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./writer-thread.${extension}`, import.meta.url), { workerData: options, execArgv: [] });
  const requests = new Map<number, Waiting<Answer>>();
  const units = new Map<number, Waiting<void>>();
  const overdue = new Map<number, Failure>();
  let counter = 0;
  let dead: Error | null = null;
  const ready = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();

  function settle({ unit, failure }: Extract<FromWriter, { kind: 'settled' }>): void {
    const waiting = units.get(unit);
    units.delete(unit);
    if (waiting === undefined) {
      if (failure !== undefined) overdue.set(unit, failure);
    } else if (failure === undefined) waiting.resolve();
    else waiting.reject(errorOf(failure));
  }

  function die(error: Error): void {
    dead = error;
    ready.reject(error);
    for (const waiting of [...requests.values(), ...units.values()]) waiting.reject(error);
    requests.clear();
    units.clear();
    closed.resolve();
  }

  worker.on('message', (message: FromWriter) => {
    if (message.kind === 'ready') ready.resolve();
    else if (message.kind === 'closed') closed.resolve();
    else if (message.kind === 'settled') settle(message);
    else {
      const waiting = requests.get(message.request);
      requests.delete(message.request);
      if (message.kind === 'rows') waiting?.resolve({ rows: message.rows, changes: message.changes });
      else waiting?.reject(errorOf(message.failure));
    }
  });
  worker.on('error', (error) => die(error instanceof Error ? error : new Error(String(error))));
  worker.on('exit', () => die(new GatepostError('unavailable', 'database_closed', 'The database is closed.')));

  const send = (message: ToWriter): void => worker.postMessage(message);
  await ready.promise;
  return {
    unit: () => ++counter,
    query(unit, sql, parameters) {
      if (dead !== null) return Promise.reject(dead);
      const failure = overdue.get(unit);
      if (failure !== undefined) return Promise.reject(errorOf(failure));
      const request = ++counter;
      const waiting = Promise.withResolvers<Answer>();
      requests.set(request, waiting);
      send({ kind: 'query', unit, request, sql, parameters });
      return waiting.promise;
    },
    end(unit, commit) {
      if (dead !== null) return Promise.reject(dead);
      const failure = overdue.get(unit);
      overdue.delete(unit);
      if (failure !== undefined) return commit ? Promise.reject(errorOf(failure)) : Promise.resolve();
      const waiting = Promise.withResolvers<void>();
      units.set(unit, waiting);
      send({ kind: 'end', unit, commit });
      return waiting.promise;
    },
    async close() {
      if (dead !== null) return;
      send({ kind: 'close' });
      await closed.promise;
      await worker.terminate();
    },
  };
}

function errorOf(failure: Failure): Error {
  if (failure.code === 'unit_too_long') return new GatepostError('unavailable', 'unit_too_long', failure.message);
  return translated(failure.code, failure.message);
}
