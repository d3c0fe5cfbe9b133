import { createShim } from '../../test/delivery/shim.ts';
import type { Figure, Row } from './context.ts';
import { between, percentile } from './figures.ts';
import { endToEnd, onNewServer } from './recorded.ts';

const syncMs = 5;
const pauseMsMax = 5;
const perSecondMin = 3_000;
const steadyPerSecond = 1_000;

/** Every fsync takes 5 ms longer: the loop that answers HTTP must not feel it, and many share one. */
export const slowDisk: Row = {
  name: 'slow-disk',
  async run(context) {
    if (context.engine !== 'sqlite') return [{ what: 'slow disk', found: 'a matter of the PostgreSQL server, not of ours' }];
    const shim = createShim();
    try {
      return await onNewServer(
        context,
        1,
        async (server, database, targets) => {
          shim.slowDisk(syncMs);
          const figures: Figure[] = [];
          for (const way of ['over HTTP', 'inside the server'] as const) {
            let perSecond = 0;
            const delay = await server.delayWhile(async () => {
              ({ perSecond } = await endToEnd(context, { server, database, way, targets, count: context.size.messages }));
            });
            figures.push(
              {
                what: `fsync ${syncMs} ms longer, recorded by 64 ${way}, end to end`,
                found: `${perSecond.toFixed(0)}/s`,
                must: `≥ ${perSecondMin}/s`,
                held: perSecond >= perSecondMin,
              },
              pauses(`at that load ${way}`, delay),
            );
          }
          const count = steadyPerSecond * context.size.seconds;
          await context.receiver.forget();
          let accept: Float64Array = new Float64Array();
          const delay = await server.delayWhile(async () => {
            const loaded = await context.drive(server, { targets, count, perSecond: steadyPerSecond });
            accept = between(loaded.called, loaded.accepted);
          });
          return [
            ...figures,
            pauses(`at ${steadyPerSecond} a second (accepted within p95 ${percentile(accept, 0.95).toFixed(1)} ms)`, delay),
          ];
        },
        { settings: shim.environment },
      );
    } finally {
      shim.close();
    }
  },
};

function pauses(when: string, { p50, p99, max }: { readonly p50: number; readonly p99: number; readonly max: number }): Figure {
  return {
    what: `fsync ${syncMs} ms longer, pauses of the loop ${when}`,
    found: `${p50.toFixed(1)} / ${p99.toFixed(1)} ms (p50 / p99), worst ${max.toFixed(1)} ms`,
    must: `p99 ≤ ${pauseMsMax} ms`,
    held: p99 <= pauseMsMax,
  };
}
