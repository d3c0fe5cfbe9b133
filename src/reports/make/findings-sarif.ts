import { join } from 'node:path';
import type { Place, Severity, Tool } from '../../analyses/finding.ts';
import { severities } from '../../analyses/finding.ts';
import type { ReportDocument, ReportedFinding } from '../report.ts';
import { cweCatalogueVersion, weaknessName } from '../standards/catalogue.ts';
import { appendFile, createTextFile } from './lines.ts';
import type { TextFile } from './lines.ts';

/** Rules that a run describes. The results of more are there all the same, by the id of their rule alone. */
export const rulesOfRunMax = 25_000;

const levels: Readonly<Record<Severity, string>> = { BLOCKER: 'error', CRITICAL: 'error', MAJOR: 'warning', MINOR: 'note', INFO: 'none' };
/** The lowest `security-severity` of each band, so that a reader of these numbers comes to the same severity. */
const numbers: Readonly<Record<Severity, string>> = { BLOCKER: '9.0', CRITICAL: '7.0', MAJOR: '4.0', MINOR: '0.1', INFO: '0.0' };
const baselineStates = { new: 'new', still: 'unchanged', reopened: 'new' } as const;

export interface FindingsSarif {
  /** Takes the findings of the report in the order of the scanner's file. */
  add(finding: ReportedFinding): void;
  /** Ends the file. */
  close(document: ReportDocument): void;
}

interface Run {
  readonly tool: string;
  readonly rules: Map<string, RuleSeen>;
  readonly cwes: Set<number>;
  readonly results: TextFile;
  count: number;
}

interface RuleSeen {
  readonly index: number;
  readonly name: string | undefined;
  readonly url: string | undefined;
  readonly cwes: Set<number>;
  severity: Severity;
}

/**
 * Writes findings.sarif (SARIF 2.1.0): the findings of one report, a run for each run of the original tools, tools without a finding with
 * an empty one. A run's results wait in a file of their own until its rules are all known; memory holds the rules, never the results.
 */
export function createFindingsSarif(options: {
  readonly directory: string;
  readonly path: string;
  readonly tools: readonly Tool[];
}): FindingsSarif {
  const file = createTextFile(options.path);
  const waiting = join(options.directory, 'results.part');
  const told = new Set<string>();
  let run: Run | null = null;
  let runs = 0;

  const endRun = (): void => {
    if (run === null) return;
    run.results.close();
    file.write(`${runs > 1 ? ',' : ''}\n{"tool":${JSON.stringify(toolOf(options.tools, run))},`);
    file.write(`"taxonomies":[${JSON.stringify(cweTaxonomy(run.cwes))}],"results":[`);
    appendFile(file, waiting);
    file.write('\n]}');
    run = null;
  };
  const startRun = (tool: string): Run => {
    endRun();
    told.add(tool);
    runs += 1;
    run = { tool, rules: new Map(), cwes: new Set(), results: createTextFile(waiting), count: 0 };
    return run;
  };

  file.write('{"$schema":"https://json.schemastore.org/sarif-2.1.0.json","version":"2.1.0","runs":[');
  return {
    add(finding) {
      const into = run?.tool === finding.tool ? run : startRun(finding.tool);
      into.results.write(`${into.count > 0 ? ',' : ''}\n${JSON.stringify(resultOf(finding, ruleOf(into, finding)))}`);
      for (const cwe of finding.cwes) into.cwes.add(cwe);
      into.count += 1;
    },
    close(document) {
      try {
        for (const tool of options.tools) if (!told.has(tool.name)) startRun(tool.name);
        endRun();
        file.write(`\n],"properties":${JSON.stringify(reportProperties(document))}}\n`);
      } finally {
        file.close();
      }
    },
  };
}

function ruleOf(run: Run, finding: ReportedFinding): RuleSeen | null {
  const seen = run.rules.get(finding.rule);
  if (seen !== undefined) {
    for (const cwe of finding.cwes) seen.cwes.add(cwe);
    if (severities.indexOf(finding.severity) < severities.indexOf(seen.severity)) seen.severity = finding.severity;
    return seen;
  }
  if (finding.rule === '' || run.rules.size >= rulesOfRunMax) return null;
  const { ruleName: name, ruleUrl: url, severity } = finding;
  const rule = { index: run.rules.size, name, url, cwes: new Set(finding.cwes), severity };
  run.rules.set(finding.rule, rule);
  return rule;
}

function toolOf(tools: readonly Tool[], run: Run): unknown {
  const tool = tools.find((each) => each.name === run.tool);
  return {
    driver: {
      name: run.tool,
      version: tool?.version,
      informationUri: tool?.url,
      rules: [...run.rules].map(([id, rule]) => ({
        id,
        name: rule.name,
        helpUri: rule.url,
        defaultConfiguration: { level: levels[rule.severity] },
        properties: {
          'security-severity': numbers[rule.severity],
          tags: ['security', ...[...rule.cwes].map((cwe) => `external/cwe/cwe-${cwe}`)],
        },
      })),
    },
  };
}

function resultOf(finding: ReportedFinding, rule: RuleSeen | null): unknown {
  const kind = finding.state === 'review' ? 'review' : 'fail';
  return {
    ruleId: finding.rule === '' ? undefined : finding.rule,
    ruleIndex: rule?.index,
    kind,
    // What does not fail has no level (SARIF 2.1.0, 3.27.10).
    level: kind === 'fail' ? levels[finding.severity] : 'none',
    message: { text: finding.message },
    locations: finding.place === undefined ? undefined : [{ physicalLocation: physicalLocation(finding.place) }],
    fingerprints: { 'gatepost/v1': finding.fingerprint },
    baselineState: finding.state === 'absent' ? 'absent' : finding.change === null ? undefined : baselineStates[finding.change],
    suppressions: finding.state === 'suppressed' ? [suppressionOf(finding)] : undefined,
    hostedViewerUri: finding.url,
    taxa: finding.cwes.map((cwe) => ({ id: String(cwe), toolComponent: { name: 'CWE', index: 0 } })),
    properties: {
      severity: finding.severity,
      state: finding.state,
      categories: finding.categories,
      firstSeen: finding.firstSeen ?? undefined,
      messageCut: finding.messageCut,
      sourcePointer: finding.pointer,
      hotspot: finding.hotspot,
      effortMinutes: finding.effortMinutes,
      isNew: finding.isNew,
      tags: finding.owasp.map((tag) => `OWASP-${tag.id}:${tag.edition}`),
    },
  };
}

/**
 * The status stays as it was found: one that does not suppress would not have led here. SARIF has no word for a false positive and no place for
 * who and when: it is an accepted suppression, and the rest stands in its properties.
 */
function suppressionOf(finding: ReportedFinding): unknown {
  const { suppression } = finding;
  if (suppression === undefined) return { kind: 'external' };
  const { kind, status, justification, by, at } = suppression;
  const isFalse = status === 'falsePositive';
  return {
    kind,
    status: isFalse ? 'accepted' : status,
    justification,
    properties: isFalse || by !== undefined || at !== undefined ? { status, by, at } : undefined,
  };
}

function physicalLocation(place: Place): unknown {
  const { startLine, startColumn, endLine, endColumn, snippet } = place;
  return {
    artifactLocation: { uri: place.path.toWellFormed().split('/').map(encodeURIComponent).join('/') },
    region:
      startLine === undefined
        ? undefined
        : { startLine, startColumn, endLine, endColumn, snippet: snippet === undefined ? undefined : { text: snippet } },
  };
}

function cweTaxonomy(cwes: ReadonlySet<number>): unknown {
  return {
    name: 'CWE',
    version: cweCatalogueVersion,
    organization: 'MITRE',
    shortDescription: { text: 'The MITRE Common Weakness Enumeration' },
    informationUri: 'https://cwe.mitre.org/',
    taxa: [...cwes]
      .sort((a, b) => a - b)
      .map((cwe) => {
        const name = weaknessName(cwe);
        return { id: String(cwe), shortDescription: name === undefined ? undefined : { text: name } };
      }),
  };
}

function reportProperties(document: ReportDocument): unknown {
  const { id, type, edition, version, branch, revision, analysisDate, madeAt, generator, contentSha256, vulnerabilitiesCount, rating } =
    document;
  const { gate, details, facts } = document;
  return {
    gatepost: {
      id,
      type,
      edition,
      version,
      branch,
      revision,
      analysisDate,
      madeAt,
      generator,
      contentSha256,
      vulnerabilitiesCount,
      rating,
      gate,
      details,
      sonarqube: facts.sonarqube,
    },
  };
}
