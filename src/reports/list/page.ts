import type { CompiledQuery, RawBuilder } from 'kysely';
import { sql } from 'kysely';
import { GatepostError } from '../../errors.ts';
import type { ListedReport } from '../../events/event.ts';
import type { Reader } from '../../storage/database/database.ts';
import type { ListFilters, ListQuery, Position, VersionRange } from './query.ts';

interface Row {
  readonly listed: string;
}

interface PositionRow extends Row {
  readonly version_key: string;
  readonly date: number;
}

interface OrganizationRow {
  readonly slug: string;
  readonly reads_need_token: number;
}

export interface Page {
  /** Each as the list shows it, in the list's order. */
  readonly reports: readonly string[];
  /** Where the next page begins, or null on the last one. */
  readonly next: Position | null;
}

export interface ListedOrganization {
  readonly slug: string;
  readonly readsNeedToken: boolean;
}

export interface ListStore {
  readOrganization(organization: string): Promise<ListedOrganization | null>;
  /** One page. `project` narrows it to one project by its id, whatever the query asks for. */
  readPage(query: ListQuery, project: string | null): Promise<Page>;
}

/** How often a page is read again whose last report changed just then. */
const readsMax = 5;

/**
 * The hot statements of the list, each compiled once: building the text takes longer than running it. A page is a range of the index
 * `reports_list (organization, version_key desc, date desc, id)`, so that a late one costs what the first does. Rows are read as what they
 * look like alone: four columns would take twice as long as one, and only the last row's place is needed.
 */
export function createListStore(read: Reader): ListStore {
  const statements = new Map<string, CompiledQuery>();
  const organizationRow = sql`select slug, reads_need_token from organizations where id = ${''}`.compile(read);
  const positionRow = sql`select version_key, date, listed from reports where organization = ${''} and id = ${''}`.compile(read);
  const readLeg = async (leg: Leg, values: readonly unknown[], used: readonly FilterName[]): Promise<readonly Row[]> => {
    const shape = `${leg} ${used.join(' ')}`;
    let statement = statements.get(shape);
    if (statement === undefined) statements.set(shape, (statement = legStatement(leg, used).compile(read)));
    return (await read.executeQuery<Row>({ ...statement, parameters: values })).rows;
  };
  const readListed = async (query: ListQuery, versions: VersionRange, project: string | null): Promise<string[]> => {
    const { used, values } = usedFilters(query, project);
    const listed: string[] = [];
    for (const [leg, bounds] of legsOf(versions, query.after)) {
      const missing = query.limit + 1 - listed.length;
      if (missing === 0) break;
      for (const row of await readLeg(leg, [query.organization, ...bounds, ...values, missing], used)) listed.push(row.listed);
    }
    return listed;
  };
  /** Null where the report has changed since it was read: its place may be another by now. */
  const positionOf = async (organization: string, listed: string): Promise<Position | null> => {
    const { id } = JSON.parse(listed) as ListedReport;
    const { rows } = await read.executeQuery<PositionRow>({ ...positionRow, parameters: [organization, id] });
    const row = rows[0];
    return row?.listed === listed ? { versionKey: row.version_key, date: row.date, id } : null;
  };
  const readRange = async (query: ListQuery, versions: VersionRange, project: string | null): Promise<Page> => {
    for (let reads = 0; reads < readsMax; reads += 1) {
      const reports = await readListed(query, versions, project);
      if (reports.length <= query.limit) return { reports, next: null };
      reports.pop();
      const next = await positionOf(query.organization, reports.at(-1) ?? '');
      if (next !== null) return { reports, next };
    }
    throw new GatepostError('unavailable', 'list_changing', 'The list is changing too fast. Try again.', { retryAfterSeconds: 1 });
  };
  return {
    async readOrganization(organization) {
      const { rows } = await read.executeQuery<OrganizationRow>({ ...organizationRow, parameters: [organization] });
      const row = rows[0];
      return row === undefined ? null : { slug: row.slug, readsNeedToken: row.reads_need_token === 1 };
    },
    async readPage(query, project) {
      const page = await readRange(query, query.versions, project);
      if (page.reports.length > 0 || query.otherVersions === null) return page;
      return readRange(query, query.otherVersions, project);
    },
  };
}

/** `first`: from the top. Behind a position, in this order: the same version and date, the same version and older, older versions. */
type Leg = 'first' | 'sameDate' | 'sameVersion' | 'olderVersions';

/**
 * What is behind a position, as index ranges that follow each other. One condition over all of it would be read row by row from the start of
 * the version, since the directions are mixed. Each page takes what comes next at its time, so that rows which come in between do no harm.
 */
function legsOf({ from, to }: VersionRange, after: Position | null): readonly (readonly [Leg, readonly (string | number)[]])[] {
  if (from > to) return [];
  if (after === null || after.versionKey > to) return [['first', [from, to]]];
  if (after.versionKey < from) return [];
  return [
    ['sameDate', [after.versionKey, after.date, after.id]],
    ['sameVersion', [after.versionKey, after.date]],
    ['olderVersions', [from, after.versionKey]],
  ];
}

const legConditions: Readonly<Record<Leg, RawBuilder<unknown>>> = {
  first: sql`version_key >= ${0} and version_key <= ${0}`,
  sameDate: sql`version_key = ${0} and date = ${0} and id > ${0}`,
  sameVersion: sql`version_key = ${0} and date < ${0}`,
  olderVersions: sql`version_key >= ${0} and version_key < ${0}`,
};

type FilterName = keyof ListFilters | 'projectId' | 'notAssessed';

const filterConditions: Readonly<Record<FilterName, RawBuilder<unknown>>> = {
  project: sql`project = (select id from projects where organization = ${0} and key = ${0})`,
  projectId: sql`project = ${0}`,
  type: sql`type = ${0}`,
  edition: sql`edition = ${0}`,
  branch: sql`branch = ${0}`,
  rating: sql`rating = ${0}`,
  notAssessed: sql`rating is null`,
  since: sql`date >= ${0}`,
  until: sql`date <= ${0}`,
};

/** The values that stand here are places: `run` puts the real ones in, in the order of the text. */
function legStatement(leg: Leg, used: readonly FilterName[]): RawBuilder<Row> {
  const conditions = [legConditions[leg], ...used.map((name) => filterConditions[name])];
  return sql<Row>`select listed from reports
    where organization = ${0} and ${sql.join(conditions, sql` and `)}
    order by version_key desc, date desc, id limit ${0}`;
}

function usedFilters({ organization, filters }: ListQuery, projectId: string | null): { used: FilterName[]; values: unknown[] } {
  const used: FilterName[] = [];
  const values: unknown[] = [];
  const add = (name: FilterName, ...given: readonly unknown[]): void => {
    used.push(name);
    values.push(...given);
  };
  if (projectId !== null) add('projectId', projectId);
  if (filters.project !== undefined) add('project', organization, filters.project);
  if (filters.rating === 'none') add('notAssessed');
  else if (filters.rating !== undefined) add('rating', filters.rating);
  for (const name of ['type', 'edition', 'branch', 'since', 'until'] as const) {
    if (filters[name] !== undefined) add(name, filters[name]);
  }
  return { used, values };
}
