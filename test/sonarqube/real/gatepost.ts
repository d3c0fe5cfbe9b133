import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { App } from '../../../src/app.ts';
import { buildApp } from '../../../src/app.ts';
import { systemClock } from '../../../src/clock.ts';
import { readConfiguration } from '../../../src/configuration.ts';
import { createIdentifiers } from '../../../src/identifiers.ts';
import { createOrganization } from '../../../src/organizations/store.ts';
import { api } from './scan.ts';
import type { RealServer } from './server.ts';

/** Signs the webhooks of both servers to the two recorders. */
export const secret = 'sixteen-chars-ok';
/** What both servers can say something about. */
export const standards = [
  { type: 'CWE Top 25', edition: 2024 },
  { type: 'OWASP Top 10', edition: 2021 },
] as const;
const settledWithinMs = 180_000;

export interface AnalysisShown {
  readonly id: string;
  readonly version: string;
  readonly status: string;
  readonly reports: readonly { readonly id: string; readonly reportType: string; readonly reportVersion: number }[];
  readonly error?: { readonly code: string };
}

export interface Gatepost {
  readonly url: string;
  readonly token: string;
  /** Makes the source, its webhook over there, and on both servers a webhook of their own to a recorder. */
  connect(to: { readonly recorder: string; readonly receiver: string }): Promise<void>;
  /** Waits until analyses of these versions are done, none is under way, and answers all there are. */
  settled(versions: readonly string[]): Promise<readonly AnalysisShown[]>;
  get(path: string): Promise<unknown>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A Gatepost that keeps its directory and its address over stops and starts. */
export async function startGatepost(options: {
  readonly server: RealServer;
  readonly directory: string;
  readonly project: string;
}): Promise<Gatepost> {
  const { server, directory, project } = options;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const configuration = readConfiguration({
    GATEPOST_DATA: directory,
    GATEPOST_PORT: String(port),
    GATEPOST_LOG: 'warn',
    GATEPOST_CATCH_UP_INTERVAL: '30s',
    GATEPOST_WEBHOOKS_ALLOW: '127.0.0.1',
    GATEPOST_SONARQUBE_VERSION: server.version,
  });
  let app: App | null = null;
  const start = async (): Promise<void> => {
    app = await buildApp(configuration);
    await app.start();
  };
  await start();
  const token = await makeToken(app);
  const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const headers = { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    const answer = await fetch(url + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 500)}`);
    return text === '' ? null : (JSON.parse(text) as unknown);
  };
  return {
    url,
    token,
    start,
    get: (path) => call('GET', path),
    async stop() {
      await app?.stop();
      app = null;
    },
    async connect({ recorder, receiver }) {
      await call('PATCH', '/v1/organization', { standards });
      const source = (await call('POST', '/v1/sources', { kind: 'sonarqube', name: 'real', url: server.url, token: server.token })) as {
        id: string;
      };
      await call('POST', `/v1/sources/${source.id}/check`, { createWebhook: true });
      await api(server, 'POST', 'api/webhooks/create', { name: 'recorder', url: recorder, secret });
      await api({ url, token }, 'POST', 'api/webhooks/create', { name: 'receiver', url: receiver, secret });
    },
    async settled(versions) {
      const end = Date.now() + settledWithinMs;
      for (;;) {
        const { analyses } = (await call('GET', `/v1/projects/${encodeURIComponent(project)}/analyses?limit=100`)) as {
          analyses: readonly AnalysisShown[];
        };
        const open = analyses.filter(({ status }) => status !== 'done' && status !== 'failed');
        const missing = versions.filter((version) => !analyses.some((one) => one.version === version && one.status === 'done'));
        if (open.length === 0 && missing.length === 0) return analyses;
        if (Date.now() > end) throw new Error(`Not settled: ${JSON.stringify(analyses).slice(0, 2_000)}`);
        await wait(500);
      }
    },
  };
}

async function makeToken(app: App | null): Promise<string> {
  if (app === null) throw new Error('The server is not there.');
  const made = await app.database.write((tx) =>
    createOrganization({ tx, name: 'Compared', actor: 'cli', ids: createIdentifiers(), clock: systemClock }),
  );
  return made.token.token;
}

function freePort(): Promise<number> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
