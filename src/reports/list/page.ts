import type { ListedReport } from '../../events/event.ts';
import type { Database } from '../../storage/database/database.ts';
import type { PreparedRead } from '../../storage/database/prepared.ts';
import { parseTimestamp } from '../../timestamps.ts';
import { parseVersion } from '../version.ts';
import type { ListFilters, ListQuery, Position, VersionRange } from './query.ts';

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

/**
 * The hot statements of the list, prepared by hand: building the text takes longer than running it. A page is a range of the index
 * `reports_list (organization, version_key desc, date desc, id)`, so that a late one costs what the first does. Rows are read as what they
 * look like alone: four columns would take twice as long as one, and the last row's place follows from what it looks like.
 */
export function createListStore({ prepare }: Pick<Database, 'prepare'>): ListStore {
  const legs = new Map<string, PreparedRead>();
  const organizationRow = prepare('select slug, reads_need_token from organizations where id = ?');
  const legOf = (leg: Leg, used: readonly FilterName[]): PreparedRead => {
    const shape = used.length === 0 ? leg : `${leg} ${used.join(' ')}`;
    const known = legs.get(shape);
    if (known !== undefined) return known;
    const prepared = prepare(legStatement(leg, used));
    legs.set(shape, prepared);
    return prepared;
  };
  const readListed = async (query: ListQuery, versions: VersionRange, project: string | null): Promise<string[]> => {
    const { used, values } = usedFilters(query, project);
    let listed: string[] = [];
    for (const [leg, bounds] of legsOf(versions, query.after)) {
      const missing = query.limit + 1 - listed.length;
      if (missing === 0) break;
      const read = (await legOf(leg, used).column([query.organization, ...bounds, ...values, missing])) as readonly string[];
      // Most pages are of one leg.
      listed = listed.length === 0 ? [...read] : [...listed, ...read];
    }
    return listed;
  };
  const readRange = async (query: ListQuery, versions: VersionRange, project: string | null): Promise<Page> => {
    const reports = await readListed(query, versions, project);
    if (reports.length <= query.limit) return { reports, next: null };
    reports.pop();
    return { reports, next: positionOf(reports.at(-1) ?? '') };
  };
  return {
    async readOrganization(organization) {
      const [row] = (await organizationRow.rows([organization])) as readonly (readonly [string, number])[];
      return row === undefined ? null : { slug: row[0], readsNeedToken: row[1] === 1 };
    },
    async readPage(query, project) {
      const page = await readRange(query, query.versions, project);
      if (page.reports.length > 0 || query.otherVersions === null) return page;
      return readRange(query, query.otherVersions, project);
    },
  };
}

/** The place of a report in the list's order: its key is made of what it shows, so it need not be read. */
function positionOf(listed: string): Position {
  const { id, projectVersion, date } = JSON.parse(listed) as ListedReport;
  const time = parseTimestamp(date);
  if (time === null) throw new Error(`The report ${id} has a date that cannot be read`);
  return { versionKey: parseVersion(projectVersion).key, date: time.ms, id };
}

/** `first`: from the top. Behind a position, in this order: what has the same version and date, then what is older. */
type Leg = 'first' | 'sameDate' | 'older';

/**
 * What is behind a position, as index ranges that follow each other. One range could not say it, since ids rise while versions and dates fall.
 * Each takes what comes next at its time, so that rows which come in between do no harm.
 */
function legsOf({ from, to }: VersionRange, after: Position | null): readonly (readonly [Leg, readonly (string | number)[]])[] {
  if (from > to) return [];
  if (after === null || after.versionKey > to) return [['first', [from, to]]];
  if (after.versionKey < from) return [];
  return [
    ['sameDate', [after.versionKey, after.date, after.id]],
    ['older', [after.versionKey, after.date, from]],
  ];
}

const legConditions: Readonly<Record<Leg, string>> = {
  first: 'version_key >= ? and version_key <= ?',
  sameDate: 'version_key = ? and date = ? and id > ?',
  older: '(version_key, date) < (?, ?) and version_key >= ?',
};

type FilterName = keyof ListFilters | 'projectId' | 'notAssessed';

const filterConditions: Readonly<Record<FilterName, string>> = {
  project: 'project = (select id from projects where organization = ? and key = ?)',
  projectId: 'project = ?',
  type: 'type = ?',
  edition: 'edition = ?',
  branch: 'branch = ?',
  rating: 'rating = ?',
  notAssessed: 'rating is null',
  since: 'date >= ?',
  until: 'date <= ?',
};

/** Takes the organization, the leg's bounds, the filters' values and how many. */
function legStatement(leg: Leg, used: readonly FilterName[]): string {
  const conditions = ['organization = ?', legConditions[leg], ...used.map((name) => filterConditions[name])];
  return `select listed from reports where ${conditions.join(' and ')} order by version_key desc, date desc, id limit ?`;
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
