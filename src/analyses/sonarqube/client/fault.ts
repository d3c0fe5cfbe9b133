import type { ErrorKind } from '../../../errors.ts';
import { GatepostError } from '../../../errors.ts';
import { SourceAddressRefused } from './address.ts';

/**
 * Every way in which a call to a source can fail, as the `code` of the GatepostError that is thrown:
 * not reached (`source_unreachable`), too slow (`source_timeout`), certificate (`source_tls`), an address we do not speak to
 * (`source_address_refused`), token wrong, revoked or expired (`source_token_refused`), no rights (`source_forbidden`), no such call over there
 * (`source_path_unknown`), no such thing (`source_not_found`), bad request (`source_refused`), something that is no SonarQube
 * (`source_not_sonarqube`), one that is upgrading or starting (`source_upgrading`, `source_starting`), busy (429, 503: `source_busy`), failing
 * (5xx: `source_failing`), an answer that cannot be read (`source_answer_invalid`), and our own stop (`stopped`).
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

const texts: Readonly<Record<SourceFault, readonly [kind: ErrorKind, message: string]>> = {
  source_unreachable: ['unavailable', 'The server cannot be reached.'],
  source_timeout: ['unavailable', 'The server did not answer in time.'],
  source_tls: ['unavailable', "The server's certificate is not trusted, or it does not speak TLS."],
  source_address_refused: ['invalid', "The server's address is not one that sources may have."],
  source_token_refused: ['invalid', 'The server refuses the token: it is wrong, revoked or expired.'],
  source_forbidden: ['invalid', 'The token has not the rights for this.'],
  source_path_unknown: ['invalid', 'The server does not know this call.'],
  source_not_found: ['not_found', 'The server does not know this.'],
  source_refused: ['invalid', 'The server refuses the request.'],
  source_not_sonarqube: ['invalid', 'What answers there is no SonarQube, or something stands before it.'],
  source_upgrading: ['unavailable', 'The server is being upgraded: its database is migrated.'],
  source_starting: ['unavailable', 'The server is starting.'],
  source_busy: ['unavailable', 'The server is busy.'],
  source_failing: ['unavailable', 'The server failed.'],
  source_answer_invalid: ['unavailable', "The server's answer cannot be read."],
  stopped: ['unavailable', 'The call was given up.'],
};

export interface FaultOptions {
  readonly path: string;
  readonly status?: number;
  /** What the server wrote (`errors[].msg`), or our word for what was wrong with its answer. */
  readonly said?: string;
  /** A stable word of the system's, such as `ECONNREFUSED`. */
  readonly reason?: string;
  readonly retryAfterSeconds?: number;
}

export const saidCharactersMax = 1_000;

/** The error of a fault. It holds the call's path, never its parameters, headers or the server's address, so never a token. */
export function sourceFault(code: SourceFault, { retryAfterSeconds, said, ...facts }: FaultOptions): GatepostError {
  const [kind, message] = texts[code];
  const details = { ...facts, ...(said === undefined ? {} : { said: said.slice(0, saidCharactersMax) }) };
  return new GatepostError(kind, code, message, { details, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) });
}

export function isFault(error: unknown, ...codes: readonly SourceFault[]): boolean {
  return error instanceof GatepostError && codes.some((code) => code === error.code);
}

/** The fault that a failed connection or a broken answer stands for. */
export function faultOfFailure(error: unknown, path: string): GatepostError {
  if (error instanceof GatepostError) return error;
  const refused = causes(error).find((each) => each instanceof SourceAddressRefused);
  if (refused !== undefined) return sourceFault('source_address_refused', { path, reason: refused.reason });
  const codes = causes(error)
    .map((each) => (each as NodeJS.ErrnoException).code)
    .filter((code) => typeof code === 'string');
  const reason = codes[0] ?? 'unknown';
  const has = (pattern: RegExp) => codes.some((code) => pattern.test(code));
  if (has(/^(UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT|ETIMEDOUT|ABORT_ERR)$/) || causes(error).some((each) => each.name === 'TimeoutError')) {
    return sourceFault('source_timeout', { path, reason });
  }
  if (has(/^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|EPROTO)/)) {
    return sourceFault('source_tls', { path, reason });
  }
  const garbled = causes(error).some((each) => each.name === 'HTTPParserError');
  if (garbled || has(/^(HPE_|UND_ERR_HEADERS_OVERFLOW)/)) return sourceFault('source_not_sonarqube', { path, reason });
  return sourceFault('source_unreachable', { path, reason });
}

function causes(error: unknown): readonly Error[] {
  const found: Error[] = [];
  let next: unknown = error;
  while (next instanceof Error && found.length < 8) {
    found.push(next);
    // A name with several addresses fails with one error for each.
    if (next instanceof AggregateError) found.push(...next.errors.filter((each) => each instanceof Error).slice(0, 8));
    next = next.cause;
  }
  return found;
}
