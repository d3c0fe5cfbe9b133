import data from './cwe.json' with { type: 'json' };

const names: Readonly<Record<string, string>> = data.names;
const parents: Readonly<Record<string, readonly number[]>> = data.parents;
const prohibited: ReadonlySet<number> = new Set(data.prohibited);
const discouraged: ReadonlySet<number> = new Set(data.discouraged);
const children = childrenByParent();

/** The edition of MITRE's catalogue that names, descendants and mapping notes are taken from: `4.15 (2024-07-16)`. */
export const cweCatalogue = `${data.version} (${data.date})`;
export const cweCatalogueVersion = data.version;

/** The weakness's name, or undefined for a number the catalogue does not know (categories and views are no weaknesses). */
export function weaknessName(cwe: number): string | undefined {
  return names[String(cwe)];
}

/** What MITRE says against naming this CWE as the cause of a finding; null where there is nothing against it. */
export function mappingUsage(cwe: number): 'Prohibited' | 'Discouraged' | null {
  if (prohibited.has(cwe)) return 'Prohibited';
  return discouraged.has(cwe) ? 'Discouraged' : null;
}

/** All weaknesses below this one, at any depth, ascending, without itself. */
export function descendantsOf(cwe: number): readonly number[] {
  const found = new Set<number>();
  const waiting = [cwe];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const child of children.get(next) ?? []) {
      // A weakness may have several parents, so the same one is reached on several ways.
      if (child === cwe || found.has(child)) continue;
      found.add(child);
      waiting.push(child);
    }
  }
  return [...found].sort((a, b) => a - b);
}

function childrenByParent(): ReadonlyMap<number, readonly number[]> {
  const map = new Map<number, number[]>();
  for (const [child, above] of Object.entries(parents)) {
    for (const parent of above) {
      const list = map.get(parent);
      if (list === undefined) map.set(parent, [Number(child)]);
      else list.push(Number(child));
    }
  }
  return map;
}
