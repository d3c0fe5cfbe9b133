import type { Clock } from '../../clock.ts';
import type { Facts } from './facts.ts';
import type { HotUnit } from './hot.ts';
import type { PreparedRead } from './prepared.ts';
import type { Reader, Tx } from './tx.ts';

export type { Reader, Tx } from './tx.ts';

/** A database that is open, whoever opened it. */
export interface Connected {
  readonly engine: 'sqlite' | 'postgres';
  /** What differs between the two databases, as named facts. */
  readonly facts: Facts;
  /** Committed rows alone, from connections that cannot write. */
  readonly read: Reader;
  /**
   * Prepares a statement that reads, for the few hot ones where building and running a query through `read` costs more than the query. `?`
   * stands for a value, and nothing else in the text is a `?`.
   */
  prepare(sql: string): PreparedRead;
  /**
   * Runs one unit of work and answers once its COMMIT is on disk. A unit awaits nothing but the transaction: on SQLite the one writer stands
   * still meanwhile, and a unit that holds it longer than `unitMsMax` is rolled back (`unit_too_long`). What it throws rolls it back and is
   * thrown on. Fails with `storage_full` where the disk is full. Nothing may be sent from inside it.
   * On PostgreSQL it is run again where the database says that it could not be serialised, so it has no effects but its rows.
   */
  write<T>(unit: (tx: Tx) => Promise<T>): Promise<T>;
  /** Runs a hot unit as a unit of its own, with all that `write` promises. */
  run<In, Out>(unit: HotUnit<In, Out>, input: In): Promise<Out>;
  /** Runs a hot unit within a unit of work. */
  runIn<In, Out>(tx: Tx, unit: HotUnit<In, Out>, input: In): Promise<Out>;
  /** The time by the database's own clock, which all that share it have in common; null where nobody shares it. */
  clock(): Promise<Clock | null>;
  /** Hears what others that share the database tell through a channel; null where nobody shares it. Hints may be lost. */
  listen(channel: string, hear: (text: string) => void): { stop(): Promise<void> } | null;
  /** Tells those that listen; nothing where nobody shares the database. Not within a unit of work. */
  notify(channel: string, text: string): Promise<void>;
  /** Settles what is under way and closes. */
  close(): Promise<void>;
}

export interface Database extends Connected {
  /**
   * Who this server is among those that share the database: claims are marked with it, so that at its next start it takes back at once what the
   * process before it had under way. It is its data directory's; no two processes have it at a time. A tool has one of its own each time.
   */
  readonly node: string;
}
