import type { Selectable } from 'kysely';
import { sql } from 'kysely';
import type { AnalysisFacts, SonarqubeFacts } from '../analyses/finding.ts';
import type { Reader } from '../storage/database/database.ts';
import type { AnalysesTable } from '../storage/database/schema.ts';

/** An analysis as SonarQube's clients look at it: without what its reports are made of. */
export type ShownAnalysis = Pick<Selectable<AnalysesTable>, (typeof columns)[number]>;

const columns = [
  'id',
  'project',
  'branch',
  'branch_type',
  'version',
  'revision',
  'date_text',
  'date',
  'properties',
  'source_task',
  'source_analysis',
  'payload',
  'gate',
  'status',
  'error_message',
  'created',
  'finished',
] as const;

interface Where {
  readonly read: Reader;
  readonly organization: string;
}

function select({ read, organization }: Where) {
  return read.selectFrom('analyses').select(columns).where('organization', '=', organization);
}

/** The newest of this task: of SonarQube's, or of ours, whose id is the analysis's. Null where we hold none. */
export async function analysisOfTask({ task, ...where }: Where & { readonly task: string }): Promise<ShownAnalysis | null> {
  const ours = await select(where).where('id', '=', task).executeTakeFirst();
  return ours ?? (await select(where).where('source_task', '=', task).orderBy('id', 'desc').limit(1).executeTakeFirst()) ?? null;
}

/** The newest of this id: of SonarQube's, or of ours. */
export async function analysisOfId({ analysis, ...where }: Where & { readonly analysis: string }): Promise<ShownAnalysis | null> {
  const ours = await select(where).where('id', '=', analysis).executeTakeFirst();
  return ours ?? (await select(where).where('source_analysis', '=', analysis).orderBy('id', 'desc').limit(1).executeTakeFirst()) ?? null;
}

/** A branch, a pull request, or null: the main branch, which is what is called so, else what has no name or the usual ones. */
export type Place = { readonly type: 'BRANCH' | 'PULL_REQUEST'; readonly name: string } | null;

export interface OfPlace extends Where {
  readonly project: string;
  readonly place: Place;
}

const mainNames = ['', 'main', 'master'];

/** Analyses of a place that have come to their end well: those that SonarQube lists. */
function analysed({ project, place, ...where }: OfPlace) {
  const query = select(where).where('project', '=', project).where('status', '=', sql.lit('done')).where('version', '<>', '');
  if (place === null) {
    return query.where('branch_type', '=', 'BRANCH').where((is) => is.or([is('branch_is_main', '=', 1), is('branch', 'in', mainNames)]));
  }
  return query.where('branch_type', '=', place.type).where('branch', '=', place.name);
}

export interface Span {
  readonly from: number | null;
  readonly to: number | null;
}

/** Newest first. */
export async function listAnalysed(
  options: OfPlace & Span & { readonly limit: number; readonly offset: number },
): Promise<{ readonly total: number; readonly analyses: readonly ShownAnalysis[] }> {
  let query = analysed(options);
  if (options.from !== null) query = query.where('date', '>=', options.from);
  if (options.to !== null) query = query.where('date', '<=', options.to);
  const { n } = await query
    .clearSelect()
    .select((row) => row.fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow();
  const ordered = query.orderBy('date', 'desc').orderBy('id', 'desc');
  return { total: n, analyses: await ordered.limit(options.limit).offset(options.offset).execute() };
}

/** The newest that has come to its end, or null. */
export async function newestAnalysed(options: OfPlace): Promise<ShownAnalysis | null> {
  return (await analysed(options).orderBy('date', 'desc').orderBy('id', 'desc').limit(1).executeTakeFirst()) ?? null;
}

/** By version, the date of its newest analysis: that one carries the version's event. */
export async function newestOfVersions(options: OfPlace): Promise<ReadonlyMap<string, number>> {
  const rows = await analysed(options)
    .clearSelect()
    .select('version')
    .select((row) => row.fn.max('date').as('newest'))
    .groupBy('version')
    .execute();
  return new Map(rows.map(({ version, newest }) => [version, newest]));
}

/** Whether there is any analysis of this place, ended or not. */
export async function isKnownPlace({ project, place, ...where }: OfPlace & { readonly place: NonNullable<Place> }): Promise<boolean> {
  const row = await select(where)
    .where('project', '=', project)
    .where('branch_type', '=', place.type)
    .where('branch', '=', place.name)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Of SonarQube the id over there, which its clients know; else ours. */
export function shownId({ id, source_analysis: theirs }: Pick<ShownAnalysis, 'id' | 'source_analysis'>): string {
  return theirs ?? id;
}

/** Since when code is new, as the source said when its findings were fetched; null where it is not known. */
export async function newCodeOf({
  read,
  organization,
  analysis,
}: Where & { readonly analysis: string }): Promise<NonNullable<SonarqubeFacts['newCode']> | null> {
  const row = await read
    .selectFrom('analyses')
    .select('facts')
    .where('organization', '=', organization)
    .where('id', '=', analysis)
    .executeTakeFirst();
  if (row === undefined || row.facts === null) return null;
  return (JSON.parse(row.facts) as AnalysisFacts).sonarqube?.newCode ?? null;
}
