// Facts of a made-up SonarQube server: the same seed, the same facts. Serving them is stub.ts's business.

export interface StubRule {
  readonly key: string;
  readonly name: string;
  readonly lang: string;
  readonly type: 'VULNERABILITY' | 'BUG' | 'CODE_SMELL' | 'SECURITY_HOTSPOT';
  readonly severity: string;
  readonly impact: readonly [quality: string, severity: string];
  readonly cwes: readonly string[];
  readonly owasp2017: readonly string[];
  readonly owasp2021: readonly string[];
  readonly category: string | null;
}

export interface StubComment {
  readonly login: string;
  readonly text: string;
  readonly at: number;
}

export interface StubIssue {
  readonly key: string;
  readonly rule: StubRule;
  readonly path: string;
  readonly line: number;
  readonly created: number;
  readonly message: string;
  readonly effortMinutes: number;
  status: 'OPEN' | 'CONFIRMED' | 'REOPENED' | 'RESOLVED' | 'CLOSED';
  resolution?: 'FALSE-POSITIVE' | 'WONTFIX' | 'FIXED';
  /** Who resolved it. */
  by?: string;
  comments?: readonly StubComment[];
}

export interface StubHotspot {
  readonly key: string;
  readonly rule: StubRule;
  readonly path: string;
  readonly line: number;
  readonly created: number;
  readonly message: string;
  readonly probability: 'HIGH' | 'MEDIUM' | 'LOW';
  status: 'TO_REVIEW' | 'REVIEWED';
  resolution?: 'SAFE' | 'FIXED' | 'ACKNOWLEDGED';
  by?: string;
  comment?: string;
}

export interface StubAnalysis {
  readonly key: string;
  readonly task: string;
  readonly date: number;
  readonly version: string;
  readonly revision: string | null;
}

export interface StubProject {
  readonly key: string;
  readonly name: string;
  /** Newest first. */
  analyses: StubAnalysis[];
  issues: StubIssue[];
  hotspots: StubHotspot[];
  /** Lines of code by language, as `ncloc_language_distribution` tells them. */
  languages: string;
  /** When its new code began; null: a first analysis. */
  newCodeSince: number | null;
}

/** One of each language. Its rules can be activated and deactivated; then `updated` has to change too, as it does on a real server. */
export interface StubProfile {
  readonly key: string;
  readonly language: string;
  readonly active: Set<StubRule>;
  updated: number;
}

export interface StubFacts {
  readonly version: string;
  readonly id: string;
  readonly edition: string;
  readonly rules: readonly StubRule[];
  readonly profiles: readonly StubProfile[];
  /** Facets list ten values of what was found, and nothing that was filtered by: no server that we have met, and none that may be told wrongly. */
  readonly narrowFacets: boolean;
  readonly projects: StubProject[];
}

export interface FactsOptions {
  readonly flavour?: '9.9' | '26.9';
  readonly issues: number;
  readonly hotspots?: number;
  readonly rules?: number;
  /** Security rules that found nothing, with a CWE of their own each. */
  readonly idleCwes?: readonly number[];
  readonly narrowFacets?: boolean;
  readonly files?: number;
  /** So many of the issues are of the first rule. */
  readonly ofOneRule?: number;
  /** So many of the issues are in the first file. */
  readonly inOneFile?: number;
  /** All were created in the same second, as in a project without a history. */
  readonly sameDate?: boolean;
  /** Every n-th was set aside. */
  readonly asideEvery?: number;
  readonly version?: string;
}

/** Numbers without a plan, the same each time (mulberry32). */
function createNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const firstAnalysis = Date.UTC(2026, 2, 2, 8, 15, 4);
export const lastAnalysis = Date.UTC(2026, 4, 4, 8, 15, 4);

const standards = [
  ['79', 'a7', 'a3', 'xss'],
  ['89', 'a1', 'a3', 'sql-injection'],
  ['22', 'a5', 'a1', 'path-traversal-injection'],
  ['327', 'a3', 'a2', 'weak-cryptography'],
  ['798', 'a2', 'a7', 'auth'],
  ['611', 'a4', 'a5', 'xxe'],
  ['918', 'a5', 'a10', 'ssrf'],
  ['502', 'a8', 'a8', 'object-injection'],
] as const;
const severities = ['MINOR', 'MAJOR', 'CRITICAL', 'BLOCKER', 'INFO'] as const;
const ofSeverity: Readonly<Record<string, string>> = { INFO: 'INFO', MINOR: 'LOW', MAJOR: 'MEDIUM', CRITICAL: 'HIGH', BLOCKER: 'BLOCKER' };

/** A rule: every third is about bugs or style, one in five of the security rules has no CWE. */
function ruleOf(number: number): StubRule {
  const security = number % 3 !== 2;
  const standard = standards[number % standards.length] ?? standards[0];
  const severity = severities[number % severities.length] ?? 'MAJOR';
  const bare = !security || number % 5 === 4;
  const lang = number % 2 === 0 ? 'java' : 'js';
  return {
    key: `made${lang}:R${1000 + number}`,
    name: `Made-up rule ${number} of <${lang}> & others`,
    lang,
    type: security ? 'VULNERABILITY' : number % 2 === 0 ? 'BUG' : 'CODE_SMELL',
    severity,
    impact: [security ? 'SECURITY' : 'MAINTAINABILITY', ofSeverity[severity] ?? 'LOW'],
    cwes: bare ? [] : [standard[0], '20'],
    owasp2017: bare ? [] : [standard[1]],
    owasp2021: bare ? [] : [standard[2]],
    category: !security ? null : bare ? 'others' : standard[3],
  };
}

function hotspotRuleOf(number: number): StubRule {
  return { ...ruleOf(number * 3), key: `madejs:H${number}`, type: 'SECURITY_HOTSPOT' };
}

function idleRuleOf(cwe: number): StubRule {
  return { ...ruleOf(0), key: `madejava:I${cwe}`, name: `Looks for ${cwe}`, cwes: [String(cwe)], owasp2017: [], owasp2021: [] };
}

/** All rules of a language are active; there is one more language, which no project has. */
function profilesOf(rules: readonly StubRule[]): readonly StubProfile[] {
  return ['java', 'js', 'xml', 'php'].map((language) => ({
    key: `profile-${language}`,
    language,
    active: new Set(
      language === 'php'
        ? rules.map((rule) => ({ ...rule, lang: language, cwes: ['434'] }))
        : rules.filter(({ lang }) => lang === language),
    ),
    updated: firstAnalysis,
  }));
}

/** `key` in the form of its version: a UUID, or twenty characters. */
function keyOf(flavour: '9.9' | '26.9', kind: string, number: number): string {
  const digits = number.toString(16).padStart(12, '0');
  return flavour === '26.9' ? `${kind}0000000-1111-4222-8333-${digits}` : `A${kind}${digits}Stub00`.padEnd(20, 'x');
}

export function makeFacts(options: FactsOptions): StubFacts {
  const { flavour = '26.9', issues, hotspots = 0, rules: ruleCount = 40, files = 250 } = options;
  const random = createNumbers(issues + hotspots);
  const rules = Array.from({ length: ruleCount }, (_, number) => ruleOf(number));
  const hotspotRules = Array.from({ length: 4 }, (_, number) => hotspotRuleOf(number));
  const path = (number: number) => `src/part${number % 7}/module${number % 60}/File${number}.${number % 2 === 0 ? 'java' : 'js'}`;
  const revision = 'c0ffee00112233445566778899aabbccddeeff00';
  const project: StubProject = {
    key: 'shop:api',
    name: 'Shop <API> & more',
    analyses: [
      { key: keyOf(flavour, 'b', 2), task: keyOf(flavour, 'c', 2), date: lastAnalysis, version: options.version ?? '1.1.0', revision },
      {
        key: keyOf(flavour, 'b', 1),
        task: keyOf(flavour, 'c', 1),
        date: firstAnalysis,
        version: '1.0.0',
        revision: revision.replace('c0', 'd0'),
      },
    ],
    issues: [],
    hotspots: [],
    languages: '<null>=42;java=5000;js=4205;xml=0',
    newCodeSince: firstAnalysis,
  };
  for (let number = 0; number < issues; number += 1) {
    const rule = rules[number < (options.ofOneRule ?? 0) ? 0 : Math.floor(random() * ruleCount)] ?? ruleOf(0);
    const file = number < (options.inOneFile ?? 0) ? 0 : Math.floor(random() * files);
    // Over four years; a tenth of them after the first analysis.
    const age = random() < 0.1 ? random() * (lastAnalysis - firstAnalysis) : lastAnalysis - firstAnalysis + random() * 4 * 365 * 86_400_000;
    const issue: StubIssue = {
      key: keyOf(flavour, 'a', number),
      rule,
      path: path(file),
      line: 1 + (number % 900),
      created: options.sameDate === true ? firstAnalysis : Math.floor((lastAnalysis - age) / 1000) * 1000,
      message: `Finding ${number}: don't <trust> "this" & that = \u2028 ✓`,
      effortMinutes: 5 + (number % 4) * 30,
      status: number % 11 === 0 ? 'CONFIRMED' : 'OPEN',
    };
    if (options.asideEvery !== undefined && number % options.asideEvery === options.asideEvery - 1) setAside(issue, number);
    project.issues.push(issue);
  }
  const all = [...rules, ...hotspotRules, ...(options.idleCwes ?? []).map(idleRuleOf)];
  for (let number = 0; number < hotspots; number += 1)
    project.hotspots.push(hotspotOf(flavour, number, hotspotRules, path(number % files)));
  return {
    version: flavour === '26.9' ? '26.9.0.129388' : '9.9.8.100196',
    id: flavour === '26.9' ? 'STUB2609-AaBbCcDdEeFf' : 'STUB0999-AaBbCcDdEeFf',
    edition: 'community',
    rules: all,
    profiles: profilesOf(all),
    narrowFacets: options.narrowFacets ?? false,
    projects: [project],
  };
}

export function setAside(issue: StubIssue, number: number): void {
  const at = lastAnalysis + 60_000 + number;
  issue.status = 'RESOLVED';
  issue.resolution = number % 2 === 0 ? 'FALSE-POSITIVE' : 'WONTFIX';
  issue.by = number % 2 === 0 ? 'ada' : 'grace';
  issue.comments = [
    { login: 'linus', text: 'looked at', at: at - 1000 },
    { login: issue.by, text: `because of <reason ${number}>`, at },
  ];
}

function hotspotOf(flavour: '9.9' | '26.9', number: number, rules: readonly StubRule[], path: string): StubHotspot {
  const reviewed = number % 4 === 3;
  const resolution = (['SAFE', 'FIXED', 'ACKNOWLEDGED'] as const)[Math.floor(number / 4) % 3] ?? 'SAFE';
  return {
    key: keyOf(flavour, 'e', number),
    rule: rules[number % rules.length] ?? hotspotRuleOf(0),
    path,
    line: 1 + number,
    created: firstAnalysis - 86_400_000,
    message: `Make sure that number ${number} is safe here.`,
    probability: (['HIGH', 'MEDIUM', 'LOW'] as const)[number % 3] ?? 'LOW',
    status: reviewed ? 'REVIEWED' : 'TO_REVIEW',
    ...(reviewed ? { resolution, by: 'ada', comment: 'seen' } : {}),
  };
}
