import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { GatepostError } from './errors.ts';
import type { Kind, LogLevel } from './setting-kinds.ts';
import {
  text,
  integer,
  duration,
  size,
  url,
  publicUrl,
  mailServer,
  mailbox,
  pathPrefix,
  networks,
  networksAndHosts,
  level,
  secretKey,
  headers,
} from './setting-kinds.ts';

export type { LogLevel } from './setting-kinds.ts';

interface Setting<T> extends Kind<T> {
  readonly name: string;
  readonly fallback: T;
  /** The default as people read it. */
  readonly shown: string;
  readonly reason: string;
}

function setting<T>(name: string, kind: Kind<T>, [shown, fallback]: readonly [string, T], reason: string): Setting<T> {
  return { ...kind, name, fallback, shown, reason };
}

/** Every setting there is: name, type, default, and why one would touch it. `docs/operating.md` and `serve --help` are made from it. */
const settings = {
  data: setting('GATEPOST_DATA', text, ['./data', './data'], 'Where database, artefacts and key file live; back up this directory.'),
  host: setting('GATEPOST_HOST', text, ['127.0.0.1', '127.0.0.1'], 'The address to listen on; 0.0.0.0 takes requests from other machines.'),
  port: setting(
    'GATEPOST_PORT',
    integer(0, 65_535),
    ['8480', 8480],
    'The port to listen on; 0 takes a free one, which is printed and logged.',
  ),
  url: setting(
    'GATEPOST_URL',
    publicUrl,
    ['the address itself', null],
    'The public base URL in links and payloads; for the command line, the server to talk to.',
  ),
  databaseUrl: setting(
    'DATABASE_URL',
    url(['postgres:', 'postgresql:']),
    ['none: SQLite in the data directory', null],
    'PostgreSQL, for many nodes on one database.',
  ),
  databaseConnections: setting(
    'GATEPOST_DATABASE_CONNECTIONS',
    integer(2, 500),
    ['10', 10],
    'Connections of one node to PostgreSQL; all nodes together must stay below its max_connections.',
  ),
  artifacts: setting<string | null>(
    'GATEPOST_ARTIFACTS',
    text,
    ['<data>/artifacts', null],
    'The directory of reports and scans; may lie on another disk.',
  ),
  token: setting<string | null>('GATEPOST_TOKEN', text, ['none', null], 'For the command line: which token to show the server.'),
  trustProxy: setting(
    'GATEPOST_TRUST_PROXY',
    networks,
    ['none', []],
    'The proxies whose X-Forwarded-* headers count; anybody else could forge an address.',
  ),
  path: setting('GATEPOST_PATH', pathPrefix, ['/', '/'], 'The path prefix, where a proxy gives us a part of a site.'),
  secretKey: setting(
    'GATEPOST_SECRET_KEY',
    secretKey,
    ['a 0600 file in the data directory', null],
    'Encrypts secrets at rest; nodes of one database share it. Lost key, lost secrets.',
  ),
  secretKeyNew: setting(
    'GATEPOST_SECRET_KEY_NEW',
    secretKey,
    ['none', null],
    'The key to change to, for gatepost rotate-key; beside the old one until every node has it as GATEPOST_SECRET_KEY.',
  ),
  webhooksAllow: setting(
    'GATEPOST_WEBHOOKS_ALLOW',
    networksAndHosts,
    ['empty', []],
    'Private addresses that webhooks may reach; they are refused otherwise.',
  ),
  sourcesAllow: setting(
    'GATEPOST_SOURCES_ALLOW',
    networksAndHosts,
    ['empty: all but link-local, cloud metadata, multicast', []],
    'The only addresses that sources (SonarQube) may be at, where set; private ones need no leave otherwise.',
  ),
  proxy: setting(
    'GATEPOST_PROXY',
    url(['http:', 'https:']),
    ['none', null],
    'The proxy that webhooks are sent through; it must allow CONNECT to their ports, and may have user and password.',
  ),
  caFile: setting<string | null>(
    'GATEPOST_CA_FILE',
    text,
    ['none', null],
    "Certificates (PEM) of your own authority, which webhooks' connections believe beside the public ones.",
  ),
  webhookHeaders: setting(
    'GATEPOST_WEBHOOK_HEADERS',
    headers,
    ['none', {}],
    'Headers added to whatever webhooks are sent, such as a gateway in between asks for; a webhook may have its own.',
  ),
  retryIntervalMs: setting(
    'GATEPOST_RETRY_INTERVAL',
    duration,
    ['1h', 3_600_000],
    'How long a failed delivery waits for its next attempt; tests and demos shorten it.',
  ),
  retryForMs: setting('GATEPOST_RETRY_FOR', duration, ['5d', 432_000_000], 'How long a delivery is retried before it is exhausted.'),
  inFlightMin: setting(
    'GATEPOST_IN_FLIGHT_MIN',
    integer(1, 1_000),
    ['4', 4],
    'How many attempts may be under way to one webhook that answers, to begin with.',
  ),
  inFlightMax: setting(
    'GATEPOST_IN_FLIGHT_MAX',
    integer(1, 1_000),
    ['64', 64],
    'How many that grows to while it answers; lower it where receivers are weak.',
  ),
  inFlightOfAll: setting(
    'GATEPOST_IN_FLIGHT_OF_ALL',
    integer(16, 4_000),
    ['512', 512],
    'How many attempts may be under way in all, to webhooks that answer.',
  ),
  slowMs: setting(
    'GATEPOST_SLOW_AFTER',
    duration,
    ['1s', 1_000],
    'A webhook that takes longer to answer is slow: it shares one small lane with all that are.',
  ),
  slowLane: setting(
    'GATEPOST_SLOW_LANE',
    integer(1, 1_000),
    ['32', 32],
    'How many attempts may be under way to all slow webhooks together.',
  ),
  deliveriesKeptMs: setting(
    'GATEPOST_DELIVERIES_KEPT',
    duration,
    ['30d', 2_592_000_000],
    'How long settled deliveries and their attempts are kept.',
  ),
  warnAfterMs: setting('GATEPOST_WARN_AFTER', duration, ['1d', 86_400_000], 'How long a webhook fails until its organization is warned.'),
  offAfterMs: setting('GATEPOST_OFF_AFTER', duration, ['5d', 432_000_000], 'How long a webhook fails until it is switched off.'),
  smtpUrl: setting<string | null>(
    'GATEPOST_SMTP_URL',
    mailServer,
    ['none: no mail is sent', null],
    'The mail server, with user and password where it wants them; smtp: speaks TLS where the server offers it, and ?requireTLS=true insists.',
  ),
  mailFrom: setting<string | null>('GATEPOST_MAIL_FROM', mailbox, ['none', null], 'The sender of mails; needed with GATEPOST_SMTP_URL.'),
  uploadBytesMax: setting('GATEPOST_UPLOAD_MAX', size, ['1GiB', 2 ** 30], 'The largest scan or report taken in, counted after unpacking.'),
  analysesAtOnce: setting(
    'GATEPOST_ANALYSES_AT_ONCE',
    integer(1, 64),
    ['1', 1],
    'How many analyses one node works on; each takes a core and up to 600 MB. While all of them are large, one of up to 2 MiB beside them.',
  ),
  fetchesAtOnce: setting(
    'GATEPOST_FETCHES_AT_ONCE',
    integer(1, 1_000),
    ['16', 16],
    'How many analyses one node fetches from SonarQube servers at once.',
  ),
  fetchesPerSource: setting(
    'GATEPOST_FETCHES_PER_SOURCE',
    integer(1, 64),
    ['2', 2],
    'Of these, how many from one SonarQube server; their requests share its budget.',
  ),
  fetchRetryMs: setting(
    'GATEPOST_FETCH_RETRY',
    duration,
    ['5s', 5_000],
    'The wait after a fetch that failed; it doubles each time, up to 15 minutes. Tests and demos shorten it.',
  ),
  fetchForMs: setting(
    'GATEPOST_FETCH_FOR',
    duration,
    ['5d', 432_000_000],
    'How long an analysis is fetched for again and again before it has failed.',
  ),
  catchUpEveryMs: setting(
    'GATEPOST_CATCH_UP_INTERVAL',
    duration,
    ['10m', 600_000],
    'How often a SonarQube server is asked for what its webhooks did not bring.',
  ),
  catchUpFirst: setting(
    'GATEPOST_CATCH_UP_FIRST',
    integer(0, 500),
    ['1', 1],
    'How many of the newest analyses of each branch the first such look brings in; later ones bring in all since.',
  ),
  repositoryBytesMax: setting(
    'GATEPOST_REPOSITORY_MAX',
    size,
    ['10GiB', 10 * 2 ** 30],
    'The largest a git repository may grow on disk; a repository may have a lower limit of its own, as for the two below.',
  ),
  objectBytesMax: setting(
    'GATEPOST_REPOSITORY_OBJECT_MAX',
    size,
    ['1GiB', 2 ** 30],
    'The largest file, unpacked, that may be pushed to a git repository.',
  ),
  refsMax: setting(
    'GATEPOST_REPOSITORY_REFS_MAX',
    integer(10, 1_000_000),
    ['50000', 50_000],
    'How many branches, tags and other refs a git repository may have; every fetch lists them.',
  ),
  gitProgram: setting(
    'GATEPOST_GIT',
    text,
    ['git', 'git'],
    'The git that repositories are worked on with, 2.38 or newer; found on PATH unless it is a path.',
  ),
  gitAtOnce: setting(
    'GATEPOST_GIT_AT_ONCE',
    integer(4, 1_000),
    ['32', 32],
    'How many clones, fetches and pushes are under way at once; others wait up to 30 s. One organization has at most three quarters.',
  ),
  gitMemory: setting(
    'GATEPOST_GIT_MEMORY',
    size,
    ['4GiB', 4 * 2 ** 30],
    'The address space one process of git may take, mapped packs among it; a push that lies about its sizes ends there.',
  ),
  openPerSecond: setting(
    'GATEPOST_OPEN_PER_SECOND',
    integer(1, 1_000_000),
    ['100', 100],
    'Open report calls per second and address before 429.',
  ),
  archivesPerAddress: setting(
    'GATEPOST_ARCHIVES_PER_ADDRESS',
    integer(1, 100_000),
    ['8', 8],
    'Archives under way to one address before 429.',
  ),
  archivesPerOrganization: setting(
    'GATEPOST_ARCHIVES_PER_ORGANIZATION',
    integer(1, 100_000),
    ['64', 64],
    'Archives under way from one organization before 429.',
  ),
  sweepGraceMs: setting(
    'GATEPOST_SWEEP_GRACE',
    duration,
    ['1d', 86_400_000],
    'How long an artefact that nothing points to stays; longer than any download.',
  ),
  sonarqubeVersion: setting(
    'GATEPOST_SONARQUBE_VERSION',
    text,
    ['26.9.0.129388', '26.9.0.129388'],
    "The version that SonarQube's clients are told at /api, and receivers by the User-Agent of its webhooks; some ask before they go on.",
  ),
  sonarqubeWebhooksMax: setting(
    'GATEPOST_SONARQUBE_WEBHOOKS_MAX',
    integer(1, 500),
    ['10', 10],
    'How many webhooks of the dialect sonarqube there may be for an organization, and for each project.',
  ),
  log: setting<LogLevel>(
    'GATEPOST_LOG',
    level,
    ['info', 'info'],
    'The level from which on lines are logged; one JSON object a line on stderr.',
  ),
};

type Values = { readonly [K in keyof typeof settings]: (typeof settings)[K] extends Setting<infer T> ? T : never };

export interface Configuration extends Values {
  /** Always told, and absolute. */
  readonly artifacts: string;
}

/**
 * All settings from the environment. What is empty counts as not set. Fails with `configuration_invalid`, whose message names every problem,
 * one a line: a bad value, and any `GATEPOST_*` name that is none of ours (a misspelt setting would else be passed over in silence).
 */
export function readConfiguration(environment: Readonly<Record<string, string | undefined>>): Configuration {
  const problems: string[] = [];
  const known = new Set<string>(Object.values(settings).map((one) => one.name));
  for (const [name, value] of Object.entries(environment)) {
    if (name.startsWith('GATEPOST_') && !known.has(name) && value !== undefined && !isServiceLink(name, value)) {
      problems.push(`${name}: no such setting${suggestion(name, known)}`);
    }
  }
  const read = <T>(one: Setting<T>): T => {
    const value = environment[one.name]?.trim() ?? '';
    if (value === '' || isServiceLink(one.name, value)) return one.fallback;
    try {
      return one.parse(value);
    } catch (error) {
      problems.push(`${one.name}: ${error instanceof Error ? error.message : String(error)}`);
      return one.fallback;
    }
  };
  const values = Object.fromEntries(Object.entries(settings).map(([key, one]) => [key, read<unknown>(one)])) as Values;
  if (values.smtpUrl !== null && values.mailFrom === null) problems.push('GATEPOST_MAIL_FROM: must be set where GATEPOST_SMTP_URL is');
  if (problems.length > 0) throw new GatepostError('invalid', 'configuration_invalid', problems.join('\n'), { details: { problems } });
  const data = resolve(values.data);
  return { ...values, data, artifacts: resolve(values.artifacts ?? join(data, 'artifacts')) };
}

/** The environment with what a `.env` file in this directory adds. What the environment names already, it keeps. */
export function environmentWith(
  directory: string,
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  let file: string;
  try {
    file = readFileSync(join(directory, '.env'), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { ...environment };
    throw new GatepostError('invalid', 'configuration_invalid', 'The .env file cannot be read.', { cause: error });
  }
  return { ...parseEnv(file), ...environment };
}

/** What Kubernetes puts into the environment for a service named `gatepost` (or `gatepost-…`): not meant for us. */
function isServiceLink(name: string, value: string): boolean {
  if (/^GATEPOST_(\w+_)?SERVICE_(HOST|PORT(_\w+)?)$/.test(name)) return true;
  if (/^GATEPOST_(\w+_)?PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name)) return true;
  return /^GATEPOST_(\w+_)?PORT$/.test(name) && /^(tcp|udp|sctp):\/\//.test(value);
}

function suggestion(name: string, known: ReadonlySet<string>): string {
  const words = (text: string): string => text.replaceAll('_', '').toLowerCase();
  const near = [...known].find(
    (other) => words(other) === words(name) || words(other) === `${words(name)}s` || `${words(other)}s` === words(name),
  );
  return near === undefined ? '' : ` (did you mean ${near}?)`;
}

export interface SettingDescription {
  readonly name: string;
  readonly type: string;
  readonly default: string;
  readonly reason: string;
}

/** Every setting as people read it, for `serve --help` and `docs/operating.md`. */
export function describeSettings(): readonly SettingDescription[] {
  return Object.values(settings).map((one) => ({ name: one.name, type: one.type, default: one.shown, reason: one.reason }));
}
