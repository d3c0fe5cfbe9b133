import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Keeps the part of the heap small that short-lived objects are made in: by itself it grows to 64 MB under load and never shrinks, for a few per
 * cent of speed.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** While streams go through, so often is looked how much of their buffers is dead and still there, … */
const lookMs = 20;
/** … and from so much on the young part of the heap is collected. */
const buffersBytesMax = 8 * 2 ** 20;

interface Streams {
  count: number;
  timer: NodeJS.Timeout | undefined;
  /** Collects the young part of the heap: a millisecond or two. */
  collect: (() => void) | null;
}

const streams: Streams = { count: 0, timer: undefined, collect: null };

/**
 * While something large streams through, collects the dead buffers itself. V8 takes a server that makes nothing but buffers for an idle one, sees
 * them only by their effect on its limits, and collects the whole heap for every 16 MB of them: for 200 MB that was more than half of the processor
 * time. Answers what ends it.
 */
export function collectWhileStreaming(): () => void {
  streams.count += 1;
  if (streams.count === 1) {
    streams.collect ??= minorCollector();
    let least = getHeapStatistics().external_memory;
    streams.timer = setInterval(() => {
      const outside = getHeapStatistics().external_memory;
      least = Math.min(least, outside);
      if (outside - least > buffersBytesMax) streams.collect?.();
    }, lookMs).unref();
  }
  let held = true;
  return () => {
    if (!held) return;
    held = false;
    streams.count -= 1;
    if (streams.count === 0) clearInterval(streams.timer);
  };
}

/** The engine gives its collector only to a context made while the flag is set. */
function minorCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void;
  setFlagsFromString('--no-expose-gc');
  return () => collect({ type: 'minor' });
}
