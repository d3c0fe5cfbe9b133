import { nameCharactersMax } from '../finding.ts';
import { type Component, componentReferenceOf, findComponent, finishRule, type Rule } from './component.ts';
import { cleanOf, indexOf, type JsonObject, objectOf } from './json.ts';

/** A rule with the message strings that it shares with all of its component. */
interface ListedRule extends Rule {
  readonly sharedStrings: ReadonlyMap<string, string>;
}

interface RuleList {
  readonly rules: readonly ListedRule[];
  readonly byId: ReadonlyMap<string, ListedRule>;
  readonly strings: ReadonlyMap<string, string>;
}

/** The rules of one run, ready to be looked up. */
export interface RunRules {
  readonly driver: Component;
  readonly extensions: readonly Component[];
  /** In the order of `driver`, then `extensions`. */
  readonly lists: readonly RuleList[];
  /** How many in all. */
  readonly count: number;
}

export interface FoundRule {
  /** The rule's id as the result tells it, else as the rule does; empty where neither does. */
  readonly id: string;
  readonly rule: Rule | undefined;
  /** Of the component the rule stands in, else of the driver. */
  readonly strings: ReadonlyMap<string, string>;
  /** The result names a rule and an index that leads to another. */
  readonly mismatch: boolean;
}

export function createRunRules(run: {
  readonly driver: Component;
  readonly extensions: readonly Component[];
  readonly taxonomies: readonly Component[];
}): RunRules {
  const lists = [run.driver, ...run.extensions].map((component) => {
    const rules = component.rules.map((draft) => ({ ...finishRule(draft, run.taxonomies), sharedStrings: component.strings }));
    // Of two rules with one id the first counts, as for an index that is not given.
    const byId = new Map(rules.toReversed().map((rule) => [rule.id, rule]));
    byId.delete('');
    return { rules, byId, strings: component.strings };
  });
  const count = lists.reduce((sum, list) => sum + list.rules.length, 0);
  return { driver: run.driver, extensions: run.extensions, lists, count };
}

/**
 * The rule of a result: by `rule.toolComponent` and `rule.index`, else by `ruleIndex` (the driver's), else by id, else by the id cut at its
 * last `/` (hierarchical ids), the driver before the extensions.
 */
export function findRule(result: JsonObject, rules: RunRules): FoundRule {
  const reference = objectOf(result.rule);
  const told = cleanOf(result.ruleId, nameCharactersMax) ?? cleanOf(reference.id, nameCharactersMax);
  const list = listMeant(reference, rules);
  const index = indexOf(reference.index);
  const indexed =
    (list !== undefined && index !== undefined ? list.rules[index] : undefined) ?? rules.lists[0]?.rules[indexOf(result.ruleIndex) ?? -1];
  const rule = indexed ?? (told === undefined ? undefined : findById(told, list === undefined ? rules.lists : [list, ...rules.lists]));
  return {
    id: told ?? rule?.id ?? '',
    rule,
    strings: rule?.sharedStrings ?? list?.strings ?? rules.driver.strings,
    mismatch: indexed !== undefined && told !== undefined && indexed.id !== told && !told.startsWith(`${indexed.id}/`),
  };
}

function listMeant(reference: JsonObject, rules: RunRules): RuleList | undefined {
  if (reference.toolComponent === undefined) return rules.lists[0];
  const component = componentReferenceOf(reference.toolComponent);
  if (component.index === undefined && component.guid === undefined && component.name === undefined) return rules.lists[0];
  const found = findComponent(component, rules.extensions);
  return found === undefined ? rules.lists[0] : rules.lists[rules.extensions.indexOf(found) + 1];
}

function findById(id: string, lists: readonly RuleList[]): ListedRule | undefined {
  for (let wanted = id; wanted !== ''; wanted = wanted.slice(0, Math.max(wanted.lastIndexOf('/'), 0))) {
    for (const list of lists) {
      const rule = list.byId.get(wanted);
      if (rule !== undefined) return rule;
    }
  }
  return undefined;
}
