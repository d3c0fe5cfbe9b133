import type { GatepostEvent, ListedReport } from '../../events/event.ts';
import { plainHex } from '../signing/plain-hex.ts';
import { standardWebhooks } from '../signing/standard-webhooks.ts';
import type { Dialect } from './dialect.ts';

/** The report API's own way (its contract, section 6): the list answer's shape, signed as Standard Webhooks and in plain hexadecimal. */
export const reportDialect: Dialect = {
  name: 'report',
  contentType: 'application/json',
  body,
  headers: ({ kind, attempt }) => ({ 'x-gatepost-event': kind, 'x-gatepost-attempt': String(attempt) }),
  schemes: [standardWebhooks, plainHex('x-gatepost-signature-256')],
};

function body({ facts }: GatepostEvent): Buffer {
  return Buffer.from(JSON.stringify({ organizationId: facts.organizationId, reports: facts.reports.map(listed) }), 'utf8');
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
