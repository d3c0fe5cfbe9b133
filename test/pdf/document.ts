import { severities } from '../../src/analyses/finding.ts';
import type { FindingState, Severity } from '../../src/analyses/finding.ts';
import type {
  CategoryResult,
  Language,
  Rating,
  ReportDocument,
  ReportedFinding,
  ReportType,
  SeverityCounts,
} from '../../src/reports/report.ts';
import { kinds, top10, top25 } from './samples.ts';
import type { Kind } from './samples.ts';

/** Documents to try the renderers on: a product that could be, told by scanners that could be. The same options give the same document. */
export interface SampleOptions {
  readonly language?: Language;
  readonly type?: ReportType;
  readonly findings?: number;
  readonly findingsTotal?: number;
  readonly setAside?: number;
  readonly notAssessed?: boolean;
  readonly change?: (finding: ReportedFinding, index: number) => ReportedFinding;
}

const unchecked = new Set(['CWE-352', 'CWE-862', 'CWE-863', 'CWE-284', 'CWE-306', 'CWE-639', 'CWE-770', 'A03', 'A06', 'A09']);
const letters: Readonly<Record<Severity, Rating>> = { BLOCKER: 'E', CRITICAL: 'D', MAJOR: 'C', MINOR: 'B', INFO: 'A' };

function hex(index: number, length: number): string {
  let state = (index + 1) * 2_654_435_761;
  let text = '';
  while (text.length < length) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += state.toString(16).padStart(8, '0');
  }
  return text.slice(0, length);
}

function categoryOf(kind: Kind, type: ReportType): string {
  return type === 'CWE Top 25' ? `CWE-${kind.cwe}` : kind.owasp;
}

function sampleFinding(index: number, type: ReportType, state: FindingState): ReportedFinding {
  const kind = kinds[(index * 7) % kinds.length];
  if (kind === undefined) throw new Error('no kinds');
  const line = 12 + ((index * 37) % 900);
  return {
    fingerprint: hex(index, 32),
    tool: kind.tool,
    rule: kind.rule,
    ...(kind.ruleName === undefined ? {} : { ruleName: kind.ruleName }),
    ...(kind.ruleUrl === undefined ? {} : { ruleUrl: kind.ruleUrl }),
    severity: kind.severity,
    cwes: index % 5 === 0 ? [kind.cwe, 20] : [kind.cwe],
    owasp: [],
    message: kind.message,
    place: {
      path: index < kinds.length ? kind.path : kind.path.replace(/(\.\w+)$/, `_${Math.floor(index / kinds.length)}$1`),
      startLine: line,
      ...(kind.snippet === undefined ? {} : { snippet: kind.snippet }),
    },
    state,
    ...(state === 'suppressed'
      ? {
          suppression:
            index % 2 === 0
              ? { kind: 'inSource' as const, justification: 'The name comes from our own table of ports.' }
              : {
                  kind: 'external' as const,
                  status: 'accepted',
                  justification: 'Accepted until the charts move to object storage, HB-412.',
                },
        }
      : {}),
    pointer: `/runs/0/results/${index}`,
    categories: [categoryOf(kind, type), ...(index % 5 === 0 && type === 'CWE Top 25' ? ['CWE-20'] : [])],
    firstSeen: index % 4 === 0 ? '2026-11-20T08:15:00.000+00:00' : '2026-09-03T16:40:00.000+00:00',
    change: index % 4 === 0 ? 'new' : index % 11 === 5 ? 'reopened' : 'still',
  };
}

function countSeverities(findings: readonly ReportedFinding[]): SeverityCounts {
  const counts = { BLOCKER: 0, CRITICAL: 0, MAJOR: 0, MINOR: 0, INFO: 0 };
  for (const finding of findings) counts[finding.severity] += 1;
  return counts;
}

function worst(counts: SeverityCounts): Rating {
  const severity = severities.find((severity) => counts[severity] > 0);
  return severity === undefined ? 'A' : letters[severity];
}

function sampleCategories(options: {
  readonly type: ReportType;
  readonly findings: readonly ReportedFinding[];
  readonly setAside: readonly ReportedFinding[];
  readonly notAssessed: boolean;
}): readonly CategoryResult[] {
  const { type, findings, setAside, notAssessed } = options;
  const list = type === 'CWE Top 25' ? top25.map(([cwe, name]) => [`CWE-${cwe}`, name] as const) : top10;
  return list.map(([id, name], index) => {
    const open = countSeverities(findings.filter((finding) => finding.categories.includes(id)));
    const direct = severities.reduce((sum, severity) => sum + open[severity], 0);
    const assessed = !notAssessed && (direct > 0 || !unchecked.has(id));
    const aside = setAside.filter((finding) => finding.categories.includes(id));
    const below = id === 'CWE-20' ? 3 : id === 'CWE-787' ? 2 : 0;
    return {
      id,
      rank: index + 1,
      name,
      assessed,
      open,
      direct,
      withDescendants: direct + (assessed ? below : 0),
      descendantsFound: assessed && below > 0 ? [{ cwe: id === 'CWE-20' ? 1287 : 121, count: below }] : [],
      review: aside.filter((finding) => finding.state === 'review').length,
      suppressed: aside.filter((finding) => finding.state === 'suppressed').length,
      rating: assessed ? worst(open) : null,
      previous: assessed ? Math.max(0, direct + [2, 0, -3, 1, 0][index % 5]!) : 0,
    };
  });
}

export function sampleDocument(options: SampleOptions = {}): ReportDocument {
  const { language = 'en', type = 'CWE Top 25', notAssessed = false, change = (finding: ReportedFinding) => finding } = options;
  const count = notAssessed ? 0 : (options.findings ?? 100);
  const order = (finding: ReportedFinding): number => severities.indexOf(finding.severity);
  const findings = Array.from({ length: count }, (_, index) => change(sampleFinding(index, type, 'open'), index)).sort(
    (a, b) => order(a) - order(b),
  );
  const states = ['review', 'suppressed', 'suppressed', 'absent'] as const;
  const asideCount = notAssessed ? 0 : (options.setAside ?? 6);
  const setAside = Array.from({ length: asideCount }, (_, index) =>
    change(sampleFinding(100_000 + index, type, states[index % 4] ?? 'review'), index),
  );
  const inState = (state: FindingState): number => setAside.filter((finding) => finding.state === state).length;
  const openBySeverity = countSeverities(findings);
  const categories = sampleCategories({ type, findings, setAside, notAssessed });
  const rating = notAssessed ? null : worst(openBySeverity);
  return {
    id: '0193511c-6a8e-7cc1-9b0e-3f5f2a7d4c11',
    language,
    organizationName: 'Nordhavn Logistics',
    project: { key: 'harbour', name: 'Harbour' },
    branch: 'main',
    version: '1.4.0',
    revision: '9c1f0a7be2d84c55a3f6e1d20b7c98fe41ad6b03',
    type,
    edition: 2025,
    source:
      type === 'CWE Top 25'
        ? "MITRE CWE Top 25 of 2025 (view CWE-1435), in MITRE's rank order; each place counts exactly the CWE it names."
        : "OWASP Top 10 of 2025, final; CWEs of each category from OWASP's own lists of mapped CWEs.",
    cweCatalogue: '4.15 (2024-07-16)',
    analysisDate: '2026-11-20T09:15:00.0000000+01:00',
    madeAt: '2026-11-20T08:16:12.402+00:00',
    generator: { name: 'Gatepost', version: '0.1.0' },
    properties: { 'sonar.analysis.pipeline': '4211', 'sonar.analysis.trigger': 'tag v1.4.0' },
    facts: sampleFacts(count, asideCount),
    assessed: !notAssessed,
    rating,
    vulnerabilitiesCount: options.findingsTotal ?? count,
    openBySeverity,
    categorySum: categories.reduce((sum, category) => sum + category.direct, 0),
    projectRating: rating ?? 'C',
    projectOpen: (options.findingsTotal ?? count) + 14,
    change: { new: Math.ceil(count / 4), fixed: 9, still: count - Math.ceil(count / 4), reopened: Math.floor(count / 11) },
    categories,
    trend: notAssessed ? [{ version: '1.4.0', date: '2026-11-20T08:15:00.000+00:00', count: 0, rating: null }] : sampleTrend(count, rating),
    findings,
    findingsTotal: options.findingsTotal ?? count,
    setAside,
    setAsideTotal: { review: inState('review'), suppressed: inState('suppressed'), absent: inState('absent') },
    mappingNotes: notAssessed ? [] : [{ cwe: 20, usage: 'Discouraged', count: Math.ceil(count / 5) }],
    contentSha256: hex(42, 64),
  };
}

function sampleTrend(count: number, rating: Rating | null): ReportDocument['trend'] {
  const earlier: readonly (readonly [string, string, number, Rating])[] = [
    ['1.0.0', '2026-02-11', 1.9, 'E'],
    ['1.1.0', '2026-04-02', 1.5, 'E'],
    ['1.2.0', '2026-06-18', 1.6, 'E'],
    ['1.2.1', '2026-07-01', 1.2, 'D'],
    ['1.3.0', '2026-09-03', 0.85, 'D'],
  ];
  return [
    ...earlier.map(([version, day, factor, rating]) => ({
      version,
      date: `${day}T08:00:00.000+00:00`,
      count: Math.round(count * factor),
      rating,
    })),
    { version: '1.4.0', date: '2026-11-20T08:15:00.000+00:00', count, rating },
  ];
}

function sampleFacts(open: number, aside: number): ReportDocument['facts'] {
  const tool = (
    name: string,
    version: string,
    rules: number,
    ruleCwes: readonly number[],
    url?: string,
  ): ReportDocument['facts']['tools'][number] => ({
    name,
    version,
    rules,
    ruleCwes,
    ruleOwasp: [],
    ...(url === undefined ? {} : { url }),
  });
  return {
    tools: [
      tool('Flawfinder', '2.0.19', 169, [20, 22, 78, 119, 120, 126, 134, 190, 250, 327, 362, 367], 'https://dwheeler.com/flawfinder/'),
      tool(
        'Bandit',
        '1.9.4',
        71,
        [20, 22, 78, 79, 89, 94, 259, 295, 327, 330, 377, 400, 502, 605, 703, 732],
        'https://bandit.readthedocs.io/',
      ),
      tool('njsscan', '0.4.3', 88, [22, 78, 79, 89, 94, 327, 502, 798, 918]),
      tool('gosec', '2.22.10', 37, [22, 78, 79, 89, 118, 190, 242, 276, 295, 310, 322, 326, 327, 338, 400, 409, 703, 798]),
      tool('ESLint', '9.39.1', 14, []),
    ],
    totals: { results: open + aside + 31, open: open + 14, review: 2, suppressed: aside, absent: 1, ignored: 17, withCwe: open + aside },
    scannedAt: '2026-11-20T08:14:31Z',
    runsWithoutResults: 0,
    notices: [
      { code: 'rule_not_found', pointer: '/runs/2/results/5', count: 3 },
      { code: 'tool_reported_errors', count: 12 },
    ],
  };
}
