import type { FastifyReply, FastifyRequest } from 'fastify';
import type { HttpServer } from './http-server.ts';

export type OnSettled = (request: FastifyRequest, reply: FastifyReply, aborted: boolean) => void;

/** Runs once per request, when its last byte is sent or its client has gone. Fastify's own `onResponse` knows nothing of those that go. */
export function whenSettled(server: HttpServer, run: OnSettled): void {
  const settled = new WeakSet<FastifyRequest>();
  const once = (request: FastifyRequest, reply: FastifyReply, aborted: boolean): void => {
    if (settled.has(request)) return;
    settled.add(request);
    run(request, reply, aborted);
  };
  server.addHook('onRequest', async (request, reply) => {
    // May come before a later hook's `onResponse`: whether all was sent is asked, not guessed from the order.
    reply.raw.once('close', () => once(request, reply, !reply.raw.writableFinished));
  });
  server.addHook('onResponse', async (request, reply) => once(request, reply, false));
}
