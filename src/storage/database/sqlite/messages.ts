import type { HotCall } from '../hot.ts';

/** What goes between the loop that answers requests and the writer's thread. A unit is one unit of work. */
export type ToWriter =
  | {
      readonly kind: 'query';
      readonly unit: number;
      readonly request: number;
      readonly sql: string;
      readonly parameters: readonly unknown[];
    }
  /** A hot unit within a unit that other statements belong to as well. */
  | { readonly kind: 'call'; readonly unit: number; readonly request: number; readonly call: HotCall }
  /** A hot unit that is a unit of its own: one message there, one back. */
  | { readonly kind: 'whole'; readonly unit: number; readonly call: HotCall }
  | { readonly kind: 'end'; readonly unit: number; readonly commit: boolean }
  | { readonly kind: 'close' };

export interface Failure {
  readonly code: string;
  readonly message: string;
}

export type FromWriter =
  | { readonly kind: 'rows'; readonly request: number; readonly rows: readonly unknown[]; readonly changes: number }
  | { readonly kind: 'failed'; readonly request: number; readonly failure: Failure }
  /** The unit is over: its COMMIT is on disk, or it left no trace. */
  | { readonly kind: 'settled'; readonly unit: number; readonly failure?: Failure; readonly output?: unknown }
  | { readonly kind: 'ready' }
  | { readonly kind: 'closed' };

export interface WriterOptions {
  readonly file: string;
  /** How long a unit may hold the writer. */
  readonly unitMsMax: number;
  /** How long to wait for another process that holds the database. */
  readonly busyMsMax: number;
}

/** A unit that awaits something other than its transaction would stop everybody's writes. */
export const unitMsMax = 10_000;
export const busyMsMax = 15_000;
