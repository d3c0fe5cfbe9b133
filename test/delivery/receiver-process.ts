// Child of receiver.ts: bare node:http, and as little as possible for each request.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tagOf } from './facts.ts';
import { answerQuestions, steadyNow } from './process.ts';
import type { Arrivals, Behaviour, Counts } from './receiver.ts';

const headers = { 'content-length': '0' };

interface Kept {
  readonly at: number[];
  readonly tags: number[];
  readonly path: number[];
  readonly ids: string[];
  readonly known: Set<string>;
  repeated: number;
}

const nothing = (): Kept => ({ at: [], tags: [], path: [], ids: [], known: new Set(), repeated: 0 });
let kept = nothing();
let waiting: { readonly arrived: number; readonly tell: () => void } | null = null;
const paths = new Map<string, number>();
const behaviours = new Map<string, Behaviour>();
let connections = 0;

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  let tag = Number.NaN;
  request.once('data', (chunk: Buffer) => {
    tag = tagOf(chunk);
  });
  request.on('end', () => {
    keep(request, tag);
    answer(behaviours.get(request.url ?? '') ?? request.url?.slice(1, request.url.indexOf('/', 1)) ?? 'ok', response);
  });
  // What comes behind the first piece is read and thrown away.
  request.resume();
});
server.on('connection', (socket) => {
  connections += 1;
  socket.once('close', () => {
    connections -= 1;
  });
});

function keep(request: IncomingMessage, tag: number): void {
  const url = request.url ?? '';
  let path = paths.get(url);
  if (path === undefined) paths.set(url, (path = paths.size));
  const id = String(request.headers['webhook-id'] ?? '');
  if (kept.known.has(id)) kept.repeated += 1;
  else if (id !== '') kept.known.add(id);
  kept.at.push(steadyNow());
  kept.tags.push(tag);
  kept.path.push(path);
  kept.ids.push(id);
  if (waiting !== null && kept.at.length >= waiting.arrived) waiting.tell();
}

function answer(behaviour: string, response: ServerResponse): void {
  if (behaviour === 'ok') return void response.writeHead(204).end();
  if (behaviour === 'hang') return;
  const [kind = '', number = ''] = behaviour.split('-');
  if (kind === 'slow') return void setTimeout(() => response.writeHead(204).end(), Number(number));
  response.writeHead(kind === 'status' ? Number(number) : 404, headers).end();
}

function count(): Counts {
  return { arrived: kept.at.length, repeated: kept.repeated, connections, lastAt: kept.at.at(-1) ?? 0 };
}

function until({ arrived, msMax }: { readonly arrived: number; readonly msMax: number }): Promise<Counts> {
  return new Promise((resolve) => {
    const tell = (): void => {
      clearTimeout(timer);
      waiting = null;
      resolve(count());
    };
    const timer = setTimeout(tell, msMax);
    waiting = { arrived, tell };
    if (kept.at.length >= arrived) tell();
  });
}

function arrivals(): Arrivals {
  return {
    at: Float64Array.from(kept.at),
    tags: Float64Array.from(kept.tags),
    path: Uint32Array.from(kept.path),
    paths: [...paths.keys()],
    ids: kept.ids,
  };
}

server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', 1024);
await once(server, 'listening');
answerQuestions((server.address() as AddressInfo).port, {
  count,
  until,
  arrivals,
  behave: ({ path, behaviour }: { readonly path: string; readonly behaviour: Behaviour | null }) => {
    if (behaviour === null) behaviours.delete(path);
    else behaviours.set(path, behaviour);
  },
  forget: () => {
    kept = nothing();
  },
  cut: () => server.closeAllConnections(),
  cpuMs: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
});
