import type { Child } from '../delivery/process.ts';
import { startChild } from '../delivery/process.ts';

/**
 * What the witness does with a request, by the first part of its path: `/ok/…` 204 at once, `/within-10/…` 204 after at most so many
 * milliseconds, `/seldom-10/…` 500 to every tenth and 204 to the others, `/status-503/…` that status, `/hang/…` nothing.
 */
export type Manner = 'ok' | 'hang' | `within-${number}` | `seldom-${number}` | `status-${number}`;

/** Everything that arrived, in order. */
export interface Witnessed {
  /** When each came, by `steadyNow`. */
  readonly at: Float64Array;
  /** The same by the wall clock of its own process. */
  readonly walls: Float64Array;
  /** The number in its body. */
  readonly tags: Float64Array;
  /** Which of `paths` it was sent to. */
  readonly path: Uint8Array;
  readonly paths: readonly string[];
  /** `webhook-id`. */
  readonly ids: readonly string[];
  /** What it was answered; 0: nothing yet. */
  readonly statuses: Uint16Array;
  /** `webhook-timestamp`, in seconds since 1970. */
  readonly timestamps: Float64Array;
  /** Those whose signature did not hold. */
  readonly forged: readonly string[];
}

/** A receiver in a process of its own, where no fault of the server's reaches it: verifies every signature and remembers every request. */
export interface Witness {
  readonly port: number;
  url(manner: Manner, name?: string): string;
  /** How many different ids have come to a path, and how many requests in all. */
  count(path: string): Promise<{ readonly ids: number; readonly requests: number }>;
  witnessed(): Promise<Witnessed>;
  /** When the last of these numbers first came to a path, by `steadyNow`; null while one is missing. */
  lastOf(path: string, tags: readonly number[]): Promise<number | null>;
  /** Another manner for a path than its first part says; null: as it says. */
  behave(path: string, manner: Manner | null): Promise<void>;
  close(): Promise<void>;
}

export async function startWitness(): Promise<Witness> {
  const child: Child<number> = await startChild<number>({ module: new URL('witness-process.ts', import.meta.url) });
  return {
    port: child.ready,
    url: (manner, name = 'hook') => `http://127.0.0.1:${child.ready}/${manner}/${name}`,
    count: (path) => child.ask('count', path),
    witnessed: () => child.ask('witnessed'),
    lastOf: (path, tags) => child.ask('lastOf', { path, tags: Float64Array.from(tags) }),
    behave: (path, manner) => child.ask('behave', { path, manner }),
    close: () => child.kill(),
  };
}
