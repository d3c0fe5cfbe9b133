import { Agent } from 'node:http';
import { bar, median } from '../load/figures.ts';
import { startNginx } from './nginx.ts';
import type { Place } from './place.ts';
import { clientsMax, repositoryNames, startOurs } from './place.ts';
import { createPusher } from './pusher.ts';
import type { Row } from './row.ts';

const ratioMin = 0.85;

/**
 * Pushes of one commit by 16 clients, each to a repository of its own: with the event recorded; by the same HTTP handed to a bare
 * `git receive-pack`, nothing recorded; and `git http-backend` behind nginx.
 */
export const small: Row = {
  name: 'small',
  async run({ directory, size }) {
    const places: Record<string, Place | null> = {
      ours: await startOurs('ours', directory),
      bare: await startOurs('bare', directory),
      nginx: await startNginx(directory),
    };
    const rates: Record<string, number[]> = { ours: [], bare: [], nginx: [] };
    try {
      const clients = Object.entries(places).flatMap(([kind, place]) => (place === null ? [] : [{ kind, push: createClients(place) }]));
      for (const { push } of clients) await push(1_000);
      for (let pair = 0; pair < size.pairs; pair += 1) {
        for (const { kind, push } of pair % 2 === 0 ? clients : clients.toReversed()) rates[kind]?.push(await push(size.seconds * 1_000));
      }
    } finally {
      await Promise.all(Object.values(places).map(async (place) => place?.stop()));
    }
    const of = (kind: string): string => (places[kind] === null ? 'not installed' : `${median(rates[kind] ?? []).toFixed(0)}/s`);
    const ratio = median((rates['ours'] ?? []).map((rate, pair) => rate / (rates['bare']?.[pair] ?? Number.NaN)));
    return [
      bar(
        ratio >= ratioMin,
        `small       one commit, ${clientsMax} clients: ours ${of('ours')}, bare git-receive-pack ${of('bare')}, git http-backend behind nginx ${of('nginx')}; ratio to bare ${ratio.toFixed(2)}, at least ${ratioMin}`,
      ),
    ];
  },
};

/** Pushes for so long with all clients, and answers how many a second. */
function createClients(place: Place): (ms: number) => Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: clientsMax });
  const pushers = repositoryNames.map((name) => createPusher(place, name, agent));
  return async (ms) => {
    const began = performance.now();
    let count = 0;
    await Promise.all(
      pushers.map(async ({ push }) => {
        while (performance.now() - began < ms) {
          await push();
          count += 1;
        }
      }),
    );
    return count / ((performance.now() - began) / 1_000);
  };
}
