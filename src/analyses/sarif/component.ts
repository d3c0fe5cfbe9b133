import type { OwaspTag, Severity } from '../finding.ts';
import { nameCharactersMax } from '../finding.ts';
import { addCwesOfTaxon, addCwesOfText, isCweName, textsIn } from './cwe.ts';
import { cleanOf, indexOf, type JsonObject, listOf, objectOf, textOf, webAddressOf } from './json.ts';
import { descriptionCharactersMax, referenceOverhead, referencesMax, ruleOverhead } from './limits.ts';
import { messageStringsOf } from './message.ts';
import { addOwasp, isOwaspName, owaspOfTaxon, owaspOfText } from './owasp.ts';
import { type Level, levelOf, severityOfScore } from './severity.ts';

/** What is kept of a rule while results are read. */
export interface Rule {
  readonly id: string;
  readonly name?: string;
  readonly url?: string;
  readonly description?: string;
  readonly level?: Level;
  /** `defaultConfiguration.enabled` is false: it was not run, so that it found nothing means nothing. */
  readonly disabled?: true;
  readonly score?: Severity;
  readonly strings?: ReadonlyMap<string, string>;
  /** Named by its relationships first, then by its properties. */
  readonly cwes: readonly number[];
  readonly owasp: readonly OwaspTag[];
}

/** A rule as it is read, before the taxonomies it refers to are known. */
export interface RuleDraft extends Omit<Rule, 'cwes' | 'owasp'> {
  readonly references: readonly Reference[];
  readonly tagged: { readonly cwes: readonly number[]; readonly owasp: readonly OwaspTag[] };
}

/** A driver, an extension or a taxonomy, as it is read. */
export interface Component {
  name: string;
  version: string;
  semanticVersion: string;
  guid: string;
  url?: string;
  strings: ReadonlyMap<string, string>;
  rules: RuleDraft[];
  /** Ids of its taxa, in their order. */
  taxa: string[];
}

const noStrings: ReadonlyMap<string, string> = new Map();
const none: readonly never[] = [];

export function createComponent(): Component {
  return { name: '', version: '', semanticVersion: '', guid: '', strings: noStrings, rules: [], taxa: [] };
}

/** Which component is meant: by index, guid or name. */
export interface ComponentReference {
  readonly index: number | undefined;
  readonly guid: string | undefined;
  readonly name: string | undefined;
}

/** A taxon that a rule or result refers to. */
export interface Reference {
  readonly id: string | undefined;
  readonly index: number | undefined;
  readonly component: ComponentReference;
}

/** What findings are sorted by. */
export interface Taxa {
  readonly cwes: Set<number>;
  readonly owasp: OwaspTag[];
}

export function createTaxa(): Taxa {
  return { cwes: new Set(), owasp: [] };
}

export function componentReferenceOf(value: unknown): ComponentReference {
  const reference = objectOf(value);
  return {
    index: indexOf(reference.index),
    guid: textOf(reference.guid)?.toLowerCase(),
    name: cleanOf(reference.name, nameCharactersMax),
  };
}

export function referencesOf(list: readonly unknown[]): readonly Reference[] {
  if (list.length === 0) return none;
  return list.slice(0, referencesMax).map((entry) => {
    const reference = objectOf(entry);
    return {
      id: cleanOf(reference.id, nameCharactersMax),
      index: indexOf(reference.index),
      component: componentReferenceOf(reference.toolComponent),
    };
  });
}

/** Adds what a reference names. A bare number is a CWE only where the taxonomy is one of CWEs. */
export function addReference(reference: Reference, taxonomies: readonly Component[], into: Taxa): void {
  const taxonomy = findComponent(reference.component, taxonomies);
  const id = reference.id ?? (reference.index === undefined ? undefined : taxonomy?.taxa[reference.index]);
  if (id === undefined) return;
  const name = reference.component.name ?? taxonomy?.name ?? '';
  if (isCweName(name)) addCwesOfTaxon(id, into.cwes);
  else addCwesOfText(id, into.cwes);
  if (isOwaspName(name)) addOwasp(owaspOfTaxon(id, `${name} ${taxonomy?.version ?? ''} ${taxonomy?.semanticVersion ?? ''}`), into.owasp);
}

/** The component meant, by index where that is given, else by guid, else by name. */
export function findComponent(reference: ComponentReference, components: readonly Component[]): Component | undefined {
  if (reference.index !== undefined) return components[reference.index];
  const { guid, name } = reference;
  if (guid !== undefined) {
    const found = components.find((component) => component.guid === guid);
    if (found !== undefined) return found;
  }
  return name === undefined ? undefined : components.find((component) => component.name === name);
}

/** Adds what a property bag names, of a rule or a result. */
export function addProperties(value: unknown, into: Taxa): void {
  const bag = objectOf(value);
  for (const part of [bag.tags, bag.cwe, bag.cwes, bag.CWE]) {
    for (const text of textsIn(part)) addCwesOfText(text, into.cwes);
  }
  for (const part of [bag.tags, bag.owasp, bag['owasp-web']]) {
    for (const text of textsIn(part)) addOwasp(owaspOfText(text), into.owasp);
  }
}

export function ruleDraftOf(value: unknown): RuleDraft {
  const rule = objectOf(value);
  const properties = objectOf(rule.properties);
  const tagged = createTaxa();
  addProperties(properties, tagged);
  const id = cleanOf(rule.id, nameCharactersMax) ?? '';
  const short = cleanOf(objectOf(rule.shortDescription).text, nameCharactersMax);
  const description = cleanOf(short, descriptionCharactersMax) ?? cleanOf(objectOf(rule.fullDescription).text, descriptionCharactersMax);
  const strings = messageStringsOf(rule.messageStrings);
  return {
    id,
    ...optional('name', nameOf(rule, id, short)),
    ...optional('url', webAddressOf(rule.helpUri)),
    ...optional('description', description),
    ...optional('level', levelOf(objectOf(rule.defaultConfiguration).level)),
    ...(objectOf(rule.defaultConfiguration).enabled === false ? { disabled: true as const } : {}),
    ...optional('score', severityOfScore(properties['security-severity'])),
    ...optional('strings', strings.size === 0 ? undefined : strings),
    references: referencesOf(listOf(rule.relationships).map((entry) => objectOf(entry).target)),
    tagged: {
      cwes: tagged.cwes.size === 0 ? none : [...tagged.cwes].slice(0, referencesMax),
      owasp: tagged.owasp.length === 0 ? none : tagged.owasp,
    },
  };
}

/** Where a tool repeats the id as the name, the short description says more. */
function nameOf(rule: JsonObject, id: string, short: string | undefined): string | undefined {
  const name = cleanOf(rule.name, nameCharactersMax);
  return name === undefined || name === id ? short : name;
}

/** The draft with its references followed. */
export function finishRule(draft: RuleDraft, taxonomies: readonly Component[]): Rule {
  const { references, tagged, ...rule } = draft;
  const taxa = createTaxa();
  for (const reference of references) addReference(reference, taxonomies, taxa);
  for (const cwe of tagged.cwes) taxa.cwes.add(cwe);
  for (const tag of tagged.owasp) addOwasp(tag, taxa.owasp);
  return { ...rule, cwes: [...taxa.cwes], owasp: taxa.owasp };
}

/** What a draft costs of `keptCharactersMax`. */
export function charactersOf(draft: RuleDraft): number {
  let characters = ruleOverhead + (draft.references.length + draft.tagged.cwes.length + draft.tagged.owasp.length) * referenceOverhead;
  characters += draft.id.length + (draft.name?.length ?? 0) + (draft.url?.length ?? 0) + (draft.description?.length ?? 0);
  for (const [id, text] of draft.strings ?? []) characters += id.length + text.length;
  for (const reference of draft.references) characters += (reference.id?.length ?? 0) + (reference.component.name?.length ?? 0);
  return characters;
}

/** A property that is there only where it has a value. */
export function optional<Key extends string, Value>(key: Key, value: Value | undefined): { readonly [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [K in Key]?: Value });
}
