import type { Child } from './process.ts';
import { startChild } from './process.ts';

/**
 * What a receiver does with a request, by the first part of its path: `/ok/…` 204 at once, `/hang/…` nothing until the line is closed,
 * `/slow-200/…` 204 after so many milliseconds, `/status-500/…` that status. `behave` puts another in the place of what the path says.
 */
export type Behaviour = 'ok' | 'hang' | `slow-${number}` | `status-${number}`;

/** Everything that arrived, in order. */
export interface Arrivals {
  /** When each came, by `steadyNow`. */
  readonly at: Float64Array;
  /** The number in its body; NaN where there is none. */
  readonly tags: Float64Array;
  /** Which of `paths` it was sent to. */
  readonly path: Uint32Array;
  readonly paths: readonly string[];
  /** `webhook-id`. */
  readonly ids: readonly string[];
}

export interface Counts {
  /** Requests whose last byte has come. */
  readonly arrived: number;
  /** How many of them came under an id that had come before. */
  readonly repeated: number;
  /** Connections that are open. */
  readonly connections: number;
  /** When the last one came, by `steadyNow`; 0: none yet. */
  readonly lastAt: number;
}

export interface Receiver {
  readonly port: number;
  /** `http://127.0.0.1:PORT` and the path of that behaviour. */
  url(behaviour: Behaviour, name?: string): string;
  behave(path: string, behaviour: Behaviour | null): Promise<void>;
  count(): Promise<Counts>;
  /** Answers once so many have arrived in all, or after so long. */
  until(arrived: number, msMax: number): Promise<Counts>;
  arrivals(): Promise<Arrivals>;
  /** Forgets what arrived. */
  forget(): Promise<void>;
  /** Cuts every connection. */
  cut(): Promise<void>;
  cpuMs(): Promise<number>;
  close(): Promise<void>;
}

export interface ReceiverOptions {
  /** A port of its own choice, so that it can come back where it was. */
  readonly port?: number;
}

/** A receiver in a process of its own that answers at once and keeps no body. */
export async function startReceiver({ port = 0 }: ReceiverOptions = {}): Promise<Receiver> {
  const child: Child<number> = await startChild<number>({ module: new URL('receiver-process.ts', import.meta.url), args: [String(port)] });
  return {
    port: child.ready,
    url: (behaviour, name = 'hook') => `http://127.0.0.1:${child.ready}/${behaviour}/${name}`,
    behave: (path, behaviour) => child.ask('behave', { path, behaviour }),
    count: () => child.ask('count'),
    until: (arrived, msMax) => child.ask('until', { arrived, msMax }),
    arrivals: () => child.ask('arrivals'),
    forget: () => child.ask('forget'),
    cut: () => child.ask('cut'),
    cpuMs: () => child.ask('cpuMs'),
    close: () => child.kill(),
  };
}
