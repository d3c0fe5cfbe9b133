import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Caller } from '../http/caller.ts';
import type { Database } from '../storage/database/database.ts';
import { readSetting } from '../storage/database/settings.ts';
import type { OpenActions, SonarqubeApiDeps } from './action.ts';

/** What every client asks first, whoever it is (contract 5.1). */
export function serverActions(
  { database, version }: Pick<SonarqubeApiDeps, 'database' | 'version'>,
  callerOf: (request: FastifyRequest) => Promise<Caller | null>,
): OpenActions {
  return {
    'server/version': { run: async () => version },
    'system/status': { run: async () => ({ id: await serverId(database), version, status: 'UP' }) },
    'authentication/validate': {
      contentType: 'application/json;charset=ISO-8859-1',
      run: async (request) => ({ valid: (await callerOf(request)) !== null }),
    },
  };
}

/** The same on every node and for as long as the database lives, in the form that SonarQube's ids have; tells nothing else. */
async function serverId(database: Database): Promise<string> {
  const identity = (await readSetting(database.read, 'artifacts_identity')) ?? '';
  const hash = createHash('sha256').update(`gatepost server ${identity}`).digest('hex').toUpperCase();
  return `${hash.slice(0, 8)}-${hash.slice(8, 28)}`;
}
