import type { GatepostError } from '../../errors.ts';
import { objectIn, textIn } from './answers.ts';
import type { CallOptions, SonarqubeClient } from './client/client.ts';
import { sourceFault } from './client/fault.ts';

/** What a server says of itself before anybody asks for more. */
export interface Probed {
  readonly version: string;
}

/** System states in which a server does not answer as it should (contract 5.1), and what that is for us. */
const statusFaults: Readonly<Record<string, 'source_starting' | 'source_upgrading' | 'source_failing'>> = {
  STARTING: 'source_starting',
  RESTARTING: 'source_starting',
  DB_MIGRATION_NEEDED: 'source_upgrading',
  DB_MIGRATION_RUNNING: 'source_upgrading',
  DOWN: 'source_failing',
};

/** The two calls that tell whether a server is up and knows our token. Fails with what is wrong: the source's state. */
export async function probe(client: SonarqubeClient, options: CallOptions): Promise<Probed> {
  const path = 'api/system/status';
  const status = objectIn(await client.get(path, {}, options));
  const [version, said] = [textIn(status, 'version'), textIn(status, 'status')];
  const fault = statusFaults[said ?? ''];
  if (fault !== undefined) throw sourceFault(fault, { path, said: said ?? '' });
  if (version === null) throw sourceFault('source_not_sonarqube', { path });
  const valid = objectIn(await client.get('api/authentication/validate', {}, options))['valid'];
  if (valid !== true) throw sourceFault('source_token_refused', { path: 'api/authentication/validate' });
  return { version };
}

/** What people read of a fault: what it is, and what the server or the system said. */
export function faultText(error: GatepostError): string {
  const said = error.details?.['said'] ?? error.details?.['reason'];
  return typeof said === 'string' && said !== '' ? `${error.message} (${said})` : error.message;
}
