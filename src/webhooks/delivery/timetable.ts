/** What is to be looked at when its time comes. */
export interface Timetable<T> {
  add(at: number, what: T): void;
  /** The earliest time, or null. */
  next(): number | null;
  /** Takes out all whose time has come. */
  due(now: number): readonly T[];
}

/** A binary heap: adding and taking cost by the logarithm of how many wait. */
export function createTimetable<T>(): Timetable<T> {
  const heap: { readonly at: number; readonly what: T }[] = [];
  const at = (index: number): number => heap[index]?.at ?? Number.POSITIVE_INFINITY;
  const swap = (one: number, other: number): void => {
    const [a, b] = [heap[one], heap[other]];
    if (a === undefined || b === undefined) return;
    heap[one] = b;
    heap[other] = a;
  };
  const rise = (from: number): void => {
    for (let index = from; index > 0; ) {
      const parent = (index - 1) >> 1;
      if (at(parent) <= at(index)) return;
      swap(parent, index);
      index = parent;
    }
  };
  const sink = (): void => {
    for (let index = 0; ; ) {
      const left = 2 * index + 1;
      const least = at(left + 1) < at(left) ? left + 1 : left;
      if (at(index) <= at(least)) return;
      swap(index, least);
      index = least;
    }
  };
  const take = (): T | undefined => {
    swap(0, heap.length - 1);
    const first = heap.pop();
    sink();
    return first?.what;
  };
  return {
    add(when, what) {
      heap.push({ at: when, what });
      rise(heap.length - 1);
    },
    next: () => heap[0]?.at ?? null,
    due(now) {
      const all: T[] = [];
      while (at(0) <= now) {
        const what = take();
        if (what !== undefined) all.push(what);
      }
      return all;
    },
  };
}
