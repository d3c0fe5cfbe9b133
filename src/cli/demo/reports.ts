import type { ListedReport } from '../../events/event.ts';

/** A report in a few words. */
export function oneReport(report: ListedReport): string {
  const findings = `${report.vulnerabilitiesCount} open ${report.vulnerabilitiesCount === 1 ? 'finding' : 'findings'}`;
  return `${report.reportType} ${report.reportVersion}: ${report.securityRating === null ? 'not assessed' : `${findings}, rated ${report.securityRating}`}`;
}
