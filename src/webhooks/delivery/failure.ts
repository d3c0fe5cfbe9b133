import { AddressRefused } from './guard.ts';

/** Why an attempt brought no answer, or one that counts as none: stable words, shown and logged. */
export type FailureCode =
  | 'address_refused'
  | 'name_not_found'
  | 'connection_refused'
  | 'unreachable'
  | 'tls_failed'
  | 'timeout'
  | 'connection_closed'
  | 'answer_invalid'
  | 'answer_headers_too_large'
  | 'redirect_not_followed'
  | 'redirect_invalid'
  | 'redirect_refused'
  | 'proxy_failed'
  | 'proxy_refused'
  | 'out_of_connections'
  | 'secret_unreadable'
  | 'send_failed';

/** What people are told, one sentence for each code. */
export const failureMessages: Readonly<Record<FailureCode, string>> = {
  address_refused: "The receiver's address is refused. The operator may allow it by GATEPOST_WEBHOOKS_ALLOW.",
  name_not_found: "The receiver's name was not found.",
  connection_refused: 'Nobody listens at that address and port.',
  unreachable: 'No way leads to that address.',
  tls_failed: 'No secure connection came about, mostly because of the certificate.',
  timeout: 'No status came within the deadline.',
  connection_closed: 'The receiver closed the connection before it answered.',
  answer_invalid: 'What came back is no answer that HTTP knows.',
  answer_headers_too_large: "The answer's headers are too large.",
  redirect_not_followed: 'The receiver answered with a redirect that is not followed.',
  redirect_invalid: 'The receiver answered with a redirect that names no address which can be sent to.',
  redirect_refused:
    'The receiver answered with a redirect to an address that is refused. The operator may allow it by GATEPOST_WEBHOOKS_ALLOW.',
  proxy_failed: 'The proxy cannot be reached, or gave no answer that HTTP knows.',
  proxy_refused: 'The proxy opened no way to the receiver.',
  out_of_connections: 'For most of the deadline the server had all its connections in use.',
  secret_unreadable: "The webhook's secret does not open with the server's secret key.",
  send_failed: 'The attempt failed.',
};

export function isFailureCode(text: string): text is FailureCode {
  return Object.hasOwn(failureMessages, text);
}

const codes: Readonly<Record<string, FailureCode>> = {
  ENOTFOUND: 'name_not_found',
  EAI_AGAIN: 'name_not_found',
  EAI_NODATA: 'name_not_found',
  EAI_NONAME: 'name_not_found',
  EAI_FAIL: 'name_not_found',
  ECONNREFUSED: 'connection_refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENETDOWN: 'unreachable',
  EHOSTDOWN: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  ECONNRESET: 'connection_closed',
  ECONNABORTED: 'connection_closed',
  EPIPE: 'connection_closed',
  UND_ERR_SOCKET: 'connection_closed',
  UND_ERR_HEADERS_OVERFLOW: 'answer_headers_too_large',
  EPROTO: 'tls_failed',
  secret_unreadable: 'secret_unreadable',
};

const tlsCode = /^(ERR_TLS_|ERR_SSL_|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH)/;

export interface Failure {
  readonly code: FailureCode;
  /** What is behind it, in a stable word: the kind of address that is refused, a proxy's status, why a proxy is not reached. */
  readonly reason: string | null;
}

/** A failure that we have found ourselves, rather than the client or the socket. */
export class SendFailed extends Error {
  readonly code = 'SEND_FAILED';
  readonly failure: FailureCode;
  readonly reason: string | null;
  constructor(failure: FailureCode, reason: string | null = null) {
    super(failureMessages[failure]);
    this.name = 'SendFailed';
    this.failure = failure;
    this.reason = reason;
  }
}

/** What an error of the client, the socket or the guard means. */
export function failureOf(error: unknown): Failure {
  if (error instanceof SendFailed) return { code: error.failure, reason: error.reason };
  if (error instanceof AddressRefused) return { code: 'address_refused', reason: error.reason };
  // Where a name has several addresses, the connection fails with one error for each.
  if (error instanceof AggregateError && error.errors.length > 0) return failureOf(error.errors[0]);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  // An answer of 100 or 101 that nobody asked for closes the socket with these words.
  if (code === 'UND_ERR_SOCKET' && error instanceof Error && /^bad (response|upgrade)$/.test(error.message)) return plain('answer_invalid');
  if (error instanceof Error && error.name === 'HTTPParserError') return plain('answer_invalid');
  return plain(codes[code] ?? (tlsCode.test(code) ? 'tls_failed' : 'send_failed'));
}

function plain(code: FailureCode): Failure {
  return { code, reason: null };
}
