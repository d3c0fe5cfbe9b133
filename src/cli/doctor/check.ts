/** One thing that was looked at. */
export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'warning' | 'failed';
  readonly says: string;
  /** What to do about it. */
  readonly remedy?: string;
  /** Which ones, where there are several: the first `itemsShownMax`. */
  readonly items?: readonly Item[];
}

/** One of several: what people read, and the same as facts for programs. */
export interface Item {
  readonly says: string;
  readonly [fact: string]: string | number | boolean | null;
}

/** Of what there is more than this, the first are shown and the others counted. */
export const itemsShownMax = 20;
/** Rows are counted up to here: to look must cost nothing, beside a server that has work to do. */
export const countedMax = 10_000;

export function ok(name: string, says: string): Check {
  return { name, state: 'ok', says };
}

export function warning(name: string, says: string, remedy: string, items?: readonly Item[]): Check {
  return { name, state: 'warning', says, remedy, ...(items === undefined ? {} : { items }) };
}

export function failed(name: string, says: string, remedy: string): Check {
  return { name, state: 'failed', says, remedy };
}

/** A count that ended at `countedMax` says so. */
export function countText(count: number): string {
  return count >= countedMax ? `${countedMax.toLocaleString('en-US')} or more` : count.toLocaleString('en-US');
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
