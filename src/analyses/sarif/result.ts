import { cwesOfFindingMax, type Finding, nameCharactersMax } from '../finding.ts';
import { addProperties, addReference, type Component, createTaxa, referencesOf, type Rule } from './component.ts';
import type { Fingerprints } from './fingerprint.ts';
import { type JsonObject, listOf, objectOf } from './json.ts';
import { type Message, messageOf } from './message.ts';
import type { Notices } from './notices.ts';
import { addOwasp } from './owasp.ts';
import { findPlace, type Location, pathOf, placeOf, type Roots } from './place.ts';
import { type FoundRule, findRule, type RunRules } from './rules.ts';
import { levelOf, severityOfResult, severityOfScore } from './severity.ts';
import { kindOf, stateOf, suppressionOf } from './state.ts';

/** What the results of one run are read against. */
export interface RunContext {
  readonly tool: string;
  readonly rules: RunRules;
  readonly taxonomies: readonly Component[];
  readonly artifacts: readonly (Location | undefined)[];
  readonly pathOf: (location: Location) => string;
}

export interface ResultReader {
  readonly fingerprints: Fingerprints;
  readonly notices: Notices;
}

const pathsKept = 50_000;

/** `pathOf` that remembers: thousands of results lie in the same files. */
export function createPaths(roots: Roots): (location: Location) => string {
  const known = new Map<string | undefined, Map<string, string>>();
  let kept = 0;
  let last: { readonly location: Location; readonly path: string } | undefined;
  const remembered = (location: Location) => {
    const found = known.get(location.base)?.get(location.uri);
    if (found !== undefined) return found;
    if (kept >= pathsKept) {
      known.clear();
      kept = 0;
    }
    const path = pathOf(location, roots);
    const ofBase = known.get(location.base) ?? new Map<string, string>();
    known.set(location.base, ofBase.set(location.uri, path));
    kept += 1;
    return path;
  };
  return (location) => {
    // Scanners go file by file, and comparing two texts costs less than looking one up.
    if (last?.location.uri !== location.uri || last.location.base !== location.base) last = { location, path: remembered(location) };
    return last.path;
  };
}

/** The finding that a result tells, or undefined where it tells of none (`pass`, `notApplicable`, `informational`). */
export function findingOf(result: JsonObject, run: RunContext, pointer: string, reader: ResultReader): Finding | undefined {
  const kind = kindOf(result);
  const state = stateOf(result, kind);
  if (state === 'ignored') return undefined;
  const found = findRule(result, run.rules);
  noteRule(found, run.rules, pointer, reader.notices);
  const taxa = taxaOf(result, found, run.taxonomies);
  if (taxa.cwes.length > cwesOfFindingMax) reader.notices.add('cwes_cut', pointer);
  const message = messageOfResult(result, found);
  const located = findPlace(result, run.artifacts);
  const path = located === undefined ? '' : run.pathOf(located.location);
  const finding: { -readonly [Key in keyof Finding]: Finding[Key] } = {
    fingerprint: reader.fingerprints.next(result, { tool: run.tool, rule: found.id, path, text: located?.lineText ?? message.text }),
    tool: run.tool,
    rule: found.id,
    severity: severityOf(result, found, kind === 'fail'),
    cwes: taxa.cwes.length > cwesOfFindingMax ? taxa.cwes.slice(0, cwesOfFindingMax) : taxa.cwes,
    owasp: taxa.owasp,
    message: message.text,
    state,
    pointer,
  };
  // Assigned one by one, for hundreds of thousands of them: spreading objects takes a third of the time here.
  if (found.rule?.name !== undefined) finding.ruleName = found.rule.name;
  if (found.rule?.url !== undefined) finding.ruleUrl = found.rule.url;
  if (message.cut) finding.messageCut = true;
  if (located !== undefined) finding.place = placeOf(located, path);
  if (state === 'suppressed') finding.suppression = suppressionOf(result);
  return finding;
}

function severityOf(result: JsonObject, found: FoundRule, fails: boolean): Finding['severity'] {
  return severityOfResult({
    score: severityOfScore(objectOf(result.properties)['security-severity']),
    ruleScore: found.rule?.score,
    level: levelOf(result.level),
    ruleLevel: found.rule?.level,
    fails,
  });
}

/** In the order: the result's taxa, its properties, the rule's relationships, the rule's properties. The first CWE is the primary one. */
function taxaOf(result: JsonObject, found: FoundRule, taxonomies: readonly Component[]): Pick<Rule, 'cwes' | 'owasp'> {
  const references = listOf(result.taxa);
  if (references.length === 0 && result.properties === undefined) return found.rule ?? noTaxa;
  const taxa = createTaxa();
  for (const reference of referencesOf(references)) addReference(reference, taxonomies, taxa);
  addProperties(result.properties, taxa);
  for (const cwe of found.rule?.cwes ?? []) taxa.cwes.add(cwe);
  for (const tag of found.rule?.owasp ?? []) addOwasp(tag, taxa.owasp);
  return { cwes: [...taxa.cwes], owasp: taxa.owasp };
}

const noTaxa = { cwes: [], owasp: [] };

function messageOfResult(result: JsonObject, found: FoundRule): Message {
  const message = messageOf(result.message, [found.rule?.strings, found.strings]);
  // A finding without a word of its own still says what its rule is about.
  return message ?? { text: found.rule?.description ?? found.rule?.name ?? found.id.slice(0, nameCharactersMax), cut: false };
}

function noteRule(found: FoundRule, rules: RunRules, pointer: string, notices: Notices): void {
  if (found.mismatch) notices.add('rule_index_mismatch', pointer);
  if (found.rule === undefined && found.id !== '' && rules.count > 0) notices.add('rule_not_found', pointer);
}
