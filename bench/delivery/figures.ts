import { median } from '../load/figures.ts';

export { median } from '../load/figures.ts';

/** The value below which this part of all values lies; NaN is left out. */
export function percentile(values: readonly number[] | Float64Array, part: number): number {
  const sorted = Float64Array.from(values)
    .filter((value) => !Number.isNaN(value))
    .toSorted();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** The median, and the least and most where there are several. */
export function spread(values: readonly number[], digits = 0): string {
  const middle = median(values).toFixed(digits);
  return values.length < 2 ? middle : `${middle} (${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)})`;
}

/** `0.3 / 1.2 / 4.0`: p50, p95, p99. */
export function threeOf(values: readonly number[] | Float64Array): string {
  return [0.5, 0.95, 0.99].map((part) => percentile(values, part).toFixed(2)).join(' / ');
}

/** From one column of times to another; what is negative (an answer that comes after what it announces) counts as nothing. */
export function between(from: Float64Array, to: Float64Array): Float64Array {
  return from.map((time, index) => Math.max(0, (to[index] ?? Number.NaN) - time));
}

/** When each numbered event first arrived, in the order of the numbers; NaN: it did not. */
export function firstArrivals(
  { at, tags }: { readonly at: Float64Array; readonly tags: Float64Array },
  firstTag: number,
  count: number,
): Float64Array {
  const first = new Float64Array(count).fill(Number.NaN);
  for (const [index, tag] of tags.entries()) {
    const number = tag - firstTag;
    if (number >= 0 && number < count && Number.isNaN(first[number] ?? 0)) first[number] = at[index] ?? Number.NaN;
  }
  return first;
}
