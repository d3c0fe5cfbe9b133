// Child of the ingest bench: a bare Fastify route that reads the same bytes and verifies them, and does nothing else.
import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import Fastify from 'fastify';
import { answerQuestions } from '../../test/delivery/process.ts';

const key = createSecretKey(Buffer.from(process.argv[2] ?? ''));
const server = Fastify();
server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
server.post('/ingest', async (request, reply) => {
  const given = Buffer.from(String(request.headers['x-sonar-webhook-hmac-sha256']), 'hex');
  const right = createHmac('sha256', key)
    .update(request.body as Buffer)
    .digest();
  return reply.code(given.length === right.length && timingSafeEqual(given, right) ? 200 : 401).send();
});
await server.listen({ host: '127.0.0.1', port: 0 });
const address = server.server.address();
answerQuestions(typeof address === 'object' && address !== null ? address.port : 0, {});
