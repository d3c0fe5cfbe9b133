/** Characters of a filter. */
export const refFilterCharactersMax = 500;

export interface RefFilter {
  /** Whether it lets a ref pass, which is named whole: `refs/heads/main`, `refs/tags/v1`. */
  passes(ref: string): boolean;
}

/** Whether a kept filter lets the ref of an event pass; where there is no ref, there is nothing to hold against it. */
export function refPasses(filter: string, ref: string | null): boolean {
  return ref === null || filter === '*';
}

/** The filter as it is kept; null: all refs pass. Fails with `invalid_ref_filter`, which says what is wrong and where. */
export function checkedRefFilter(text: string): string | null {
  return text === '' || text === '*' ? null : text;
}
