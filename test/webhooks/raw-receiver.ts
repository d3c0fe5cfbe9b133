// Receivers made of bare sockets, so that every byte they answer is the test's, and senders to them whose deadline is short.
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import type { TestContext } from 'node:test';
import type { Allowlist } from '../../src/webhooks/delivery/guard.ts';
import { createGuard, parseAllowlist } from '../../src/webhooks/delivery/guard.ts';
import type { Resolve } from '../../src/webhooks/delivery/lookups.ts';
import type { Outgoing, Sender, SenderOptions } from '../../src/webhooks/delivery/send.ts';
import { createSender, plainTransport } from '../../src/webhooks/delivery/send.ts';

export const deadlineMs = 400;
export const local = parseAllowlist(['127.0.0.0/8', '::1']);
export const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

interface SenderSetUp extends Partial<Omit<SenderOptions, 'guard'>> {
  readonly allow?: Allowlist;
  readonly resolve?: Resolve;
  readonly ownAddresses?: () => readonly string[];
}

/** Four connections to a webhook, closed with the test. */
export function senderOf(t: TestContext, { allow = local, resolve, ownAddresses, ...options }: SenderSetUp = {}): Sender {
  const guard = createGuard({
    allow,
    clock: { now: () => Date.now() },
    ...(resolve === undefined ? {} : { resolve }),
    ...(ownAddresses === undefined ? {} : { ownAddresses }),
  });
  const sender = createSender({ guard, connectionsMax: 4, deadlineMs, ...options });
  t.after(() => sender.close());
  return sender;
}

export interface Receiver {
  readonly port: number;
  readonly url: URL;
  /** Whole requests that came in. */
  readonly requests: string[];
  connections: number;
  open: number;
}

type Answering = (socket: Socket, nth: number, request: string) => void;

/** Calls `answer` with the socket, the number of the request on it and its text, once a whole request has come. */
export async function receive(t: TestContext, answer: Answering, server: Server = createServer()): Promise<Receiver> {
  const sockets = new Set<Socket>();
  const receiver: Receiver = { port: 0, url: new URL('http://x'), requests: [], connections: 0, open: 0 };
  server.on('setSecureContext' in server ? 'secureConnection' : 'connection', (socket: Socket) => {
    receiver.connections += 1;
    receiver.open += 1;
    sockets.add(socket);
    let text = '';
    let nth = 0;
    const read = (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      const end = text.indexOf('\r\n\r\n') + 4;
      if (end < 4 || text.length < end + length) return;
      const request = text;
      receiver.requests.push(request);
      text = '';
      // What comes through a tunnel is the receiver's behind it.
      if (request.startsWith('CONNECT ')) socket.off('data', read);
      answer(socket, nth, request);
      nth += 1;
    };
    socket.on('error', () => undefined);
    socket.on('close', () => {
      receiver.open -= 1;
      sockets.delete(socket);
    });
    socket.on('data', read);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return Object.assign(receiver, { port, url: new URL(`http://127.0.0.1:${port}/hook?a=b`) });
}

export function outgoing(url: URL, webhook = 'w', transport: Partial<Outgoing['transport']> = {}): Outgoing {
  return {
    webhook,
    url,
    transport: { ...plainTransport, ...transport },
    headers: ['content-type', 'application/json'],
    body: Buffer.from('{"a":1}'),
  };
}

export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
