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
  /** How often a GET is sent in all where the connection breaks or the server is busy. */
  readonly triesMax: number;
  /** Before the second try; doubled for each further one. */
  readonly retryWaitMs: number;
  /** A `Retry-After` that is longer is left to the caller (`retryAfterSeconds`). */
  readonly retryAfterSecondsMax: number;
}

export const clientLimits: ClientLimits = {
  atOnceMax: 4,
  perMinuteMax: 1_200,
  connectTimeoutMs: 10_000,
  readTimeoutMs: 60_000,
  totalTimeoutMs: 180_000,
  answerBytesMax: 64 * 2 ** 20,
  triesMax: 3,
  retryWaitMs: 500,
  retryAfterSecondsMax: 30,
};
