import type { Kysely, Transaction } from 'kysely';
import type { Facts } from './facts.ts';
import type { Schema } from './schema.ts';

/** Reads committed rows. Never writes. */
export type Reader = Kysely<Schema>;
/** One unit of work. Both reads and writes go through it, in the order they are given. */
export type Tx = Transaction<Schema>;

export interface Database {
  readonly engine: 'sqlite' | 'postgres';
  /** What differs between the two databases, as named facts. */
  readonly facts: Facts;
  /** Committed rows alone, from connections that cannot write. */
  readonly read: Reader;
  /**
   * Runs one unit of work and answers once its COMMIT is on disk. A unit awaits nothing but the transaction: on SQLite the one writer stands
   * still meanwhile, and a unit that holds it longer than `unitMsMax` is rolled back (`unit_too_long`). What it throws rolls it back and is
   * thrown on. Fails with `storage_full` where the disk is full. Nothing may be sent from inside it.
   * On PostgreSQL it is run again where the database says that it could not be serialised, so it has no effects but its rows.
   */
  write<T>(unit: (tx: Tx) => Promise<T>): Promise<T>;
  /** Settles what is under way and closes. */
  close(): Promise<void>;
}
