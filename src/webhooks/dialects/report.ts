import { timestampText } from '../../clock.ts';
import type { AnalysisCompletedFacts, EventFacts, GatepostEvent, ListedReport, ReportFacts, WebhookFacts } from '../../events/event.ts';
import { eventKinds } from '../../events/event.ts';
import { plainHex } from '../signing/plain-hex.ts';
import { standardWebhooks } from '../signing/standard-webhooks.ts';
import type { Dialect } from './dialect.ts';
import { isComment, isPull, isPush } from './git-words.ts';
import { wellFormedJson } from './go-json.ts';
import { commentData, pullData, pushData } from './report-git.ts';

/** The report API's own way (its contract, section 6): the list answer's shape, signed as Standard Webhooks and in plain hexadecimal. */
export const reportDialect: Dialect = {
  name: 'report',
  contentType: 'application/json',
  events: eventKinds,
  body,
  headers: ({ kind, attempt }) => ({ 'x-gatepost-event': kind, 'x-gatepost-attempt': String(attempt) }),
  schemes: [standardWebhooks, plainHex('x-gatepost-signature-256')],
  secretOptional: false,
  redirects: 0,
  sample: ({ organization }) => ({ organizationId: organization.id, reports: [] }),
};

function body({ kind, facts, created }: GatepostEvent): Buffer {
  const shown =
    'reports' in facts
      ? { organizationId: facts.organizationId, reports: facts.reports.map(listed) }
      : { type: kind, timestamp: timestampText(created), data: dataOf(facts) };
  return Buffer.from(wellFormedJson(JSON.stringify(shown)), 'utf8');
}

function dataOf(facts: Exclude<EventFacts, ReportFacts>): object {
  if (isPush(facts)) return pushData(facts);
  if (isPull(facts)) return pullData(facts);
  if (isComment(facts)) return commentData(facts);
  if ('webhook' in facts) return aboutWebhook(facts);
  return 'origin' in facts ? aboutAnalysis(facts) : facts;
}

function aboutAnalysis(facts: AnalysisCompletedFacts) {
  const { organization, analysis, origin, task, status, analysedAt, changedAt, revision, project, branch, gate, properties } = facts;
  return { organization, analysis, origin, task, status, analysedAt, changedAt, revision, project, branch, gate, properties };
}

function aboutWebhook({ organization, webhook, since, failures, lastStatus, lastError, reason }: WebhookFacts) {
  const { id, name, url } = webhook;
  return { organization, webhook: { id, name, url }, since, failures, lastStatus, lastError, ...(reason === null ? {} : { reason }) };
}

/** Named one by one: their order is part of the contract, and what a fact may hold besides is not. */
function listed(report: ListedReport): ListedReport {
  return {
    projectName: report.projectName,
    id: report.id,
    reportType: report.reportType,
    reportVersion: report.reportVersion,
    projectVersion: report.projectVersion,
    date: report.date,
    uploadDate: report.uploadDate,
    vulnerabilitiesCount: report.vulnerabilitiesCount,
    securityRating: report.securityRating,
  };
}
