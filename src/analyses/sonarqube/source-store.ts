import type { Selectable } from 'kysely';
import type { Clock } from '../../clock.ts';
import { conflict, notFound } from '../../errors.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Actor } from '../../organizations/audit.ts';
import { recordAudit } from '../../organizations/audit.ts';
import type { Sealer } from '../../secret-key.ts';
import type { Reader, Tx } from '../../storage/database/database.ts';
import type { SourcesTable } from '../../storage/database/schema.ts';
import type { OpenSource, Source, SourceSettings } from './source.ts';
import { sealedIn, sourcesOfOrganizationMax, tailOfSecret } from './source.ts';

export type SourceRow = Selectable<SourcesTable>;

export function sourceOf(row: SourceRow): Source {
  return {
    id: row.id,
    organization: row.organization,
    kind: 'sonarqube',
    name: row.name,
    url: row.url,
    tokenTail: row.token_tail,
    secretTail: row.secret_tail,
    overlapUntil: row.previous_secret_until,
    ca: row.ca,
    settings: JSON.parse(row.settings) as SourceSettings,
    webhook: row.webhook,
    state: row.state,
    stateSince: row.state_since,
    stateMessage: row.state_message,
    facts: row.facts === null ? null : (JSON.parse(row.facts) as Readonly<Record<string, unknown>>),
    checked: row.checked,
    caughtUp: row.caught_up,
    nextCatchUp: row.next_catch_up,
    lastReceived: row.last_received,
    created: row.created,
    updated: row.updated,
    revision: row.revision,
  };
}

export interface OneSource {
  readonly organization: string;
  readonly source: string;
}

export async function findSourceRow(read: Reader | Tx, { organization, source }: OneSource): Promise<SourceRow | null> {
  const row = await read
    .selectFrom('sources')
    .selectAll()
    .where('organization', '=', organization)
    .where('id', '=', source)
    .executeTakeFirst();
  return row ?? null;
}

/** What every call says that names a source of nobody, or of somebody else. */
export function unknownSource(): Error {
  return notFound('unknown_source', 'There is no source with this id.');
}

/** Fails with `unknown_source`. */
export async function readSourceRow(read: Reader | Tx, one: OneSource): Promise<SourceRow> {
  const row = await findSourceRow(read, one);
  if (row === null) throw unknownSource();
  return row;
}

/** Fails with `unknown_source`. */
export async function readSource({ read, ...one }: OneSource & { readonly read: Reader | Tx }): Promise<Source> {
  return sourceOf(await readSourceRow(read, one));
}

/** The source with its token and secret; null where it is gone. Fails with `secret_unreadable`. */
export async function openSource(options: OneSource & { readonly read: Reader | Tx; readonly sealer: Sealer }): Promise<OpenSource | null> {
  const row = await findSourceRow(options.read, options);
  return row === null ? null : openedSource(row, options.sealer);
}

export function openedSource(row: SourceRow, sealer: Sealer): OpenSource {
  const places = sealedIn(row.id);
  return { ...sourceOf(row), token: sealer.open(row.token, places.token), secret: sealer.open(row.secret, places.secret) };
}

/** Oldest first. */
export async function listSources(options: {
  readonly read: Reader;
  readonly organization: string;
  readonly limit: number;
  /** The id that the page begins behind. */
  readonly after: string | null;
}): Promise<readonly Source[]> {
  const { read, organization, limit, after } = options;
  let query = read.selectFrom('sources').selectAll().where('organization', '=', organization).orderBy('id').limit(limit);
  if (after !== null) query = query.where('id', '>', after);
  return (await query.execute()).map(sourceOf);
}

export interface SourceChangeOptions {
  readonly tx: Tx;
  readonly organization: string;
  readonly actor: Actor;
  readonly sealer: Sealer;
  readonly ids: Identifiers;
  readonly clock: Clock;
}

export interface NewSourceRow {
  readonly name: string;
  readonly url: string;
  readonly token: string;
  readonly secret: string;
  readonly ca: string | null;
  readonly settings: SourceSettings;
}

/** Fails with `too_many_sources` where the organization has as many as it may. */
export async function insertSource(options: SourceChangeOptions & { readonly given: NewSourceRow }): Promise<Source> {
  const { tx, organization, given, sealer, ids, clock } = options;
  const { n } = await tx
    .selectFrom('sources')
    .select((row) => row.fn.countAll<number>().as('n'))
    .where('organization', '=', organization)
    .executeTakeFirstOrThrow();
  if (n >= sourcesOfOrganizationMax) {
    const max = sourcesOfOrganizationMax;
    throw conflict('too_many_sources', `An organization has at most ${max} sources.`, { max });
  }
  const id = ids.next();
  const now = clock.now();
  const places = sealedIn(id);
  const row: SourceRow = {
    id,
    organization,
    kind: 'sonarqube',
    name: given.name,
    url: given.url,
    token: sealer.seal(given.token, places.token),
    token_tail: tailOfSecret(given.token),
    secret: sealer.seal(given.secret, places.secret),
    secret_tail: tailOfSecret(given.secret),
    previous_secret: null,
    previous_secret_until: null,
    ca: given.ca,
    settings: JSON.stringify(given.settings),
    webhook: null,
    ...unchecked(now),
    caught_up: null,
    next_catch_up: now,
    lease_token: null,
    lease_until: null,
    last_received: null,
    created: now,
    updated: now,
    revision: 0,
  };
  await tx.insertInto('sources').values(row).execute();
  await auditSource(options, { id, name: given.name }, 'source.created', { url: given.url, ...given.settings, ca: given.ca !== null });
  return sourceOf(row);
}

/** The columns of a source that nobody has looked at since it was made, or since what is needed to reach it was changed. */
export function unchecked(now: number) {
  return { state: 'unchecked', state_since: now, state_message: null, facts: null, checked: null } as const;
}

/** Writes down what was done to a source. */
export async function auditSource(
  { tx, organization, actor, ids, clock }: SourceChangeOptions,
  { id, name }: { readonly id: string; readonly name: string },
  action: string,
  details: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await recordAudit({ tx, organization, actor, action, subject: `${name} (${id})`, details, ids, clock });
}
