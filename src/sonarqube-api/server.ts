import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Caller } from '../http/caller.ts';
import type { Database } from '../storage/database/database.ts';
import { readSetting } from '../storage/database/settings.ts';
import { administers } from './login.ts';
import type { Actions, OpenActions, SonarqubeApiDeps } from './action.ts';

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

/** What clients ask to know whom they talk to, before they ask for anything that we hold: no settings of SonarQube's are ours. */
export function settingActions({ version }: Pick<SonarqubeApiDeps, 'version'>): Actions {
  return {
    'navigation/global': {
      method: 'GET',
      run: async ({ caller }) => ({
        canAdmin: administers(caller, null),
        globalPages: [],
        settings: {},
        qualifiers: ['TRK'],
        version,
        productionDatabase: true,
        edition: 'community',
        standalone: true,
      }),
    },
    'settings/values': { method: 'GET', run: async ({ parameters, serverUrl }) => settingsNamed(parameters.filled('keys'), serverUrl) },
    // What is new here is what the version before did not have.
    'new_code_periods/show': { method: 'GET', run: async () => ({ type: 'PREVIOUS_VERSION', inherited: false }) },
    'v2/clean-code-policy/mode': { method: 'GET', run: async () => ({ mode: 'STANDARD_EXPERIENCE', modifiable: false }) },
    'settings/list_definitions': { method: 'GET', run: async () => ({ definitions: [] }) },
  };
}

/** Those of theirs that we have a word for: where we are, and that nobody sees a project without a token. */
function settingsNamed(keys: string | undefined, serverUrl: string): object {
  const known = [
    { key: 'sonar.core.serverBaseURL', value: serverUrl, inherited: false },
    { key: 'projects.default.visibility', value: 'private', inherited: true },
  ];
  const named = keys?.split(',');
  return { settings: known.filter(({ key }) => named?.includes(key) ?? true), setSecuredSettings: [] };
}

/** The same on every node and for as long as the database lives, in the form that SonarQube's ids have; tells nothing else. */
async function serverId(database: Database): Promise<string> {
  const identity = (await readSetting(database.read, 'artifacts_identity')) ?? '';
  const hash = createHash('sha256').update(`gatepost server ${identity}`).digest('hex').toUpperCase();
  return `${hash.slice(0, 8)}-${hash.slice(8, 28)}`;
}
