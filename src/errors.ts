/**
 * The kinds of failure a caller can tell apart. `http/errors.ts` alone knows which HTTP status each one becomes.
 */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'too_large'
  | 'unsupported_media_type'
  | 'range_not_satisfiable'
  | 'rate_limited'
  | 'unavailable'
  | 'storage_full'
  | 'internal';

export interface ErrorOptions {
  /** What helps the caller mend it: field, place, limit. Goes out as it is, so never a secret, a path or SQL. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** For `rate_limited` and `unavailable`: when to come again. */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/**
 * An error with a stable code that is meant for the caller. Everything else that is thrown is logged whole and shown as "Internal error".
 */
export class GatepostError extends Error {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(kind: ErrorKind, code: string, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'GatepostError';
    this.kind = kind;
    this.code = code;
    this.details = options.details;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** Bad input: 400 with a stable code. */
export function invalid(code: string, message: string, details?: Readonly<Record<string, unknown>>): GatepostError {
  return new GatepostError('invalid', code, message, details === undefined ? {} : { details });
}

export function notFound(code: string, message: string): GatepostError {
  return new GatepostError('not_found', code, message);
}

export function conflict(code: string, message: string, details?: Readonly<Record<string, unknown>>): GatepostError {
  return new GatepostError('conflict', code, message, details === undefined ? {} : { details });
}
