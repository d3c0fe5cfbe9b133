import type { OwaspTag } from '../../analyses/finding.ts';
import type { ReportType } from '../report.ts';
import { descendantsOf, weaknessName } from './catalogue.ts';
import top25 from './cwe-top-25.json' with { type: 'json' };
import top10 from './owasp-top-10.json' with { type: 'json' };

export interface Category {
  /** `CWE-79`, `A01` (2017: `A1`). */
  readonly id: string;
  /** Place in the Top 25, 1 to 25; in the Top 10 the number of the category. */
  readonly rank: number;
  readonly name: string;
  /** What counts directly. */
  readonly cwes: readonly number[];
  /** CWE Top 25: what stands below in the catalogue and is shown in a column of its own. OWASP: empty. */
  readonly descendants: readonly number[];
}

export interface Standard {
  readonly type: ReportType;
  readonly edition: number;
  /** Where the list of categories comes from, one sentence. */
  readonly source: string;
  /** By rank. */
  readonly categories: readonly Category[];
}

/** What a finding is to a standard. Both hold indexes into `standard.categories`, ascending. */
export interface Membership {
  /** Categories it falls in. */
  readonly direct: readonly number[];
  /** CWEs of it that stand below a category. The category may also be among `direct`, by another CWE of the finding. */
  readonly below: readonly { readonly category: number; readonly cwe: number }[];
}

/** What of a finding decides where it belongs. */
export interface Classified {
  readonly cwes: readonly number[];
  readonly owasp: readonly OwaspTag[];
}

const owaspSources: Readonly<Record<number, string>> = {
  2017: 'OWASP Top 10 of 2017; CWEs of each category from MITRE view CWE-1026, since OWASP itself gives examples only.',
  2021: "OWASP Top 10 of 2021; CWEs of each category from OWASP's own lists of mapped CWEs.",
  2025: "OWASP Top 10 of 2025, final; CWEs of each category from OWASP's own lists of mapped CWEs.",
};

/** Every standard and edition there is a report for, each type from its oldest to its newest edition. */
export const standards: readonly Standard[] = [
  ...Object.entries(top25).map(([edition, list]) => cweTop25(Number(edition), list)),
  ...Object.entries(top10).map(([edition, list]) => owaspTop10(Number(edition), list)),
];

/** What an organization that chose nothing gets: the newest edition of each type. */
export const newestStandards: readonly Standard[] = standards.filter(
  (standard) => !standards.some((other) => other.type === standard.type && other.edition > standard.edition),
);

/** Every CWE that a category of any edition counts; ascending. */
export const cwesOfStandards: readonly number[] = [
  ...new Set(standards.flatMap(({ categories }) => categories.flatMap(({ cwes }) => cwes))),
].toSorted((a, b) => a - b);

export function findStandard(type: string, edition: number): Standard | undefined {
  return standards.find((standard) => standard.type === type && standard.edition === edition);
}

const lookUps = new WeakMap<Standard, LookUp>();

/**
 * Where a finding belongs. CWE Top 25: by exactly the CWEs it names. OWASP Top 10: where the tool itself names categories of that
 * edition, those and no others; else the categories that list one of its CWEs.
 */
export function categoriesOf(standard: Standard, finding: Classified): Membership {
  const lookUp = lookUpOf(standard);
  const tagged = standard.type === 'OWASP Top 10' ? taggedCategories(standard, finding.owasp) : [];
  const direct = new Set(tagged);
  const below: { category: number; cwe: number }[] = [];
  for (const cwe of finding.cwes) {
    if (tagged.length === 0) for (const category of lookUp.direct.get(cwe) ?? []) direct.add(category);
    for (const category of lookUp.below.get(cwe) ?? []) below.push({ category, cwe });
  }
  return { direct: [...direct].sort((a, b) => a - b), below: below.sort((a, b) => a.category - b.category || a.cwe - b.cwe) };
}

function taggedCategories(standard: Standard, tags: readonly OwaspTag[]): readonly number[] {
  const found: number[] = [];
  for (const tag of tags) {
    if (tag.edition !== standard.edition) continue;
    // Tools write `A5` and `A05` alike, whatever the edition's own way is.
    const number = /^a0*(\d{1,2})$/i.exec(tag.id)?.[1];
    const index = standard.categories.findIndex((category) => category.rank === Number(number));
    if (index >= 0) found.push(index);
  }
  return found;
}

interface LookUp {
  readonly direct: ReadonlyMap<number, readonly number[]>;
  readonly below: ReadonlyMap<number, readonly number[]>;
}

function lookUpOf(standard: Standard): LookUp {
  const known = lookUps.get(standard);
  if (known !== undefined) return known;
  const lookUp = {
    direct: indexesByCwe(standard.categories.map((category) => category.cwes)),
    below: indexesByCwe(standard.categories.map((category) => category.descendants)),
  };
  lookUps.set(standard, lookUp);
  return lookUp;
}

function indexesByCwe(lists: readonly (readonly number[])[]): ReadonlyMap<number, readonly number[]> {
  const map = new Map<number, number[]>();
  for (const [index, cwes] of lists.entries()) {
    for (const cwe of cwes) map.set(cwe, [...(map.get(cwe) ?? []), index]);
  }
  return map;
}

function cweTop25(edition: number, list: { readonly view: number; readonly cwes: readonly number[] }): Standard {
  return {
    type: 'CWE Top 25',
    edition,
    source: `MITRE CWE Top 25 of ${edition} (view CWE-${list.view}), in MITRE's rank order; each place counts exactly the CWE it names.`,
    categories: list.cwes.map((cwe, index) => ({
      id: `CWE-${cwe}`,
      rank: index + 1,
      name: weaknessName(cwe) ?? '',
      cwes: [cwe],
      descendants: descendantsOf(cwe),
    })),
  };
}

function owaspTop10(
  edition: number,
  list: readonly { readonly id: string; readonly name: string; readonly cwes: readonly number[] }[],
): Standard {
  return {
    type: 'OWASP Top 10',
    edition,
    source: owaspSources[edition] ?? `OWASP Top 10 of ${edition}.`,
    categories: list.map((category, index) => ({ ...category, rank: index + 1, descendants: [] })),
  };
}
