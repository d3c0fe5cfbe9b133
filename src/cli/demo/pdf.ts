/**
 * How many pages a PDF says it has: the `/Count` of the root of its page tree, found as a reader finds it, from the last trailer over the catalog.
 * Understands files with a plain cross-reference table, as the reports have. Null where it cannot tell.
 */
export function pagesOfPdf(bytes: Uint8Array): number | null {
  const text = Buffer.from(bytes).toString('latin1');
  const root = last(text, /\/Root\s+(\d+)\s+0\s+R/g);
  const pages = root === null ? null : /\/Pages\s+(\d+)\s+0\s+R/.exec(objectOf(text, root))?.[1];
  const count = pages === undefined || pages === null ? null : /\/Count\s+(\d+)/.exec(objectOf(text, pages))?.[1];
  return count === undefined || count === null ? null : Number(count);
}

function last(text: string, pattern: RegExp): string | null {
  return [...text.matchAll(pattern)].at(-1)?.[1] ?? null;
}

/** The newest text of an object: an update appends a copy. */
function objectOf(text: string, number: string): string {
  const begin = text.lastIndexOf(`\n${number} 0 obj`);
  return begin < 0 ? '' : text.slice(begin, text.indexOf('endobj', begin));
}
