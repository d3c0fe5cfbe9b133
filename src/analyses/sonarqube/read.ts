import { hash } from 'node:crypto';
import { GatepostError } from '../../errors.ts';
import type { AnalysisFacts, Finding, FindingState, OwaspTag, Place, Severity, Suppression, Tool } from '../finding.ts';
import { cwesOfFindingMax, messageCharactersMax, severities } from '../finding.ts';
import { textLines } from './fetch/ndjson.ts';
import type { FileHeader, FindingLine, HotspotLine, IssueLine } from './fetch/file.ts';
import { fileFormat } from './fetch/file.ts';
import type { RuleStandards } from './fetch/rules.ts';
import { isAboutSecurity, isAside } from './fetch/survey.ts';

/**
 * The same contract as `readSarif`, for the file that `fetchAnalysis` wrote: each finding is handed to `onFinding` in the order of the file, and a
 * promise it returns is waited for. Refuses, with a GatepostError of kind `invalid`, what is no such file (`not_sonarqube_fetch`), and one that
 * ends before all findings that its header counts (`sonarqube_fetch_truncated`).
 */
export async function readSonarqube(options: {
  /** The file's bytes. Called once. */
  readonly open: () => AsyncIterable<Uint8Array>;
  readonly onFinding: (finding: Finding) => void | Promise<void>;
}): Promise<AnalysisFacts> {
  const totals = { results: 0, open: 0, review: 0, suppressed: 0, absent: 0, ignored: 0, withCwe: 0 };
  let context: Context | undefined;
  let number = 0;
  let issuesApart = 0;
  for await (const text of textLines(options.open())) {
    number += 1;
    if (context === undefined) {
      context = contextOf(headerOf(text));
      continue;
    }
    const finding = findingOf(parsed(text, number) as FindingLine, context, `/${number - 1}`);
    if (finding.apart !== true) context.seen.add(finding.rule);
    totals.results += 1;
    totals[finding.state] += 1;
    if (finding.apart === true && finding.state === 'open') issuesApart += 1;
    if (finding.cwes.length > 0) totals.withCwe += 1;
    const waiting = options.onFinding(finding);
    if (waiting !== undefined) await waiting;
  }
  if (context === undefined) throw notOurs(0);
  const { header } = context;
  if (totals.results !== header.issues + header.hotspots) {
    const details = { findings: totals.results, counted: header.issues + header.hotspots };
    throw new GatepostError('invalid', 'sonarqube_fetch_truncated', 'The fetched file ends before its last finding.', { details });
  }
  return factsOf(context, totals, issuesApart);
}

function parsed(text: string, number: number): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Like every line that is none of ours.
  }
  throw notOurs(number);
}

function notOurs(line: number): GatepostError {
  return new GatepostError('invalid', 'not_sonarqube_fetch', 'The file is not what a fetch from SonarQube writes.', { details: { line } });
}

function headerOf(text: string): FileHeader {
  const header = parsed(text, 1) as FileHeader;
  if (header.format !== fileFormat || !Array.isArray(header.rules)) throw notOurs(1);
  return header;
}

/** What all findings of a file share. */
interface Context {
  readonly header: FileHeader;
  readonly rules: ReadonlyMap<string, Rule>;
  /** Rules that found something that is in reports. */
  readonly seen: Set<string>;
  /** Parameters of every link. */
  readonly where: Readonly<Record<string, string>>;
  readonly base: string | undefined;
}

interface Rule {
  readonly name: string;
  readonly cwes: readonly number[];
  readonly owasp: readonly OwaspTag[];
}

const toolName = 'SonarQube';

function contextOf(header: FileHeader): Context {
  const { branch, project, sonarqube } = header;
  const parameter = branch?.type === 'PULL_REQUEST' ? 'pullRequest' : 'branch';
  return {
    header,
    rules: new Map(header.rules.map((rule) => [rule.rule, ruleOf(rule)])),
    seen: new Set(),
    where: { id: project, ...(branch === undefined ? {} : { [parameter]: branch.name }) },
    base: sonarqube.serverUrl,
  };
}

function ruleOf(standards: RuleStandards): Rule {
  return { name: standards.name, cwes: [...new Set(standards.cwes)].slice(0, cwesOfFindingMax), owasp: owaspOf(standards) };
}

/** As OWASP writes them: `A7` in 2017, `A07` later. */
function owaspOf({ owasp2017, owasp2021 }: Pick<RuleStandards, 'owasp2017' | 'owasp2021'>): readonly OwaspTag[] {
  return [
    ...owasp2017.map((id) => ({ edition: 2017, id: id.toUpperCase() })),
    ...owasp2021.map((id) => ({ edition: 2021, id: `A${id.slice(1).padStart(2, '0')}` })),
  ];
}

function findingOf(line: FindingLine, context: Context, pointer: string): Finding {
  const rule = context.rules.get(line.rule);
  const cut = line.message.length > messageCharactersMax;
  const place = placeOf(line);
  const suppression = suppressionOf(line);
  return {
    // Kept by the server over analyses, also where the code around it moves.
    fingerprint: hash('sha256', JSON.stringify(['sonarqube', line.key]), 'hex').slice(0, 32),
    tool: toolName,
    rule: line.rule,
    ...(rule === undefined || rule.name === '' ? {} : { ruleName: rule.name }),
    ...linked('ruleUrl', context, 'coding_rules', { open: line.rule, rule_key: line.rule }),
    severity: severityOf(line, context),
    cwes: rule?.cwes ?? [],
    owasp: rule?.owasp ?? [],
    message: cut ? line.message.slice(0, messageCharactersMax).toWellFormed() : line.message,
    ...(cut ? { messageCut: true } : {}),
    ...(place === undefined ? {} : { place }),
    state: stateOf(line),
    ...(isAboutSecurity(line) ? {} : { apart: true as const }),
    ...(suppression === undefined ? {} : { suppression }),
    ...(line.kind === 'hotspot' ? { hotspot: hotspotOf(line) } : {}),
    ...(line.kind === 'issue' && line.effortMinutes !== undefined ? { effortMinutes: line.effortMinutes } : {}),
    ...(line.new === undefined ? {} : { isNew: line.new }),
    ...(line.kind === 'issue'
      ? linked('url', context, 'project/issues', { ...context.where, issues: line.key, open: line.key })
      : linked('url', context, 'security_hotspots', { ...context.where, hotspots: line.key })),
    pointer,
  };
}

function linked<Name extends string>(name: Name, { base }: Context, page: string, query: Readonly<Record<string, string>>) {
  return (base === undefined ? {} : { [name]: `${base}/${page}?${new URLSearchParams(query).toString()}` }) as {
    readonly [key in Name]?: string;
  };
}

function placeOf({ path, line, range }: FindingLine): Place | undefined {
  if (path === undefined || path.startsWith('/') || path.split('/').includes('..')) return undefined;
  if (range === undefined) return { path, ...(line === undefined || line === 0 ? {} : { startLine: line }) };
  const [startLine, startOffset, endLine, endOffset] = range;
  // The server's offsets begin at 0, columns at 1.
  return { path, startLine, startColumn: startOffset + 1, endLine, endColumn: endOffset + 1 };
}

/** A hotspot is `review` until it was reviewed; see FindingState. */
function stateOf(line: FindingLine): FindingState {
  if (line.kind === 'issue') {
    if (isAside(line)) return 'suppressed';
    // What a new rule found is kept apart over there until somebody has looked at it; it is in no rating.
    return line.issueStatus === 'IN_SANDBOX' || line.status === 'IN_SANDBOX' ? 'review' : 'open';
  }
  if (line.status !== 'REVIEWED') return 'review';
  return line.resolution === 'FIXED' ? 'absent' : 'suppressed';
}

function suppressionOf(line: FindingLine): Suppression | undefined {
  if (!isAside(line)) return undefined;
  const { by, at, comment } = line.reason ?? {};
  const status = line.kind === 'hotspot' ? undefined : isFalsePositive(line) ? 'falsePositive' : 'accepted';
  return {
    kind: 'external',
    ...(status === undefined ? {} : { status }),
    ...(comment === undefined ? {} : { justification: comment }),
    ...(by === undefined ? {} : { by }),
    ...(at === undefined ? {} : { at }),
  };
}

function isFalsePositive(line: IssueLine): boolean {
  return line.issueStatus === 'FALSE_POSITIVE' || line.resolution === 'FALSE-POSITIVE';
}

function hotspotOf(line: HotspotLine): NonNullable<Finding['hotspot']> {
  return {
    category: line.category,
    probability: line.probability,
    status: line.status === 'REVIEWED' ? 'REVIEWED' : 'TO_REVIEW',
    ...(line.resolution === undefined ? {} : { resolution: line.resolution }),
  };
}

/** Impacts in the five words: with these the security ratings of both modes come to the same letters (contract 5.5). */
const ofImpact: Readonly<Record<string, Severity>> = { BLOCKER: 'BLOCKER', HIGH: 'CRITICAL', MEDIUM: 'MAJOR', LOW: 'MINOR', INFO: 'INFO' };

/**
 * In MQR mode the impact on security, where there is none the worst other; else the issue's own severity, which is all that older servers have.
 * Of a hotspot the probability.
 */
function severityOf(line: FindingLine, { header }: Context): Severity {
  if (line.kind === 'hotspot') return ofImpact[line.probability] ?? 'INFO';
  const own = severities.find((severity) => severity === line.severity);
  if (header.sonarqube.mode === 'standard' && own !== undefined) return own;
  const security = ofImpact[line.impacts?.['SECURITY'] ?? ''];
  const impacts = Object.values(line.impacts ?? {}).map((impact) => ofImpact[impact]);
  return security ?? severities.find((severity) => impacts.includes(severity)) ?? own ?? 'INFO';
}

function factsOf(context: Context, totals: AnalysisFacts['totals'], issuesApart: number): AnalysisFacts {
  const { header, rules } = context;
  const { sonarqube, branch, revision, analysedAt, notices } = header;
  return {
    tools: [
      {
        name: toolName,
        version: sonarqube.version,
        ...(sonarqube.serverUrl === undefined ? {} : { url: sonarqube.serverUrl }),
        rules: header.active?.rules ?? rules.size,
        ...coveredBy(context),
      },
    ],
    totals,
    ...(analysedAt === undefined ? {} : { scannedAt: analysedAt }),
    ...(revision === undefined ? {} : { revision }),
    ...(branch === undefined ? {} : { branch: branch.name }),
    runsWithoutResults: 0,
    notices,
    sonarqube: { ...sonarqube, issuesApart },
  };
}

/**
 * What could have been found: what active rules look for, and what rules found that the server did not count among them (other tools' rules, or
 * rules that are active no more). A rule about bugs alone covers nothing, whatever its CWEs: what it finds is in no report.
 */
function coveredBy({ header: { active }, rules, seen }: Context): Pick<Tool, 'ruleCwes' | 'ruleOwasp'> {
  const covering: Pick<Rule, 'cwes' | 'owasp'>[] = [...rules].filter(([key]) => seen.has(key)).map(([, rule]) => rule);
  if (active !== undefined) covering.push({ cwes: active.cwes, owasp: owaspOf(active) });
  const owasp = new Map(covering.flatMap((rule) => rule.owasp).map((tag) => [`${tag.edition} ${tag.id}`, tag]));
  return {
    ruleCwes: [...new Set(covering.flatMap((rule) => rule.cwes))].toSorted((a, b) => a - b),
    ruleOwasp: [...owasp.values()].toSorted((a, b) => a.edition - b.edition || Number(a.id.slice(1)) - Number(b.id.slice(1))),
  };
}
