import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a receiver of pushes got, in the dialect `github`. */
export interface PushReceiver {
  readonly url: string;
  /** How often each move came: `<ref> <before> <after>`, ids by their first eight digits. */
  readonly received: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

interface Body {
  readonly ref: string;
  readonly before: string;
  readonly after: string;
}

export async function startPushReceiver(): Promise<PushReceiver> {
  const received = new Map<string, number>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.headers['x-github-event'] === 'push') {
        const { ref, before, after } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Body;
        const move = `${ref} ${before.slice(0, 8)} ${after.slice(0, 8)}`;
        received.set(move, (received.get(move) ?? 0) + 1);
      }
      response.writeHead(204).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
