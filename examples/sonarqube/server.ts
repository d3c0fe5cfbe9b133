// A stand-in for a SonarQube server that knows one project, the example product: `node examples/sonarqube/server.ts`.
//
// It answers what Gatepost asks of a SonarQube (answers.ts) on this machine alone, and says the address and the token on standard output.
// `POST /demo/analyses?version=1.1.0` ends an analysis there and sends the webhook for it, signed as SonarQube signs.
import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Analysis, Delivery, State, Webhook } from './answers.ts';
import { analyse, answers, dateText, gate, Refusal, serverVersion, webhookAnswer } from './answers.ts';
import { projectKey, projectName, versions } from './facts.ts';

export interface StandIn {
  readonly url: string;
  readonly token: string;
  close(): Promise<void>;
}

const formBytesMax = 64 * 1024;
const webhookMsMax = 10_000;
const webhooksMax = 10;

/** Listens on 127.0.0.1 alone. `port` 0: a free one. */
export async function startStandIn({ port }: { readonly port: number }): Promise<StandIn> {
  const state: State = { analyses: [], findings: [], webhooks: [], deliveries: [] };
  const token = `squ_${randomBytes(20).toString('hex')}`;
  const server = createServer((request, response) => {
    answer({ state, token, url }, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    token,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Place {
  readonly state: State;
  readonly token: string;
  readonly url: string;
}

async function answer(place: Place, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = new URL(request.url ?? '/', 'http://stand-in');
  const path = asked.pathname.slice(1);
  try {
    const form = await formOf(request);
    const query = new Map([...form, ...asked.searchParams]);
    if (path === 'api/server/version') return send(response, { type: 'text/plain', text: serverVersion });
    if (!path.startsWith('api/') && !path.startsWith('demo/')) return send(response, { type: 'text/plain', text: aboutPage(place) });
    send(response, { type: 'application/json', text: htmlSafe(await reply(place, { request, path, query })) });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // 401 is always an empty body.
    const text = error.status === 401 ? '' : htmlSafe({ errors: [{ msg: error.message }] });
    send(response, { type: 'application/json', text, status: error.status });
  }
}

interface Asked {
  readonly request: IncomingMessage;
  readonly path: string;
  readonly query: ReadonlyMap<string, string>;
}

async function reply(place: Place, { request, path, query }: Asked): Promise<unknown> {
  if (path === 'api/system/status') return { id: 'HARBOUR-STAND-IN', version: serverVersion, status: 'UP' };
  const authorized = isAuthorized(place, request.headers.authorization ?? '');
  if (path === 'api/authentication/validate') return { valid: authorized };
  // The way to end an analysis is no part of SonarQube, and needs no token: only this machine can ask for it.
  if (path === 'demo/analyses' && request.method === 'POST') return endAnalysis(place, query.get('version') ?? '');
  if (!authorized) throw new Refusal(401, '');
  if (path === 'api/webhooks/create' && request.method === 'POST') return createWebhook(place.state, query);
  if (path === 'api/webhooks/update' && request.method === 'POST') return updateWebhook(place.state, query);
  const found = answers[path];
  // Community does not know `api/project_pull_requests` either.
  if (found === undefined) throw new Refusal(404, `Unknown url : /${path}`);
  if (request.method !== 'GET') throw new Refusal(405, 'HTTP method GET is required');
  return found(place.state, query);
}

/** A token as Bearer, or as the user of a Basic login without a password. */
function isAuthorized({ token }: Place, given: string): boolean {
  const forms = [`Bearer ${token}`, `Basic ${Buffer.from(`${token}:`).toString('base64')}`];
  return forms.some((form) => form.length === given.length && timingSafeEqual(Buffer.from(form), Buffer.from(given)));
}

function createWebhook({ webhooks }: State, query: ReadonlyMap<string, string>) {
  if (webhooks.length >= webhooksMax) throw new Refusal(400, 'Maximum number of global webhooks reached');
  const webhook = { key: randomUUID(), name: needed(query, 'name'), url: needed(query, 'url'), secret: query.get('secret') ?? null };
  webhooks.push(webhook);
  return { webhook: webhookAnswer(webhook) };
}

function updateWebhook({ webhooks }: State, query: ReadonlyMap<string, string>) {
  const webhook = webhooks.find(({ key }) => key === query.get('webhook'));
  if (webhook === undefined) throw new Refusal(404, `No webhook with key '${query.get('webhook') ?? ''}'`);
  webhook.name = needed(query, 'name');
  webhook.url = needed(query, 'url');
  webhook.secret = query.get('secret') ?? webhook.secret;
  return {};
}

function needed(query: ReadonlyMap<string, string>, name: string): string {
  const value = query.get(name);
  if (value === undefined || value === '') throw new Refusal(400, `The '${name}' parameter is missing`);
  return value;
}

/** An analysis ends, and every webhook is told: one after another, the answer's body unread, never a second time. */
async function endAnalysis({ state, url }: Place, text: string) {
  const version = versions.find((each) => each === text);
  if (version === undefined) throw new Refusal(400, `Value of parameter 'version' (${text}) must be one of: [${versions.join(', ')}]`);
  const analysis = analyse(state, version);
  const payload = payloadOf(state, analysis, url);
  const sent: Delivery[] = [];
  for (const webhook of state.webhooks) sent.push(await deliver(webhook, analysis, payload));
  state.deliveries.unshift(...sent);
  const deliveries = sent.map(({ webhook, status, durationMs }) => ({ url: webhook.url, status, durationMs }));
  return { task: analysis.task, analysis: analysis.key, version, findings: state.findings.length, payload, deliveries };
}

/** The body of a webhook, its fields in SonarQube's order. */
function payloadOf(state: State, { task, date, revision }: Analysis, serverUrl: string): string {
  const url = `${serverUrl}/dashboard?id=${encodeURIComponent(projectKey)}`;
  return htmlSafe({
    serverUrl,
    taskId: task,
    status: 'SUCCESS',
    analysedAt: dateText(date),
    revision,
    changedAt: dateText(date),
    project: { key: projectKey, name: projectName, url },
    branch: { name: 'main', type: 'BRANCH', isMain: true, url },
    qualityGate: gate(state),
    properties: { 'sonar.analysis.detectedscm': 'git', 'sonar.analysis.detectedci': 'undetected' },
  });
}

function deliver(webhook: Webhook, analysis: Analysis, payload: string): Promise<Delivery> {
  const body = Buffer.from(payload);
  const began = performance.now();
  return new Promise((resolve) => {
    const end = (status: number | null) => {
      const durationMs = Math.round(performance.now() - began);
      resolve({ id: randomUUID(), webhook, analysis, at: Date.now(), durationMs, status, payload });
    };
    const headers = {
      'X-SonarQube-Project': projectKey,
      // Over the very bytes, in hexadecimal digits without a prefix.
      ...(webhook.secret === null
        ? {}
        : { 'X-Sonar-Webhook-HMAC-SHA256': createHmac('sha256', webhook.secret).update(body).digest('hex') }),
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': body.length,
      'User-Agent': `SonarQube/${serverVersion}`,
    };
    const request = httpRequest(webhook.url, { method: 'POST', headers, timeout: webhookMsMax }, (response) => {
      response.resume();
      end(response.statusCode ?? null);
    });
    request.on('timeout', () => request.destroy()).on('error', () => end(null));
    request.end(body);
  });
}

/** The server escapes what could do harm in a page. Any JSON parser hides that; a signature is over the escaped bytes. */
function htmlSafe(value: unknown): string {
  return JSON.stringify(value).replaceAll(/[<>&='\u2028\u2029]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > formBytesMax) throw new Refusal(400, 'The form is too large');
    parts.push(part);
  }
  return new URLSearchParams(Buffer.concat(parts).toString('utf8'));
}

/** What a link in a report leads to. */
function aboutPage({ state, url }: Place): string {
  return [
    `Gatepost's stand-in for a SonarQube: ${projectName} (${projectKey}), ${state.analyses[0]?.version ?? 'not analysed yet'}.`,
    'A real server shows the finding here; the stand-in has no pages.',
    `End an analysis: curl -X POST "${url}/demo/analyses?version=1.1.0"`,
    '',
  ].join('\n');
}

function send(
  response: ServerResponse,
  { type, text, status = 200 }: { readonly type: string; readonly text: string; readonly status?: number },
): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) }).end(text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url, token } = await startStandIn({ port: Number(process.argv[2] ?? 0) });
  console.log(JSON.stringify({ url, token }));
}
