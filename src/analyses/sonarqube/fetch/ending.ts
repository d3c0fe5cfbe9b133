import { systemClock, timestampText } from '../../../clock.ts';
import type { SonarqubeFacts } from '../../finding.ts';
import { webAddressOf } from '../../sarif/json.ts';
import { branchQuery, type Wanted } from './analysis.ts';
import type { FileHeader, Reason } from './file.ts';
import type { Fetched, FetchJob, FetchNotice } from './job.ts';
import type { Measured } from './measures.ts';
import type { IsNew } from './new-code.ts';
import type { Plan } from './pages.ts';
import { type ActiveRules, cwesOfRuleMax, type RuleStandards } from './rules.ts';
import type { ServerFacts } from './server.ts';
import type { Survey } from './survey.ts';

/** What is different at the end from what it was at the start. */
export interface Changes {
  /** Another analysis came in between. */
  readonly analysis: boolean;
  /** By how much the totals moved, or what was fetched differs from them. */
  readonly findings: number;
  /** What lies beyond the reach of slices that could not be split, by slice. */
  readonly beyond: readonly FetchNotice[];
  readonly again: boolean;
}

/** What does not change while an analysis stands. */
export interface Rest {
  readonly rules: readonly RuleStandards[];
  readonly unknownRules: number;
  /** Null: the server does not tell. */
  readonly active: ActiveRules | null;
  readonly reasons: ReadonlyMap<string, Reason>;
}

/** All that a fetch came to. */
export interface Ending extends Rest {
  readonly plan: Plan;
  readonly survey: Survey;
  readonly measured: Measured | null;
  readonly notices: readonly FetchNotice[];
  readonly isNew: IsNew;
  readonly gate: Fetched['gate'];
}

interface NoticesOptions {
  readonly server: ServerFacts;
  readonly wanted: Wanted;
  readonly plan: Plan;
  readonly survey: Survey;
  readonly changes: Changes;
  readonly measured: Measured | null;
  readonly gate: { readonly readable: boolean };
  readonly newCode: { readonly readable: boolean };
  readonly rest: Rest;
}

/** What a reader of the report should know of how complete it is. */
export function noticesOf({
  server,
  wanted,
  plan,
  survey,
  changes,
  measured,
  gate,
  newCode,
  rest,
}: NoticesOptions): readonly FetchNotice[] {
  // A rule that is not about security has no standards, and lacks none.
  const bare = rest.rules.filter(({ rule, cwes }) => cwes.length === 0 && survey.rules.get(rule) === true).length;
  const cut = rest.rules.filter(({ cwes }) => cwes.length >= cwesOfRuleMax).length;
  const counted: readonly (readonly [code: string, count: number])[] = [
    ['version_not_provided', wanted.versionFrom === 'analysis' ? 0 : 1],
    ['analysis_superseded', wanted.superseded ? 1 : 0],
    ['analysis_changed_meanwhile', changes.analysis ? 1 : 0],
    ['total_changed_meanwhile', changes.findings],
    ['branches_not_supported', server.edition === 'Community' ? 1 : 0],
    ['hotspots_not_readable', plan.hotspots === null ? 1 : 0],
    ['rules_without_standards', bare],
    ['rules_not_readable', rest.unknownRules],
    ['rule_standards_cut', cut],
    ['active_rules_not_readable', rest.active === null ? 1 : 0],
    ['measures_not_readable', measured === null ? 1 : 0],
    ['gate_not_readable', gate.readable ? 0 : 1],
    ['new_code_not_readable', newCode.readable ? 0 : 1],
    ['reasons_not_readable', survey.aside.length + survey.asideMore - rest.reasons.size],
    ['findings_not_understood', survey.notUnderstood],
  ];
  return [...changes.beyond, ...counted.filter(([, count]) => count > 0).map(([code, count]) => ({ code, count }))];
}

interface HeaderOptions {
  readonly job: FetchJob;
  readonly server: ServerFacts;
  readonly wanted: Wanted;
  readonly ending: Ending;
  readonly requests: number;
}

export function headerOf({ job, server, wanted, ending, requests }: HeaderOptions): FileHeader {
  const { plan, survey, measured, rules, active, notices } = ending;
  const base = (webAddressOf(job.linkBase) ?? job.client.url).replace(/\/+$/, '');
  const branch = branchQuery(job.branch);
  const page = `${base}/dashboard?${new URLSearchParams({ id: job.project, ...branch }).toString()}`;
  const sonarqube: SonarqubeFacts = {
    serverUrl: base,
    version: server.version,
    ...(server.edition === undefined ? {} : { edition: server.edition }),
    mode: server.mode,
    ...(wanted.key === null ? {} : { analysis: wanted.key }),
    projectUrl: page,
    versionFrom: wanted.versionFrom,
    ...(wanted.versionName === undefined ? {} : { versionName: wanted.versionName }),
    measures: measured?.measures ?? {},
    ...(measured?.newCode === undefined ? {} : { newCode: measured.newCode }),
    effortMinutes: survey.effortMinutes,
    rules: {
      seen: survey.rules.size,
      withoutStandards: survey.rules.size - rules.filter(({ cwes }) => cwes.length > 0).length,
      ...(active === null ? {} : { active: active.rules }),
    },
    fetch: { startedAt: plan.startedAt, endedAt: timestampText((job.clock ?? systemClock).now()), requests },
  };
  const name = job.branch?.name ?? null;
  const gone = survey.gone;
  return {
    format: 1,
    sonarqube,
    project: job.project,
    ...(name === null || job.branch === null || Object.keys(branch).length === 0 ? {} : { branch: { name, type: job.branch.type } }),
    ...(wanted.revision === null ? {} : { revision: wanted.revision }),
    analysedAt: wanted.dateText,
    issues: survey.issues - gone,
    hotspots: survey.hotspots,
    rules,
    ...(active === null ? {} : { active }),
    notices,
  };
}
