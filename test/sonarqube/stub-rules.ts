// Rules and quality profiles of the stand-in, with the real server's limits: a facet has ten values, and beside them those that were filtered by.
import type { StubFacts, StubRule } from './facts.ts';
import { dateText, paging, type Query, Refusal } from './stub-search.ts';

type ValuesOf = (rule: StubRule) => readonly string[];

const facetSizeMax = 10;
const securityFacets: Readonly<Record<string, ValuesOf>> = {
  cwe: (rule) => (rule.cwes.length > 0 ? rule.cwes.slice(0, facetSizeMax) : rule.category === null ? [] : ['unknown']),
  owaspTop10: (rule) => rule.owasp2017,
  'owaspTop10-2021': (rule) => rule.owasp2021,
  sonarsourceSecurity: (rule) => (rule.category === null ? [] : [rule.category]),
  sansTop25: () => [],
};
const types = ['CODE_SMELL', 'BUG', 'VULNERABILITY', 'SECURITY_HOTSPOT'];

export function searchRules(facts: StubFacts, query: Query) {
  const { p, ps } = paging(query, { size: 100 });
  if (p * ps > 10_000) throw new Refusal(400, `Can return only the first 10000 results. ${p * ps}th result asked.`);
  const rules = found(facts, query);
  const asked = query.get('facets')?.split(',') ?? [];
  const facets = asked.map((property) => ({ property, values: facetOf(facts, query, property) }));
  const shown = rules.slice((p - 1) * ps, p * ps).map(({ key, name, type }) => ({ key, name, type }));
  return { total: rules.length, p, ps, rules: shown, facets, paging: { pageIndex: p, pageSize: ps, total: rules.length } };
}

function found(facts: StubFacts, query: Query): readonly StubRule[] {
  const [key, cwes, wanted] = ['rule_key', 'cwe', 'types'].map((name) => query.get(name)?.split(','));
  const bad = wanted?.find((type) => !types.includes(type));
  if (bad !== undefined) throw new Refusal(400, `Value of parameter 'types' (${bad}) must be one of: [${types.join(', ')}]`);
  return profiled(facts, query).filter(
    (rule) =>
      (key === undefined || key[0] === rule.key) &&
      (wanted === undefined || wanted.includes(rule.type)) &&
      (cwes === undefined || securityFacets['cwe']?.(rule).some((cwe) => cwes.includes(cwe)) === true),
  );
}

/** 9.9 heeds `qprofile` only where `activation` is given; later versions take the active ones unless told otherwise. */
function profiled(facts: StubFacts, query: Query): readonly StubRule[] {
  const key = query.get('qprofile');
  const activation = query.get('activation') ?? (facts.version.startsWith('9.') ? undefined : 'true');
  if (key === undefined || activation === undefined) return facts.rules;
  const profile = facts.profiles.find((each) => each.key === key);
  if (profile === undefined) throw new Refusal(404, `The specified qualityProfile '${key}' does not exist`);
  if (activation === 'true') return [...profile.active];
  return facts.rules.filter((rule) => rule.lang === profile.language && !profile.active.has(rule));
}

/** A facet passes over the filter of its own name. */
function facetOf(facts: StubFacts, query: Query, property: string) {
  const of = securityFacets[property];
  if (of === undefined)
    throw new Refusal(400, `Value of parameter 'facets' (${property}) must be one of: [${Object.keys(securityFacets).join(', ')}]`);
  const others = new Map(query);
  if (!facts.narrowFacets) others.delete(property);
  const counts = new Map<string, number>();
  for (const rule of found(facts, others)) for (const value of of(rule)) counts.set(value, (counts.get(value) ?? 0) + 1);
  const values = [...counts].toSorted(([, a], [, b]) => b - a).slice(0, facetSizeMax);
  const shown = new Set(values.map(([value]) => value));
  const asked = (query.get(property)?.split(',') ?? []).filter((value) => !shown.has(value));
  const countOf = (value: string) => (facts.narrowFacets ? 0 : (counts.get(value) ?? 0));
  return [...values, ...asked.map((value) => [value, countOf(value)] as const)].map(([val, count]) => ({ val, count }));
}

export function profilesAnswer(facts: StubFacts) {
  const profiles = facts.profiles.map(({ key, language, active, updated }) => ({
    key,
    name: 'Sonar way',
    language,
    languageName: language,
    isInherited: false,
    isDefault: true,
    isBuiltIn: true,
    activeRuleCount: active.size,
    activeDeprecatedRuleCount: 0,
    rulesUpdatedAt: dateText(updated),
    actions: {},
  }));
  return { profiles, actions: {} };
}
