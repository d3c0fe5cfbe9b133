import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fetchActive } from './active.ts';
import { branchQuery, fetchNewest, fetchWanted, type Wanted } from './analysis.ts';
import type { Fetched, FetchJob, FetchNotice, FetchProgress } from './job.ts';
import { fetchGate, fetchMeasures, type Measured } from './measures.ts';
import { fetchNewCode } from './new-code.ts';
import { fetchPages, Moved, type Plan } from './pages.ts';
import { createSearcher, getPage, planOf, type Searcher } from './plan.ts';
import { fetchReasons } from './reasons.ts';
import { createRuleFile, fetchRules } from './rules.ts';
import type { ServerFacts } from './server.ts';
import { instantOf } from './dates.ts';
import { type Survey, surveyPages } from './survey.ts';
import type { Changes, Ending, Rest } from './ending.ts';
import { headerOf, noticesOf } from './ending.ts';
import { writeFetched } from './write.ts';

export interface RoundOptions {
  readonly server: ServerFacts;
  /** What the client had sent when the fetch began. */
  readonly before: number;
  /** Take what there is, and say what is wrong with it. */
  readonly last: boolean;
}

interface Round extends RoundOptions {
  readonly job: FetchJob;
  readonly searcher: Searcher;
  readonly wanted: Wanted;
  readonly say: (progress: Omit<FetchProgress, 'requests'>) => void;
}

/** One try at the whole. Null where the server changed meanwhile and it is not the last: then nothing of it is of use. */
export async function fetchRound(job: FetchJob, options: RoundOptions): Promise<Fetched | null> {
  const say: Round['say'] = (progress) => job.onProgress({ ...progress, requests: job.client.requests - options.before });
  say({ stage: 'analysis', done: 0, total: 0 });
  const wanted = await fetchWanted(job);
  const round: Round = { ...options, job, wanted, say, searcher: createSearcher(job, options.server) };
  try {
    return await tried(round);
  } catch (error) {
    if (error instanceof Moved) return null;
    throw error;
  }
}

async function tried(round: Round): Promise<Fetched | null> {
  const { job, server, wanted, searcher, last, say } = round;
  const plan = await planOf({ job, searcher, server, wanted });
  await fetchAll(round, plan);
  say({ stage: 'measures', done: totalOf(plan), total: totalOf(plan) });
  const asked = { client: job.client, project: job.project, branch: branchQuery(job.branch), signal: job.signal };
  const measured = await fetchMeasures(asked, server.mode);
  const gate = await fetchGate(asked, wanted.key);
  const survey = await surveyPages(job.directory, plan, instantOf(measured?.newCode?.since));
  const pullRequest = job.branch?.type === 'PULL_REQUEST';
  const newCode = await fetchNewCode({
    pullRequest,
    newCode: measured === null ? null : measured.newCode,
    survey,
    get: (paging) => searcher.find('issues', { ...paging, inNewCodePeriod: 'true' }),
  });
  say({ stage: 'check', done: totalOf(plan), total: totalOf(plan) });
  const changes = await changesOf(round, plan, survey);
  if (!last && changes.again) return null;
  const rest = await fetchRest(round, { plan, survey, measured });
  const notices = noticesOf({ server, wanted, plan, survey, changes, measured, gate, newCode, rest });
  return finish(round, { plan, survey, measured, notices, isNew: newCode.isNew, gate: gate.gate, ...rest });
}

function totalOf(plan: Plan): number {
  return plan.issues.total + (plan.hotspots?.total ?? 0);
}

async function fetchAll({ job, searcher, last, say }: Round, plan: Plan): Promise<void> {
  const total = totalOf(plan);
  let done = 0;
  say({ stage: 'issues', done, total });
  await fetchPages({
    directory: job.directory,
    plan,
    tolerant: last,
    get: (page) => getPage(searcher, page),
    onPage: (findings) => {
      done += findings;
      say({ stage: 'issues', done, total });
    },
  });
}

/** What is different now from what it was at the start. */
async function changesOf({ job, searcher, wanted }: Round, plan: Plan, survey: Survey): Promise<Changes> {
  const analysis = (await fetchNewest(job)) !== wanted.newest;
  const { total } = await searcher.find('issues', { ps: 1 });
  const hotspots = plan.hotspots?.total ?? 0;
  const beyond = beyondOf(plan, plan.issues.total - survey.issues + hotspots - survey.hotspots);
  const left = beyond.reduce((sum, notice) => sum + notice.count, 0);
  const moved = Math.abs(total - plan.issues.total);
  const missing = Math.abs(plan.issues.total - survey.issues + hotspots - survey.hotspots - left);
  const findings = Math.max(moved, missing);
  return { analysis, findings, beyond, again: analysis || findings > 0 };
}

/** What is missing of slices that are too large, given how much is missing at all. */
function beyondOf(plan: Plan, missing: number): readonly FetchNotice[] {
  const notices: FetchNotice[] = [];
  let left = Math.max(0, missing);
  const parts = [['issues', plan.issues] as const, ['hotspots', plan.hotspots] as const];
  for (const [kind, part] of parts) {
    for (const slice of part?.slices ?? []) {
      if (slice.beyond !== true || left === 0) continue;
      const named = Object.entries(slice.query).map(([name, value]) => `${name}=${value}`);
      // Of several the later ones are given the rest: which one lacks how much no server tells.
      const count = Math.min(left, slice.total);
      notices.push({ code: 'slice_not_complete', count, pointer: `${kind}: ${named.join('; ') || 'all'}` });
      left -= count;
    }
  }
  return notices;
}

interface Fetching {
  readonly plan: Plan;
  readonly survey: Survey;
  readonly measured: Measured | null;
}

/** What does not change while an analysis stands: rules' standards, which rules are active, and who set findings aside. */
async function fetchRest({ job, server, say }: Round, { plan, survey, measured }: Fetching): Promise<Rest> {
  const total = totalOf(plan);
  say({ stage: 'rules', done: total, total });
  const cache = job.rules ?? createRuleFile(join(job.directory, 'rules.json'));
  const asked = { client: job.client, server, cache, signal: job.signal };
  const { known, unknown } = await fetchRules({ ...asked, rules: [...survey.rules.keys()].toSorted() });
  const languages = measured === null ? null : measured.languages;
  const active = await fetchActive({ ...asked, project: job.project, languages, cwes: job.cwes, hotspots: plan.hotspots !== null });
  const reasons = await fetchReasons({ client: job.client, aside: survey.aside, signal: job.signal });
  return { rules: known, unknownRules: unknown.length, active, reasons };
}

/** Writes the file and says what it holds. */
async function finish(round: Round, ending: Ending): Promise<Fetched> {
  const { job, wanted, before, say } = round;
  const { plan, survey, notices, reasons, isNew } = ending;
  const total = totalOf(plan);
  say({ stage: 'write', done: total, total });
  const requests = job.client.requests - before;
  const file = join(job.directory, 'fetched.ndjson');
  await rm(file, { force: true });
  const findings = survey.issues + survey.hotspots - survey.gone;
  await writeFetched({
    directory: job.directory,
    file,
    plan,
    header: headerOf({ job, server: round.server, wanted, ending, requests }),
    reasons,
    isNew,
  });
  const incomplete = new Set(['slice_not_complete', 'total_changed_meanwhile', 'hotspots_not_readable', 'findings_not_understood']);
  return {
    file,
    version: wanted.version,
    versionFrom: wanted.versionFrom,
    revision: wanted.revision,
    dateText: wanted.dateText,
    analysis: wanted.key,
    gate: ending.gate,
    requests,
    findings,
    complete: !notices.some(({ code }) => incomplete.has(code)),
    notices,
  };
}
