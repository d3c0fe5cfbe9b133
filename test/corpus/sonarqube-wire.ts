// How a delivery goes: every recorded one is sent again by our sender, to receivers that answer as the recorded ones did, and what came of it is
// compared: status, success, the kind of error, and which requests arrived with which credentials. Times are half of the recorded ones.
import { readFileSync, globSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { createGuard, parseAllowlist } from '../../src/webhooks/delivery/guard.ts';
import type { Answer } from '../../src/webhooks/delivery/send.ts';
import { createSender } from '../../src/webhooks/delivery/send.ts';
import { sonarqubeRequest } from '../webhooks/sonarqube-request.ts';
import type { Recorded } from './sonarqube-out.ts';
import { pairs, recordedRequests } from './sonarqube-out.ts';
import type { Check, Part, Recordings } from './part.ts';

const fasterBy = 2;
const deadlineMs = 10_000 / fasterBy;

/** A delivery as the server's own log has it. */
interface Delivery {
  readonly scenario: string;
  readonly name: string;
  readonly url: string;
  readonly success: boolean;
  readonly httpStatus?: number;
  readonly errorStacktrace?: string;
  readonly payload: string;
}

/** What arrived: path, and which credentials it carried. */
type Arrived = string;

export async function wireOut(recordings: Recordings): Promise<Part> {
  const requests = recordedRequests(recordings);
  const checks = await Promise.all(deliveriesOf(recordings).map((delivery) => compare(delivery, requests)));
  return { title: 'On the wire', checks };
}

function deliveriesOf({ folder }: Recordings): readonly Delivery[] {
  return globSync(join(folder, 'api/deliveries/wire-*-delivery.json'))
    .toSorted()
    .map((file) => {
      const { response } = JSON.parse(readFileSync(file, 'utf8')) as { readonly response: { readonly body: string } };
      const { delivery } = JSON.parse(response.body) as { readonly delivery: Delivery };
      const [scenario = ''] = /^wire-\d/.exec(basename(file)) ?? [];
      return { ...delivery, scenario, name: basename(file, '-delivery.json') };
    });
}

async function compare(delivery: Delivery, requests: readonly Recorded[]): Promise<Check> {
  const chain = chainOf(delivery, requests);
  const [first] = chain;
  // No such secret is taken here: it is blank.
  if (delivery.errorStacktrace?.includes('Empty key') === true)
    return { name: delivery.name, verdict: 'better', note: 'a secret of blanks alone is no secret; there every delivery failed by it' };
  const { answer, arrived } = await sendAgain(delivery, first, new Map(chain.map((each) => [each.path, each.headers.answer])));
  const theirs = outcomeOf(delivery);
  const ours = [answer.status, answer.failure, answer.reason].filter((part) => part !== null).join(' ');
  const wentThere = chain.map((each) => arrival(each.path, Object.fromEntries(pairs(each.headers.rawHeaders))));
  const name = `${delivery.name}: ${theirs}`;
  const difference = ours === theirs ? null : better(delivery, ours);
  if (ours !== theirs && difference === null) return { name, verdict: 'differs', note: ours };
  if (difference !== null) return { name, verdict: 'better', note: difference };
  if (chain.length === 0 || arrived.join() === wentThere.join()) return { name, verdict: 'same', note: '' };
  const crosses = chain.some((each) => each.headers.port === 'second');
  const without = wentThere.map((text, index) => (chain[index]?.headers.port === 'second' ? (text.split(' ')[0] ?? '') : text));
  if (crosses && arrived.join() === without.join())
    return { name, verdict: 'better', note: 'login and signature do not go to another origin' };
  return { name, verdict: 'differs', note: `${arrived.join()} arrived instead of ${wentThere.join()}` };
}

/** The recorded requests of a delivery: the first to its path, and where that redirected to. */
function chainOf(delivery: Delivery, requests: readonly Recorded[]): readonly Recorded[] {
  const url = new URL(delivery.url);
  const ofScenario = requests.filter(({ file }) => file.startsWith(`${delivery.scenario}/`));
  const first = ofScenario.find(({ path }) => path === url.pathname + url.search);
  if (first === undefined) return [];
  const { location } = first.headers.answer;
  const next = ofScenario.find(({ headers }) => headers.seq === first.headers.seq + 1);
  const leads = typeof location === 'string' && next !== undefined && new URL(location, url).pathname === next.path;
  return leads ? [first, next] : [first];
}

const errors: readonly (readonly [start: string, ours: string])[] = [
  ['java.net.ConnectException: Failed to connect', 'connection_refused'],
  ['java.net.SocketTimeoutException: timeout', 'timeout'],
  ['java.net.UnknownHostException', 'name_not_found'],
  ['java.io.IOException: unexpected end of stream', 'connection_closed'],
  ['java.net.ProtocolException: Unexpected status line', 'answer_invalid'],
  ['javax.net.ssl.SSLException', 'tls_failed'],
  ["java.lang.IllegalStateException: Missing HTTP header 'Location'", 'redirect_invalid location_missing'],
  ['java.lang.IllegalStateException: Unsupported protocol in redirect', 'redirect_invalid protocol_unsupported'],
];

/** In our words. A redirect that leads nowhere has its status with us. */
function outcomeOf({ httpStatus, errorStacktrace = '', url }: Delivery): string {
  const error = errors.find(([start]) => errorStacktrace.startsWith(start))?.[1];
  if (httpStatus === undefined) return error?.startsWith('redirect') === true ? `${url.slice(-3)} ${error}` : (error ?? errorStacktrace);
  return httpStatus >= 300 && httpStatus < 400 ? `${httpStatus} redirect_not_followed` : String(httpStatus);
}

/** Why another outcome is meant, or null. */
function better(delivery: Delivery, ours: string): string | null {
  if (delivery.url.endsWith('/tricklehead') && ours === 'timeout')
    return 'ends at the deadline, however the time is spent, and is tried again; there it was waited for beyond 20 s';
  return null;
}

function arrival(path: string, headers: Readonly<Record<string, string | undefined>>): Arrived {
  const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const authorization = lower['authorization'] === undefined ? '' : ` ${lower['authorization'].replace(' ', ':')}`;
  return `${path}${authorization}${lower['x-sonar-webhook-hmac-sha256'] === undefined ? '' : ' signed'}`;
}

/** Sends a delivery once, to receivers of its own. */
async function sendAgain(
  delivery: Delivery,
  first: Recorded | undefined,
  answers: ReadonlyMap<string, Readonly<Record<string, unknown>>>,
): Promise<{ readonly answer: Answer; readonly arrived: readonly Arrived[] }> {
  const arrived: Arrived[] = [];
  const here = (text: string) => text.replaceAll('19100', String(ports[0])).replaceAll('19101', String(ports[1]));
  const servers = [0, 1].map(() =>
    createServer((request, response) => {
      arrived.push(arrival(request.url ?? '', request.headers as Record<string, string>));
      request.resume().on('end', () => answerAs(answers.get(request.url ?? '') ?? { status: 200 }, { request, response, here }));
    }),
  );
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  const sender = createSender({ guard, connectionsMax: 1, deadlineMs });
  try {
    const url = new URL(here(delivery.url));
    const secret = first?.secret ?? null;
    const request = sonarqubeRequest({ url: withLogin(url, first), body: delivery.payload, secret });
    return { answer: await sender.send(request), arrived };
  } finally {
    await sender.close();
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
  }
}

/** The user and the password that the log has masked, as they were sent. */
function withLogin(url: URL, first: Recorded | undefined): URL {
  const authorization = pairs(first?.headers.rawHeaders ?? []).find(([name]) => name === 'Authorization')?.[1];
  if (authorization === undefined) return url;
  const [, user = '', password = ''] =
    /^([^:]*):(.*)$/.exec(Buffer.from(authorization.slice('Basic '.length), 'base64').toString('utf8')) ?? [];
  return Object.assign(new URL(url), { username: encodeURIComponent(user), password: encodeURIComponent(password) });
}

interface Answering {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly here: (text: string) => string;
}

/** Answers as the recorded receiver did. */
function answerAs(answer: Readonly<Record<string, unknown>>, { request, response, here }: Answering): void {
  const { status, location, delayMs = 0, close, garbage, trickle, big } = answer;
  const { socket } = request;
  if (close === true) return void socket.destroy();
  if (garbage === true) return void socket.end('this is not http\r\n\r\n');
  if (trickle === 'head') return every(socket, 'HTTP/1.1 200 OK\r\nX-Slow: 12345678901234567890\r\n\r\n', 26_000 / fasterBy);
  if (trickle === 'body') {
    response.writeHead(200, { 'content-length': 30 }).flushHeaders();
    return every(socket, 'x'.repeat(30), 30_000 / fasterBy);
  }
  const headers = typeof location === 'string' ? { location: here(location) } : {};
  const body = typeof big === 'number' ? Buffer.alloc(big * 1024 * 1024, 'x') : '';
  setTimeout(() => response.writeHead(Number(status ?? 200), headers).end(body), Number(delayMs) / fasterBy);
}

/** Writes a text a character at a time, spread over a time. */
function every(socket: IncomingMessage['socket'], text: string, inMs: number): void {
  let at = 0;
  const timer = setInterval(() => {
    socket.write(text[at] ?? '');
    at += 1;
    if (at >= text.length) clearInterval(timer);
  }, inMs / text.length);
  socket.on('error', () => undefined);
  socket.on('close', () => clearInterval(timer));
}

/** Names as they resolved where the recordings were made. */
const guard = createGuard({
  allow: parseAllowlist(['127.0.0.0/8', '::1', '::ffff:127.0.0.0/104']),
  clock: { now: () => Date.now() },
  resolve: async (host) => {
    if (host === 'localhost') return [{ address: '127.0.0.1', family: 4 }];
    throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
  },
});
