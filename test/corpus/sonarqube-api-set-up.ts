// A Gatepost with an organization of its own for each recorded call, and the facts that the recorded server had: its projects, webhooks, deliveries.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { App } from '../../src/app.ts';
import { buildApp } from '../../src/app.ts';
import { systemClock } from '../../src/clock.ts';
import { readConfiguration } from '../../src/configuration.ts';
import type { Scope } from '../../src/http/caller.ts';
import { createIdentifiers } from '../../src/identifiers.ts';
import { createOrganization } from '../../src/organizations/store.ts';
import { createToken } from '../../src/organizations/tokens.ts';
import { createSealer } from '../../src/secret-key.ts';
import type { AnalysesTable } from '../../src/storage/database/schema.ts';
import type { Insertable } from 'kysely';
import { parseTimestamp } from '../../src/timestamps.ts';
import { insertWebhook } from '../../src/webhooks/subscriptions/store.ts';
import { maskUrl } from '../../src/webhooks/subscriptions/url.ts';

const ids = createIdentifiers();
const clock = systemClock;
const secretKey = Buffer.alloc(32, 9);
const sealer = createSealer(secretKey);

/** A call as it was recorded. */
export interface Recorded {
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly query: string | null;
    readonly body: string | null;
    readonly as: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
  readonly response: { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string };
}

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface Server {
  readonly app: App;
  stop(): Promise<void>;
}

/** The version that it tells is that of the recorded server. */
export async function startServer(version: string, allow: string): Promise<Server> {
  const directory = mkdtempSync(join(tmpdir(), 'gatepost-corpus-'));
  const configuration = readConfiguration({
    GATEPOST_DATA: directory,
    GATEPOST_LOG: 'silent',
    GATEPOST_PORT: '0',
    GATEPOST_SECRET_KEY: secretKey.toString('base64'),
    GATEPOST_SONARQUBE_VERSION: version,
    GATEPOST_WEBHOOKS_ALLOW: allow,
  });
  const app = await buildApp(configuration);
  await app.start();
  return {
    app,
    async stop() {
      await app.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export interface ShownWebhook {
  readonly key: string;
  readonly name: string;
  readonly url: string;
  readonly hasSecret: boolean;
  readonly latestDelivery?: ShownDelivery;
}

export interface ShownDelivery {
  readonly id: string;
  readonly componentKey?: string;
  readonly ceTaskId?: string;
  readonly at: string;
  readonly httpStatus?: number;
  readonly durationMs: number;
  readonly payload?: string;
  readonly errorStacktrace?: string;
}

export interface Attempted {
  readonly webhook: string;
  readonly project: string;
  readonly delivery: ShownDelivery;
}

/** One organization, and what a recorded call may need of it. */
export interface Tenant {
  readonly organization: string;
  /** The project of this key, made where it is not there yet. */
  project(key: string, name?: string): Promise<string>;
  /** Makes a webhook and answers its id; what was masked has letters in the place of asterisks. */
  webhook(shown: Omit<ShownWebhook, 'key' | 'latestDelivery'>, project?: string): Promise<string>;
  /** Writes down an attempt and answers its id. */
  attempt(attempted: Attempted): Promise<string>;
  analysis(row: Partial<Insertable<AnalysesTable>> & { readonly project: string; readonly date_text: string }): Promise<string>;
  call(request: Recorded['request'], named: ReadonlyMap<string, string>): Promise<Answer>;
}

export async function tenantOf({ app }: Server, projectOfAdmin: string): Promise<Tenant> {
  const { database } = app;
  const made = await database.write((tx) => createOrganization({ tx, name: `o ${ids.random()}`, actor: 'cli', ids, clock }));
  const organization = made.organization.id;
  const projects = new Map<string, string>();
  const project: Tenant['project'] = async (key, name = key) => {
    const known = projects.get(key);
    if (known !== undefined) return known;
    const id = ids.next();
    const row = { id, organization, key, name, retention_versions: null, retention_days: null, created: clock.now() };
    await database.write((tx) => tx.insertInto('projects').values(row).execute());
    projects.set(key, id);
    return id;
  };
  const tokens = new Map([['admin', made.token.token]]);
  const token = async (name: string, scopes: readonly Scope[], ofProject: boolean): Promise<string> => {
    const known = tokens.get(name);
    if (known !== undefined) return known;
    const only = ofProject ? await project(projectOfAdmin) : null;
    const created = await database.write((tx) => createToken({ tx, organization, name, scopes, project: only, actor: 'cli', ids, clock }));
    tokens.set(name, created.token);
    return created.token;
  };
  const urls = new Map<string, string>();
  return {
    organization,
    project,
    async webhook({ name, url: shown, hasSecret }, key) {
      const url = shown.replaceAll('*', 'u');
      const of = key === undefined ? null : { id: await project(key), key };
      const given = { organization, project: of, name, url: new URL(url), urlText: url, secret: hasSecret ? 'sixteen-chars-ok' : null };
      const webhook = await database.write((tx) =>
        insertWebhook({ tx, ...given, events: ['analysis.completed'], dialect: 'sonarqube', actor: 'cli', sealer, ids, clock }),
      );
      urls.set(webhook.id, maskUrl(new URL(url)));
      return webhook.id;
    },
    attempt: async (attempted) =>
      insertAttempt({
        app,
        organization,
        ...attempted,
        project: await project(attempted.project),
        key: attempted.project,
        url: urls.get(attempted.webhook) ?? '',
      }),
    async analysis(row) {
      const id = ids.next();
      const at = parseTimestamp(row.date_text)?.ms ?? 0;
      const rest = { branch: '', version: '1', date: at, properties: '{}', body_sha256: '', body_bytes: 0, status: 'done' as const };
      await database.write((tx) =>
        tx
          .insertInto('analyses')
          .values({ id, organization, revision: null, date_given: null, ...rest, created: at, finished: at, ...row })
          .execute(),
      );
      return id;
    },
    async call({ method, path, query, body, as, headers = {} }, named) {
      const authorization = await login(as, token);
      const mapped = (text: string | null): string | null => {
        let now = text;
        for (const [theirs, ours] of named) now = now?.replaceAll(theirs, ours) ?? null;
        return now;
      };
      const search = query === null || query === '' ? '' : `?${mapped(query)}`;
      const answer = await fetch(`${app.address()}${path}${search}`, {
        method,
        headers: {
          ...(body === null ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
          ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
          ...(authorization === null ? {} : { authorization }),
        },
        ...(body === null ? {} : { body: mapped(body) }),
      });
      return { status: answer.status, contentType: answer.headers.get('content-type') ?? '', body: await answer.text() };
    },
  };
}

type TokenOf = (name: string, scopes: readonly Scope[], ofProject: boolean) => Promise<string>;

/** Who called, with a token that may what they could: a password of theirs is a token of ours. */
async function login(as: string, token: TokenOf): Promise<string | null> {
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
  const logins: Readonly<Record<string, () => string | null | Promise<string>>> = {
    anonymous: () => null,
    admin: async () => basic(`admin:${await token('admin', [], false)}`),
    user: async () => basic(`user:${await token('user', ['read'], false)}`),
    projectadmin: async () => basic(`projectadmin:${await token('projectadmin', ['read', 'admin'], true)}`),
    'admin token as basic user': async () => basic(`${await token('admin', [], false)}:`),
    'admin token as bearer': async () => `Bearer ${await token('admin', [], false)}`,
    'global analysis token as bearer': async () => `Bearer ${await token('analysis', ['ingest'], false)}`,
    'project analysis token as bearer': async () => `Bearer ${await token('project analysis', ['ingest'], true)}`,
    'admin, wrong password': () => basic('admin:wrong'),
    'wrong token as basic user': () => basic('squ_0000000000000000000000000000000000000000:'),
    'wrong bearer token': () => 'Bearer squ_0000000000000000000000000000000000000000',
    'broken basic': () => 'Basic ###',
    'empty basic': () => 'Basic ',
  };
  const known = logins[as];
  if (known === undefined) throw new Error(`Nobody is called "${as}" here.`);
  return known();
}

interface AttemptRow extends Attempted {
  readonly app: App;
  readonly organization: string;
  readonly key: string;
  readonly url: string;
}

async function insertAttempt({ app, organization, webhook, project, key, url, delivery }: AttemptRow): Promise<string> {
  const at = parseTimestamp(delivery.at)?.ms ?? 0;
  const [event, id, attempt] = [ids.next(), ids.next(), ids.next()];
  const facts = { organization: 'o', analysis: 'a', origin: 'sonarqube', task: delivery.ceTaskId ?? null, project: { key, name: key } };
  const status = delivery.httpStatus ?? null;
  const error = delivery.errorStacktrace === undefined ? null : status === null ? 'connection_refused' : 'redirect_invalid';
  await app.database.write(async (tx) => {
    const common = { organization, created: at };
    await tx
      .insertInto('events')
      .values({ ...common, id: event, kind: 'analysis.completed', project, facts: JSON.stringify(facts), fanned_out: 1 })
      .execute();
    await tx
      .insertInto('event_bodies')
      .values({ event, organization, dialect: 'sonarqube', content_type: 'application/json', body: Buffer.from(delivery.payload ?? '{}') })
      .execute();
    const settled = { state: 'delivered' as const, due: at, lease_token: null, attempts: 1, last_status: status, last_error: error };
    await tx
      .insertInto('deliveries')
      .values({ ...common, id, event, kind: 'analysis.completed', webhook, ...settled, retry_until: at, settled: at })
      .execute();
    const request = JSON.stringify({ method: 'POST', url, headers: {} });
    const answer = { status, response_headers: null, response_body: null, error };
    await tx
      .insertInto('attempts')
      .values({ id: attempt, organization, delivery: id, number: 1, at, duration_ms: delivery.durationMs, request, ...answer })
      .execute();
  });
  return attempt;
}
