import { once } from 'node:events';
import { Agent, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { bar } from '../load/figures.ts';
import { clientsMax, post, repositoryNames, startOurs } from './place.ts';
import { createPusher } from './pusher.ts';
import type { Row } from './row.ts';

const perSecond = 10;
const p95MsMax = 150;

/** From the moment a push begins (before it asks which refs there are) to the arrival of its webhook, at ten pushes a second. */
export const webhook: Row = {
  name: 'webhook',
  async run({ directory, size }) {
    const arrivals = new Map<string, number>();
    const receiver = createServer((request, response) => {
      void request.toArray().then((chunks) => {
        const body = JSON.parse(Buffer.concat(chunks as Buffer[]).toString()) as { readonly after?: string };
        arrivals.set(body.after ?? '', performance.now());
        response.end();
      });
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    const ours = await startOurs('ours', directory);
    try {
      const { port } = receiver.address() as AddressInfo;
      await post(ours, '/v1/webhooks', {
        name: 'bench',
        url: `http://127.0.0.1:${port}/`,
        events: ['push'],
        dialect: 'secure-source-manager',
        secret: null,
      });
      const agent = new Agent({ keepAlive: true, maxSockets: clientsMax });
      const pushers = repositoryNames.map((name) => createPusher(ours, name, agent));
      for (const { push } of pushers) await push();
      const pushed: Promise<{ readonly after: string; readonly begun: number; readonly ended: number }>[] = [];
      const began = performance.now();
      for (let number = 0; number < size.seconds * size.pairs * perSecond; number += 1) {
        await sleep(Math.max(0, began + (number * 1_000) / perSecond - performance.now()));
        const pusher = pushers[number % pushers.length];
        if (pusher !== undefined) pushed.push(pusher.push());
      }
      const all = await Promise.all(pushed);
      await sleep(1_000);
      const whole = all.map(({ after, begun }) => (arrivals.get(after) ?? Number.POSITIVE_INFINITY) - begun);
      const answered = all.map(({ begun, ended }) => ended - begun);
      const p95 = percentile(whole, 0.95);
      return [
        bar(
          p95 <= p95MsMax,
          `webhook     push to received webhook at ${perSecond}/s, ${all.length} pushes: p50 ${percentile(whole, 0.5).toFixed(0)} ms, p95 ${p95.toFixed(0)} ms, most ${percentile(whole, 1).toFixed(0)} ms, at most ${p95MsMax} ms; the push itself p95 ${percentile(answered, 0.95).toFixed(0)} ms`,
        ),
      ];
    } finally {
      receiver.close();
      receiver.closeAllConnections();
      await ours.stop();
    }
  },
};

function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
