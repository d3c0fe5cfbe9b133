import { listOf, objectOf, textOf } from '../../sarif/json.ts';
import type { SonarqubeClient } from '../client/client.ts';
import { sourceFault } from '../client/fault.ts';
import { isAbsent } from './measures.ts';

/** What a server says of itself. */
export interface ServerFacts {
  readonly id: string;
  readonly version: string;
  /** `Community`, `Developer`, … where it tells. */
  readonly edition?: string;
  readonly mode: 'mqr' | 'standard';
}

interface Asking {
  readonly client: SonarqubeClient;
  readonly signal: AbortSignal;
}

/** Fails with `source_upgrading` or `source_starting` where the server says that it is not up. */
export async function fetchServer({ client, signal }: Asking): Promise<ServerFacts> {
  const path = 'api/system/status';
  const answer = objectOf(await client.get(path, {}, { signal }));
  const [id, version, status] = ['id', 'version', 'status'].map((name) => textOf(answer[name]));
  if (version === undefined || status === undefined) throw sourceFault('source_not_sonarqube', { path });
  if (status.startsWith('DB_MIGRATION_')) throw sourceFault('source_upgrading', { path });
  if (status !== 'UP') throw sourceFault(status === 'DOWN' ? 'source_failing' : 'source_starting', { path });
  const edition = await editionOf({ client, signal });
  const mode = await modeOf({ client, signal }, version);
  return { id: id ?? '', version, ...(edition === undefined ? {} : { edition }), mode };
}

async function editionOf({ client, signal }: Asking): Promise<string | undefined> {
  try {
    const edition = textOf(objectOf(await client.get('api/navigation/global', {}, { signal }))['edition']);
    return edition === undefined ? undefined : `${edition.slice(0, 1).toUpperCase()}${edition.slice(1)}`;
  } catch (error) {
    if (!isAbsent(error)) throw error;
    return undefined;
  }
}

/** From 10.8 on a server has two modes, and MQR is what a new one begins in (contract 5.5). */
async function modeOf({ client, signal }: Asking, version: string): Promise<'mqr' | 'standard'> {
  if (!isAtLeast(version, 10, 8)) return 'standard';
  try {
    const mode = textOf(objectOf(await client.get('api/v2/clean-code-policy/mode', {}, { signal }))['mode']);
    return mode === undefined || mode === 'MQR' ? 'mqr' : 'standard';
  } catch (error) {
    if (!isAbsent(error)) throw error;
    return 'mqr';
  }
}

export function isAtLeast(version: string, major: number, minor: number): boolean {
  const [, first = '0', second = '0'] = /^(\d+)(?:\.(\d+))?/.exec(version) ?? [];
  return Number(first) > major || (Number(first) === major && Number(second) >= minor);
}

/** An analysis as the server lists it (contract 5.2). */
export interface ListedAnalysis {
  readonly key: string;
  /** As the server writes it. */
  readonly date: string;
  readonly version: string | undefined;
  readonly revision: string | undefined;
}

export function analysesOf(answer: unknown): readonly ListedAnalysis[] {
  return listOf(objectOf(answer)['analyses'])
    .map(objectOf)
    .map((each) => ({
      key: textOf(each['key']) ?? '',
      date: textOf(each['date']) ?? '',
      version: textOf(each['projectVersion']),
      revision: textOf(each['revision']),
    }))
    .filter((each) => each.key !== '');
}
