import type { Kysely, Transaction } from 'kysely';
import type { Schema } from './schema.ts';

/** Reads committed rows. Never writes. */
export type Reader = Kysely<Schema>;
/** One unit of work. Both reads and writes go through it, in the order they are given. */
export type Tx = Transaction<Schema>;
