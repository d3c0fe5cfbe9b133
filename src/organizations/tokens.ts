import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Clock } from '../clock.ts';
import { invalid } from '../errors.ts';
import { sha256Hex } from '../hmac.ts';
import type { Scope } from '../http/caller.ts';
import { scopes as everyScope } from '../http/caller.ts';
import type { Identifiers } from '../identifiers.ts';
import type { Reader, Tx } from '../storage/database/database.ts';
import type { Actor } from './audit.ts';
import { recordAudit } from './audit.ts';
import { checkedName } from './organization.ts';
import { checkedEmail } from './people.ts';

/** What scanners for leaked secrets look for: this prefix, 33 letters and digits (192 random bits), and 6 more that are their checksum. */
export const tokenPrefix = 'gp_';
const randomBytesOfToken = 24;
const charactersOfRandom = 33;
const charactersOfChecksum = 6;
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

export interface Token {
  readonly id: string;
  readonly name: string;
  /** Its last four characters, to recognise it by. */
  readonly tail: string;
  readonly scopes: readonly Scope[];
  /** Project key, where it is for one project alone. */
  readonly project: string | null;
  /** Of whoever uses it: what their commits and pushes are known by. */
  readonly email: string | null;
  readonly created: number;
  readonly lastUsed: number | null;
}

export interface CreatedToken {
  readonly id: string;
  /** Shown here and never again: only its SHA-256 is kept. */
  readonly token: string;
  readonly scopes: readonly Scope[];
}

/** A new token's text. */
export function newTokenText(random: Uint8Array = randomBytes(randomBytesOfToken)): string {
  const body = base62(BigInt(`0x${Buffer.from(random).toString('hex')}`), charactersOfRandom);
  return tokenPrefix + body + checksum(body);
}

/** Whether the text can be one of ours. What cannot is refused without asking the database. */
export function isTokenText(text: string): boolean {
  if (!/^gp_[0-9A-Za-z]{39}$/.test(text)) return false;
  const body = text.slice(tokenPrefix.length, tokenPrefix.length + charactersOfRandom);
  return text.endsWith(checksum(body));
}

function checksum(body: string): string {
  return base62(BigInt(crc32(body)), charactersOfChecksum);
}

function base62(value: bigint, length: number): string {
  let rest = value;
  let text = '';
  for (let index = 0; index < length; index += 1) {
    text = alphabet.charAt(Number(rest % 62n)) + text;
    rest /= 62n;
  }
  return text;
}

export interface CreateTokenOptions {
  readonly tx: Tx;
  readonly organization: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Project id, or null for all. */
  readonly project: string | null;
  /** Mail address of whoever uses it. */
  readonly email?: string | null;
  readonly actor: Actor;
  readonly ids: Identifiers;
  readonly clock: Clock;
}

/** Makes a token. Fails with `invalid_name`, `invalid_email`, and with `invalid_scopes` for none. */
export async function createToken(options: CreateTokenOptions): Promise<CreatedToken> {
  const { tx, organization, project, actor, ids, clock } = options;
  const scopes = everyScope.filter((scope) => options.scopes.includes(scope));
  if (scopes.length === 0)
    throw invalid('invalid_scopes', `A token needs at least one scope of: ${everyScope.join(', ')}.`, { field: 'scopes' });
  const text = newTokenText();
  const row = {
    id: ids.next(),
    organization,
    name: checkedName(options.name),
    hash: sha256Hex(text),
    tail: text.slice(-4),
    scopes: JSON.stringify(scopes),
    project,
    email: options.email === undefined || options.email === null ? null : checkedEmail(options.email),
    created: clock.now(),
    last_used: null,
    revoked: null,
  };
  await tx.insertInto('tokens').values(row).execute();
  const details = { scopes, ...(project === null ? {} : { project }), ...(row.email === null ? {} : { email: row.email }) };
  await recordAudit({ tx, organization, actor, action: 'token.created', subject: `${row.name} (${row.id})`, details, ids, clock });
  return { id: row.id, token: text, scopes };
}

export interface ListTokensOptions {
  readonly read: Reader;
  readonly organization: string;
  readonly limit: number;
  readonly after: string | null;
}

/** Those that are not revoked, newest first. */
export async function listTokens({ read, organization, limit, after }: ListTokensOptions): Promise<readonly Token[]> {
  let query = read
    .selectFrom('tokens')
    .leftJoin('projects', 'projects.id', 'tokens.project')
    .select([
      'tokens.id',
      'tokens.name',
      'tokens.tail',
      'tokens.scopes',
      'projects.key as project',
      'tokens.email',
      'tokens.created',
      'tokens.last_used as lastUsed',
    ])
    .where('tokens.organization', '=', organization)
    .where('tokens.revoked', 'is', null)
    .orderBy('tokens.id', 'desc')
    .limit(limit);
  if (after !== null) query = query.where('tokens.id', '<', after);
  const rows = await query.execute();
  return rows.map((row) => ({ ...row, scopes: JSON.parse(row.scopes) as readonly Scope[] }));
}

export interface ChangeTokenOptions {
  readonly tx: Tx;
  readonly organization: string;
  readonly token: string;
  readonly change: { readonly name?: string; readonly email?: string | null };
  readonly actor: Actor;
  readonly ids: Identifiers;
  readonly clock: Clock;
}

/** Changes what a token is called, or whose it is. False where there is none such in force. Fails with `invalid_name` and `invalid_email`. */
export async function changeToken({ tx, organization, token, change, actor, ids, clock }: ChangeTokenOptions): Promise<boolean> {
  const values = {
    ...(change.name === undefined ? {} : { name: checkedName(change.name) }),
    ...(change.email === undefined ? {} : { email: change.email === null ? null : checkedEmail(change.email) }),
  };
  const row = await tx
    .updateTable('tokens')
    .set((held) => ({ name: held.ref('name'), ...values }))
    .where('organization', '=', organization)
    .where('id', '=', token)
    .where('revoked', 'is', null)
    .returning('name')
    .executeTakeFirst();
  if (row === undefined) return false;
  const subject = `${row.name} (${token})`;
  await recordAudit({ tx, organization, actor, action: 'token.changed', subject, details: values, ids, clock });
  return true;
}

export interface RevokeTokenOptions {
  readonly tx: Tx;
  readonly organization: string;
  readonly token: string;
  readonly actor: Actor;
  readonly ids: Identifiers;
  readonly clock: Clock;
}

/** Ends a token at once. Answers false where there is none such, or it was revoked before. */
export async function revokeToken({ tx, organization, token, actor, ids, clock }: RevokeTokenOptions): Promise<boolean> {
  const changed = await tx
    .updateTable('tokens')
    .set({ revoked: clock.now() })
    .where('organization', '=', organization)
    .where('id', '=', token)
    .where('revoked', 'is', null)
    .executeTakeFirst();
  if (changed.numUpdatedRows === 0n) return false;
  const row = await tx
    .selectFrom('tokens')
    .select('name')
    .where('organization', '=', organization)
    .where('id', '=', token)
    .executeTakeFirstOrThrow();
  await recordAudit({ tx, organization, actor, action: 'token.revoked', subject: `${row.name} (${token})`, ids, clock });
  return true;
}
