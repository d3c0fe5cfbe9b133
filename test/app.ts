import type { TestContext } from 'node:test';
import assert from 'node:assert/strict';
import type { App } from '../src/app.ts';
import { buildApp } from '../src/app.ts';
import { systemClock } from '../src/clock.ts';
import type { Configuration } from '../src/configuration.ts';
import { readConfiguration } from '../src/configuration.ts';
import { createIdentifiers } from '../src/identifiers.ts';
import { createOrganization } from '../src/organizations/store.ts';
import type { Engine } from './databases.ts';
import { newLocation } from './databases.ts';

const secretKey = Buffer.alloc(32, 5).toString('base64');

const endings = new WeakMap<TestContext, (() => Promise<void>)[]>();

/** Last begun, first ended: a server stops before its database goes. */
export function atEnd(t: TestContext, step: () => Promise<void>): void {
  const steps = endings.get(t) ?? [];
  if (steps.length === 0) {
    t.after(async () => {
      for (const one of steps.toReversed()) await one();
    });
  }
  steps.push(step);
  endings.set(t, steps);
}

export async function configure(t: TestContext, engine: Engine, more: Record<string, string> = {}): Promise<Configuration> {
  const location = await newLocation({ after: (step) => atEnd(t, step) }, engine);
  return readConfiguration({
    GATEPOST_DATA: location.directory,
    DATABASE_URL: location.url,
    GATEPOST_SECRET_KEY: secretKey,
    GATEPOST_PORT: '0',
    GATEPOST_LOG: 'silent',
    ...more,
  });
}

export async function startApp(t: TestContext, configuration: Configuration): Promise<{ readonly app: App; readonly base: string }> {
  const app = await buildApp(configuration);
  atEnd(t, () => app.stop());
  return { app, base: await app.start() };
}

export interface Tenant {
  readonly id: string;
  readonly token: string;
  readonly tokenId: string;
}

export async function tenant(app: App, name: string): Promise<Tenant> {
  const ids = createIdentifiers();
  const made = await app.database.write((tx) => createOrganization({ tx, name, actor: 'cli', ids, clock: systemClock }));
  return { id: made.organization.id, token: made.token.token, tokenId: made.token.id };
}

export interface Called {
  readonly status: number;
  readonly json: Record<string, unknown>;
}

export async function call(
  app: App,
  method: string,
  url: string,
  { as, body, form }: { as?: string; body?: unknown; form?: FormData } = {},
): Promise<Called> {
  const answer = await fetch(app.address() + url, {
    method,
    headers: {
      ...(as === undefined ? {} : { authorization: `Bearer ${as}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(form === undefined ? (body === undefined ? {} : { body: JSON.stringify(body) }) : { body: form }),
  });
  const text = await answer.text();
  return { status: answer.status, json: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {} };
}

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: object }[];
  readonly requestBody?: { readonly content: object };
  readonly responses: Readonly<Record<string, object>>;
  readonly security: readonly object[];
}

export interface Description {
  readonly openapi: string;
  readonly tags: readonly { readonly name: string }[];
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export async function describe(app: App): Promise<Description> {
  return (await (await fetch(`${app.address()}/openapi.json`)).json()) as Description;
}

export interface Filled {
  readonly key: string;
  readonly analysis: string;
  readonly report: string;
  readonly name: string;
  readonly webhook: string;
  readonly delivery: string;
  readonly token: string;
  /** Name of a repository. */
  readonly repository: string;
}

export function idFor(path: string, ids: Filled): string {
  const noun = path.split('/')[2] ?? '';
  return (
    { analyses: ids.analysis, reports: ids.report, webhooks: ids.webhook, deliveries: ids.delivery, tokens: ids.token }[noun] ?? 'unknown'
  );
}

/** One of everything that an organization can have. */
export async function fill(app: App, { token, tokenId }: Tenant): Promise<Filled> {
  const webhook = await call(app, 'POST', '/v1/webhooks', {
    as: token,
    body: { name: 'theirs', url: 'http://127.0.0.1:9/their-hook', events: ['report.ingested'] },
  });
  assert.equal(webhook.status, 201, JSON.stringify(webhook.json));
  const analysis = await call(app, 'POST', '/v1/projects/theirs%3Akey/analyses?version=1.0', {
    as: token,
    body: { version: '2.1.0', runs: [] },
  });
  assert.equal(analysis.status, 202, JSON.stringify(analysis.json));
  const form = new FormData();
  const metadata = {
    projectKey: 'theirs:key',
    reportType: 'CWE Top 25',
    reportVersion: 2025,
    projectVersion: '1.0',
    vulnerabilitiesCount: 1,
    securityRating: 'B',
  };
  form.append('metadata', JSON.stringify(metadata));
  form.append('file', new Blob(['<p>theirs</p>']), 'report.html');
  const report = await call(app, 'POST', '/v1/reports', { as: token, form });
  assert.equal(report.status, 201, JSON.stringify(report.json));
  const repository = await call(app, 'POST', '/v1/repositories', { as: token, body: { name: 'their-repository' } });
  assert.equal(repository.status, 201, JSON.stringify(repository.json));
  const deliveries = await call(app, 'GET', '/v1/deliveries', { as: token });
  const [delivery] = deliveries.json['deliveries'] as { id: string }[];
  return {
    key: 'theirs:key',
    analysis: String(analysis.json['id']),
    report: String(report.json['id']),
    name: 'report.html',
    webhook: String(webhook.json['id']),
    delivery: String(delivery?.id),
    token: tokenId,
    repository: 'their-repository',
  };
}
