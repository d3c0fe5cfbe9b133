import type { Clock } from '../clock.ts';
import type { Identifiers } from '../identifiers.ts';
import type { Reader, Tx } from '../storage/database/database.ts';

/** Who did it: a token, the command line, or the server by itself. */
export type Actor = `token:${string}` | 'cli' | 'system';

export interface AuditEntry {
  readonly id: string;
  readonly at: number;
  readonly actor: string;
  /** Noun and what became of it: `project.deleted`. */
  readonly action: string;
  /** What people call the thing: a project's key, a webhook's name and id. */
  readonly subject: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface RecordAuditOptions {
  readonly tx: Tx;
  readonly organization: string;
  readonly actor: Actor;
  readonly action: string;
  readonly subject: string;
  /** Shown to whoever reads the audit log: never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly ids: Identifiers;
  readonly clock: Clock;
}

/** Writes down a change in the very unit that makes it: the trace is there if and only if the change is. */
export async function recordAudit(options: RecordAuditOptions): Promise<void> {
  const { tx, organization, actor, action, subject, details = {}, ids, clock } = options;
  await tx
    .insertInto('audit')
    .values({ id: ids.next(), organization, at: clock.now(), actor, action, subject, details: JSON.stringify(details) })
    .execute();
}

export interface ListAuditOptions {
  readonly read: Reader;
  readonly organization: string;
  readonly limit: number;
  /** The id that the page begins behind. */
  readonly after: string | null;
}

/** Newest first. */
export async function listAudit({ read, organization, limit, after }: ListAuditOptions): Promise<readonly AuditEntry[]> {
  let query = read
    .selectFrom('audit')
    .select(['id', 'at', 'actor', 'action', 'subject', 'details'])
    .where('organization', '=', organization)
    .orderBy('id', 'desc')
    .limit(limit);
  if (after !== null) query = query.where('id', '<', after);
  const rows = await query.execute();
  return rows.map((row) => ({ ...row, details: JSON.parse(row.details) as Readonly<Record<string, unknown>> }));
}
