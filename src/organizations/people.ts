import { sql } from 'kysely';
import { timestampText } from '../clock.ts';
import { GatepostError, invalid } from '../errors.ts';
import type { Database, Reader, Tx } from '../storage/database/database.ts';

// A token is the person: who pushes or opens a pull request shows one, and nothing else tells who it is.

/** A person as events show one: the same fields as events/git-facts.ts names, which stands above. */
export interface Person {
  readonly number: number;
  readonly login: string;
  readonly name: string;
  readonly email: string;
  readonly created: string;
}

/** An organization as the owner of something. */
export interface Owner {
  readonly number: number;
  readonly slug: string;
  readonly name: string;
  readonly created: string;
}

const emailCharactersMax = 254;

/** A mail address without blanks around it, as it was written. Fails with `invalid_email`. */
export function checkedEmail(given: string): string {
  const email = given.trim().normalize('NFC');
  if (email.length > emailCharactersMax || !/^[^\s\p{C}@<>()[\]\\,;:"]{1,64}@[^\s\p{C}@<>()[\]\\,;:"]+$/u.test(email)) {
    throw invalid('invalid_email', 'This is no mail address.', { field: 'email' });
  }
  return email;
}

/** The next whole number of that name. Handed out once; one that a rolled back unit took comes again. */
export async function nextNumber(tx: Tx, name: 'people' | 'repositories' | 'pulls' | 'comments'): Promise<number> {
  const row = await tx
    .insertInto('numbers')
    .values({ name, last: 1 })
    .onConflict((on) => on.column('name').doUpdateSet((own) => ({ last: sql<number>`${own.ref('numbers.last')} + 1` })))
    .returning('last')
    .executeTakeFirstOrThrow();
  return row.last;
}

/**
 * Who a token stands for. Its number is made when it is first asked for; it stays, also once the token is revoked. Fails with `invalid_token` where
 * the token is gone.
 */
export async function personOf(options: {
  readonly database: Database;
  readonly organization: string;
  readonly token: string;
}): Promise<Person> {
  const { database, organization, token } = options;
  const find = (read: Reader | Tx) =>
    read
      .selectFrom('tokens')
      .select(['number', 'name', 'email', 'created'])
      .where('organization', '=', organization)
      .where('id', '=', token)
      .executeTakeFirst();
  const row = await find(database.read);
  if (row === undefined) throw new GatepostError('unauthenticated', 'invalid_token', 'The token is not known, or it was revoked.');
  const number = row.number ?? (await database.write((tx) => numberOf({ tx, table: 'tokens', id: token })));
  return { number, login: row.email ?? row.name, name: row.name, email: row.email ?? '', created: timestampText(row.created) };
}

/** The number of a row that may not have one yet. */
async function numberOf({ tx, table, id }: { readonly tx: Tx; readonly table: 'tokens' | 'organizations'; readonly id: string }) {
  // Held first: two units would else each take a number for it.
  const held = await tx
    .updateTable(table)
    .set((row) => ({ name: row.ref('name') }))
    .where('id', '=', id)
    .returning('number')
    .executeTakeFirstOrThrow();
  if (held.number !== null) return held.number;
  const number = await nextNumber(tx, 'people');
  await tx.updateTable(table).set({ number }).where('id', '=', id).execute();
  return number;
}

/** Gives the organization its number where it has none: before anything it owns is shown to a dialect. */
export async function numberOrganization({ tx, organization }: { readonly tx: Tx; readonly organization: string }): Promise<number> {
  return numberOf({ tx, table: 'organizations', id: organization });
}

/** The organization as an owner, or null where it is gone. One that never owned a repository has the number 0. */
export async function ownerOf({ read, organization }: { readonly read: Reader; readonly organization: string }): Promise<Owner | null> {
  const row = await read
    .selectFrom('organizations')
    .select(['number', 'slug', 'name', 'created'])
    .where('id', '=', organization)
    .executeTakeFirst();
  return row === undefined ? null : { ...row, number: row.number ?? 0, created: timestampText(row.created) };
}

/** Addresses that one question asks for at most. */
export const emailsAskedMax = 500;

/**
 * Logins by mail address in lower case: of the organization's tokens in force that have this address. What no token has is left out. Asks in
 * pieces of `emailsAskedMax`.
 */
export async function loginsOf(options: {
  readonly read: Reader;
  readonly organization: string;
  readonly emails: Iterable<string>;
}): Promise<ReadonlyMap<string, string>> {
  const { read, organization } = options;
  const wanted = [...new Set([...options.emails].map((email) => email.toLowerCase()))].filter((email) => email !== '');
  const logins = new Map<string, string>();
  for (let from = 0; from < wanted.length; from += emailsAskedMax) {
    const rows = await read
      .selectFrom('tokens')
      .select('email')
      .where('organization', '=', organization)
      .where('revoked', 'is', null)
      .where('email', 'is not', null)
      .where(sql<string>`lower(email)`, 'in', wanted.slice(from, from + emailsAskedMax))
      .orderBy('id')
      .execute();
    for (const { email } of rows) if (email !== null && !logins.has(email.toLowerCase())) logins.set(email.toLowerCase(), email);
  }
  return logins;
}
