import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';
import type { ReportFacts } from '../../events/event.ts';
import { closeHere, createArrivals, listenHere } from './arrivals.ts';

/** A webhook that came, and whose signature was right. */
export interface Received {
  readonly id: string;
  readonly event: string;
  readonly body: ReportFacts;
  /** When it had come and was verified, on the clock that was handed in. */
  readonly at: number;
}

export interface Receiver {
  readonly url: string;
  /** From now on signatures are verified with this secret; before, everything is refused. */
  useSecret(secret: string): void;
  /** Is called for every webhook that comes from now on. */
  onFurther(listener: (received: Received) => void): void;
  /** The webhook that speaks of this report; waits for it. Fails after `timeoutMs`, and says then what was refused. */
  waitFor(report: string, timeoutMs: number): Promise<Received>;
  close(): Promise<void>;
}

const bodyBytesMax = 1024 * 1024;

/** A receiver as anybody would write it: the bytes are verified with the published library before they are read, and a repeat does nothing. */
export async function startReceiver({ now }: { readonly now: () => number }): Promise<Receiver> {
  let webhook: Webhook | null = null;
  const arrivals = createArrivals<Received>();
  const server = createServer((request, response) => {
    const take = async () => {
      const bytes = await bodyOf(request);
      try {
        if (webhook === null) throw new Error('no secret is known yet');
        const body = webhook.verify(bytes.toString('utf8'), headersOf(request)) as ReportFacts;
        const id = String(request.headers['webhook-id']);
        response.writeHead(204).end();
        if (!arrivals.has(id)) arrivals.add(id, { id, event: String(request.headers['x-gatepost-event']), body, at: now() });
      } catch (error) {
        arrivals.refuse(error instanceof Error ? error.message : String(error));
        response.writeHead(401).end();
      }
    };
    take().catch(() => response.destroy());
  });
  const origin = await listenHere(server);
  return {
    url: `${origin}/gatepost`,
    useSecret(secret) {
      webhook = new Webhook(secret);
    },
    onFurther: arrivals.onFurther,
    waitFor: (report, timeoutMs) => arrivals.waitFor(({ body }) => body.reports.some(({ id }) => id === report), timeoutMs),
    close: () => closeHere(server),
  };
}

/** The whole body, up to a limit. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > bodyBytesMax) throw new Error('the body is too large');
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function headersOf(request: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
}
