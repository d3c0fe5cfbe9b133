import type { Usage } from '../../test/delivery/server.ts';
import type { Row } from './context.ts';
import { endToEnd, onNewServer } from './recorded.ts';

const bytesMax = 220 * 2 ** 20;
/** The last quarter may hold so much more than the second. */
const growthMax = 1.1;
/** Reading the figures takes the server's loop some milliseconds. */
const sampleMs = 500;

/** Recorded by 64 at once and delivered, for long. */
export const memory: Row = {
  name: 'memory',
  run: (context) =>
    onNewServer(context, 1, async (server, database, targets) => {
      const samples: Usage[] = [];
      let asked = false;
      const timer = setInterval(() => {
        if (asked) return;
        asked = true;
        void server
          .usage()
          .then((usage) => samples.push(usage))
          .finally(() => {
            asked = false;
          });
      }, sampleMs);
      const { longRun: count } = context.size;
      const run = await endToEnd(context, { server, database, way: 'inside the server', targets, count });
      clearInterval(timer);
      const peak = (from: number, to: number, pick: (usage: Usage) => number): number =>
        Math.max(...samples.slice(Math.floor(samples.length * from), Math.ceil(samples.length * to)).map(pick));
      const rss = ({ rssBytes }: Usage): number => rssBytes;
      const growth = peak(0.75, 1, rss) / peak(0.25, 0.5, rss);
      const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
      return [
        {
          what: `memory over ${count} deliveries (${run.perSecond.toFixed(0)}/s)`,
          found:
            `RSS ${megabytes(run.rssBytes)} MB at the end, highest ${megabytes(peak(0, 1, rss))} MB (PSS ${megabytes(peak(0, 1, (one) => one.pssBytes))} MB, heap ${megabytes(peak(0, 1, (one) => one.heapBytes))} MB); ` +
            `last quarter ${growth.toFixed(2)} times the second`,
          must: `≤ ${megabytes(bytesMax)} MB, flat (≤ ${growthMax} times)`,
          held: peak(0, 1, rss) <= bytesMax && growth <= growthMax,
        },
      ];
    }),
};
