import type { ReportFacts } from '../../src/events/event.ts';

// Events of about 1 KB that carry a number at a fixed place of their body, so that a receiver tells them apart without parsing JSON.

const tagDigits = 10;
const beforeTag = '{"organizationId":"00000000-0000-4000-8000-000000000000","reports":[{"projectName":"';

/** The facts of an event that carries this number. Their JSON has the same length whatever the number. */
export function taggedFacts(organizationId: string, tag: number): ReportFacts {
  const name = String(tag).padStart(tagDigits, '0');
  const report = (number: number, type: string) => ({
    projectName: number === 0 ? name : 'payments-and-settlement-service',
    id: `01990000-0000-7000-8000-${String(number).padStart(2, '0')}${name}`,
    reportType: type,
    reportVersion: 2025,
    projectVersion: '24.11.0-rc.3',
    date: '2026-11-02T10:15:30.123+00:00',
    uploadDate: '2026-11-02T10:16:02.417+00:00',
    vulnerabilitiesCount: 37,
    securityRating: 'C' as const,
  });
  return { organizationId, reports: [report(0, 'CWE Top 25'), report(1, 'OWASP Top 10'), report(2, 'CWE Top 25')] };
}

/** The number that a body carries, read where `taggedFacts` puts it; NaN where there is none. */
export function tagOf(body: Buffer): number {
  return Number(body.toString('latin1', beforeTag.length, beforeTag.length + tagDigits));
}
