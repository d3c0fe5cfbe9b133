import type { FastifyRequest } from 'fastify';
import { GatepostError } from '../errors.ts';
import type { Caller, Scope } from './caller.ts';
import { allows } from './caller.ts';

/** Finds who a token belongs to; null where there is none such, or it was revoked. */
export type FindCaller = (token: string) => Promise<Caller | null>;

/** The token of `Authorization: Bearer <token>`; null without the header. Any other scheme or form is refused. */
export function bearerToken(header: string | undefined): string | null {
  if (header === undefined) return null;
  const match = /^Bearer +([^\s]{1,512})$/i.exec(header.trim());
  if (match?.[1] === undefined) {
    throw new GatepostError('unauthenticated', 'invalid_authorization', 'Authorization must read: Bearer <token>.');
  }
  return match[1];
}

/** The caller that the request's token stands for; null without a token; `invalid_token` for one that is not known or was revoked. */
export async function callerOf(request: FastifyRequest, findCaller: FindCaller): Promise<Caller | null> {
  const token = bearerToken(request.headers.authorization);
  if (token === null) return null;
  const caller = await findCaller(token);
  if (caller === null) throw new GatepostError('unauthenticated', 'invalid_token', 'The token is not known, or it was revoked.');
  request.notes.organization = caller.slug;
  request.notes.token = caller.token;
  return caller;
}

/** Fails with `token_missing` (401) without a caller and with `scope_missing` (403) where its token does not allow this. */
export function requireScope(caller: Caller | null, scope: Scope): Caller {
  if (caller === null)
    throw new GatepostError('unauthenticated', 'token_missing', 'This call needs a token: Authorization: Bearer <token>.');
  if (!allows(caller.scopes, scope)) {
    throw new GatepostError('forbidden', 'scope_missing', `The token does not allow this: it needs the scope "${scope}".`, {
      details: { scope },
    });
  }
  return caller;
}
