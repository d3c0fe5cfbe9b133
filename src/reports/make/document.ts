import { existsSync, readFileSync } from 'node:fs';
import type { AnalysisFacts } from '../../analyses/finding.ts';
import type { ReportDocument, TrendPoint } from '../report.ts';
import { cweCatalogue } from '../standards/catalogue.ts';
import type { Standard } from '../standards/standard.ts';
import type { Evaluation } from './evaluate.ts';
import type { MakeJob, StandardJob } from './job.ts';

/** Points of a trend, the newest kept. */
export const trendPointsMax = 12;

/** All that one report says. */
export function buildDocument(options: {
  readonly job: MakeJob;
  readonly report: StandardJob;
  readonly standard: Standard;
  readonly facts: AnalysisFacts;
  readonly evaluation: Evaluation;
  /** Findings of this standard that were there before and are gone; null where there is nothing to compare with. */
  readonly fixed: number | null;
}): Omit<ReportDocument, 'contentSha256'> {
  const { job, report, standard, facts, fixed } = options;
  const { changes, ...evaluation } = options.evaluation;
  const { analysis } = job;
  const point: TrendPoint = {
    version: analysis.version,
    date: analysis.dateText,
    count: evaluation.vulnerabilitiesCount,
    rating: evaluation.rating,
  };
  return {
    id: report.reportId,
    language: job.language,
    organizationName: job.organizationName,
    project: job.project,
    branch: analysis.branch,
    version: analysis.version,
    revision: analysis.revision ?? facts.revision ?? null,
    type: standard.type,
    edition: standard.edition,
    source: standard.source,
    cweCatalogue,
    analysisDate: analysis.dateText,
    madeAt: job.madeAt,
    generator: { name: 'Gatepost', version: gatepostVersion() },
    properties: analysis.properties,
    facts,
    ...(analysis.gate === undefined || analysis.gate === null ? {} : { gate: analysis.gate }),
    ...evaluation,
    change: fixed === null ? null : { new: changes.new, fixed, still: changes.still, reopened: changes.reopened },
    trend: [...report.trend, point].slice(-trendPointsMax),
  };
}

/** From the package's own package.json, which stands above both the sources and what they are compiled to. */
function gatepostVersion(): string {
  for (let folder = new URL('.', import.meta.url); ; folder = new URL('..', folder)) {
    const file = new URL('package.json', folder);
    if (existsSync(file)) {
      const { name, version } = JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string };
      if (name === 'gatepost') return version ?? '';
    }
    if (folder.pathname === '/') return '';
  }
}
