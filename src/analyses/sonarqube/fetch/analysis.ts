import { GatepostError } from '../../../errors.ts';
import type { VersionOrigin } from '../../finding.ts';
import { objectOf, textOf } from '../../sarif/json.ts';
import type { Query } from '../client/client.ts';
import { isFault } from '../client/client.ts';
import { instantOf, instantText, rfc3339Of } from './dates.ts';
import type { FetchJob } from './job.ts';
import { isAbsent } from './measures.ts';
import type { ListedAnalysis } from './server.ts';
import { analysesOf } from './server.ts';

/** The analysis that is fetched, and what the server shows now. */
export interface Wanted {
  readonly key: string | null;
  readonly version: string;
  readonly versionFrom: VersionOrigin;
  /** The property or tag that it was taken from. */
  readonly versionName?: string;
  readonly revision: string | null;
  /** RFC 3339. */
  readonly dateText: string;
  /** The newest analysis, which is what searches show; empty where the server lists none (pull requests). */
  readonly newest: string;
  readonly superseded: boolean;
}

/** `branch` or `pullRequest`: left out for the main branch, which is all that Community knows, and calls `main` whatever its name (contract 1.1). */
export function branchQuery(branch: FetchJob['branch']): Readonly<Record<string, string>> {
  if (branch === null || branch.name === null || (branch.isMain && branch.type === 'BRANCH')) return {};
  return branch.type === 'PULL_REQUEST' ? { pullRequest: branch.name } : { branch: branch.name };
}

/** The analyses looked through for the one that is wanted; it is nearly always the first. */
const listedMax = 100;
/** What the server writes where a scanner gave no version. */
const notProvided = 'not provided';

/** Finds the analysis. Fails with `source_project_unknown` and `source_not_analysed`, and as the client does. */
export async function fetchWanted(job: FetchJob): Promise<Wanted> {
  const key = job.analysis ?? (await analysisOfTask(job));
  const listed = await list(job, {});
  const entry = chosen(job, listed, key) ?? (listed.length > 0 && job.analysedAt !== null ? await listedLater(job, key) : undefined);
  const dateText = rfc3339Of(entry?.date ?? job.analysedAt);
  if (dateText === undefined) throw new GatepostError('not_found', 'source_not_analysed', 'The project has no analysis over there.');
  const revision = entry?.revision ?? job.revision;
  const newest = listed[0]?.key ?? '';
  const version = await versionOf(job, { given: entry?.version, revision, dateText });
  const superseded = newest !== '' && entry?.key !== newest;
  return { key: entry?.key ?? key, ...version, revision, dateText, newest, superseded };
}

/** The newest analysis over there, to see whether it changed meanwhile. */
export async function fetchNewest(job: FetchJob): Promise<string> {
  return (await list(job, { ps: 1 }))[0]?.key ?? '';
}

async function list(job: FetchJob, more: Query): Promise<readonly ListedAnalysis[]> {
  // They are not listed for pull requests.
  if (job.branch?.type === 'PULL_REQUEST') return [];
  try {
    const query = { project: job.project, ps: listedMax, ...branchQuery(job.branch), ...more };
    return analysesOf(await job.client.get('api/project_analyses/search', query, { signal: job.signal }));
  } catch (error) {
    // What the webhook told is enough to go on with.
    if (isFault(error, 'source_path_unknown') && job.analysedAt !== null) return [];
    if (!isFault(error, 'source_not_found')) throw error;
    throw new GatepostError('not_found', 'source_project_unknown', 'The server does not know the project, or its branch.', {
      details: error instanceof GatepostError ? error.details : {},
      cause: error,
    });
  }
}

async function analysisOfTask({ client, task, signal }: FetchJob): Promise<string | null> {
  if (task === null) return null;
  try {
    const answer = objectOf(await client.get('api/ce/task', { id: task }, { signal }));
    return textOf(objectOf(answer['task'])['analysisId']) ?? null;
  } catch (error) {
    // Tasks are forgotten after some days, and may be seen with some rights only; the date tells the analysis too.
    if (!isAbsent(error)) throw error;
    return null;
  }
}

function chosen(job: FetchJob, listed: readonly ListedAnalysis[], key: string | null): ListedAnalysis | undefined {
  if (key !== null) return listed.find((each) => each.key === key);
  if (job.analysedAt === null) return listed[0];
  const date = instantOf(job.analysedAt);
  const dated = listed.filter((each) => instantOf(each.date) === date);
  return dated.find((each) => each.revision === (job.revision ?? undefined)) ?? dated[0];
}

/** One that lies behind the first page, by its date. */
async function listedLater(job: FetchJob, key: string | null): Promise<ListedAnalysis | undefined> {
  const date = instantOf(job.analysedAt);
  if (date === undefined) return undefined;
  return chosen(job, await list(job, { from: instantText(date), to: instantText(date) }), key);
}

interface VersionFacts {
  readonly given: string | undefined;
  readonly revision: string | null;
  readonly dateText: string;
}

export const versionProperty = 'sonar.analysis.version';

type Version = Pick<Wanted, 'version' | 'versionFrom' | 'versionName'>;

async function versionOf(job: FetchJob, { given, revision, dateText }: VersionFacts): Promise<Version> {
  if (given !== undefined && given !== notProvided) return { version: given, versionFrom: 'analysis' };
  const property = job.properties[versionProperty]?.trim() ?? '';
  if (job.versionFrom === 'property' && property !== '')
    return { version: property, versionFrom: 'property', versionName: versionProperty };
  if (job.versionFrom === 'tag' && revision !== null) {
    const tag = (await job.tagOf?.(revision)) ?? null;
    if (tag !== null) return { version: tag, versionFrom: 'tag', versionName: tag };
  }
  // Without a revision the date tells analyses apart.
  return { version: `0.0.0+${revision ?? dateText.replaceAll(/\D/g, '').slice(0, 14)}`, versionFrom: 'revision' };
}
