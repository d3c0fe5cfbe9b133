import type { FastifyRequest } from 'fastify';
import { GatepostError } from '../../errors.ts';
import type { FindCaller } from '../../http/authentication.ts';
import type { Caller, Scope } from '../../http/caller.ts';
import { allows } from '../../http/caller.ts';

/** What git and browsers are asked for: a token as the password. */
export const basicChallenge = 'Basic realm="gatepost", charset="UTF-8"';

/**
 * The caller of git and of pages that a browser shows: `Authorization: Basic` with a token as password (whatever the user), or as user with an empty
 * password or `x-oauth-basic`; or `Bearer`. Null without the header; fails with `invalid_authorization` and `invalid_token` (401).
 */
export async function gitCaller(request: FastifyRequest, findCaller: FindCaller): Promise<Caller | null> {
  const { authorization } = request.headers;
  if (authorization === undefined) return null;
  const token = shownToken(authorization.trim());
  if (token === null) {
    throw new GatepostError('unauthenticated', 'invalid_authorization', 'Show a token: as the password of Basic, or as Bearer.');
  }
  const caller = await findCaller(token);
  if (caller === null) throw new GatepostError('unauthenticated', 'invalid_token', 'The token is not known, or it was revoked.');
  request.notes.organization = caller.slug;
  request.notes.token = caller.token;
  return caller;
}

function shownToken(authorization: string): string | null {
  const [, bearer] = /^Bearer +([^\s]{1,512})$/i.exec(authorization) ?? [];
  if (bearer !== undefined) return bearer;
  const [, encoded] = /^Basic +([A-Za-z0-9+/_=-]{1,2048})$/i.exec(authorization) ?? [];
  if (encoded === undefined) return null;
  const pair = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  if (colon < 0) return null;
  const [user, password] = [pair.slice(0, colon), pair.slice(colon + 1)];
  const token = password === '' || password === 'x-oauth-basic' ? user : password;
  return /^[^\s]{1,512}$/.test(token) ? token : null;
}

/** Fails with `token_missing` (401) without a caller, with `scope_missing` (403) where its token does not allow this. To write is also to read. */
export function requireGitScope(caller: Caller | null, scope: 'repository:read' | 'repository:write'): Caller {
  if (caller === null) throw new GatepostError('unauthenticated', 'token_missing', 'Give a token as the password; any user name will do.');
  const enough: readonly Scope[] = scope === 'repository:read' ? ['repository:read', 'repository:write'] : ['repository:write'];
  if (enough.some((one) => allows(caller.scopes, one))) return caller;
  throw new GatepostError('forbidden', 'scope_missing', `The token does not allow this: it needs the scope "${scope}".`, {
    details: { scope },
  });
}
