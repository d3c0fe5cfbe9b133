import type { FindCaller } from '../http/authentication.ts';
import type { Caller } from '../http/caller.ts';
import { allows } from '../http/caller.ts';
import { tokenPrefix } from '../organizations/tokens.ts';
import { refused } from './words.ts';

const tokenCharactersMax = 512;

/**
 * The token that `Authorization` shows: `Bearer <token>`, or `Basic` with the token as user or, where a client insists on both, as password beside
 * any user (contract 5.1). Null where it shows none.
 */
export function tokenShown(header: string | undefined): string | null {
  const [, scheme = '', credentials = ''] = /^\s*(\w+) +(\S+)\s*$/.exec(header ?? '') ?? [];
  const token = scheme.toLowerCase() === 'bearer' ? credentials : scheme.toLowerCase() === 'basic' ? tokenOfBasic(credentials) : '';
  return token !== '' && token.length <= tokenCharactersMax && !/\s/.test(token) ? ours(token) : null;
}

/** Some clients take nothing for a token that is not as long as a user's of SonarQube (44 characters): with `sq` before it ours is. */
function ours(token: string): string {
  return token.startsWith(`sq${tokenPrefix}`) ? token.slice('sq'.length) : token;
}

function tokenOfBasic(credentials: string): string {
  const text = Buffer.from(credentials, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  const [user, password] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
  return password === '' ? user : password;
}

/** Who is calling, or null: nobody, or somebody with a token that is not known. */
export async function callerShown(header: string | undefined, findCaller: FindCaller): Promise<Caller | null> {
  const token = tokenShown(header);
  return token === null ? null : findCaller(token);
}

/** SonarQube's Administer: of a project, or with null of everything. */
export function administers(caller: Caller, project: string | null): boolean {
  return caller.scopes.includes('admin') && sees(caller, project);
}

/** SonarQube's Browse. */
export function browses(caller: Caller, project: string): boolean {
  return allows(caller.scopes, 'read') && sees(caller, project);
}

/** Whether the token reaches so far: one of a project reaches that project alone. */
function sees(caller: Caller, project: string | null): boolean {
  return caller.project === null || caller.project === project;
}

/** Fails with SonarQube's 403. */
export function requireAdminister(caller: Caller, project: string | null): void {
  if (!administers(caller, project)) throw refused.insufficient();
}

export function requireBrowse(caller: Caller, project: string): void {
  if (!browses(caller, project)) throw refused.insufficient();
}

/** Who may follow a task: whoever may read the project, and whoever may send its analyses (Execute Analysis). */
export function requireFollow(caller: Caller, project: string): void {
  if (browses(caller, project) || (caller.scopes.includes('ingest') && sees(caller, project))) return;
  throw refused.insufficient();
}
