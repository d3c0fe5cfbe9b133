import { hash } from 'node:crypto';
import { listOf, objectOf, textOf } from '../../sarif/json.ts';
import type { Query, SonarqubeClient } from '../client/client.ts';
import { sourceFault } from '../client/fault.ts';
import { eachOf } from './each.ts';
import { isAbsent } from './measures.ts';
import type { ActiveRules, RuleCache, RuleServer } from './rules.ts';
import { cwesOfRuleMax, isCwe, isOwasp } from './rules.ts';
import { type FacetValue, facetsOf } from './search.ts';

export interface ActiveJob {
  readonly client: SonarqubeClient;
  readonly server: RuleServer;
  readonly cache: RuleCache;
  readonly project: string;
  /** Languages that the project has code in; null: not known. */
  readonly languages: readonly string[] | null;
  /** The CWEs that matter. */
  readonly cwes: readonly number[];
  /** Whether rules that make hotspots count: not where the hotspots cannot be read. */
  readonly hotspots: boolean;
  readonly signal: AbortSignal;
}

/**
 * What the active rules of the quality profiles cover that the project's languages have (contract 5.2, 5.3): one call for the profiles, and for
 * each that changed since it was last asked about a few more. Null where the server does not tell all of it: half of it would be a guess.
 */
export async function fetchActive(job: ActiveJob): Promise<ActiveRules | null> {
  if (job.languages === null) return null;
  try {
    const profiles = (await profilesOf(job)).filter(({ language }) => job.languages?.includes(language));
    const found: ActiveRules[] = [];
    await eachOf(profiles, async (profile) => {
      found.push(await rulesOf(job, profile));
    });
    return together(found);
  } catch (error) {
    if (!isAbsent(error)) throw error;
    return null;
  }
}

function together(found: readonly ActiveRules[]): ActiveRules {
  const all = <Value>(of: (one: ActiveRules) => readonly Value[]) => [...new Set(found.flatMap(of))].toSorted();
  return {
    rules: found.reduce((sum, { rules }) => sum + rules, 0),
    cwes: all(({ cwes }) => cwes).toSorted((a, b) => a - b),
    owasp2017: all(({ owasp2017 }) => owasp2017),
    owasp2021: all(({ owasp2021 }) => owasp2021),
  };
}

interface Profile {
  readonly key: string;
  readonly language: string;
  /** When its rules last changed; undefined: the server does not tell, so nothing of it is kept. */
  readonly updated: string | undefined;
}

const profilesPath = 'api/qualityprofiles/search';

async function profilesOf({ client, project, signal }: ActiveJob): Promise<readonly Profile[]> {
  const { profiles } = objectOf(await client.get(profilesPath, { project }, { signal }));
  if (!Array.isArray(profiles)) throw sourceFault('source_answer_invalid', { path: profilesPath, said: 'shape' });
  return profiles.map(objectOf).flatMap((profile) => {
    const [key, language] = [textOf(profile['key']), textOf(profile['language'])];
    return key === undefined || language === undefined ? [] : [{ key, language, updated: textOf(profile['rulesUpdatedAt']) }];
  });
}

async function rulesOf(job: ActiveJob, profile: Profile): Promise<ActiveRules> {
  const { server, cache, hotspots } = job;
  const identity = hash('sha256', JSON.stringify([1, server.version, profile.updated, job.cwes]), 'hex');
  const name = `${profile.key} ${hotspots ? 'all' : 'issues'}`;
  const kept = await cache.readProfile(server, name);
  if (kept?.identity === identity) return kept;
  const asked = await askFor(job, profile);
  if (profile.updated !== undefined) await cache.writeProfile(server, name, { ...asked, identity });
  return asked;
}

/** One search of one profile's active rules. */
interface Answer {
  readonly total: number;
  readonly facets: ReadonlyMap<string, readonly FacetValue[]>;
}

/**
 * A rule counts by its type alone: what rules about bugs and style find is in no report, whatever CWEs they have. (A rule of another type with an
 * impact on security is seen where it found something; to leave it out here says less than there is, never more.)
 */
async function askFor(job: ActiveJob, { key }: Profile): Promise<ActiveRules> {
  const types = job.hotspots ? 'VULNERABILITY,SECURITY_HOTSPOT' : 'VULNERABILITY';
  const ask = (query: Query) => search(job, { activation: 'true', qprofile: key, types, ...query });
  const { total, facets } = await ask({ facets: 'cwe,owaspTop10,owaspTop10-2021' });
  const values = (name: string) => (facets.get(name) ?? []).map(({ value }) => value).filter(isOwasp);
  return {
    rules: total,
    cwes: await cwesOf(job.cwes, facets.get('cwe') ?? [], (cwes) => ask({ cwe: cwes.join(','), facets: 'cwe' })),
    owasp2017: values('owaspTop10').toSorted(),
    owasp2021: values('owaspTop10-2021').toSorted(),
  };
}

async function search({ client, signal }: ActiveJob, query: Query): Promise<Answer> {
  const path = 'api/rules/search';
  const answer = objectOf(await client.get(path, { ps: 1, f: 'name', ...query }, { signal }));
  const total = objectOf(answer['paging'])['total'] ?? answer['total'];
  if (typeof total !== 'number' || !Number.isSafeInteger(total) || total < 0 || listOf(answer['facets']).length === 0)
    throw sourceFault('source_answer_invalid', { path, said: 'shape' });
  return { total, facets: facetsOf(answer['facets']) };
}

/** CWEs in one question, so that its address stays below the 8 KB that servers take. */
export const cwesAskedMax = 400;

/**
 * Which of the CWEs an active rule has, in few questions: a facet lists the ten that most rules have, and a group in which no rule has any needs no
 * further question. What a facet does not list may be there all the same, so only an empty group says no.
 */
async function cwesOf(
  wanted: readonly number[],
  first: readonly FacetValue[],
  ask: (cwes: readonly number[]) => Promise<Answer>,
): Promise<readonly number[]> {
  const found = new Set<number>();
  const asked = new Set(wanted);
  const take = (values: readonly FacetValue[]) => {
    const before = found.size;
    for (const { value } of values) if (isCwe(value) && asked.has(Number(value))) found.add(Number(value));
    return found.size > before;
  };
  take(first);
  const groups: (readonly number[])[] = [];
  // A facet that is not full lists all there are.
  if (first.length >= cwesOfRuleMax)
    for (let from = 0; from < wanted.length; from += cwesAskedMax) groups.push(wanted.slice(from, from + cwesAskedMax));
  for (let group = groups.pop(); group !== undefined; group = groups.pop()) {
    const left = group.filter((cwe) => !found.has(cwe));
    if (left.length === 0) continue;
    const { total, facets } = await ask(left);
    if (total === 0) continue;
    if (left.length === 1) found.add(left[0] ?? 0);
    else if (take(facets.get('cwe') ?? [])) groups.push(left);
    // The facet was full of others.
    else groups.push(left.slice(0, left.length >> 1), left.slice(left.length >> 1));
  }
  return [...found].toSorted((a, b) => a - b);
}
