// What a SonarQube would know of the example product: five scanners' results (../harbour/<version>/harbour.sarif) as issues and hotspots.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

export const projectKey = 'example:harbour';
export const projectName = 'Harbour in SonarQube';
export const versions = ['1.0.0', '1.1.0'] as const;
export type Version = (typeof versions)[number];

export interface Rule {
  readonly key: string;
  readonly name: string;
  /** Bare numbers, as the server's facets have them. */
  readonly cwes: readonly string[];
  /** `a1` to `a10`. */
  readonly owasp2021: readonly string[];
  readonly category: string;
}

/** An issue, or a hotspot: a place where a person has to look whether it is safe. */
export interface Finding {
  readonly key: string;
  readonly isHotspot: boolean;
  readonly rule: Rule;
  readonly path: string;
  readonly line: number;
  readonly message: string;
  readonly severity: 'LOW' | 'MEDIUM' | 'HIGH';
  readonly created: number;
  /** Somebody set it aside: an accepted issue, a hotspot found safe. */
  readonly aside: { readonly by: string; readonly at: number; readonly comment: string } | null;
}

/** When 1.0.0 was analysed. Its analysis is no longer listed, as after the server's housekeeping; it is where the new code of 1.1.0 begins. */
export const firstAnalysis = Date.UTC(2026, 2, 2, 8, 15, 4);

/** OWASP's own lists (Top 10 of 2021) for the CWEs that the scanners name. */
const owasp: Readonly<Record<string, string>> = {
  a1: '22 200 276 377 601 1275',
  a2: '319 327 328 330 338',
  a3: '20 78 79 89 90 94 95 116 643 644',
  a4: '522 807',
  a5: '614 1004',
  a7: '259 287 295 613 798',
  a8: '502 915',
  a10: '918',
};

/** SonarQube's own categories, for those that hotspots here are in. */
const categories: Readonly<Record<string, string>> = { '327': 'weak-cryptography', '328': 'weak-cryptography', '338': 'weak-cryptography' };

const severities: Readonly<Record<string, Finding['severity']>> = { error: 'HIGH', warning: 'MEDIUM', note: 'LOW' };

interface SarifRule {
  readonly id: string;
  readonly name?: string;
  readonly shortDescription?: { readonly text: string };
  readonly properties?: { readonly tags?: readonly string[] };
  readonly relationships?: readonly { readonly target: { readonly id: string; readonly toolComponent?: { readonly name?: string } } }[];
}

interface SarifResult {
  readonly ruleId: string;
  readonly level?: string;
  readonly message: { readonly text: string };
  readonly locations: readonly {
    readonly physicalLocation: { readonly artifactLocation: { readonly uri: string }; readonly region: { readonly startLine: number } };
  }[];
  readonly suppressions?: readonly { readonly justification?: string }[];
}

interface SarifLog {
  readonly runs: readonly {
    readonly tool: { readonly driver: { readonly name: string; readonly rules: readonly SarifRule[] } };
    readonly results: readonly SarifResult[];
  }[];
}

/** The findings of a version. Those that the version before had already keep their keys and dates. */
export function findingsOf(version: Version, analysed: number): readonly Finding[] {
  const before = version === '1.0.0' ? [] : findingsOf('1.0.0', firstAnalysis);
  const known = new Map(before.map((finding) => [finding.key, finding.created]));
  const log = JSON.parse(readFileSync(new URL(`../harbour/${version}/harbour.sarif`, import.meta.url), 'utf8')) as SarifLog;
  const seen = new Map<string, number>();
  const findings: Finding[] = [];
  for (const { tool, results } of log.runs) {
    const rules = new Map(tool.driver.rules.map((rule) => [rule.id, rule]));
    for (const result of results) {
      const rule = ruleOf(tool.driver.name, rules.get(result.ruleId) ?? { id: result.ruleId }, result.message.text);
      const place = result.locations[0]?.physicalLocation;
      if (place === undefined) continue;
      const path = place.artifactLocation.uri;
      // Lines move from one version to the next: the same rule, file and words is the same finding, the second such the second.
      const same = JSON.stringify([rule.key, path, result.message.text]);
      const nth = (seen.get(same) ?? 0) + 1;
      seen.set(same, nth);
      const key = idOf(`${same} ${nth}`);
      const found = { key, rule, path, line: place.region.startLine, created: known.get(key) ?? analysed };
      findings.push({ ...found, ...judged(result, rule, path) });
    }
  }
  return findings;
}

let rulesKnown: readonly Rule[] | undefined;

/** Rules that found something in a version. */
export function allRules(): readonly Rule[] {
  const found = (): Map<string, Rule> =>
    new Map(versions.flatMap((version) => findingsOf(version, firstAnalysis)).map(({ rule }) => [rule.key, rule]));
  rulesKnown ??= [...found().values()];
  return rulesKnown;
}

function judged(result: SarifResult, rule: Rule, path: string): Pick<Finding, 'isHotspot' | 'message' | 'severity' | 'aside'> {
  const isHotspot = rule.category === 'weak-cryptography';
  const [suppression] = result.suppressions ?? [];
  const accepted = suppression === undefined ? null : (suppression.justification ?? 'accepted in the source');
  const safe = rule.key === 'bandit:B324' && path === 'intake/labels.py' ? 'only names a file, protects nothing' : null;
  const comment = accepted ?? safe;
  return {
    isHotspot,
    // Some scanners write a paragraph; SonarQube's messages are a line.
    message: result.message.text.split('\n')[0] ?? '',
    severity: severities[result.level ?? 'warning'] ?? 'MEDIUM',
    aside: comment === null ? null : { by: 'ada', at: firstAnalysis, comment },
  };
}

function ruleOf(tool: string, rule: SarifRule, message: string): Rule {
  const cwes = [...new Set([...cwesOf(rule), ...[...message.matchAll(/CWE-(\d+)/g)].map((match) => match[1] ?? '')])];
  const lists = Object.entries(owasp).filter(([, list]) => cwes.some((cwe) => list.split(' ').includes(cwe)));
  return {
    key: `${tool.toLowerCase()}:${rule.id}`,
    name: rule.shortDescription?.text ?? rule.name ?? rule.id,
    cwes,
    owasp2021: lists.map(([category]) => category),
    category: cwes.map((cwe) => categories[cwe]).find((category) => category !== undefined) ?? 'others',
  };
}

/** Scanners write a rule's CWE as a tag, or as a relation to the catalogue of CWEs. */
function cwesOf({ properties, relationships }: SarifRule): readonly string[] {
  const tags = (properties?.tags ?? []).map((tag) => /^external\/cwe\/cwe-(\d+)$/.exec(tag)?.[1]);
  const related = (relationships ?? [])
    .filter(({ target }) => target.toolComponent?.name === 'CWE')
    .map(({ target }) => target.id.replace('CWE-', ''));
  return [...tags.filter((cwe) => cwe !== undefined), ...related];
}

/** A key in the form of the server's, the same each time. */
export function idOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-');
}
