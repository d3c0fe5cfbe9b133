// Child of the zip bench: `ours DIRECTORY` is the real route over SQLite and an artefact directory, `bare FILE` a bare stream of one file.
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pino } from 'pino';
import { systemClock } from '../../src/clock.ts';
import { createHttpServer } from '../../src/http/server.ts';
import { createIdentifiers } from '../../src/identifiers.ts';
import { reportArchiveRoutes } from '../../src/reports/archive/routes.ts';
import { createOpenLimits } from '../../src/reports/open-limits.ts';
import { createArtifactDirectory } from '../../src/storage/artifacts/directory.ts';
import { openDatabase } from '../../src/storage/database/open.ts';
import { serveBench } from '../load/process.ts';

const [, , kind, path = ''] = process.argv;
serveBench(kind === 'ours' ? await ours(path) : await bare(path));

async function ours(directory: string): Promise<number> {
  const database = await openDatabase({ directory }, 'server');
  const server = await createHttpServer({
    log: pino({ level: 'warn' }),
    ids: createIdentifiers(),
    version: '0',
    findCaller: async () => null,
  });
  reportArchiveRoutes(server, {
    database,
    artifacts: createArtifactDirectory({ root: join(directory, 'artifacts'), clock: systemClock }),
    limits: createOpenLimits({ clock: systemClock, perSecond: 1e6, archivesPerAddress: 100, archivesPerOrganization: 100 }),
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  return (server.server.address() as AddressInfo).port;
}

async function bare(file: string): Promise<number> {
  const { size } = statSync(file);
  const server = createServer((_request, response) => {
    response.setHeader('content-length', size);
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return (server.address() as AddressInfo).port;
}
