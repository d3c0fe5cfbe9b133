import { nameCharactersMax } from '../../finding.ts';
import { cleanOf, listOf, objectOf } from '../../sarif/json.ts';
import type { SonarqubeClient } from '../client/client.ts';
import { isFault } from '../client/client.ts';
import { eachOf } from './each.ts';
import { createKept } from './kept.ts';
import { facetsOf } from './search.ts';

/** The security standards of one rule as a server's facets tell them (contract 5.3). No text of the rule but its name. */
export interface RuleStandards {
  readonly rule: string;
  readonly name: string;
  /** At most `cwesOfRuleMax`, which is as many as the server tells. */
  readonly cwes: readonly number[];
  /** `a1` … `a10`, as the server writes them. */
  readonly owasp2017: readonly string[];
  readonly owasp2021: readonly string[];
  readonly sonarsource: readonly string[];
  readonly sans: readonly string[];
}

/** Values of `cwe` that a facet of `api/rules/search` holds at the most. */
export const cwesOfRuleMax = 10;

export interface RuleServer {
  /** `id` of api/system/status. */
  readonly id: string;
  readonly version: string;
}

/** What the active rules about security look for, whether they found something or not. */
export interface ActiveRules {
  /** How many there are. */
  readonly rules: number;
  /** Of the CWEs that were asked about; ascending. */
  readonly cwes: readonly number[];
  /** `a1` … `a10`, as the server writes them. */
  readonly owasp2017: readonly string[];
  readonly owasp2021: readonly string[];
}

/** What is kept of one quality profile. `identity` changes with everything that could make it another answer. */
export interface ProfileRules extends ActiveRules {
  readonly identity: string;
}

/** What keeps rules' standards, which change with a server's version only, and what profiles cover, which says itself when. May forget at any time. */
export interface RuleCache {
  read(server: RuleServer, rules: readonly string[]): Promise<readonly RuleStandards[]>;
  write(server: RuleServer, entries: readonly RuleStandards[]): Promise<void>;
  readProfile(server: RuleServer, name: string): Promise<ProfileRules | undefined>;
  /** In the place of what was kept of it. */
  writeProfile(server: RuleServer, name: string, entry: ProfileRules): Promise<void>;
}

/** A cache in two files, one beside the other, for one user at a time. A file that cannot be read is an empty one. */
export function createRuleFile(file: string): RuleCache {
  const standards = createKept<RuleStandards>(file);
  const profiles = createKept<ProfileRules>(`${file.replace(/\.json$/, '')}.profiles.json`);
  const ruleKey = (server: RuleServer, rule: string) => JSON.stringify([server.id, server.version, rule]);
  const profileKey = (server: RuleServer, name: string) => JSON.stringify([server.id, name]);
  return {
    async read(server, rules) {
      const found: RuleStandards[] = [];
      for (const rule of rules) {
        const entry = await standards.get(ruleKey(server, rule));
        if (entry !== undefined) found.push(entry);
      }
      return found;
    },
    write: (server, entries) => standards.set(entries.map((entry) => [ruleKey(server, entry.rule), entry])),
    readProfile: (server, name) => profiles.get(profileKey(server, name)),
    writeProfile: (server, name, entry) => profiles.set([[profileKey(server, name), entry]]),
  };
}

export interface RulesJob {
  readonly client: SonarqubeClient;
  readonly server: RuleServer;
  readonly cache: RuleCache;
  readonly rules: readonly string[];
  readonly signal: AbortSignal;
}

/** Written down so many at a time, so that a fetch that is broken off need not ask again. */
const chunkMax = 50;

/** The standards of each rule: kept ones, and one call for each other. Rules that the server does not know (any more) are in `unknown`. */
export async function fetchRules(
  job: RulesJob,
): Promise<{ readonly known: readonly RuleStandards[]; readonly unknown: readonly string[] }> {
  const known = [...(await job.cache.read(job.server, job.rules))];
  const have = new Set(known.map((entry) => entry.rule));
  const wanted = job.rules.filter((rule) => !have.has(rule));
  const unknown: string[] = [];
  for (let from = 0; from < wanted.length; from += chunkMax) {
    const fetched: RuleStandards[] = [];
    await eachOf(wanted.slice(from, from + chunkMax), async (rule) => {
      const entry = await fetchRule(job, rule);
      if (entry === undefined) unknown.push(rule);
      else fetched.push(entry);
    });
    await job.cache.write(job.server, fetched);
    known.push(...fetched);
  }
  return { known: known.toSorted((a, b) => (a.rule < b.rule ? -1 : 1)), unknown: unknown.toSorted() };
}

const facets = 'cwe,owaspTop10,owaspTop10-2021,sonarsourceSecurity,sansTop25';

/** The facets of a search for one rule are that rule's own standards: exact on every version and edition (contract 5.3). */
async function fetchRule({ client, signal }: RulesJob, rule: string): Promise<RuleStandards | undefined> {
  // Rules of other tools, imported with their findings, are found only where one asks for them.
  const external = rule.startsWith('external_') ? { include_external: 'true' } : {};
  try {
    return ruleOf(rule, await client.get('api/rules/search', { rule_key: rule, ps: 1, f: 'name', facets, ...external }, { signal }));
  } catch (error) {
    // A key that the server cannot read is a rule that it does not know.
    if (isFault(error, 'source_refused', 'source_not_found', 'source_forbidden', 'source_path_unknown')) return undefined;
    throw error;
  }
}

/** What an answer of `api/rules/search` about one rule says; undefined where it is about none. */
export function ruleOf(rule: string, answer: unknown): RuleStandards | undefined {
  const found = objectOf(answer);
  const [first] = listOf(found['rules']).map(objectOf);
  if (first === undefined || first['key'] !== rule) return undefined;
  const facet = facetsOf(found['facets']);
  const values = (name: string) => (facet.get(name) ?? []).map((each) => each.value);
  return {
    rule,
    name: cleanOf(first['name'], nameCharactersMax) ?? '',
    // A security rule without a CWE has the value "unknown".
    cwes: values('cwe').filter(isCwe).map(Number),
    owasp2017: values('owaspTop10').filter(isOwasp),
    owasp2021: values('owaspTop10-2021').filter(isOwasp),
    sonarsource: values('sonarsourceSecurity'),
    sans: values('sansTop25'),
  };
}

/** A CWE as facets write it: a bare number. */
export function isCwe(value: string): boolean {
  return /^[1-9]\d{0,5}$/.test(value);
}

/** A category of OWASP's Top 10 as facets write it. */
export function isOwasp(value: string): boolean {
  return /^a([1-9]|10)$/.test(value);
}
