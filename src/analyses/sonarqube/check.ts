import type { Clock } from '../../clock.ts';
import { GatepostError } from '../../errors.ts';
import type { Sealer } from '../../secret-key.ts';
import type { Database } from '../../storage/database/database.ts';
import { listIn, objectIn, textIn, totalIn } from './answers.ts';
import type { Query, SonarqubeClient } from './client/client.ts';
import { isFault } from './client/client.ts';
import type { SourceClients } from './clients.ts';
import { faultText, probe } from './probe.ts';
import type { OpenSource } from './source.ts';
import { openSource, unknownSource } from './source-store.ts';
import type { SourceLog } from './states.ts';
import { settleState } from './states.ts';
import type { WebhookThere } from './webhook-there.ts';
import { findWebhook, makeWebhook } from './webhook-there.ts';

/** One call of the Web API that we need, and whether it is answered. */
export interface CheckedCall {
  readonly path: string;
  readonly ok: boolean;
  /** Null where it is answered. */
  readonly code: string | null;
  readonly message: string | null;
}

/** What a check found; what it did not come to is null or empty. */
export interface CheckFacts {
  readonly reachable: boolean;
  readonly version: string | null;
  /** `community`, `developer`, `enterprise`, `datacenter`. */
  readonly edition: string | null;
  /** Multi-Quality Rule mode; null where the server does not tell. */
  readonly mqr: boolean | null;
  /** Null where nobody came to ask, or the server could not tell. */
  readonly token: {
    readonly valid: boolean | null;
    readonly browses: boolean | null;
    readonly administers: boolean | null;
    readonly seesTasks: boolean | null;
  };
  /** How many projects the token sees. */
  readonly projects: number | null;
  readonly calls: readonly CheckedCall[];
  readonly webhook: WebhookThere;
}

export interface CheckDeps {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly log: SourceLog;
  readonly clients: SourceClients;
}

export interface CheckOptions {
  readonly organization: string;
  readonly source: string;
  /** Where the source's webhooks go. */
  readonly ingestUrl: string;
  /** Make the webhook over there, or set right the one that is there. */
  readonly createWebhook: boolean;
  readonly signal?: AbortSignal;
}

/** A check is a few dozen small calls; one that takes longer has told enough. */
export const checkMsMax = 60_000;

/**
 * Looks at what works between us and a source, and writes it down with the source's new state. What is wrong over there is a finding, not a
 * failure; fails with `unknown_source`, and with `secret_unreadable`.
 */
export async function checkSource(deps: CheckDeps, options: CheckOptions): Promise<CheckFacts> {
  const { database, sealer, clock, log, clients } = deps;
  const { organization } = options;
  const source = await openSource({ read: database.read, sealer, organization, source: options.source });
  if (source === null) throw unknownSource();
  const limit = AbortSignal.timeout(checkMsMax);
  const signal = options.signal === undefined ? limit : AbortSignal.any([limit, options.signal]);
  const { facts, fault } = await clients.with(source, (client) => look(client, { source, signal, options }));
  await database.write((tx) =>
    tx
      .updateTable('sources')
      .set({ facts: JSON.stringify(facts), checked: clock.now(), ...(facts.webhook.key === null ? {} : { webhook: facts.webhook.key }) })
      .where('organization', '=', organization)
      .where('id', '=', source.id)
      .where('revision', '=', source.revision)
      .execute(),
  );
  await settleState({ database, clock, log, source, fault });
  return facts;
}

interface Look {
  readonly source: OpenSource;
  readonly signal: AbortSignal;
  readonly options: CheckOptions;
}

interface Looked {
  readonly facts: CheckFacts;
  readonly fault: { readonly code: string; readonly message: string } | null;
}

const noToken: CheckFacts['token'] = { valid: false, browses: false, administers: false, seesTasks: false };
const unaskedToken: CheckFacts['token'] = { valid: null, browses: null, administers: null, seesTasks: null };
const unreached: CheckFacts = {
  reachable: false,
  version: null,
  edition: null,
  mqr: null,
  token: unaskedToken,
  projects: null,
  calls: [],
  webhook: { state: 'unknown', key: null, code: null, message: null },
};

async function look(client: SonarqubeClient, { source, signal, options }: Look): Promise<Looked> {
  let version: string;
  try {
    ({ version } = await probe(client, { signal }));
  } catch (error) {
    const token = isFault(error, 'source_token_refused') ? noToken : unaskedToken;
    return { facts: { ...unreached, token, reachable: isAnswered(error) }, fault: faultOf(error) };
  }
  const calls = createCalls(client, signal);
  const seen = await calls.get('api/components/search', { qualifiers: 'TRK', ps: 1 });
  const project = textIn(listIn(seen, 'components')[0] ?? {}, 'key') ?? undefined;
  const all = await calls.get('api/projects/search', { ps: 1 });
  await calls.get('api/ce/activity', { ps: 1, component: all === null ? project : undefined });
  await calls.get('api/rules/search', { ps: 1, f: 'name' });
  if (project !== undefined) await lookAtProject(calls, project);
  const webhook = await (options.createWebhook ? makeWebhook : findWebhook)(client, { source, ingestUrl: options.ingestUrl, signal });
  const { edition, mqr } = await kindOf(client, signal);
  const may = (path: string): boolean | null => isGranted(calls.made.find((call) => call.path === path));
  const browsing = calls.made.find((call) => call.path === 'api/components/search');
  return {
    facts: {
      reachable: true,
      version,
      edition: edition ?? (calls.made.some((call) => call.code === 'source_path_unknown') ? 'community' : null),
      mqr,
      token: {
        valid: true,
        browses: may('api/components/search'),
        administers: may('api/projects/search'),
        seesTasks: may('api/ce/activity'),
      },
      projects: seen === null ? null : totalIn(seen),
      calls: calls.made,
      webhook,
    },
    // Without it nothing can be caught up; all else is told by its call alone.
    fault: browsing === undefined || browsing.code === null ? null : { code: browsing.code, message: browsing.message ?? '' },
  };
}

/** What the server did not answer for a reason of its own says nothing of the token. */
function isGranted(call: CheckedCall | undefined): boolean | null {
  if (call === undefined) return null;
  if (call.code === null) return true;
  const isRefused = ['source_token_refused', 'source_forbidden', 'source_path_unknown', 'source_not_found', 'source_refused'].includes(
    call.code,
  );
  return isRefused ? false : null;
}

async function lookAtProject(calls: Calls, project: string): Promise<void> {
  await calls.get('api/project_branches/list', { project });
  // Not in Community, where there are no pull requests either (contract 5.2).
  await calls.get('api/project_pull_requests/list', { project });
  await calls.get('api/project_analyses/search', { project, ps: 1 });
  await calls.get('api/issues/search', { componentKeys: project, ps: 1 });
  await calls.get('api/hotspots/search', { projectKey: project, ps: 1 });
  await calls.get('api/measures/component', { component: project, metricKeys: 'vulnerabilities' });
  await calls.get('api/qualitygates/project_status', { projectKey: project });
  await calls.get('api/qualityprofiles/search', { project });
}

interface Calls {
  readonly made: CheckedCall[];
  /** Null where it was not answered. */
  get(path: string, query: Query): Promise<unknown>;
}

function createCalls(client: SonarqubeClient, signal: AbortSignal): Calls {
  const made: CheckedCall[] = [];
  return {
    made,
    async get(path, query) {
      try {
        const answer = await client.get(path, query, { signal });
        made.push({ path, ok: true, code: null, message: null });
        return answer ?? {};
      } catch (error) {
        made.push({ path, ok: false, ...faultOf(error) });
        return null;
      }
    },
  };
}

/** What the server is, where it tells: neither call is part of what it promises. */
async function kindOf(client: SonarqubeClient, signal: AbortSignal): Promise<Pick<CheckFacts, 'edition' | 'mqr'>> {
  const ask = async (path: string, query: Query): Promise<unknown> => {
    try {
      return await client.get(path, query, { signal });
    } catch (error) {
      faultOf(error);
      return null;
    }
  };
  const edition = textIn(objectIn(await ask('api/navigation/global', {})), 'edition');
  const [setting] = listIn(await ask('api/settings/values', { keys: 'sonar.multi-quality-mode.enabled' }), 'settings');
  const value = setting === undefined ? null : textIn(setting, 'value');
  return { edition, mqr: value === null ? null : value === 'true' };
}

/** Whether there was an answer, be it the wrong one. */
function isAnswered(error: unknown): boolean {
  return !isFault(error, 'source_unreachable', 'source_timeout', 'source_tls', 'source_address_refused', 'stopped');
}

/** A check that ran out of time has met a server that is too slow. What is no fault of the source is ours, and thrown on. */
function faultOf(error: unknown): { readonly code: string; readonly message: string } {
  if (!(error instanceof GatepostError) || !(error.code.startsWith('source_') || error.code === 'stopped')) throw error;
  if (error.code === 'stopped') return { code: 'source_timeout', message: 'The server did not answer in time.' };
  return { code: error.code, message: faultText(error) };
}
