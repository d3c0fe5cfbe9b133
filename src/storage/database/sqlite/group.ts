import type { HotCall } from '../hot.ts';
import { createHotCaller } from '../hot.ts';
import type { Answer, Connection } from './connection.ts';
import { createRunner } from './connection.ts';
import type { Failure, FromWriter, ToWriter } from './messages.ts';

/** A group is committed at the latest when so many units wait for its COMMIT. */
export const unitsOfGroupMax = 256;
/** … or when the first of them has waited so long. */
export const groupMsMax = 25;

interface GroupOptions {
  readonly connection: Connection;
  readonly unitMsMax: number;
  readonly answer: (message: FromWriter) => void;
}

type UnitMessage = Exclude<ToWriter, { kind: 'close' }>;

/** A unit whose work is done and whose COMMIT is still to come. */
interface Finished {
  readonly unit: number;
  /** Of a unit that came in one message. */
  readonly output?: unknown;
}

/**
 * The writer's order of work. Units are taken one after the other, each under a savepoint of one common transaction; the COMMIT comes when
 * nobody is waiting any more (or the group is large or old enough), and only then are they answered: many callers share one fsync.
 * A unit that fails leaves the others untouched. Where SQLite itself gives the whole transaction up (a full disk), all of the group are told.
 */
export class UnitGroup {
  readonly #options: GroupOptions;
  readonly #run: (sql: string, parameters: readonly unknown[]) => Answer;
  readonly #call: (call: HotCall) => unknown;
  readonly #waiting = new Map<number, UnitMessage[]>();
  #finished: Finished[] = [];
  /** Units that held the writer too long and whose callers may not have heard of it yet: nothing more is done for them. */
  readonly #givenUp = new Set<number>();
  #active: number | null = null;
  #savepoint = false;
  #timer: NodeJS.Timeout | undefined;
  #since = 0;
  #commitPlanned = false;

  constructor(options: GroupOptions) {
    this.#options = options;
    this.#run = createRunner(options.connection);
    this.#call = createHotCaller(options.connection);
  }

  take(message: UnitMessage): void {
    if (this.#givenUp.has(message.unit)) {
      if (message.kind === 'end') this.#givenUp.delete(message.unit);
      else if (message.kind !== 'whole') this.#options.answer({ kind: 'failed', request: message.request, failure: unitOver });
      return;
    }
    if (this.#active === message.unit) {
      this.#perform(message);
      return;
    }
    const queue = this.#waiting.get(message.unit);
    if (queue === undefined) this.#waiting.set(message.unit, [message]);
    else queue.push(message);
    if (this.#active === null) this.#next();
  }

  /** Puts on disk what is finished, and tells those who wait for it. */
  commit(): void {
    if (this.#finished.length === 0) return;
    const { connection, answer } = this.#options;
    try {
      if (connection.inTransaction) this.#run('commit', []);
      const settled = this.#finished;
      this.#finished = [];
      for (const each of settled) answer({ kind: 'settled', ...each });
    } catch (error) {
      this.#rollBack(error);
    }
  }

  #next(): void {
    while (this.#active === null) {
      const first = this.#waiting.entries().next();
      if (first.done === true) {
        this.#planCommit();
        return;
      }
      if (this.#isGroupFull()) this.commit();
      const [unit, messages] = first.value;
      this.#waiting.delete(unit);
      if (messages[0]?.kind === 'whole') {
        this.#performWhole(unit, messages[0].call);
        continue;
      }
      this.#active = unit;
      this.#timer = setTimeout(() => this.#giveUp(unit), this.#options.unitMsMax);
      for (const message of messages) {
        if (this.#active === unit) this.#perform(message);
        else if (message.kind === 'query' || message.kind === 'call')
          this.#options.answer({ kind: 'failed', request: message.request, failure: unitOver });
      }
    }
  }

  #isGroupFull(): boolean {
    return this.#finished.length >= unitsOfGroupMax || (this.#finished.length > 0 && performance.now() - this.#since > groupMsMax);
  }

  /** Nothing is awaited in it, so it needs no clock: it is over before another message is looked at. */
  #performWhole(unit: number, call: HotCall): void {
    const { answer, connection } = this.#options;
    try {
      this.#openSavepoint();
      const output = this.#call(call);
      this.#closeSavepoint(true);
      this.#finished.push({ unit, output });
    } catch (error) {
      answer({ kind: 'settled', unit, failure: failureOf(error) });
      if (this.#savepoint && !connection.inTransaction) this.#lost(failureOf(error));
      else this.#closeSavepoint(false);
    }
  }

  #perform(message: UnitMessage): void {
    if (message.kind === 'whole') return;
    if (message.kind === 'end') {
      this.#end(message.unit, message.commit);
      return;
    }
    const { answer, connection } = this.#options;
    try {
      this.#openSavepoint();
      if (message.kind === 'call') {
        answer({ kind: 'rows', request: message.request, rows: [this.#call(message.call)], changes: 0 });
        return;
      }
      const { rows, changes } = this.#run(message.sql, message.parameters);
      answer({ kind: 'rows', request: message.request, rows, changes });
    } catch (error) {
      answer({ kind: 'failed', request: message.request, failure: failureOf(error) });
      if (this.#savepoint && !connection.inTransaction) this.#lost(failureOf(error));
    }
  }

  /** With the first statement, so that a database that cannot be opened is told to the unit that asked. */
  #openSavepoint(): void {
    if (this.#savepoint) return;
    if (!this.#options.connection.inTransaction) {
      this.#run('begin immediate', []);
      this.#since = performance.now();
    }
    this.#run('savepoint unit', []);
    this.#savepoint = true;
  }

  #closeSavepoint(keep: boolean): void {
    if (!this.#savepoint) return;
    if (!keep) this.#run('rollback to unit', []);
    this.#run('release unit', []);
    this.#savepoint = false;
  }

  #end(unit: number, keep: boolean): void {
    clearTimeout(this.#timer);
    this.#active = null;
    try {
      this.#closeSavepoint(keep);
      if (keep) this.#finished.push({ unit });
      else this.#options.answer({ kind: 'settled', unit });
    } catch (error) {
      this.#finished.push({ unit });
      this.#rollBack(error);
    }
    this.#next();
  }

  #giveUp(unit: number): void {
    if (this.#active !== unit) return;
    try {
      this.#closeSavepoint(false);
    } catch (error) {
      this.#rollBack(error);
    }
    this.#active = null;
    this.#givenUp.add(unit);
    const message = `A unit of work held the writer for more than ${this.#options.unitMsMax} ms`;
    this.#options.answer({ kind: 'settled', unit, failure: { code: 'unit_too_long', message } });
    this.#next();
  }

  #planCommit(): void {
    if (this.#commitPlanned || this.#finished.length === 0) return;
    this.#commitPlanned = true;
    // No timer before the COMMIT: what comes within this turn of the loop still joins, nothing waits for more.
    setImmediate(() => {
      this.#commitPlanned = false;
      if (this.#active === null) this.commit();
    });
  }

  #rollBack(error: unknown): void {
    try {
      if (this.#options.connection.inTransaction) this.#run('rollback', []);
    } finally {
      this.#lost(failureOf(error));
    }
  }

  /** The whole transaction is rolled back: what had been released in it is gone as well. */
  #lost(failure: Failure): void {
    this.#savepoint = false;
    for (const { unit } of this.#finished) this.#options.answer({ kind: 'settled', unit, failure });
    this.#finished = [];
  }
}

const unitOver: Failure = { code: 'unit_over', message: 'The unit of work held the writer too long and is over' };

function failureOf(error: unknown): Failure {
  if (error instanceof Error) {
    return { code: 'code' in error && typeof error.code === 'string' ? error.code : 'SQLITE_ERROR', message: error.message };
  }
  return { code: 'SQLITE_ERROR', message: String(error) };
}
