import type { Connection } from './connection.ts';
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

/**
 * The writer's order of work. Units are taken one after the other, each under a savepoint of one common transaction; the COMMIT comes when
 * nobody is waiting any more (or the group is large or old enough), and only then are they answered: many callers share one fsync.
 * A unit that fails leaves the others untouched. Where SQLite itself gives the whole transaction up (a full disk), all of the group are told.
 */
export function createGroup({ connection, unitMsMax, answer }: GroupOptions) {
  const run = createRunner(connection);
  const waiting = new Map<number, UnitMessage[]>();
  /** Units whose work is done and whose COMMIT is still to come. */
  let finished: number[] = [];
  let active: number | null = null;
  let timer: NodeJS.Timeout | undefined;
  let groupSince = 0;
  let commitPlanned = false;

  function take(message: UnitMessage): void {
    if (active === message.unit) {
      perform(message);
      return;
    }
    const queue = waiting.get(message.unit);
    if (queue === undefined) waiting.set(message.unit, [message]);
    else queue.push(message);
    if (active === null) next();
  }

  function next(): void {
    while (active === null) {
      const first = waiting.entries().next();
      if (first.done === true) return planCommit();
      if (finished.length >= unitsOfGroupMax || (finished.length > 0 && performance.now() - groupSince > groupMsMax)) commit();
      const [unit, messages] = first.value;
      waiting.delete(unit);
      begin(unit);
      for (const message of messages) {
        if (active === unit) perform(message);
        else refuse(message, gone);
      }
    }
  }

  function begin(unit: number): void {
    active = unit;
    timer = setTimeout(() => giveUp(unit), unitMsMax);
  }

  /** The savepoint is made with the first statement, so that a database that cannot be opened is told to the unit that asked. */
  function openTransaction(): void {
    if (!connection.inTransaction) {
      run('begin immediate', []);
      groupSince = performance.now();
    }
    if (!savepointOpen) {
      run('savepoint unit', []);
      savepointOpen = true;
    }
  }
  let savepointOpen = false;

  function perform(message: UnitMessage): void {
    if (message.kind === 'end') return end(message.unit, message.commit);
    try {
      openTransaction();
      const { rows, changes } = run(message.sql, message.parameters);
      answer({ kind: 'rows', request: message.request, rows, changes });
    } catch (error) {
      answer({ kind: 'failed', request: message.request, failure: failureOf(error) });
      if (savepointOpen && !connection.inTransaction) lost(failureOf(error));
    }
  }

  function end(unit: number, wanted: boolean): void {
    clearTimeout(timer);
    active = null;
    try {
      if (savepointOpen) {
        if (!wanted) run('rollback to unit', []);
        run('release unit', []);
        savepointOpen = false;
      }
      if (wanted) finished.push(unit);
      else answer({ kind: 'settled', unit });
    } catch (error) {
      finished.push(unit);
      lost(failureOf(error));
    }
    next();
  }

  function giveUp(unit: number): void {
    if (active !== unit) return;
    try {
      if (savepointOpen) {
        run('rollback to unit', []);
        run('release unit', []);
      }
    } catch (error) {
      lost(failureOf(error));
    }
    savepointOpen = false;
    active = null;
    answer({
      kind: 'settled',
      unit,
      failure: { code: 'unit_too_long', message: `A unit of work held the writer for more than ${unitMsMax} ms` },
    });
    next();
  }

  /** SQLite rolled the whole transaction back: what had been released in it is gone as well. */
  function lost(failure: Failure): void {
    savepointOpen = false;
    for (const unit of finished) answer({ kind: 'settled', unit, failure });
    finished = [];
  }

  function planCommit(): void {
    if (commitPlanned || finished.length === 0) return;
    commitPlanned = true;
    // No timer before the COMMIT: what comes within this turn of the loop still joins, nothing waits for more.
    setImmediate(() => {
      commitPlanned = false;
      if (active === null) commit();
    });
  }

  function commit(): void {
    if (finished.length === 0) return;
    try {
      if (connection.inTransaction) run('commit', []);
      const settled = finished;
      finished = [];
      for (const unit of settled) answer({ kind: 'settled', unit });
    } catch (error) {
      try {
        if (connection.inTransaction) run('rollback', []);
      } finally {
        lost(failureOf(error));
      }
    }
  }

  function refuse(message: UnitMessage, failure: Failure): void {
    if (message.kind === 'query') answer({ kind: 'failed', request: message.request, failure });
  }

  return { take, commit };
}

const gone: Failure = { code: 'unit_over', message: 'The unit of work is over' };

function failureOf(error: unknown): Failure {
  if (error instanceof Error) {
    return { code: 'code' in error && typeof error.code === 'string' ? error.code : 'SQLITE_ERROR', message: error.message };
  }
  return { code: 'SQLITE_ERROR', message: String(error) };
}
