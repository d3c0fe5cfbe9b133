import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReportFacts } from '../../events/event.ts';

export interface Analysis {
  readonly id: string;
  readonly version?: string;
  readonly status: 'pending' | 'running' | 'done' | 'failed';
  readonly error?: { readonly code: string; readonly message: string } | null;
  readonly reports?: readonly { readonly id: string }[];
  readonly totals?: Readonly<Record<string, number>>;
  readonly qualityGate?: { readonly name: string; readonly status: string; readonly conditions: readonly unknown[] } | null;
}

export interface Webhook {
  readonly id: string;
  readonly secret: string;
}

/** A connected SonarQube. */
export interface Source {
  readonly id: string;
  readonly state: string;
  readonly stateMessage: string | null;
  readonly caughtUp: string | null;
  /** What the last check found. */
  readonly facts: SourceFacts | null;
}

export interface SourceFacts {
  readonly version: string | null;
  readonly edition: string | null;
  readonly projects: number | null;
  readonly calls: readonly { readonly path: string; readonly ok: boolean; readonly code: string | null }[];
  readonly webhook: { readonly state: string; readonly message: string | null };
}

export interface NewSource {
  readonly name: string;
  readonly url: string;
  readonly token: string;
  /** `create`: the webhook over there is made, too. */
  readonly webhook: 'create' | 'paste';
  readonly projects: readonly string[];
}

/** The few calls that the demo makes, as every program would make them. */
export interface Client {
  createWebhook(url: string): Promise<Webhook>;
  upload(file: string, version: string): Promise<Analysis>;
  /** Waits until it is `done`. Fails where it is `failed`, with its reason, and after `timeoutMs`. */
  waitFor(analysis: string, timeoutMs: number): Promise<Analysis>;
  /** Connects a SonarQube and asks it what works. */
  createSource(source: NewSource): Promise<Source>;
  source(id: string): Promise<Source>;
  /** Newest first; empty where the project is not known. */
  analysesOf(project: string): Promise<readonly Analysis[]>;
  /** As clients of SonarQube make one: a form to `api/webhooks/create`. */
  createSonarqubeWebhook(webhook: { readonly name: string; readonly url: string; readonly secret: string }): Promise<void>;
  /** Without a token. */
  list(query: string): Promise<ReportFacts>;
  /** Without a token. */
  download(reports: readonly string[], file: string): Promise<void>;
  readonly listUrl: (query: string) => string;
  readonly filesUrl: (reports: readonly string[]) => string;
}

const pollMs = 100;
/** For a whole answer. A server on this machine that takes longer has come to a stop. */
const callMsMax = 60_000;

export function createClient({
  url,
  token,
  organization,
}: {
  readonly url: string;
  readonly token: string;
  readonly organization: string;
}): Client {
  const ask = (address: string, init: RequestInit = {}) => fetch(address, { ...init, signal: AbortSignal.timeout(callMsMax) });
  const authorization = `Bearer ${token}`;
  const post = async (path: string, body: unknown): Promise<unknown> => {
    const headers = { authorization, 'content-type': 'application/json' };
    return json(await ask(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) }));
  };
  const listUrl = (query: string) => `${url}/security/report/list?org=${organization}&${query}`;
  const filesUrl = (reports: readonly string[]) =>
    `${url}/security/report/files?org=${organization}&${reports.map((id) => `reports=${id}`).join('&')}`;
  return {
    listUrl,
    filesUrl,
    async createWebhook(receiver) {
      const events = ['report.ingested', 'report.updated'];
      return (await post('/v1/webhooks', { name: 'The demo’s receiver', url: receiver, events })) as Webhook;
    },
    async createSource(source) {
      const made = (await post('/v1/sources', { kind: 'sonarqube', ...source })) as Source;
      // Making the webhook is a check, too.
      if (source.webhook === 'create') return made;
      return ((await post(`/v1/sources/${made.id}/check`, {})) as { readonly source: Source }).source;
    },
    source: async (id) => (await json(await ask(`${url}/v1/sources/${id}`, { headers: { authorization } }))) as Source,
    async analysesOf(project) {
      const answer = await ask(`${url}/v1/projects/${encodeURIComponent(project)}/analyses`, { headers: { authorization } });
      if (answer.status === 404) return [];
      return ((await json(answer)) as { readonly analyses: readonly Analysis[] }).analyses;
    },
    async createSonarqubeWebhook(webhook) {
      await json(
        await ask(`${url}/api/webhooks/create`, { method: 'POST', headers: { authorization }, body: new URLSearchParams(webhook) }),
      );
    },
    async upload(file, version) {
      const query = new URLSearchParams({ version, branch: 'main', name: 'Harbour' });
      const headers = { authorization, 'content-type': 'application/sarif+json' };
      const body = await readFile(file);
      return (await json(
        await ask(`${url}/v1/projects/harbour/analyses?${query.toString()}`, { method: 'POST', headers, body }),
      )) as Analysis;
    },
    async waitFor(analysis, timeoutMs) {
      const until = performance.now() + timeoutMs;
      for (;;) {
        const found = (await json(await ask(`${url}/v1/analyses/${analysis}`, { headers: { authorization } }))) as Analysis;
        if (found.status === 'done') return found;
        if (found.status === 'failed') throw new Error(`the analysis failed: ${found.error?.code ?? ''} ${found.error?.message ?? ''}`);
        if (performance.now() > until) throw new Error(`the analysis was not done after ${timeoutMs / 1000} s`);
        await sleep(pollMs);
      }
    },
    list: async (query) => (await json(await ask(listUrl(query)))) as ReportFacts,
    async download(reports, file) {
      const answer = await ask(filesUrl(reports));
      if (!answer.ok || answer.body === null) throw new Error(`the archive was refused: ${answer.status} ${await answer.text()}`);
      await pipeline(Readable.fromWeb(answer.body), createWriteStream(file));
    },
  };
}

async function json(answer: Response): Promise<unknown> {
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.status}: ${text}`);
  return JSON.parse(text) as unknown;
}
