import type { Selectable } from 'kysely';
import type { Clock } from '../clock.ts';
import type { Scope } from '../http/caller.ts';
import { scopes } from '../http/caller.ts';
import type { Identifiers } from '../identifiers.ts';
import type { Reader, Tx } from '../storage/database/database.ts';
import type { OrganizationsTable } from '../storage/database/schema.ts';
import type { Actor } from './audit.ts';
import { recordAudit } from './audit.ts';
import type { Organization, StandardChoice } from './organization.ts';
import { checkedMailAddresses, checkedName, freeSlug, languageDefault, slugOf } from './organization.ts';
import type { CreatedToken } from './tokens.ts';
import { createToken } from './tokens.ts';

function organizationOf(row: Selectable<OrganizationsTable>): Organization {
  const { id, slug, name, language, created } = row;
  const standards = row.standards === null ? null : (JSON.parse(row.standards) as readonly StandardChoice[]);
  const mailTo = row.mail_to === null ? [] : (JSON.parse(row.mail_to) as readonly string[]);
  return { id, slug, name, language, readsNeedToken: row.reads_need_token === 1, standards, mailTo, created };
}

/** The organization of this id, or null. */
export async function readOrganization({
  read,
  organization,
}: {
  readonly read: Reader;
  readonly organization: string;
}): Promise<Organization | null> {
  const row = await read.selectFrom('organizations').selectAll().where('id', '=', organization).executeTakeFirst();
  return row === undefined ? null : organizationOf(row);
}

export async function findOrganizationBySlug({
  read,
  slug,
}: {
  readonly read: Reader;
  readonly slug: string;
}): Promise<Organization | null> {
  const row = await read.selectFrom('organizations').selectAll().where('slug', '=', slug).executeTakeFirst();
  return row === undefined ? null : organizationOf(row);
}

/** All organizations, for the command line. */
export async function listOrganizations({ read }: { readonly read: Reader }): Promise<readonly Organization[]> {
  const rows = await read.selectFrom('organizations').selectAll().orderBy('slug').execute();
  return rows.map(organizationOf);
}

/** Holds the organization's row until the unit ends. False: it is gone. */
export async function holdOrganization(options: { readonly tx: Tx; readonly organization: string }): Promise<boolean> {
  const held = await options.tx
    .updateTable('organizations')
    .set((row) => ({ name: row.ref('name') }))
    .where('id', '=', options.organization)
    .executeTakeFirst();
  return held.numUpdatedRows === 1n;
}

export interface CreateOrganizationOptions {
  readonly tx: Tx;
  readonly name: string;
  readonly language?: string;
  readonly actor: Actor;
  readonly ids: Identifiers;
  readonly clock: Clock;
}

/** A new organization with a free slug made from its name, and its first token, with every scope. Fails with `invalid_name`. */
export async function createOrganization(
  options: CreateOrganizationOptions,
): Promise<{ readonly organization: Organization; readonly token: CreatedToken }> {
  const { tx, actor, ids, clock } = options;
  const name = checkedName(options.name);
  const wanted = slugOf(name);
  const taken = await tx
    .selectFrom('organizations')
    .select('slug')
    .where('slug', 'like', `${wanted.slice(0, 20)}%`)
    .execute();
  const organization: Organization = {
    id: ids.random(),
    slug: freeSlug(wanted, new Set(taken.map((row) => row.slug))),
    name,
    language: options.language ?? languageDefault,
    readsNeedToken: false,
    standards: null,
    mailTo: [],
    created: clock.now(),
  };
  const { readsNeedToken: _unset, mailTo: _nobody, ...columns } = organization;
  await tx
    .insertInto('organizations')
    .values({ ...columns, standards: null })
    .execute();
  await recordAudit({ tx, organization: organization.id, actor, action: 'organization.created', subject: organization.slug, ids, clock });
  const every: readonly Scope[] = scopes;
  const token = await createToken({
    tx,
    organization: organization.id,
    name: 'First token',
    scopes: every,
    project: null,
    actor,
    ids,
    clock,
  });
  return { organization, token };
}

export interface OrganizationChange {
  readonly name?: string;
  readonly language?: string;
  readonly readsNeedToken?: boolean;
  readonly standards?: readonly StandardChoice[] | null;
  readonly mailTo?: readonly string[];
}

export interface UpdateOrganizationOptions {
  readonly tx: Tx;
  readonly organization: string;
  readonly slug: string;
  readonly change: OrganizationChange;
  readonly actor: Actor;
  readonly ids: Identifiers;
  readonly clock: Clock;
}

/** Changes what is named and nothing else. The slug stays: links and logs hold it. */
export async function updateOrganization(options: UpdateOrganizationOptions): Promise<void> {
  const { tx, organization, slug, change, actor, ids, clock } = options;
  const values = {
    ...(change.name === undefined ? {} : { name: checkedName(change.name) }),
    ...(change.language === undefined ? {} : { language: change.language }),
    ...(change.readsNeedToken === undefined ? {} : { reads_need_token: change.readsNeedToken ? 1 : 0 }),
    ...(change.standards === undefined ? {} : { standards: change.standards === null ? null : JSON.stringify(change.standards) }),
    ...(change.mailTo === undefined ? {} : { mail_to: JSON.stringify(checkedMailAddresses(change.mailTo)) }),
  };
  if (Object.keys(values).length === 0) return;
  await tx.updateTable('organizations').set(values).where('id', '=', organization).execute();
  await recordAudit({ tx, organization, actor, action: 'organization.changed', subject: slug, details: { ...change }, ids, clock });
}
