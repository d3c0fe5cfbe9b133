import type { FastifyRequest } from 'fastify';
import { GatepostError } from '../errors.ts';
import { requireScope } from '../http/authentication.ts';

/** Who may read: `project` is the id of the one project that the caller's token is for, null for all of the organization. */
export interface OpenAccess {
  readonly project: string | null;
}

const everything: OpenAccess = { project: null };

/**
 * The report API is open to whoever knows the organization's ID. Where the organization wants a token, one of its own with the scope `read` is
 * needed: fails with `token_missing` (401), `scope_missing` or `organization_other` (403).
 */
export async function checkOpenAccess(
  request: FastifyRequest,
  { organization, readsNeedToken }: { readonly organization: string; readonly readsNeedToken: boolean },
): Promise<OpenAccess> {
  if (!readsNeedToken) return everything;
  const caller = requireScope(await request.server.authenticate(request), 'read');
  if (caller.organization !== organization) {
    throw new GatepostError('forbidden', 'organization_other', 'The token belongs to another organization.');
  }
  return caller;
}
