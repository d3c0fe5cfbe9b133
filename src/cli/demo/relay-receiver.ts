import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { bodyOf } from './receiver.ts';

/** A receiver as it was written for SonarQube: it knows nothing of Gatepost. */
export interface RelayReceiver {
  readonly url: string;
  readonly secret: string;
  /** The first body whose signature was right; waits for it. Fails after `timeoutMs`. */
  waitFor(timeoutMs: number): Promise<Buffer>;
  close(): Promise<void>;
}

/** Verifies `X-Sonar-Webhook-HMAC-SHA256` over the bytes, as SonarQube's own documentation tells receivers to. */
export async function startRelayReceiver({ secret }: { readonly secret: string }): Promise<RelayReceiver> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  let refused = 0;
  const server = createServer((request, response) => {
    const take = async () => {
      const bytes = await bodyOf(request);
      const expected = Buffer.from(createHmac('sha256', secret).update(bytes).digest('hex'));
      const given = Buffer.from(String(request.headers['x-sonar-webhook-hmac-sha256']));
      const right = given.length === expected.length && timingSafeEqual(given, expected);
      response.writeHead(right ? 200 : 401).end();
      if (right) resolve(bytes);
      else refused += 1;
    };
    take().catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/sonarqube-webhook/`,
    secret,
    async waitFor(timeoutMs) {
      const timer = AbortSignal.timeout(timeoutMs);
      const timedOut = once(timer, 'abort').then(() => {
        throw new Error(`no such webhook came within ${timeoutMs / 1000} s; refused: ${refused}`);
      });
      return Promise.race([promise, timedOut]);
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
