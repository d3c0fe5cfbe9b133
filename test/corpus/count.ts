// What a SARIF log comes to, counted over the whole file at once with JSON.parse. It shares no line with src/analyses/sarif, on purpose: the
// two must agree because both follow the same written rules, not because one calls the other. It is as plain as can be, and minds neither
// memory nor speed nor hostile input.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The numbers of one log; `outcome` is `read`, or the code it is refused with. */
export interface Counts {
  readonly outcome: string;
  readonly tools: string;
  readonly results: number;
  readonly open: number;
  readonly review: number;
  readonly suppressed: number;
  readonly absent: number;
  readonly ignored: number;
  /** Findings (all but the ignored) that name a CWE. */
  readonly withCwe: number;
  /** CWEs that findings name, each once. */
  readonly cwes: number;
  /** Open findings in the standard of that edition. */
  readonly top25: number;
  readonly owasp2021: number;
  readonly owasp2025: number;
  /** Of the worst open finding; A where there is none. */
  readonly rating: string;
}

export const nothing: Counts = {
  outcome: '',
  tools: '',
  results: 0,
  open: 0,
  review: 0,
  suppressed: 0,
  absent: 0,
  ignored: 0,
  withCwe: 0,
  cwes: 0,
  top25: 0,
  owasp2021: 0,
  owasp2025: 0,
  rating: '',
};

// oxlint-disable-next-line typescript/no-explicit-any -- raw JSON: what is not there reads as undefined all the way down
type Json = any;

const lists = join(import.meta.dirname, '../../src/reports/standards');
const top25: Json = JSON.parse(readFileSync(join(lists, 'cwe-top-25.json'), 'utf8'));
const top10: Json = JSON.parse(readFileSync(join(lists, 'owasp-top-10.json'), 'utf8'));
const mostDangerous = new Set<number>(top25['2025'].cwes);
const owaspCwes = (edition: string) => new Set<number>(top10[edition].flatMap((category: Json) => category.cwes));
const cwesOfEdition: Record<string, Set<number>> = { '2021': owaspCwes('2021'), '2025': owaspCwes('2025') };

export function countSarif(file: string): Counts {
  const log: Json = JSON.parse(readFileSync(file, 'utf8').replace(/^\ufeff/, ''));
  if (!Array.isArray(log.runs) || log.runs.length === 0) return { ...nothing, outcome: 'sarif_without_runs' };
  if (!log.runs.some((run: Json) => Array.isArray(run.results))) return { ...nothing, outcome: 'nothing_scanned' };
  const scanned = log.runs.filter((run: Json) => Array.isArray(run.results));
  const all = scanned.flatMap((run: Json) => run.results.map((result: Json) => weigh(result, run)));
  const findings = all.filter((one: Weighed) => one.state !== 'ignored');
  const open = all.filter((one: Weighed) => one.state === 'open');
  const of = (state: string) => all.filter((one: Weighed) => one.state === state).length;
  return {
    outcome: 'read',
    tools: [...new Set(scanned.map((run: Json) => run.tool.driver.name))].join(', '),
    results: all.length,
    open: open.length,
    review: of('review'),
    suppressed: of('suppressed'),
    absent: of('absent'),
    ignored: of('ignored'),
    withCwe: findings.filter((one: Weighed) => one.cwes.size > 0).length,
    cwes: new Set(findings.flatMap((one: Weighed) => [...one.cwes])).size,
    top25: open.filter((one: Weighed) => [...one.cwes].some((cwe) => mostDangerous.has(cwe))).length,
    owasp2021: open.filter((one: Weighed) => isInTop10(one, '2021')).length,
    owasp2025: open.filter((one: Weighed) => isInTop10(one, '2025')).length,
    rating: 'ABCDE'.charAt(Math.max(0, ...open.map((one: Weighed) => one.weight))),
  };
}

interface Weighed {
  readonly state: string;
  readonly cwes: ReadonlySet<number>;
  /** `2021:3` for A03 of 2021. */
  readonly owasp: ReadonlySet<string>;
  /** 0 for INFO to 4 for BLOCKER. */
  readonly weight: number;
}

function weigh(result: Json, run: Json): Weighed {
  const rule = ruleOf(result, run) ?? {};
  const taxonomies = run.taxonomies ?? [];
  const bags = [result.properties, rule.properties].filter(Boolean);
  const words = bags.flatMap((bag) => [bag.tags, bag.cwe, bag.cwes, bag.CWE].flat(9)).filter((word) => typeof word === 'string');
  const cwes = new Set<number>();
  for (const word of words) for (const match of word.matchAll(/\bcwe[-_ /:]*0*(\d{1,5})\b/gi)) cwes.add(Number(match[1]));
  const targets = [...(result.taxa ?? []), ...(rule.relationships ?? []).map((relationship: Json) => relationship.target)];
  for (const target of targets) {
    const component = target?.toolComponent ?? {};
    const taxonomy = taxonomies[component.index] ?? {};
    const name = component.name ?? taxonomy.name ?? '';
    const id = String(target?.id ?? taxonomy.taxa?.[target?.index]?.id ?? '');
    const number = /cwe[-_ /:]*0*(\d{1,5})\b/i.exec(id)?.[1] ?? (/\bcwe\b/i.test(name) ? /^0*(\d{1,5})$/.exec(id)?.[1] : undefined);
    if (number !== undefined) cwes.add(Number(number));
  }
  cwes.delete(0);
  const tags = bags.flatMap((bag) => [bag.tags, bag.owasp, bag['owasp-web']].flat(9)).filter((word) => typeof word === 'string');
  const owasp = new Set<string>();
  for (const tag of tags) {
    const match = /\bA0?(10|[1-9]):(2017|2021|2025)\b/i.exec(tag);
    if (match !== null) owasp.add(`${match[2]}:${match[1]}`);
  }
  return { state: stateOf(result), cwes, owasp, weight: weightOf(result, rule) };
}

function ruleOf(result: Json, run: Json): Json {
  const components = [run.tool.driver, ...(run.tool.extensions ?? [])];
  const extension = run.tool.extensions?.[result.rule?.toolComponent?.index];
  if (extension !== undefined && result.rule.index >= 0) return extension.rules[result.rule.index];
  const index = result.rule?.index ?? result.ruleIndex ?? -1;
  if (index >= 0) return run.tool.driver.rules?.[index];
  const id = result.ruleId ?? result.rule?.id;
  const named = (wanted: string) => components.flatMap((component: Json) => component.rules ?? []).find((rule: Json) => rule.id === wanted);
  return id === undefined ? undefined : (named(id) ?? named(id.slice(0, Math.max(0, id.lastIndexOf('/')))));
}

function stateOf(result: Json): string {
  const kind = result.kind ?? 'fail';
  if (['pass', 'notApplicable', 'informational'].includes(kind)) return 'ignored';
  if (result.baselineState === 'absent') return 'absent';
  const suppressions = result.suppressions ?? [];
  const contested = suppressions.some((suppression: Json) => ['underReview', 'rejected'].includes(suppression.status));
  if (suppressions.length > 0 && !contested) return 'suppressed';
  return kind === 'review' || kind === 'open' ? 'review' : 'open';
}

const weights: Record<string, number> = { critical: 4, high: 3, medium: 2, low: 1, info: 0, error: 3, warning: 2, note: 1, none: 0 };

function weightOf(result: Json, rule: Json): number {
  const score = result.properties?.['security-severity'] ?? rule.properties?.['security-severity'];
  if (score !== undefined) {
    const word = weights[String(score).toLowerCase()];
    if (word !== undefined) return word;
    return [0, 4, 7, 9].filter((least) => (least === 0 ? Number(score) > 0 : Number(score) >= least)).length;
  }
  const failing = (result.kind ?? 'fail') === 'fail';
  return weights[result.level ?? (failing ? (rule.defaultConfiguration?.level ?? 'warning') : 'none')] ?? 2;
}

/** Where the tool names categories of the edition itself, these decide; else its CWEs do. */
function isInTop10(one: Weighed, edition: string): boolean {
  if ([...one.owasp].some((tag) => tag.startsWith(`${edition}:`))) return true;
  return [...one.cwes].some((cwe) => cwesOfEdition[edition]?.has(cwe));
}
