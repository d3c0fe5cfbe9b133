import { Type } from 'typebox';
import { timestampText } from '../clock.ts';
import type { GateFacts } from '../events/event.ts';
import { repositoryUrls } from '../events/git-urls.ts';
import type { AnalysisFacts } from './finding.ts';
import { QualityGate } from './gates/schema.ts';
import type { Analysis } from './store.ts';

const nullable = (type: ReturnType<typeof Type.String>, description: string) => Type.Union([type, Type.Null()], { description });

/** A report that an analysis came to, in short. */
export const ReportOfAnalysis = Type.Object({
  id: Type.String({ format: 'uuid' }),
  reportType: Type.String(),
  reportVersion: Type.Integer({ description: 'The edition of the standard.' }),
  vulnerabilitiesCount: Type.Integer(),
  securityRating: nullable(Type.String(), 'A to E; null: not assessed.'),
});

export interface AnalysisReport {
  readonly id: string;
  readonly reportType: string;
  readonly reportVersion: number;
  readonly vulnerabilitiesCount: number;
  readonly securityRating: string | null;
}

/** The push that brought the commit that was analysed. */
const PushBody = Type.Object({
  id: Type.String(),
  repository: Type.String({ description: 'Name of the repository.' }),
  ref: Type.String({ description: 'Whole: `refs/heads/main`.' }),
  url: Type.String({ description: 'The commit’s page.' }),
  created: Type.String({ format: 'date-time' }),
});

export const AnalysisBody = Type.Object({
  id: Type.String({ format: 'uuid' }),
  status: Type.Enum(['pending', 'running', 'done', 'failed'], {
    description: 'pending: on disk and waiting; running; done: its reports stand; failed: see error.',
  }),
  project: Type.String({ description: 'The project’s key.' }),
  version: Type.String(),
  branch: nullable(Type.String(), 'As told, or null. Of a pull request: its key, such as `45`.'),
  branchType: Type.Enum(['BRANCH', 'PULL_REQUEST'], {
    description: 'What `branch` names. A pull request’s analysis makes no listed report; one that was sent is always of a branch.',
  }),
  revision: nullable(Type.String(), 'As told, or null.'),
  date: Type.String({ format: 'date-time', description: 'When the analysis was made: as told, else when it came in.' }),
  properties: Type.Record(Type.String(), Type.String()),
  created: Type.String({ format: 'date-time' }),
  finished: nullable(Type.String({ format: 'date-time' }), 'When it was done or failed.'),
  bodyBytes: Type.Integer({ description: 'Size of the scanner’s file, unpacked.' }),
  bodySha256: nullable(
    Type.String(),
    'Of those bytes; null: there are none yet, as of an analysis that waits to be fetched or failed before.',
  ),
  error: Type.Optional(
    Type.Object({
      code: Type.String({ description: 'Stable.' }),
      message: Type.String(),
      details: Type.Optional(
        Type.Record(Type.String(), Type.Unknown(), { description: 'The place in the file: pointer, line, column, offset.' }),
      ),
    }),
  ),
  totals: Type.Optional(
    Type.Record(Type.String(), Type.Integer(), {
      description: 'What the file held: results, open, review, suppressed, absent, ignored, withCwe.',
    }),
  ),
  notices: Type.Optional(
    Type.Array(Type.Record(Type.String(), Type.Unknown()), { description: 'What a reader should know: codes with places.' }),
  ),
  kind: Type.Enum(['sarif', 'sonarqube'], { description: 'What was sent, or what was fetched from a source.' }),
  source: nullable(Type.String(), 'Id of the source that told of it; null: it was sent.'),
  qualityGate: Type.Union([QualityGate, Type.Null()], {
    description: 'What its quality gate came to: the one it brought, else the project’s; null where there is none, or not yet.',
  }),
  reports: Type.Array(ReportOfAnalysis),
  push: Type.Optional(
    Type.Union([PushBody, Type.Null()], {
      description: 'What brought the revision to a repository of the project; null: none of them got it by a push. Not in lists.',
    }),
  ),
});

/** An analysis as `/v1` shows it. */
export function analysisBody(analysis: Analysis, projectKey: string, reports: readonly AnalysisReport[]) {
  const facts = analysis.facts === null ? null : (JSON.parse(analysis.facts) as AnalysisFacts);
  const error = analysis.error_code === null ? null : errorOf(analysis, analysis.error_code);
  return {
    id: analysis.id,
    status: analysis.status,
    project: projectKey,
    version: analysis.version,
    branch: analysis.branch === '' ? null : analysis.branch,
    branchType: analysis.branch_type === 'PULL_REQUEST' ? ('PULL_REQUEST' as const) : ('BRANCH' as const),
    revision: analysis.revision,
    date: analysis.date_text,
    properties: JSON.parse(analysis.properties) as Record<string, string>,
    created: timestampText(analysis.created),
    finished: analysis.finished === null ? null : timestampText(analysis.finished),
    bodyBytes: analysis.body_bytes,
    bodySha256: analysis.body_sha256 === '' ? null : analysis.body_sha256,
    ...(error === null ? {} : { error }),
    ...(facts === null ? {} : { totals: facts.totals, notices: facts.notices.map((notice) => ({ ...notice })) }),
    kind: analysis.kind === 'sonarqube' ? ('sonarqube' as const) : ('sarif' as const),
    source: analysis.source,
    qualityGate: analysis.gate === null ? null : gateBodyOf(JSON.parse(analysis.gate) as GateFacts),
    reports: [...reports],
  };
}

function gateBodyOf({ name, status, conditions }: GateFacts) {
  return { name, status, conditions: conditions.map((condition) => ({ ...condition })) };
}

function errorOf(analysis: Analysis, code: string) {
  const details = analysis.error_place === null ? null : (JSON.parse(analysis.error_place) as Record<string, unknown>);
  return { code, message: analysis.error_message ?? '', ...(details === null ? {} : { details }) };
}

export interface PushOfAnalysis {
  readonly id: string;
  /** Its name. */
  readonly repository: string;
  readonly ref: string;
  readonly created: number;
}

/** The push as `/v1` shows it beside its analysis. */
export function pushBody(
  { id, repository, ref, created }: PushOfAnalysis,
  { serverUrl, slug, revision }: { readonly serverUrl: string; readonly slug: string; readonly revision: string },
) {
  const url = repositoryUrls({ serverUrl, slug, name: repository }).commit(revision);
  return { id, repository, ref, url, created: timestampText(created) };
}
