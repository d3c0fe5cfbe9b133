import { startChild } from '../delivery/process.ts';

export interface Outcome {
  readonly state: 'delivered' | 'exhausted';
  readonly status: number | null;
  readonly error: string | null;
}

const delivered: Outcome = { state: 'delivered', status: 200, error: null };
const failed = (error: string | null, status: number | null = null): Outcome => ({ state: 'exhausted', status, error });

/** Receivers that do not behave, by what they do, each with what must come of the one attempt at it. */
export const outcomes = {
  hangs: failed('timeout'),
  'hangs-in-headers': failed('timeout'),
  /** A status within the deadline decides, whatever comes of the body. */
  drips: delivered,
  floods: delivered,
  'cuts-at-once': failed('connection_closed'),
  'cuts-in-headers': failed('connection_closed'),
  'cuts-in-body': delivered,
  rubbish: failed('answer_invalid'),
  'only-1xx': failed('timeout'),
  redirects: failed('redirect_not_followed', 302),
  'headers-without-end': failed('answer_headers_too_large'),
  'closes-kept': delivered,
  fails: failed(null, 500),
  nobody: failed('connection_refused'),
} as const satisfies Readonly<Record<string, Outcome>>;

export type StrangerName = keyof typeof outcomes;
export const strangerNames = Object.keys(outcomes) as readonly StrangerName[];
/** Those that take the whole deadline, each time. */
export const slowNames: readonly StrangerName[] = ['hangs', 'hangs-in-headers', 'drips', 'only-1xx'];

export interface Strangers {
  url(name: StrangerName): string;
  /** How many whole requests each has had. */
  requests(): Promise<ReadonlyMap<string, number>>;
  close(): Promise<void>;
}

/** All of them in a process of its own. */
export async function startStrangers(): Promise<Strangers> {
  const child = await startChild<number>({ module: new URL('strangers-process.ts', import.meta.url) });
  return {
    // Port 1 is nobody's.
    url: (name) => `http://127.0.0.1:${name === 'nobody' ? 1 : child.ready}/${name}`,
    requests: () => child.ask('requests'),
    close: () => child.kill(),
  };
}
