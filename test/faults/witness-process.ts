// Child of witness.ts.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { tagOf } from '../delivery/facts.ts';
import { answerQuestions, steadyNow } from '../delivery/process.ts';
import { webhookSecret } from '../delivery/tenants.ts';
import type { Manner, Witnessed } from './witness.ts';

const published = new Webhook(webhookSecret);
const manners = new Map<string, Manner>();
const paths: string[] = [];
const of = new Map<string, { readonly ids: Set<string>; readonly firsts: Map<number, number>; requests: number }>();
const at: number[] = [];
const walls: number[] = [];
const tags: number[] = [];
const path: number[] = [];
const ids: string[] = [];
const statuses: number[] = [];
const timestamps: number[] = [];
const forged: string[] = [];

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const pieces: Buffer[] = [];
  request.on('data', (piece: Buffer) => pieces.push(piece));
  request.on('end', () => {
    const number = remember(request, Buffer.concat(pieces));
    answer(request.url ?? '', number, response);
  });
});

function remember(request: IncomingMessage, body: Buffer): number {
  const url = request.url ?? '';
  const id = String(request.headers['webhook-id']);
  if (!isSigned(request, body)) forged.push(id);
  let known = of.get(url);
  if (known === undefined) {
    of.set(url, (known = { ids: new Set(), firsts: new Map(), requests: 0 }));
    paths.push(url);
  }
  known.ids.add(id);
  known.requests += 1;
  const now = steadyNow();
  const tag = tagOf(body);
  if (!known.firsts.has(tag)) known.firsts.set(tag, now);
  at.push(now);
  walls.push(Date.now());
  tags.push(tag);
  path.push(paths.indexOf(url));
  ids.push(id);
  timestamps.push(Number(request.headers['webhook-timestamp']));
  return statuses.push(0) - 1;
}

/** By the published library, but for the five minutes of its tolerance: whose clock is off, signs with the time that its clock shows. */
function isSigned(request: IncomingMessage, body: Buffer): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signature } = request.headers;
  return published.sign(String(id), new Date(Number(seconds) * 1000), body.toString('utf8')) === signature;
}

function answer(url: string, number: number, response: ServerResponse): void {
  const [kind = '', parameter = ''] = (manners.get(url) ?? url.split('/')[1] ?? '').split('-');
  if (kind === 'hang') return;
  const seldom = kind === 'seldom' && (of.get(url)?.requests ?? 0) % Number(parameter) === 0;
  const status = seldom ? 500 : kind === 'status' ? Number(parameter) : 204;
  const send = (): void => {
    statuses[number] = status;
    response.writeHead(status, status === 204 ? {} : { 'content-length': '0' }).end();
  };
  if (kind === 'within') setTimeout(send, Math.random() * Number(parameter));
  else send();
}

server.listen(0, '127.0.0.1', 1024);
await once(server, 'listening');
answerQuestions((server.address() as AddressInfo).port, {
  count: (url: string) => ({ ids: of.get(url)?.ids.size ?? 0, requests: of.get(url)?.requests ?? 0 }),
  behave: ({ path: url, manner }: { readonly path: string; readonly manner: Manner | null }) => {
    if (manner === null) manners.delete(url);
    else manners.set(url, manner);
  },
  lastOf: ({ path: url, tags: wanted }: { readonly path: string; readonly tags: Float64Array }) => {
    let last = 0;
    for (const tag of wanted) last = Math.max(last, of.get(url)?.firsts.get(tag) ?? Infinity);
    return last === Infinity ? null : last;
  },
  witnessed: (): Witnessed => ({
    at: Float64Array.from(at),
    walls: Float64Array.from(walls),
    tags: Float64Array.from(tags),
    path: Uint8Array.from(path),
    paths,
    ids,
    statuses: Uint16Array.from(statuses),
    timestamps: Float64Array.from(timestamps),
    forged,
  }),
});
