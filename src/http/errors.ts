import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { ErrorKind } from '../errors.ts';
import { GatepostError } from '../errors.ts';

/** The one table from kinds of failure to HTTP statuses. */
const statuses: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  unsupported_media_type: 415,
  range_not_satisfiable: 416,
  rate_limited: 429,
  internal: 500,
  unavailable: 503,
  storage_full: 507,
};

export const ErrorBody = Type.Object(
  {
    code: Type.String({ description: 'Stable and machine-readable, such as `invalid_version`.' }),
    message: Type.String({ description: 'For people; its words may change.' }),
    details: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: 'What helps to mend it: field, place, limit.' })),
  },
  { $id: 'Error', title: 'Error', description: 'Every error of every call has this shape.' },
);

export interface ErrorReply {
  readonly status: number;
  readonly body: { readonly code: string; readonly message: string; readonly details?: Readonly<Record<string, unknown>> };
  readonly retryAfterSeconds?: number;
  /** True where it is our own failure, to be logged whole. */
  readonly ours: boolean;
}

const internal: ErrorReply = { status: 500, body: { code: 'internal', message: 'Internal error' }, ours: true };

/** Fastify's own refusals, by its code: what they are called here. */
const framework: Readonly<Record<string, readonly [number, string, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'body_too_large', 'The body is larger than this call takes.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, 'unsupported_media_type', 'This call does not take this Content-Type.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [400, 'invalid_content_length', 'The body is not as long as Content-Length says.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, 'body_missing', 'The body is empty; JSON is expected.'],
  FST_ERR_CTP_INVALID_JSON_BODY: [400, 'not_json', 'The body is not JSON.'],
  FST_ERR_BAD_URL: [400, 'invalid_url', 'The path is not percent-encoded UTF-8.'],
  FST_ERR_MAX_PARAM_LENGTH: [414, 'path_too_long', 'A part of the path is too long.'],
};

/** Turns whatever was thrown into what the caller may see. What has no code of ours becomes "Internal error". */
export function errorReply(error: unknown): ErrorReply {
  if (error instanceof GatepostError) return ofGatepost(error);
  if (!(error instanceof Error)) return internal;
  const { code, validation, validationContext, statusCode } = error as FastifyError;
  if (validation !== undefined) return ofValidation(validation[0], validationContext ?? 'body');
  const known = code === undefined ? undefined : framework[code];
  if (known !== undefined) return { status: known[0], body: { code: known[1], message: known[2] }, ours: false };
  if ((code ?? '').startsWith('FST_') && statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return { status: statusCode, body: { code: 'invalid_request', message: 'The request is malformed.' }, ours: false };
  }
  return internal;
}

function ofGatepost(error: GatepostError): ErrorReply {
  const ours = error.kind === 'internal';
  return {
    status: statuses[error.kind],
    body: { code: error.code, message: error.message, ...(error.details === undefined ? {} : { details: error.details }) },
    ...(error.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.retryAfterSeconds }),
    ours,
  };
}

interface Violation {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: Record<string, unknown>;
  readonly message?: string;
}

/** What a schema refused: `missing_field`, `unknown_field`, `invalid_field`; for the query `…_parameter`. */
function ofValidation(violation: Violation | undefined, context: string): ErrorReply {
  const noun = context === 'body' ? 'field' : 'parameter';
  const path = (violation?.instancePath ?? '').slice(1).replaceAll('/', '.');
  const named = violation?.params['missingProperty'] ?? violation?.params['additionalProperty'];
  const field = typeof named === 'string' ? [path, named].filter((part) => part !== '').join('.') : path;
  const problem = { required: 'missing', additionalProperties: 'unknown' }[violation?.keyword ?? ''] ?? 'invalid';
  const message =
    problem === 'missing'
      ? `The ${noun} "${field}" is missing.`
      : problem === 'unknown'
        ? `The ${noun} "${field}" is not known here.`
        : `The ${noun} "${field}" is not valid: it ${violation?.message ?? 'does not fit'}.`;
  return { status: 400, body: { code: `${problem}_${noun}`, message, details: { field, in: context } }, ours: false };
}

/** Writes the answer of a failed request. Our own failures are logged whole, here and nowhere else. */
export async function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const answer = errorReply(error);
  if (answer.ours) request.log.error({ err: error }, 'request failed');
  request.notes = { ...request.notes, code: answer.body.code };
  reply.code(answer.status).type('application/json; charset=utf-8').header('cache-control', 'no-store');
  reply.removeHeader('content-encoding').removeHeader('content-length').removeHeader('etag').removeHeader('content-disposition');
  if (answer.retryAfterSeconds !== undefined) reply.header('retry-after', String(answer.retryAfterSeconds));
  if (answer.status === 401) reply.header('www-authenticate', 'Bearer realm="gatepost"');
  await reply.send(answer.body);
}
