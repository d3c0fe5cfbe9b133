import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReportFacts } from '../../events/event.ts';

export interface Analysis {
  readonly id: string;
  readonly status: 'pending' | 'running' | 'done' | 'failed';
  readonly error?: { readonly code: string; readonly message: string } | null;
  readonly reports?: readonly { readonly id: string }[];
}

export interface Webhook {
  readonly id: string;
  readonly secret: string;
}

/** The few calls that the demo makes, as any program would make them. */
export interface Client {
  createWebhook(url: string): Promise<Webhook>;
  upload(file: string, version: string): Promise<Analysis>;
  /** Waits until it is `done`. Fails where it is `failed`, with its reason, and after `timeoutMs`. */
  waitFor(analysis: string, timeoutMs: number): Promise<Analysis>;
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
  const listUrl = (query: string) => `${url}/security/report/list?org=${organization}&${query}`;
  const filesUrl = (reports: readonly string[]) =>
    `${url}/security/report/files?org=${organization}&${reports.map((id) => `reports=${id}`).join('&')}`;
  return {
    listUrl,
    filesUrl,
    async createWebhook(receiver) {
      const body = JSON.stringify({ name: 'The demo’s receiver', url: receiver, events: ['report.ingested', 'report.updated'] });
      const headers = { authorization, 'content-type': 'application/json' };
      return (await json(await ask(`${url}/v1/webhooks`, { method: 'POST', headers, body }))) as Webhook;
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
