import type { FacetValue, Found } from './search.ts';
import { instantOf, instantText } from './dates.ts';

/** How far a search can be paged: `p * ps` may not pass it (contract 5.3). */
export const reachMax = 10_000;
/** The largest page. */
export const pageMax = 500;
/** What values put together in one slice may come to: a few findings may be added before it is fetched. */
export const packedMax = 9_500;
/** Characters of one parameter in the URL: servers take no more than 8 KB of a request's head. */
export const parameterCharactersMax = 3_000;

export type Parameters = Readonly<Record<string, string>>;

/** A part of a search, apart from all others. */
export interface Slice {
  readonly query: Parameters;
  readonly total: number;
  /** It cannot be split, though it holds more than can be paged: it is read from both its ends. */
  readonly beyond?: true;
}

export interface Asking {
  readonly facets?: readonly string[];
  /** By creation date; the answer's first item is then the oldest (true) or the newest. */
  readonly oldestFirst?: boolean;
}

/** A search of one item, for its total, facets, and first item. */
export type Ask = (query: Parameters, asking: Asking) => Promise<Found>;

/** Facets in which an issue has one value at most. The better ones first, where two cost the same. */
export const splittingFacets = ['rules', 'severities', 'types', 'files', 'directories', 'languages', 'scopes'] as const;

/**
 * Cuts a search into slices that can be paged whole. A facet is used where its counts add up to the total, so that every issue is in exactly
 * one slice; where none does (they list a hundred values at most), the search is cut by creation date. What is left is marked `beyond`.
 */
export async function planSlices(options: {
  readonly ask: Ask;
  readonly query: Parameters;
  readonly found: Found;
}): Promise<readonly Slice[]> {
  return split(options.ask, { query: options.query, total: options.found.total }, options.found, true);
}

async function split(ask: Ask, slice: Slice, found: Found, byDate: boolean): Promise<readonly Slice[]> {
  if (slice.total <= reachMax) return slice.total === 0 ? [] : [slice];
  const way = bestWay(slice, found);
  if (way === undefined) return byDate ? splitByDate(ask, slice) : [{ ...slice, beyond: true }];
  const slices: Slice[] = [];
  for (const { values, count } of way.groups) {
    const child: Slice = { query: { ...slice.query, [way.facet]: values.join(',') }, total: count };
    if (count <= reachMax) slices.push(child);
    else slices.push(...(await split(ask, child, await ask(child.query, { facets: facetsLeft(child.query) }), byDate)));
  }
  return slices;
}

export function facetsLeft(query: Parameters): readonly string[] {
  return splittingFacets.filter((facet) => query[facet] === undefined);
}

interface Group {
  readonly values: readonly string[];
  readonly count: number;
}

interface Way {
  readonly facet: string;
  readonly groups: readonly Group[];
}

/** The facet by which fetching takes the fewest requests; undefined where none tells the whole slice apart. */
function bestWay(slice: Slice, found: Found): Way | undefined {
  let best: { readonly way: Way; readonly cost: number } | undefined;
  for (const facet of facetsLeft(slice.query)) {
    const values = found.facets.get(facet) ?? [];
    const told = values.reduce((sum, each) => sum + each.count, 0);
    // A comma would be read as two values.
    if (values.length < 2 || told !== slice.total || values.some(({ value }) => value === '' || value.includes(','))) continue;
    const way = { facet, groups: groupsOf(values) };
    const cost = way.groups.reduce((sum, group) => sum + costOf(group.count), 0);
    if (best === undefined || cost < best.cost) best = { way, cost };
  }
  return best?.way;
}

/** Requests for a group: its pages, and for one that must be split again what that takes at the least. */
function costOf(count: number): number {
  return Math.ceil(count / pageMax) + (count <= reachMax ? 0 : 1 + count / reachMax);
}

/** Values put together, the largest first, each into the first group that has room. */
function groupsOf(values: readonly FacetValue[]): readonly Group[] {
  const groups: { readonly values: string[]; count: number; characters: number }[] = [];
  for (const { value, count } of values.toSorted((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))) {
    const characters = encodeURIComponent(value).length + 3;
    const group = groups.find((each) => each.count + count <= packedMax && each.characters + characters <= parameterCharactersMax);
    if (group === undefined) groups.push({ values: [value], count, characters });
    else {
      group.values.push(value);
      group.count += count;
      group.characters += characters;
    }
  }
  return groups;
}

/** What a slice by date aims at: the dates' spread is not even, so that a guess should leave room. */
const datedAim = 8_500;
const guessesMax = 6;
const secondMs = 1000;

async function splitByDate(ask: Ask, slice: Slice): Promise<readonly Slice[]> {
  const oldest = createdOf(await ask(slice.query, { oldestFirst: true }));
  const newest = createdOf(await ask(slice.query, { oldestFirst: false }));
  if (oldest === undefined || newest === undefined || newest <= oldest) return [{ ...slice, beyond: true }];
  const slices: Slice[] = [];
  const end = newest + secondMs;
  let from = oldest;
  let left = slice.total;
  while (left > reachMax) {
    const { until, total } = await firstPart({ ask, slice, from, end, left });
    const part: Slice = { query: between(slice.query, from, until), total };
    // One second that holds too much may still be told apart by what the whole could not.
    if (total > reachMax) slices.push(...(await split(ask, part, await ask(part.query, { facets: facetsLeft(part.query) }), false)));
    else if (total > 0) slices.push(part);
    from = until;
    left -= total;
    if (from >= end) break;
  }
  if (left > 0 && from < end) slices.push({ query: between(slice.query, from, end), total: left });
  return slices;
}

interface Dated {
  readonly ask: Ask;
  readonly slice: Slice;
  readonly from: number;
  readonly end: number;
  readonly left: number;
}

/** The longest beginning of a span of time that was found to fit, by a few guesses; one second where nothing longer does. */
async function firstPart({ ask, slice, from, end, left }: Dated): Promise<{ readonly until: number; readonly total: number }> {
  let low = { until: from, total: 0 };
  let high = { until: end, total: left };
  for (let guess = 0; high.until - low.until > secondMs; guess += 1) {
    // By proportion at first, then by halves, which ends however uneven the dates are.
    const share = guess < guessesMax / 2 ? (datedAim - low.total) / (high.total - low.total) : 0.5;
    const step = Math.round(((high.until - low.until) * Math.min(0.95, Math.max(0.05, share))) / secondMs) * secondMs;
    const until = Math.min(high.until - secondMs, low.until + Math.max(secondMs, step));
    const { total } = await ask(between(slice.query, from, until), {});
    if (total > reachMax) high = { until, total };
    else low = { until, total };
    if (low.total >= reachMax / 2 || (low.total > 0 && guess >= guessesMax)) return low;
  }
  return low.total > 0 ? low : high;
}

/** From inclusive, until exclusive, as the server reads the two. */
function between(query: Parameters, from: number, until: number): Parameters {
  return { ...query, createdAfter: instantText(from), createdBefore: instantText(until) };
}

function createdOf(found: Found): number | undefined {
  return instantOf(found.items[0]?.['creationDate']);
}
