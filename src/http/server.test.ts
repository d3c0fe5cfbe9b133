import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { createIdentifiers } from '../identifiers.ts';
import { createHttpServer } from './server.ts';

test('an open route answers and a closed one asks for a token', async () => {
  const server = await createHttpServer({
    log: pino({ level: 'silent' }),
    version: '0.0.0',
    ids: createIdentifiers(),
    findCaller: async () => null,
  });
  server.get('/open', { config: { scope: null } }, async () => ({ ok: true }));
  server.get('/closed', { config: { scope: 'read' } }, async () => ({ ok: true }));
  assert.deepEqual((await server.inject('/open')).json(), { ok: true });
  const refused = await server.inject('/closed');
  assert.equal(refused.statusCode, 401);
  assert.equal(refused.json().code, 'token_missing');
  await server.close();
});
