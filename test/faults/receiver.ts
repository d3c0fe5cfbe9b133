import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import type { ReportFacts } from '../../src/events/event.ts';

/** What a receiver of webhooks got, each body verified with the published library before it is read. */
export interface Receiver {
  readonly url: string;
  /** How often each report came, by its id. */
  readonly reports: ReadonlyMap<string, number>;
  /** How often each `webhook-id` came. */
  readonly deliveries: ReadonlyMap<string, number>;
  readonly refused: number;
  verifyWith(secret: string): void;
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const reports = new Map<string, number>();
  const deliveries = new Map<string, number>();
  let webhook: Webhook | null = null;
  let refused = 0;
  const count = (map: Map<string, number>, key: string): void => void map.set(key, (map.get(key) ?? 0) + 1);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      try {
        const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
        const facts = webhook?.verify(Buffer.concat(chunks).toString('utf8'), headers) as ReportFacts;
        for (const report of facts.reports) count(reports, report.id);
        count(deliveries, headers['webhook-id'] ?? '');
        response.writeHead(204).end();
      } catch {
        refused += 1;
        response.writeHead(400).end();
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    reports,
    deliveries,
    get refused() {
      return refused;
    },
    verifyWith(secret) {
      webhook = new Webhook(secret);
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
