import { listOf, objectOf, textOf } from '../../sarif/json.ts';
import type { Query, SonarqubeClient } from '../client/client.ts';
import { sourceFault } from '../client/fault.ts';

/** What one page of issues or hotspots comes to (contract 5.2, 5.3). */
export interface Found {
  /** Of all pages. */
  readonly total: number;
  readonly items: readonly Readonly<Record<string, unknown>>[];
  /** Component key to its path within the project. */
  readonly paths: ReadonlyMap<string, string>;
  /** Facet to its values, the largest first; empty ones are left out. */
  readonly facets: ReadonlyMap<string, readonly FacetValue[]>;
}

export interface FacetValue {
  readonly value: string;
  readonly count: number;
}

export type SearchKind = 'issues' | 'hotspots';

export interface Search {
  readonly client: SonarqubeClient;
  readonly kind: SearchKind;
  readonly query: Query;
  readonly signal: AbortSignal;
}

/** One page. Fails with a SourceFault, `source_answer_invalid` where the answer is not what it should be. */
export async function search({ client, kind, query, signal }: Search): Promise<Found> {
  const path = `api/${kind}/search`;
  const answer = objectOf(await client.get(path, query, { signal }));
  const total = objectOf(answer['paging'])['total'] ?? answer['total'];
  const items = answer[kind];
  if (typeof total !== 'number' || !Number.isSafeInteger(total) || total < 0 || !Array.isArray(items)) {
    throw sourceFault('source_answer_invalid', { path, said: 'shape' });
  }
  return { total, items: items.map(objectOf), paths: pathsOf(answer['components']), facets: facetsOf(answer['facets']) };
}

function pathsOf(components: unknown): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  for (const component of listOf(components).map(objectOf)) {
    const key = textOf(component['key']);
    const path = textOf(component['path']);
    if (key !== undefined && path !== undefined) paths.set(key, path);
  }
  return paths;
}

export function facetsOf(facets: unknown): ReadonlyMap<string, readonly FacetValue[]> {
  const found = new Map<string, readonly FacetValue[]>();
  for (const facet of listOf(facets).map(objectOf)) {
    const property = textOf(facet['property']);
    if (property === undefined) continue;
    const values = listOf(facet['values']).map(objectOf).map(valueOf);
    found.set(
      property,
      values.filter((each) => each.count > 0),
    );
  }
  return found;
}

function valueOf(value: Readonly<Record<string, unknown>>): FacetValue {
  const { val, count } = value;
  return { value: typeof val === 'string' ? val : '', count: typeof count === 'number' && Number.isSafeInteger(count) ? count : 0 };
}
