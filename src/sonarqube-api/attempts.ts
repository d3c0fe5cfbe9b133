import type { Selectable } from 'kysely';
import { sql } from 'kysely';
import { timestampText } from '../clock.ts';
import type { AnalysisCompletedFacts, EventFacts } from '../events/event.ts';
import type { Sealer } from '../secret-key.ts';
import type { Reader } from '../storage/database/database.ts';
import type { AttemptsTable } from '../storage/database/schema.ts';
import { failureMessages, isFailureCode } from '../webhooks/delivery/failure.ts';
import { sonarqubeDialect } from '../webhooks/dialects/sonarqube.ts';
import { sonarqubeDate } from '../webhooks/dialects/sonarqube-json.ts';
import { sealedIn, unlessLost } from '../webhooks/subscriptions/sealed.ts';
import { mask, maskUrl } from '../webhooks/subscriptions/url.ts';
import { maskedUrl } from './url.ts';

// SonarQube keeps what it sent once per attempt and never tries again (its contract, section 3): its delivery is our attempt.

/** The newest attempt of a webhook is looked for among so many of its newest deliveries. */
export const latestAmongMax = 200;

/** What each of SonarQube's answers about a delivery begins with. */
interface Outcome {
  readonly id: string;
  readonly at: string;
  readonly success: boolean;
  readonly httpStatus?: number;
  readonly durationMs: number;
}

type AttemptColumns = Pick<Selectable<AttemptsTable>, 'id' | 'at' | 'status' | 'error' | 'duration_ms'>;
const attemptColumns = ['attempts.id', 'attempts.at', 'attempts.status', 'attempts.error', 'attempts.duration_ms'] as const;

function outcomeOf({ id, at, status, error, duration_ms }: AttemptColumns): Outcome {
  const success = status !== null && status >= 200 && status < 300 && error === null;
  const httpStatus = status === null ? {} : { httpStatus: status };
  return { id, at: sonarqubeDate(timestampText(at)), success, ...httpStatus, durationMs: Math.round(duration_ms) };
}

/** By webhook; one that nothing was sent to has none. */
export async function latestDeliveries(
  read: Reader,
  organization: string,
  webhooks: readonly string[],
): Promise<ReadonlyMap<string, Outcome>> {
  const latest = new Map<string, Outcome>();
  for (const webhook of webhooks) {
    const newest = read
      .selectFrom('deliveries')
      .select('id')
      .where('organization', '=', organization)
      .where('webhook', '=', webhook)
      .where('attempts', '>', 0)
      .orderBy('id', 'desc')
      .limit(latestAmongMax);
    const row = await read
      .selectFrom('attempts')
      .select(attemptColumns)
      .where('attempts.organization', '=', organization)
      .where('attempts.delivery', 'in', newest)
      .orderBy('attempts.at', 'desc')
      .orderBy('attempts.id', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (row !== undefined) latest.set(webhook, outcomeOf(row));
  }
  return latest;
}

/** Which attempts: of one webhook, about one project, or about one task (with the project that it is of, and since when it can have been told of). */
export type Selected =
  | { readonly webhook: string }
  | { readonly project: string }
  | { readonly task: string; readonly project: string | null; readonly since: number };

interface Where {
  readonly read: Reader;
  readonly organization: string;
}

function attemptsOf({ read, organization }: Where) {
  return read
    .selectFrom('attempts')
    .innerJoin('deliveries', 'deliveries.id', 'attempts.delivery')
    .innerJoin('webhooks', 'webhooks.id', 'deliveries.webhook')
    .innerJoin('events', 'events.id', 'deliveries.event')
    .where('webhooks.organization', '=', organization)
    .where('webhooks.dialect', '=', sonarqubeDialect.name);
}

function chosen(where: Where, selected: Selected) {
  const query = attemptsOf(where);
  if ('webhook' in selected) return query.where('webhooks.id', '=', selected.webhook);
  if (!('task' in selected)) return query.where('events.project', '=', selected.project);
  const told = query.where('events.created', '>=', selected.since).where('events.facts', 'like', taskPattern(selected.task));
  return selected.project === null ? told : told.where('events.project', '=', selected.project);
}

/** How the facts of an event name their task, as JSON; what a task's id may be holds nothing that would have to be escaped but the underline. */
function taskPattern(task: string): string {
  return `%"task":"${task}"%`;
}

const shownColumns = [
  ...attemptColumns,
  'attempts.request',
  'webhooks.id as webhook',
  'webhooks.name',
  'webhooks.url',
  'events.id as event',
  'events.project',
  'events.facts',
] as const;

export interface AttemptPage {
  readonly total: number;
  readonly attempts: readonly ShownAttempt[];
}

/** An attempt and whose it is: who administers that project may see it. */
export interface ShownAttempt {
  /** Null: of no one project. */
  readonly project: string | null;
  readonly delivery: object;
  readonly event: string;
  readonly error: string | null;
}

/** Newest first. */
export async function readAttempts(
  options: Where & { readonly sealer: Sealer; readonly selected: Selected; readonly limit: number; readonly offset: number },
): Promise<AttemptPage> {
  const query = chosen(options, options.selected);
  const { n } = await query.select((row) => row.fn.countAll<number>().as('n')).executeTakeFirstOrThrow();
  if (n <= options.offset) return { total: n, attempts: [] };
  const rows = await query
    .select(shownColumns)
    .orderBy('attempts.at', 'desc')
    .orderBy('attempts.id', 'desc')
    .limit(options.limit)
    .offset(options.offset)
    .execute();
  return { total: n, attempts: rows.map((row) => shown(row, options.sealer)) };
}

/** The attempt of this id with what was sent, or null. */
export async function readAttempt(
  options: Where & { readonly sealer: Sealer; readonly attempt: string },
): Promise<(ShownAttempt & { readonly payload: string | null }) | null> {
  const row = await attemptsOf(options).select(shownColumns).where('attempts.id', '=', options.attempt).executeTakeFirst();
  if (row === undefined) return null;
  const body = await options.read
    .selectFrom('event_bodies')
    .select('body')
    .where('organization', '=', options.organization)
    .where('event', '=', row.event)
    .where('dialect', '=', sonarqubeDialect.name)
    .executeTakeFirst();
  return { ...shown(row, options.sealer), payload: body === undefined ? null : Buffer.from(body.body).toString('utf8') };
}

interface Row extends AttemptColumns {
  readonly request: string;
  readonly webhook: string;
  readonly name: string;
  readonly url: string;
  readonly event: string;
  readonly project: string | null;
  readonly facts: string;
}

function shown(row: Row, sealer: Sealer): ShownAttempt {
  const facts = JSON.parse(row.facts) as EventFacts;
  const told: Pick<AnalysisCompletedFacts, 'project' | 'task'> | null = 'origin' in facts ? facts : null;
  const { id, ...outcome } = outcomeOf(row);
  const task = told?.task ?? null;
  return {
    project: row.project,
    delivery: {
      id,
      componentKey: told?.project.key ?? '',
      ...(task === null ? {} : { ceTaskId: task }),
      name: row.name,
      url: urlOf(row, sealer),
      ...outcome,
    },
    event: row.event,
    error: row.error,
  };
}

/** Where it was sent. What was written down is masked as we do it; while that is the webhook's URL still, it is shown as SonarQube masks it. */
function urlOf({ webhook, url, request }: Row, sealer: Sealer): string {
  const then = (JSON.parse(request) as { readonly url?: string }).url ?? mask;
  const now = unlessLost(() => sealedIn(webhook).openUrl(sealer, url), null);
  return now !== null && then === maskUrl(new URL(now)) ? maskedUrl(now) : then;
}

/** Why there was no answer, in the place of SonarQube's stack trace; null where the status says it all. */
export function errorText(error: string | null): string | null {
  if (error === null || error === 'redirect_not_followed') return null;
  return isFailureCode(error) ? `${error}: ${failureMessages[error]}` : error;
}

/** Which event told of a task that is none of an analysis: a test delivery's. */
export async function testEventOfTask({ read, organization }: Where, task: string): Promise<{ readonly created: number } | null> {
  const row = await read
    .selectFrom('events')
    .select('created')
    .where('organization', '=', organization)
    .where('id', '=', task)
    .where('kind', '=', sql.lit('webhook.test'))
    .executeTakeFirst();
  return row ?? null;
}
