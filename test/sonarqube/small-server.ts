// A SonarQube of a few projects in the test's hands: enough of the Web API for looking at a source and catching up with it, and every way to
// be out of order. What findings are is the stub's business, not its.
import { createHash } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** How it answers; `well` is as it should. */
export type Mode =
  | 'well'
  | 'token-refused'
  | 'token-invalid'
  | 'failing'
  | 'busy'
  | 'hanging'
  | 'page'
  | 'broken-json'
  | 'migrating'
  | 'starting'
  | 'no-hotspots'
  | 'no-rights'
  | 'cut';

export interface SmallAnalysis {
  readonly project: string;
  readonly key: string;
  readonly task: string;
  /** Milliseconds since 1970. */
  readonly date: number;
  readonly version: string;
  readonly branch: string;
  /** When its task ended; the analysis's own date where it is not said. */
  readonly ended?: number;
}

export interface SmallDelivery {
  readonly id: string;
  readonly webhook: string;
  readonly project: string;
  readonly task?: string;
  readonly at: number;
  readonly success: boolean;
  readonly payload: string;
}

export interface SmallServer {
  readonly url: string;
  mode: Mode;
  token: string;
  /** Community has no branches but `main`. */
  hasBranches: boolean;
  /** The token may administer. */
  administers: boolean;
  webhooksMax: number;
  readonly analyses: SmallAnalysis[];
  readonly deliveries: SmallDelivery[];
  readonly webhooks: { key: string; name: string; url: string; secret: string }[];
  /** Paths that were asked for, in order. */
  readonly asked: string[];
  /** Asked just before an answer is sent. */
  before: ((path: string) => Promise<void>) | null;
  close(): Promise<void>;
}

interface Context {
  after(step: () => Promise<void>): void;
}

const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}+0000`;

export async function startSmallServer(t: Context, tls?: { readonly key: string; readonly cert: string }): Promise<SmallServer> {
  const listener: RequestListener = (request, response) => {
    void answer(server, request, response).catch(() => response.destroy());
  };
  const http = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      http.close(() => resolve());
      http.closeAllConnections();
    });
  const server: SmallServer = {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    mode: 'well',
    token: `squ_${'a'.repeat(40)}`,
    hasBranches: false,
    administers: true,
    webhooksMax: 10,
    analyses: [],
    deliveries: [],
    webhooks: [],
    asked: [],
    before: null,
    close,
  };
  t.after(close);
  return server;
}

interface Answered {
  readonly status: number;
  readonly body: unknown;
}

const errors = (status: number, msg: string): Answered => ({ status, body: { errors: [{ msg }] } });
const forbidden = errors(403, 'Insufficient privileges');

async function answer(server: SmallServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', server.url);
  const path = url.pathname.slice(1);
  let form = '';
  for await (const chunk of request) form += String(chunk);
  server.asked.push(path);
  await server.before?.(path);
  const { mode } = server;
  if (mode === 'hanging') return;
  const open = path === 'api/server/version' || path === 'api/system/status';
  if (mode === 'page') return page(response, 200);
  if (mode === 'failing' && !open) return page(response, 500);
  if (mode === 'busy' && !open) return void response.writeHead(503).end();
  if (mode === 'broken-json' && !open) return void response.writeHead(200, { 'content-type': 'application/json' }).end('{"broken"');
  if (mode === 'cut' && !open) return void response.writeHead(200, { 'content-length': '100' }).write('{', () => response.destroy());
  if (path === 'api/server/version') return void response.writeHead(200, { 'content-type': 'text/plain' }).end('26.9.0.129388');
  if (path === 'api/system/status')
    return json(response, { status: 200, body: { id: 'small', version: '26.9.0.129388', status: stateOf(mode) } });
  if (mode === 'migrating' || mode === 'starting') return page(response, 503);
  if (mode === 'token-refused' || request.headers.authorization !== `Bearer ${server.token}`) return void response.writeHead(401).end();
  const parameters = request.method === 'POST' ? new URLSearchParams(form) : url.searchParams;
  json(response, answerTo(server, path, parameters));
}

function stateOf(mode: Mode): string {
  return { migrating: 'DB_MIGRATION_RUNNING', starting: 'STARTING' }[mode as string] ?? 'UP';
}

function page(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'text/html' }).end('<html><body>Somebody else</body></html>');
}

function json(response: ServerResponse, { status, body }: Answered): void {
  if (status === 204) return void response.writeHead(204).end();
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function answerTo(server: SmallServer, path: string, query: URLSearchParams): Answered {
  const simple: Readonly<Record<string, unknown>> = {
    'api/authentication/validate': { valid: server.mode !== 'token-invalid' },
    'api/navigation/global': { edition: server.hasBranches ? 'developer' : 'community' },
    'api/settings/values': { settings: [{ key: 'sonar.multi-quality-mode.enabled', value: 'true' }] },
    'api/rules/search': { total: 0, rules: [] },
    'api/qualityprofiles/search': { profiles: [] },
    'api/issues/search': { total: 0, issues: [] },
    'api/measures/component': { component: { measures: [] } },
    'api/qualitygates/project_status': { projectStatus: { status: 'OK', conditions: [] } },
  };
  if (simple[path] !== undefined) return { status: 200, body: simple[path] };
  if (path === 'api/hotspots/search') {
    return server.mode === 'no-hotspots' ? forbidden : { status: 200, body: { paging: { total: 0 }, hotspots: [] } };
  }
  if (path.startsWith('api/webhooks/')) return server.administers ? webhooksAnswer(server, path, query) : forbidden;
  return projectsAnswer(server, path, query);
}

function projectsAnswer(server: SmallServer, path: string, query: URLSearchParams): Answered {
  const project = query.get('project') ?? query.get('component') ?? '';
  const keys = [...new Set(server.analyses.map((analysis) => analysis.project))].toSorted();
  const ofProject = server.analyses.filter((analysis) => analysis.project === project);
  const paging = (total: number) => ({ pageIndex: 1, pageSize: 500, total });
  if (path === 'api/projects/search' && !server.administers) return forbidden;
  if (path === 'api/projects/search' || path === 'api/components/search') {
    if (server.mode === 'no-rights') return forbidden;
    return {
      status: 200,
      body: { paging: paging(keys.length), components: keys.map((key) => ({ key, name: `Name of ${key}`, qualifier: 'TRK' })) },
    };
  }
  if (path === 'api/project_branches/list') {
    const names = [...new Set(ofProject.map((analysis) => analysis.branch))];
    const branches = names.map((name) => {
      const newest = Math.max(...ofProject.filter((each) => each.branch === name).map((each) => each.date));
      const isMain = name === 'main';
      return { name: isMain && !server.hasBranches ? 'trunk' : name, isMain, type: 'BRANCH', analysisDate: iso(newest) };
    });
    return { status: 200, body: { branches } };
  }
  if (path === 'api/project_pull_requests/list' && server.hasBranches) return { status: 200, body: { pullRequests: [] } };
  if (path === 'api/project_analyses/search') {
    const from = query.get('from');
    const since = from === null ? 0 : Date.parse(from.replace(/\+0000$/, 'Z'));
    const branch = query.get('branch') ?? 'main';
    const found = ofProject
      .filter((each) => each.date >= since && each.branch === branch)
      .toReversed()
      .toSorted((a, b) => b.date - a.date);
    const shown = found.slice(0, Number(query.get('ps') ?? 100));
    const analyses = shown.map(({ key, date, version }) => ({
      key,
      date: iso(date),
      projectVersion: version,
      revision: `rev-${key}`,
      events: [],
    }));
    return { status: 200, body: { paging: paging(found.length), analyses } };
  }
  if (path === 'api/ce/activity') {
    if (!server.administers) return forbidden;
    const seen = query.has('component') ? ofProject : server.analyses;
    const tasks = seen
      .toSorted((a, b) => (b.ended ?? b.date) - (a.ended ?? a.date))
      .map(({ task, key, project: componentKey, branch, date, ended }) => ({
        id: task,
        type: 'REPORT',
        componentKey,
        analysisId: key,
        status: 'SUCCESS',
        executedAt: iso(ended ?? date),
        ...(branch === 'main' ? {} : { branch, branchType: 'BRANCH' }),
      }));
    return { status: 200, body: { tasks: tasks.slice(0, Number(query.get('ps') ?? 100)), paging: paging(tasks.length) } };
  }
  return errors(404, `Unknown url : /${path}`);
}

function webhooksAnswer(server: SmallServer, path: string, query: URLSearchParams): Answered {
  const text = (name: string): string => query.get(name) ?? '';
  const found = server.webhooks.find((each) => each.key === text('webhook'));
  if (path === 'api/webhooks/list') {
    return { status: 200, body: { webhooks: server.webhooks.map(({ key, name, url }) => ({ key, name, url, hasSecret: true })) } };
  }
  if (path === 'api/webhooks/create') {
    if (server.webhooks.length >= server.webhooksMax) return errors(400, 'Maximum number of global webhooks reached');
    const key = createHash('md5').update(String(server.webhooks.length)).digest('hex');
    server.webhooks.push({ key, name: text('name'), url: text('url'), secret: text('secret') });
    return { status: 200, body: { webhook: { key, name: text('name'), url: text('url'), hasSecret: true } } };
  }
  if (path === 'api/webhooks/update' && found !== undefined) {
    Object.assign(found, { name: text('name'), url: text('url'), secret: text('secret') });
    return { status: 204, body: null };
  }
  if (path === 'api/webhooks/deliveries') {
    const all = server.deliveries
      .filter((each) => each.webhook === text('webhook'))
      .toReversed()
      .toSorted((a, b) => b.at - a.at);
    const deliveries = all.map(({ id, project, task, at, success }) => ({
      id,
      componentKey: project,
      ...(task === undefined ? {} : { ceTaskId: task }),
      at: iso(at),
      success,
    }));
    return { status: 200, body: { paging: { pageIndex: 1, pageSize: 500, total: all.length }, deliveries } };
  }
  const delivery = server.deliveries.find((each) => each.id === text('deliveryId'));
  if (path === 'api/webhooks/delivery' && delivery !== undefined) {
    return { status: 200, body: { delivery: { id: delivery.id, payload: delivery.payload } } };
  }
  return errors(404, 'Webhook delivery not found');
}
