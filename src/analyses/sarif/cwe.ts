import { tagCharactersMax, tagDepthMax, tagsMax } from './limits.ts';

const written = /\bcwe[-_ /:]*0*(\d{1,5})\b/gi;
const bare = /^\s*0*(\d{1,5})\s*$/;

/** Adds every CWE that a text names as such: `CWE-79: …`, `external/cwe/cwe-079`, `CWE 79`. */
export function addCwesOfText(text: string, into: Set<number>): void {
  for (const match of text.slice(0, tagCharactersMax).matchAll(written)) {
    const cwe = Number(match[1]);
    if (cwe > 0) into.add(cwe);
  }
}

/** What the entry of a CWE taxonomy stands for: there, a bare number is enough. */
export function addCwesOfTaxon(id: string, into: Set<number>): void {
  const number = bare.exec(id)?.[1];
  if (number === undefined) addCwesOfText(id, into);
  else if (Number(number) > 0) into.add(Number(number));
}

/** True for `CWE`, `MITRE CWE`, `CWE Top 25`. */
export function isCweName(name: string): boolean {
  return /\bcwe\b/i.test(name);
}

/** Every text in a value of a property bag: itself, or what its lists hold, lists in lists too. */
export function* textsIn(value: unknown): Generator<string> {
  let seen = 0;
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 0 }];
  for (let next = open.pop(); next !== undefined && seen < tagsMax; next = open.pop()) {
    seen += 1;
    if (typeof next.value === 'string') yield next.value;
    if (!Array.isArray(next.value) || next.depth === tagDepthMax) continue;
    const list = (next.value as readonly unknown[]).slice(0, tagsMax);
    for (const entry of list.toReversed()) open.push({ value: entry, depth: next.depth + 1 });
  }
}
