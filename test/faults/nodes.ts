import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import type { DatabaseLocation } from '../../src/storage/database/open.ts';
import type { DeliveryServer } from '../delivery/server.ts';
import { startDeliveryServer } from '../delivery/server.ts';
import { withDatabase } from './books.ts';

/** One of several servers on one PostgreSQL, each with a data directory of its own. */
export interface Node {
  readonly server: DeliveryServer;
  /** What its log says of the attempts it made. */
  attempts(): readonly LoggedAttempt[];
  /** The deliveries that the database says it holds. */
  held(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

export interface LoggedAttempt {
  readonly delivery: string;
  /** `delivered`, `pending`, `exhausted`, or `lease_lost`: it came too late and changed nothing. */
  readonly outcome: string;
}

export interface NodeOptions {
  readonly location: DatabaseLocation;
  readonly name: string;
  readonly settings?: Readonly<Record<string, string>>;
  /** Built, and not started. */
  readonly held?: boolean;
}

export async function startNode({ location, name, settings = {}, held = false }: NodeOptions): Promise<Node> {
  const directory = join(location.directory, name);
  await mkdir(directory);
  const logFile = join(directory, 'server.log');
  const server = await startDeliveryServer({
    location: { ...location, directory },
    settings: { GATEPOST_ARTIFACTS: join(location.directory, 'artifacts'), GATEPOST_RETRY_INTERVAL: '300ms', ...settings },
    held,
    logFile,
  });
  return {
    server,
    attempts: () =>
      readFileSync(logFile, 'utf8')
        .split('\n')
        .filter((line) => line.includes('"delivery.attempted"'))
        .map((line) => JSON.parse(line) as LoggedAttempt),
    held: () => leasedBy(location, readFileSync(join(directory, 'node'), 'utf8').trim()),
    async stop() {
      process.kill(server.pid, 'SIGCONT');
      await server.stop();
    },
  };
}

function leasedBy(location: DatabaseLocation, node: string): Promise<readonly string[]> {
  return withDatabase(location, async (database) => {
    const leased = database.read.selectFrom('deliveries').select('id').where(sql<boolean>`state = 'leased'`);
    return (await leased.where('lease_token', 'like', `${node}:%`).execute()).map((row) => row.id);
  });
}
