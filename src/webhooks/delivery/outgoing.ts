import type { FailureCode } from './failure.ts';

/** How much of an answer's body is kept. */
export const answerBytesMax = 16 * 1024;

/** How a webhook's receiver is reached. Another one, or another origin, opens new connections. */
export interface Transport {
  /** The webhook's own proxy, which is guarded like a receiver; null: that of the settings, or none. */
  readonly proxy: URL | null;
  /** Certificates (PEM) that are believed beside those of the settings and of the system. */
  readonly ca: string | null;
  /** How many redirects are followed. */
  readonly redirects: 0 | 1;
  /** The webhook's; it grows whenever the webhook is changed. */
  readonly revision: number;
}

/** As most webhooks have it. */
export const plainTransport: Transport = { proxy: null, ca: null, redirects: 0, revision: 0 };

export interface Outgoing {
  /** Whose connections: a webhook that hangs holds none of another's. */
  readonly webhook: string;
  readonly url: URL;
  /** Path and query as they are to go out; left out: in the URL's normal form. */
  readonly target?: string;
  readonly transport: Transport;
  /** Name, value, name, value: no name twice, and neither `host` nor `content-length`, which follow from the rest. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** What came of it. Either a status, with what was kept of the answer, or a failure; a redirect is both. */
export interface Answer {
  readonly status: number | null;
  readonly headers: Readonly<Record<string, string>>;
  /** The first `answerBytesMax` of the body; null where no status came. */
  readonly body: Buffer | null;
  readonly failure: FailureCode | null;
  readonly reason: string | null;
  readonly durationMs: number;
}
