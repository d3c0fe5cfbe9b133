import { cwesOfFindingMax, type Finding, nameCharactersMax } from '../finding.ts';
import { addProperties, addReference, type Component, createTaxa, optional, referencesOf, type Taxa } from './component.ts';
import type { Fingerprints } from './fingerprint.ts';
import { type JsonObject, listOf, objectOf } from './json.ts';
import { type Message, messageOf } from './message.ts';
import type { Notices } from './notices.ts';
import { addOwasp } from './owasp.ts';
import { findPlace, type Found, type Location, pathOf, placeOf, type Roots } from './place.ts';
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

const pathsKept = 10_000;

/** `pathOf` that remembers: thousands of results lie in the same files. */
export function createPaths(roots: Roots): (location: Location) => string {
  const known = new Map<string, string>();
  return (location) => {
    const key = `${location.base ?? ''}\u0000${location.uri}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    if (known.size >= pathsKept) known.clear();
    const path = pathOf(location, roots);
    known.set(key, path);
    return path;
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
  if (taxa.cwes.size > cwesOfFindingMax) reader.notices.add('cwes_cut', pointer);
  const message = messageOfResult(result, found);
  const located = findPlace(result, run.artifacts);
  const path = located === undefined ? '' : run.pathOf(located.location);
  return {
    fingerprint: reader.fingerprints.next(result, { tool: run.tool, rule: found.id, path, text: located?.lineText ?? message.text }),
    tool: run.tool,
    rule: found.id,
    ...optional('ruleName', found.rule?.name),
    ...optional('ruleUrl', found.rule?.url),
    severity: severityOf(result, found, kind === 'fail'),
    cwes: [...taxa.cwes].slice(0, cwesOfFindingMax),
    owasp: taxa.owasp,
    message: message.text,
    ...(message.cut ? { messageCut: true } : {}),
    ...optional('place', placeFor(located, path)),
    state,
    ...(state === 'suppressed' ? { suppression: suppressionOf(result) } : {}),
    pointer,
  };
}

function placeFor(located: Found | undefined, path: string): Finding['place'] {
  return located === undefined ? undefined : placeOf(located, path);
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
function taxaOf(result: JsonObject, found: FoundRule, taxonomies: readonly Component[]): Taxa {
  const taxa = createTaxa();
  const references = listOf(result.taxa);
  if (references.length > 0) for (const reference of referencesOf(references)) addReference(reference, taxonomies, taxa);
  if (result.properties !== undefined) addProperties(result.properties, taxa);
  for (const cwe of found.rule?.cwes ?? []) taxa.cwes.add(cwe);
  for (const tag of found.rule?.owasp ?? []) addOwasp(tag, taxa.owasp);
  return taxa;
}

function messageOfResult(result: JsonObject, found: FoundRule): Message {
  const message = messageOf(result.message, [found.rule?.strings, found.strings]);
  // A finding without a word of its own still says what its rule is about.
  return message ?? { text: found.rule?.description ?? found.rule?.name ?? found.id.slice(0, nameCharactersMax), cut: false };
}

function noteRule(found: FoundRule, rules: RunRules, pointer: string, notices: Notices): void {
  if (found.mismatch) notices.add('rule_index_mismatch', pointer);
  const listsRules = rules.lists.some((list) => list.rules.length > 0);
  if (found.rule === undefined && found.id !== '' && listsRules) notices.add('rule_not_found', pointer);
}
