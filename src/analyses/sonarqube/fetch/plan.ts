import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock, timestampText } from '../../../clock.ts';
import { GatepostError } from '../../../errors.ts';
import type { Query } from '../client/client.ts';
import { isFault } from '../client/client.ts';
import { branchQuery, type Wanted } from './analysis.ts';
import type { FetchJob } from './job.ts';
import { isAbsent } from './measures.ts';
import type { Page, Part, Plan } from './pages.ts';
import { pagesFolder, readPlan, wipe, writePage, writePlan } from './pages.ts';
import type { Found, SearchKind } from './search.ts';
import { search } from './search.ts';
import type { ServerFacts } from './server.ts';
import { isAtLeast } from './server.ts';
import type { Asking, Parameters, Slice } from './slices.ts';
import { pageMax, planSlices, reachMax, splittingFacets } from './slices.ts';

/** What asks for findings of one project and branch. */
export interface Searcher {
  find(kind: SearchKind, query: Query): Promise<Found>;
}

/** Everything that is there and what was set aside. CLOSED ones are gone (contract 5.3): they would be paged for nothing. */
const statuses = 'OPEN,CONFIRMED,REOPENED,RESOLVED';

export function createSearcher(job: FetchJob, server: ServerFacts): Searcher {
  const { client, signal } = job;
  const branch = branchQuery(job.branch);
  // Newer servers keep some apart; whether this one does it says itself.
  let sandbox = isAtLeast(server.version, 25, 1);
  let hotspotProject = 'projectKey';
  let facetsKnown: ReadonlySet<string> | undefined;

  async function issues(query: Query): Promise<Found> {
    // `componentKeys` is what 9.9 and later versions both read: 9.9 passes over `components` and answers for all projects.
    const all = { componentKeys: job.project, statuses: sandbox ? `${statuses},IN_SANDBOX` : statuses, ...branch, ...query };
    const facets = namesIn(query['facets']).filter((name) => facetsKnown?.has(name) !== false);
    try {
      return await search({
        client,
        kind: 'issues',
        query: { ...all, facets: facets.length === 0 ? undefined : facets.join(',') },
        signal,
      });
    } catch (error) {
      if (!isFault(error, 'source_refused')) throw error;
      // A version that knows other facets names the ones it has, and refuses the whole call for one that it has not.
      const named = facetsKnown === undefined && facets.length > 0 ? facetsNamed(error) : undefined;
      if (named !== undefined) {
        facetsKnown = named;
        return issues(query);
      }
      if (!sandbox) throw error;
      sandbox = false;
      return issues(query);
    }
  }

  async function hotspots(query: Query): Promise<Found> {
    const ask = () => search({ client, kind: 'hotspots', query: { [hotspotProject]: job.project, ...branch, ...query }, signal });
    try {
      return await ask();
    } catch (error) {
      if (hotspotProject === 'project' || !isFault(error, 'source_refused')) throw error;
      // The old name is deprecated, and may be gone one day.
      hotspotProject = 'project';
      return ask();
    }
  }

  return { find: (kind, query) => (kind === 'issues' ? issues(query) : hotspots(query)) };
}

function namesIn(list: string | number | undefined): readonly string[] {
  return typeof list === 'string' && list !== '' ? list.split(',') : [];
}

/** `Value of parameter 'facets' (…) must be one of: [projects, files, …]` (contract 5.3). */
function facetsNamed(error: unknown): ReadonlySet<string> | undefined {
  const said = error instanceof GatepostError ? String(error.details?.['said']) : '';
  const list = /'facets'.*must be one of: \[(.*?)(?:\]|$)/s.exec(said)?.[1];
  return list === undefined ? undefined : new Set(list.split(',').map((name) => name.trim()));
}

export interface Planning {
  readonly job: FetchJob;
  readonly searcher: Searcher;
  readonly server: ServerFacts;
  readonly wanted: Wanted;
}

/** The plan that an earlier run left, if it is still good, else a new one. Where all of a kind fits into one search, its first page is on disk then. */
export async function planOf(planning: Planning): Promise<Plan> {
  const { job, searcher, server, wanted } = planning;
  const identity = JSON.stringify([1, job.project, branchQuery(job.branch), wanted.newest, wanted.dateText, server.id, server.version]);
  const kept = await readPlan(job.directory);
  if (kept?.identity === identity && (await searcher.find('issues', { ps: 1 })).total === kept.issues.total) return kept;
  await wipe(job.directory);
  await mkdir(join(job.directory, pagesFolder), { recursive: true, mode: 0o700 });
  const plan: Plan = {
    identity,
    startedAt: timestampText((job.clock ?? systemClock).now()),
    issues: await planIssues(planning),
    hotspots: await planHotspots(planning),
  };
  await writePlan(job.directory, plan);
  return plan;
}

async function planIssues({ job, searcher }: Planning): Promise<Part> {
  const found = await searcher.find('issues', { p: 1, ps: pageMax, additionalFields: 'comments', facets: splittingFacets.join(',') });
  if (found.total <= reachMax) return single(job, 'issues', found);
  const ask = (query: Parameters, { facets, oldestFirst }: Asking) =>
    searcher.find('issues', {
      ...query,
      ps: 1,
      ...(facets === undefined ? {} : { facets: facets.join(',') }),
      ...(oldestFirst === undefined ? {} : { s: 'CREATION_DATE', asc: String(oldestFirst) }),
    });
  return { total: found.total, slices: await planSlices({ ask, query: {}, found }) };
}

async function planHotspots({ job, searcher }: Planning): Promise<Part | null> {
  try {
    const found = await searcher.find('hotspots', { p: 1, ps: pageMax });
    if (found.total <= reachMax) return await single(job, 'hotspots', found);
    return { total: found.total, slices: await splitHotspots(searcher, { query: {}, total: found.total }, hotspotWays) };
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

async function single(job: FetchJob, kind: SearchKind, found: Found): Promise<Part> {
  await writePage(job.directory, { kind, slice: 0, page: 1, fromEnd: false }, found);
  return { total: found.total, slices: found.total === 0 ? [] : [{ query: {}, total: found.total }] };
}

/** Sonar's categories (contract 5.4); a hotspot is in one. */
const categories = (
  'buffer-overflow sql-injection rce object-injection command-injection path-traversal-injection ldap-injection xpath-injection log-injection ' +
  'xxe xss dos ssrf csrf http-response-splitting open-redirect weak-cryptography auth insecure-conf file-manipulation encrypt-data traceability ' +
  'permission others'
).split(' ');

interface Way {
  readonly name: string;
  readonly values: readonly string[];
  readonly fits: (query: Parameters) => boolean;
}

/** Searches for hotspots have no facets: these are tried one after another, each value asked for. */
const hotspotWays: readonly Way[] = [
  { name: 'status', values: ['TO_REVIEW', 'REVIEWED'], fits: () => true },
  { name: 'resolution', values: ['FIXED', 'SAFE', 'ACKNOWLEDGED'], fits: (query) => query['status'] === 'REVIEWED' },
  { name: 'sonarsourceSecurity', values: categories, fits: () => true },
];

async function splitHotspots(searcher: Searcher, slice: Slice, ways: readonly Way[]): Promise<readonly Slice[]> {
  if (slice.total <= reachMax) return slice.total === 0 ? [] : [slice];
  const [way, ...others] = ways;
  if (way === undefined) return [{ ...slice, beyond: true }];
  if (!way.fits(slice.query)) return splitHotspots(searcher, slice, others);
  const parts: Slice[] = [];
  for (const value of way.values) {
    const query = { ...slice.query, [way.name]: value };
    parts.push({ query, total: (await searcher.find('hotspots', { ...query, ps: 1 })).total });
  }
  // What is in none of them, or in two, cannot be told apart so.
  if (parts.reduce((sum, part) => sum + part.total, 0) !== slice.total) return splitHotspots(searcher, slice, others);
  const split: Slice[] = [];
  for (const part of parts) split.push(...(await splitHotspots(searcher, part, others)));
  return split;
}

/** One page of a plan. */
export function getPage(searcher: Searcher, { kind, query, page, fromEnd, ordered }: Page): Promise<Found> {
  const order = ordered ? { s: 'FILE_LINE', asc: String(!fromEnd) } : {};
  const comments = kind === 'issues' ? { additionalFields: 'comments' } : {};
  return searcher.find(kind, { ...query, p: page, ps: pageMax, ...comments, ...order });
}
