import { parseTimestamp } from '../../timestamps.ts';
import { isFault } from './client/client.ts';
import type { SonarqubeClient } from './client/client.ts';
import { listIn, textIn, totalIn } from './answers.ts';

// What a server says that it has: projects, branches, analyses, tasks. Facts from the contract, 5.2.

export const pageMax = 500;
/** Tasks that ended since the last look are few. */
const endedPageMax = 100;
/** No list of a server goes further than this. */
const listedMax = 10_000;

export interface ListOptions {
  readonly client: SonarqubeClient;
  readonly signal: AbortSignal;
}

export interface ListedProject {
  readonly key: string;
  readonly name: string;
}

/** All projects that the token sees. The list with what administrators see comes first: it has projects whose code nobody may browse. */
export async function* listProjects({ client, signal }: ListOptions): AsyncGenerator<ListedProject> {
  const from = (await mayAdminister({ client, signal })) ? 'api/projects/search' : 'api/components/search';
  for (let p = 1; p * pageMax <= listedMax; p += 1) {
    const answer = await client.get(from, { qualifiers: 'TRK', ps: pageMax, p }, { signal });
    for (const one of listIn(answer, 'components')) {
      const key = textIn(one, 'key');
      if (key !== null) yield { key, name: textIn(one, 'name') ?? key };
    }
    if (p * pageMax >= totalIn(answer)) return;
  }
}

async function mayAdminister({ client, signal }: ListOptions): Promise<boolean> {
  try {
    await client.get('api/projects/search', { ps: 1 }, { signal });
    return true;
  } catch (error) {
    if (isFault(error, 'source_forbidden', 'source_path_unknown')) return false;
    throw error;
  }
}

export interface ListedBranch {
  /** As a webhook names it. */
  readonly name: string;
  readonly isMain: boolean;
  /** When it was last analysed; null: never. */
  readonly analysed: string | null;
}

/**
 * The branches of a project; none where the project is not to be seen. A server without branches calls its only one `main` in webhooks, whatever
 * its real name (contract 1.1).
 */
export async function listBranches({
  client,
  signal,
  project,
  hasBranches,
}: ListOptions & { readonly project: string; readonly hasBranches: boolean }): Promise<readonly ListedBranch[]> {
  const branches = listIn(await client.get('api/project_branches/list', { project }, { signal }), 'branches');
  return branches.flatMap((one) => {
    const isMain = one['isMain'] === true;
    const name = isMain && !hasBranches ? 'main' : textIn(one, 'name');
    return name === null ? [] : [{ name, isMain, analysed: textIn(one, 'analysisDate') }];
  });
}

/** Community has no branches and no pull requests, and does not know the call for these (contract 5.2). */
export async function knowsBranches({ client, signal, project }: ListOptions & { readonly project: string }): Promise<boolean> {
  try {
    await client.get('api/project_pull_requests/list', { project }, { signal });
    return true;
  } catch (error) {
    if (isFault(error, 'source_path_unknown')) return false;
    if (isFault(error, 'source_forbidden', 'source_not_found')) return true;
    throw error;
  }
}

export interface ListedAnalysis {
  readonly key: string;
  /** As the server writes it. */
  readonly date: string;
  readonly revision: string | null;
}

/** Analyses of a branch from a time on, newest first, at most `max`. */
export async function listAnalyses(
  options: ListOptions & { readonly project: string; readonly branch: ListedBranch; readonly from: number | null; readonly max: number },
): Promise<readonly ListedAnalysis[]> {
  const { client, signal, project, branch, from, max } = options;
  const found: ListedAnalysis[] = [];
  for (let p = 1; p * pageMax <= listedMax && found.length < max; p += 1) {
    const query = {
      project,
      branch: branch.isMain ? undefined : branch.name,
      from: from === null ? undefined : `${new Date(from).toISOString().slice(0, 19)}+0000`,
      ps: Math.min(pageMax, max),
      p,
    };
    const answer = await client.get('api/project_analyses/search', query, { signal });
    for (const one of listIn(answer, 'analyses')) {
      const [key, date] = [textIn(one, 'key'), textIn(one, 'date')];
      if (key !== null && date !== null) found.push({ key, date, revision: textIn(one, 'revision') });
    }
    if (p * query.ps >= totalIn(answer)) break;
  }
  return found.slice(0, max);
}

/** The tasks that made a project's analyses, by the analysis's key; empty where the token may not see them. */
export async function listTasks({
  client,
  signal,
  project,
}: ListOptions & { readonly project: string }): Promise<ReadonlyMap<string, string>> {
  try {
    const answer = await client.get('api/ce/activity', { component: project, type: 'REPORT', status: 'SUCCESS', ps: pageMax }, { signal });
    const tasks = new Map<string, string>();
    for (const one of listIn(answer, 'tasks')) {
      const [id, analysis] = [textIn(one, 'id'), textIn(one, 'analysisId')];
      if (id !== null && analysis !== null) tasks.set(analysis, id);
    }
    return tasks;
  } catch (error) {
    if (isFault(error, 'source_forbidden', 'source_not_found', 'source_refused')) return new Map();
    throw error;
  }
}

/** A task that made an analysis, on whatever date that is. */
export interface EndedTask {
  readonly id: string;
  readonly analysis: string;
  readonly project: string;
  /** Null: the main one. */
  readonly branch: string | null;
}

/** Of all projects, the tasks that made analyses and ended since then; pull requests apart. Null where the token may not see them. */
export async function listEndedTasks({
  client,
  signal,
  since,
}: ListOptions & { readonly since: number }): Promise<readonly EndedTask[] | null> {
  const found: EndedTask[] = [];
  try {
    for (let p = 1; p * endedPageMax <= listedMax; p += 1) {
      const answer = await client.get('api/ce/activity', { type: 'REPORT', status: 'SUCCESS', ps: endedPageMax, p }, { signal });
      const tasks = listIn(answer, 'tasks').filter((one) => endOf(one) >= since);
      for (const one of tasks) {
        const [id, analysis, project] = [textIn(one, 'id'), textIn(one, 'analysisId'), textIn(one, 'componentKey')];
        if (id === null || analysis === null || project === null || textIn(one, 'pullRequest') !== null) continue;
        found.push({ id, analysis, project, branch: textIn(one, 'branch') });
      }
      // Newest first, by submission or by end: whatever waited long in the queue is not far behind those that ended with it.
      if (tasks.length === 0 || p * endedPageMax >= totalIn(answer)) break;
    }
  } catch (error) {
    if (isFault(error, 'source_forbidden', 'source_not_found', 'source_refused', 'source_path_unknown')) return null;
    throw error;
  }
  return found;
}

function endOf(task: Readonly<Record<string, unknown>>): number {
  return parseTimestamp(textIn(task, 'executedAt') ?? '')?.ms ?? Number.NEGATIVE_INFINITY;
}

export interface ListedDelivery {
  readonly id: string;
  readonly project: string | null;
  readonly task: string | null;
  readonly at: string;
}

/** Deliveries of a webhook that failed since then, oldest first; null where the token may not see them. */
export async function listFailedDeliveries(
  options: ListOptions & { readonly webhook: string; readonly since: number },
): Promise<readonly ListedDelivery[] | null> {
  const { client, signal, webhook, since } = options;
  const found: ListedDelivery[] = [];
  try {
    for (let p = 1; p * pageMax <= listedMax; p += 1) {
      const answer = await client.get('api/webhooks/deliveries', { webhook, ps: pageMax, p }, { signal });
      const page = listIn(answer, 'deliveries');
      for (const one of page) {
        const [id, at] = [textIn(one, 'id'), textIn(one, 'at')];
        if (id === null || at === null) continue;
        if (timeOf(at) < since) return found.toReversed();
        if (one['success'] === false) found.push({ id, at, project: textIn(one, 'componentKey'), task: textIn(one, 'ceTaskId') });
      }
      if (page.length === 0 || p * pageMax >= totalIn(answer)) break;
    }
  } catch (error) {
    // Rights are asked of every project in the page.
    if (isFault(error, 'source_forbidden')) return null;
    throw error;
  }
  return found.toReversed();
}

/** One that cannot be read is taken for new. */
function timeOf(text: string): number {
  return parseTimestamp(text)?.ms ?? Number.POSITIVE_INFINITY;
}
