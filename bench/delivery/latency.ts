import type { Figure, Row } from './context.ts';
import { between, firstArrivals, percentile, threeOf } from './figures.ts';
import { onNewServer } from './recorded.ts';

const p95MsMax = { accept: 1, call: 8 };
const rates = [200, 1_000];
const arriveMsMax = 30_000;

/** Recorded over HTTP at a steady rate, whatever comes of it. */
export const latency: Row = {
  name: 'latency',
  run: (context) =>
    onNewServer(context, 1, async (server, _database, targets) => {
      const figures: Figure[] = [];
      for (const perSecond of rates) {
        const count = perSecond * context.size.seconds;
        await context.receiver.forget();
        const cpuBefore = (await server.usage()).cpuMs;
        const loaded = await context.drive(server, { targets, count, perSecond });
        const { arrived } = await context.receiver.until(count, arriveMsMax);
        const cpu = ((await server.usage()).cpuMs - cpuBefore) / count;
        const arrivals = firstArrivals(await context.receiver.arrivals(), 0, count);
        figures.push(
          ...told(perSecond, {
            accept: between(loaded.called, loaded.accepted),
            arrive: between(loaded.accepted, arrivals),
            whole: between(loaded.called, arrivals),
          }),
          { what: `at ${perSecond} a second, besides`, found: `${arrived} of ${count} arrived; CPU ${cpu.toFixed(2)} s per 1,000` },
        );
      }
      return figures;
    }),
};

interface Times {
  readonly accept: Float64Array;
  readonly arrive: Float64Array;
  readonly whole: Float64Array;
}

function told(perSecond: number, { accept, arrive, whole }: Times): readonly Figure[] {
  const at = `at ${perSecond} a second`;
  const barred = (what: string, times: Float64Array, most: number): Figure => ({
    what: `${at}, ${what}`,
    found: `${threeOf(times)} ms (p50 / p95 / p99)`,
    must: `p95 ≤ ${most} ms`,
    held: percentile(times, 0.95) <= most,
  });
  return [
    { what: `${at}, call to accept`, found: `${threeOf(accept)} ms` },
    barred('accept to arrival', arrive, p95MsMax.accept),
    barred('call to arrival', whole, p95MsMax.call),
  ];
}
