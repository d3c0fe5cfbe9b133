import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatepostError } from '../errors.ts';
import { errorReply } from '../http/errors.ts';

// Errors as Google's REST APIs write them: `{"error": {"code", "message", "status", "details"}}`.

interface Violation {
  /** Of the resource, in camelCase; null: the request as a whole. */
  readonly field: string | null;
}

/** 400 INVALID_ARGUMENT. */
export function invalidArgument(message: string, { field }: Violation = { field: null }): GatepostError {
  return new GatepostError('invalid', 'invalid_argument', message, field === null ? {} : { details: { field } });
}

/** 404 NOT_FOUND: it is not there, or the caller may not know that it is. */
export function resourceNotFound(name: string): GatepostError {
  return new GatepostError('not_found', 'not_found', `Resource '${name}' was not found.`);
}

/** Google's word for a status, where the code of the error does not say more. */
const ofStatus: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ABORTED',
  413: 'INVALID_ARGUMENT',
  414: 'INVALID_ARGUMENT',
  415: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  503: 'UNAVAILABLE',
  507: 'RESOURCE_EXHAUSTED',
};

/** Conflicts that Google tells apart: what is there already, and what is too much. */
const ofCode: Readonly<Record<string, readonly [number, string]>> = {
  hook_id_taken: [409, 'ALREADY_EXISTS'],
  too_many_webhooks: [429, 'RESOURCE_EXHAUSTED'],
};

/** What our own store calls a field, as this resource calls it. */
const fields: Readonly<Record<string, string>> = {
  url: 'targetUri',
  sensitiveQuery: 'sensitiveQueryString',
  refFilter: 'pushOption.branchFilter',
};

export interface GoogleError {
  readonly error: { readonly code: number; readonly message: string; readonly status: string; readonly details: readonly object[] };
}

/** The error as Google would write it. Our own stable code is the reason in `ErrorInfo`, in upper case as Google's reasons are. */
export function googleError(error: unknown): { readonly body: GoogleError; readonly ours: boolean; readonly retryAfterSeconds?: number } {
  const { status, body, ours, retryAfterSeconds } = errorReply(error);
  const [code, word] = ofCode[body.code] ?? [status, ofStatus[status] ?? (status < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL')];
  const named = body.details?.['field'];
  const field = typeof named === 'string' ? (fields[named] ?? named) : null;
  const info = { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: body.code.toUpperCase(), domain: 'gatepost' };
  const violations = { '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ field, description: body.message }] };
  const details = field === null || word !== 'INVALID_ARGUMENT' ? [info] : [info, violations];
  const shown = { error: { code, message: body.message, status: word, details } };
  return { body: shown, ours, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
}

/** Writes the answer of a failed request. Our own failures are logged whole, here and nowhere else. */
export async function sendGoogleError(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { body, ours, retryAfterSeconds } = googleError(error);
  if (ours) request.log.error({ err: error }, 'request failed');
  request.notes['code'] = errorReply(error).body.code;
  reply.code(body.error.code).type('application/json; charset=utf-8').header('cache-control', 'no-store');
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
  if (body.error.code === 401) reply.header('www-authenticate', 'Bearer realm="gatepost"');
  await reply.send(JSON.stringify(body, null, 2));
}
