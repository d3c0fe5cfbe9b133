import type { Clock } from '../../../clock.ts';
import type { SourceAllowlist } from './address.ts';

/** Parameters of a GET; what is undefined is not sent. */
export type Query = Readonly<Record<string, string | number | undefined>>;

export interface CallOptions {
  /** Ends the call, waiting for its turn or a retry included, with `stopped`. */
  readonly signal?: AbortSignal;
}

/**
 * Every way in which a call to a source can fail, as the `code` of the GatepostError that is thrown:
 * not reached (`source_unreachable`), too slow (`source_timeout`), certificate (`source_tls`), an address we do not speak to
 * (`source_address_refused`), token wrong, revoked or expired (`source_token_refused`), no rights (`source_forbidden`), no such call over there
 * (`source_path_unknown`), no such thing (`source_not_found`), bad request (`source_refused`, with the server's words in `details.said`),
 * something that is no SonarQube (`source_not_sonarqube`), one that is upgrading or starting (`source_upgrading`, `source_starting`), busy (429,
 * 503: `source_busy`), failing (5xx: `source_failing`), an answer that cannot be read (`source_answer_invalid`), and our own stop (`stopped`).
 */
export const sourceFaults = [
  'source_unreachable',
  'source_timeout',
  'source_tls',
  'source_address_refused',
  'source_token_refused',
  'source_forbidden',
  'source_path_unknown',
  'source_not_found',
  'source_refused',
  'source_not_sonarqube',
  'source_upgrading',
  'source_starting',
  'source_busy',
  'source_failing',
  'source_answer_invalid',
  'stopped',
] as const;
export type SourceFault = (typeof sourceFaults)[number];

export interface SonarqubeClient {
  /** JSON answer of a GET of `api/…`. Fails with a GatepostError whose code is a SourceFault; `details` has `path` and, where there was one, `status`. */
  get(path: string, query?: Query, options?: CallOptions): Promise<unknown>;
  /** The same for an answer in plain text, such as `api/server/version`. */
  text(path: string, query?: Query, options?: CallOptions): Promise<string>;
  /** A POST of a form. Never repeated by itself. Null where the answer has no body (204). */
  post(path: string, form: Readonly<Record<string, string>>, options?: CallOptions): Promise<unknown>;
  /** Sent so far, repeated ones included. */
  readonly requests: number;
  close(): Promise<void>;
}

export interface ClientLimits {
  /** Requests under way at once. */
  readonly atOnceMax: number;
  /** Requests a minute. */
  readonly perMinuteMax: number;
  readonly connectTimeoutMs: number;
  /** Silence of the server, before its answer or within it. */
  readonly readTimeoutMs: number;
  /** One request from its sending to the end of its answer. */
  readonly totalTimeoutMs: number;
  readonly answerBytesMax: number;
}

export const clientLimits: ClientLimits = {
  atOnceMax: 4,
  perMinuteMax: 1_200,
  connectTimeoutMs: 10_000,
  readTimeoutMs: 60_000,
  totalTimeoutMs: 180_000,
  answerBytesMax: 64 * 2 ** 20,
};

export interface SonarqubeClientOptions {
  /** The server's base URL, with its path where it has one. */
  readonly url: string;
  readonly token: string;
  /** PEM certificates to believe beside the system's. */
  readonly ca?: string | null;
  /** `GATEPOST_SOURCES_ALLOW`; null or left out: the default rule of address.ts. */
  readonly allow?: SourceAllowlist | null;
  readonly limits?: Partial<ClientLimits>;
  readonly clock: Clock;
}

export function createSonarqubeClient(_options: SonarqubeClientOptions): SonarqubeClient {
  throw new Error('Not yet.');
}
