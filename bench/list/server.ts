// Child of the list bench: `ours DIRECTORY [URL]` is the real route over a database, `bare FILE` a bare Fastify route that makes JSON of the
// objects in that file, from memory.
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { pino } from 'pino';
import { systemClock } from '../../src/clock.ts';
import { createHttpServer } from '../../src/http/server.ts';
import { createIdentifiers } from '../../src/identifiers.ts';
import { reportListRoutes } from '../../src/reports/list/routes.ts';
import { createOpenLimits } from '../../src/reports/open-limits.ts';
import { openDatabase } from '../../src/storage/database/open.ts';
import { serveBench } from '../load/process.ts';

const [, , kind, path = '', url] = process.argv;
serveBench(kind === 'ours' ? await ours() : await bare());

async function ours(): Promise<number> {
  const database = await openDatabase({ directory: path, url }, 'server');
  // Without a line per request: the bare route writes none either.
  const server = await createHttpServer({
    log: pino({ level: 'warn' }),
    ids: createIdentifiers(),
    version: '0',
    findCaller: async () => null,
  });
  const limits = createOpenLimits({ clock: systemClock, perSecond: 1e9, archivesPerAddress: 1, archivesPerOrganization: 1 });
  reportListRoutes(server, { database, limits });
  await server.listen({ host: '127.0.0.1', port: 0 });
  return (server.server.address() as AddressInfo).port;
}

async function bare(): Promise<number> {
  const body = JSON.parse(readFileSync(path, 'utf8')) as object;
  const server = Fastify();
  server.get('/', async () => body);
  await server.listen({ host: '127.0.0.1', port: 0 });
  return (server.server.address() as AddressInfo).port;
}
