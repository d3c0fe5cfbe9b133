/** Keeps the first `max` items of an order, whatever order they come in, and how many there were. */
export interface Worst<T> {
  add(item: T): void;
  /** Whether `add` would keep it: asked first where making the item costs something. */
  takes(item: T): boolean;
  /** Every item that was offered, kept or not. */
  readonly total: number;
  /** What was kept, in order. */
  sorted(): readonly T[];
}

/** `before(a, b)` is negative where a stands before b. A binary heap with the last kept item at its root: memory for `max` items, no more. */
export function createWorst<T>(max: number, before: (a: T, b: T) => number): Worst<T> {
  const heap: T[] = [];
  let total = 0;
  const at = (index: number): T => heap[index] as T;
  const later = (a: number, b: number): boolean => before(at(a), at(b)) > 0;
  const swap = (a: number, b: number): void => {
    [heap[a], heap[b]] = [at(b), at(a)];
  };
  const rise = (index: number): void => {
    for (let child = index; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!later(child, parent)) return;
      swap(child, parent);
      child = parent;
    }
  };
  const sink = (): void => {
    for (let parent = 0; ; ) {
      const left = 2 * parent + 1;
      if (left >= heap.length) return;
      const child = left + 1 < heap.length && later(left + 1, left) ? left + 1 : left;
      if (!later(child, parent)) return;
      swap(child, parent);
      parent = child;
    }
  };
  const takes = (item: T): boolean => heap.length < max || (max > 0 && before(item, at(0)) < 0);
  return {
    takes,
    add(item) {
      total += 1;
      if (!takes(item)) return;
      if (heap.length < max) {
        heap.push(item);
        rise(heap.length - 1);
      } else {
        heap[0] = item;
        sink();
      }
    },
    get total() {
      return total;
    },
    sorted: () => [...heap].sort(before),
  };
}
