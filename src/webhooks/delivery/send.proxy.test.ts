// Through a proxy: addresses are checked here all the same, and the proxy is asked for the checked address, never for the name.
import assert from 'node:assert/strict';
import type { Server, Socket } from 'node:net';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import { before, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { forms } from '../../../test/webhooks/address-forms.ts';
import type { TestAuthority } from '../../../test/webhooks/certificates.ts';
import { makeAuthority } from '../../../test/webhooks/certificates.ts';
import type { Receiver } from '../../../test/webhooks/raw-receiver.ts';
import { deadlineMs, ok, outgoing, pause, receive, senderOf } from '../../../test/webhooks/raw-receiver.ts';
import { nothingAllowed, parseAllowlist } from './guard.ts';

let authority: TestAuthority;
let tlsServer: (names: string) => Server;
before(() => {
  authority = makeAuthority();
  const issued = new Map<string, ReturnType<TestAuthority['issue']>>();
  tlsServer = (names) => {
    const known = issued.get(names) ?? authority.issue(names);
    issued.set(names, known);
    return createTlsServer(known);
  };
});

const established = 'HTTP/1.1 200 Connection established\r\n\r\n';

/** A proxy that brings everybody to this receiver, whatever address it is asked for. */
async function proxyTo(t: TestContext, receiver: Receiver, server?: Server): Promise<Receiver> {
  return receive(
    t,
    (socket) => {
      const onward = connect(receiver.port, '127.0.0.1', () => {
        socket.write(established);
        socket.pipe(onward).pipe(socket);
      });
      onward.on('error', () => socket.destroy());
      socket.on('close', () => onward.destroy());
      onward.on('close', () => socket.destroy());
    },
    server,
  );
}

async function proxyThat(t: TestContext, answer: (socket: Socket, request: string) => void): Promise<Receiver> {
  return receive(t, (socket, _nth, request) => answer(socket, request));
}

const publicly = (asked: string[] = []) => ({
  allow: nothingAllowed,
  resolve: async (host: string) => {
    asked.push(host);
    return [{ address: '93.184.216.34', family: 4 }];
  },
});
const proxyUrl = ({ port }: Receiver, login = '') => new URL(`http://${login}127.0.0.1:${port}`);

test('the proxy is asked for the checked address and port, with its login; the receiver sees its own name', async (t) => {
  const receiver = await receive(t, (socket) => socket.write(ok));
  const proxy = await proxyTo(t, receiver);
  const asked: string[] = [];
  const sender = senderOf(t, { ...publicly(asked), proxy: proxyUrl(proxy, 'user:p%40ss@') });
  for (let round = 0; round < 3; round += 1) {
    assert.equal((await sender.send(outgoing(new URL('http://receiver.example/hook')))).status, 200);
  }
  assert.deepEqual(asked, ['receiver.example'], 'looked up once, for the one connection');
  const login = Buffer.from('user:p@ss').toString('base64');
  assert.deepEqual(proxy.requests, [
    `CONNECT 93.184.216.34:80 HTTP/1.1\r\nHost: 93.184.216.34:80\r\nProxy-Authorization: Basic ${login}\r\n\r\n`,
  ]);
  assert.equal(receiver.requests.length, 3);
  assert.match(receiver.requests[0] ?? '', /^POST \/hook HTTP\/1\.1\r\nhost: receiver\.example\r\n/);
  assert.doesNotMatch(receiver.requests[0] ?? '', /proxy-authorization/i);
  const six = senderOf(t, { allow: nothingAllowed, resolve: async () => [{ address: '2620:fe::fe', family: 6 }], proxy: proxyUrl(proxy) });
  assert.equal((await six.send(outgoing(new URL('http://six.example:8080/')))).status, 200);
  assert.equal(proxy.requests[1], 'CONNECT [2620:fe::fe]:8080 HTTP/1.1\r\nHost: [2620:fe::fe]:8080\r\n\r\n');
});

test('TLS goes through either kind of proxy to the receiver, whose own name is checked', async (t) => {
  const receiver = await receive(t, (socket) => socket.write(ok), tlsServer('DNS:receiver.example'));
  const plain = proxyUrl(await proxyTo(t, receiver));
  const secure = await proxyTo(t, receiver, tlsServer('DNS:proxy.internal,IP:127.0.0.1'));
  for (const proxy of [plain, new URL(`https://127.0.0.1:${secure.port}`)]) {
    const sender = senderOf(t, { ...publicly(), proxy, ca: authority.ca });
    assert.equal((await sender.send(outgoing(new URL('https://receiver.example/')))).status, 200, proxy.href);
    const other = await sender.send(outgoing(new URL('https://other.example/'), 'other'));
    assert.deepEqual([other.status, other.failure], [null, 'tls_failed'], proxy.href);
  }
  assert.match(secure.requests[0] ?? '', /^CONNECT 93\.184\.216\.34:443 /);
  const doubted = senderOf(t, { ...publicly(), proxy: new URL(`https://127.0.0.1:${secure.port}`) });
  const answer = await doubted.send(outgoing(new URL('https://receiver.example/')));
  assert.deepEqual([answer.failure, answer.reason], ['proxy_failed', 'tls_failed']);
});

test('a refused receiver is refused behind a proxy too, and the proxy never hears of it', async (t) => {
  const proxy = await proxyThat(t, (socket) => socket.write(established));
  const ownAddresses = () => ['8.8.4.4', '2606:4700:4700::1001'];
  const sender = senderOf(t, {
    allow: nothingAllowed,
    ownAddresses,
    resolve: async (host) => [
      { address: '9.9.9.9', family: 4 },
      { address: host === 'rebinding.example' ? '10.0.0.1' : '127.0.0.1', family: 4 },
    ],
    proxy: proxyUrl(proxy),
  });
  const refused = forms.filter(([, reason]) => reason !== null);
  for (const [host, reason] of [...refused, ['rebinding.example', 'private']]) {
    const answer = await sender.send(outgoing(new URL(`http://${host}:8080/`)));
    assert.deepEqual([answer.failure, answer.reason], ['address_refused', reason], host);
  }
  assert.equal(proxy.requests.length, 0);
});

test("a webhook's own proxy is guarded as a receiver is; that of the settings may stand anywhere", async (t) => {
  const receiver = await receive(t, (socket) => socket.write(ok));
  const proxy = await proxyTo(t, receiver);
  const resolve = async (host: string) => [{ address: host === 'proxy.example' ? '127.0.0.1' : '93.184.216.34', family: 4 }];
  const ownAddresses = () => ['8.8.4.4', '2606:4700:4700::1001'];
  const sender = senderOf(t, { allow: nothingAllowed, resolve, ownAddresses });
  const to = new URL('http://receiver.example/');
  const refused = forms.filter(([, reason]) => reason !== null);
  for (const [host, reason] of [...refused, ['proxy.example', 'loopback']]) {
    const answer = await sender.send(outgoing(to, 'w', { proxy: new URL(`http://${host}:${proxy.port}`) }));
    assert.deepEqual([answer.failure, answer.reason], ['address_refused', `proxy:${reason}`], host);
  }
  assert.equal(proxy.connections, 0);
  const allowed = senderOf(t, { allow: parseAllowlist(['127.0.0.1']), resolve });
  assert.equal((await allowed.send(outgoing(to, 'w', { proxy: proxyUrl(proxy) }))).status, 200);
  // Its own goes before that of the settings.
  const both = senderOf(t, { allow: parseAllowlist(['127.0.0.1']), resolve, proxy: new URL('http://127.0.0.1:1') });
  assert.equal((await both.send(outgoing(to, 'w', { proxy: proxyUrl(proxy) }))).status, 200);
  assert.equal((await both.send(outgoing(to, 'x'))).failure, 'proxy_failed');
});

test('a proxy that refuses is told with its status; one that fails, with why; and nothing stays open', async (t) => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n', 'proxy_refused', '407'],
    ['HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\n', 'proxy_refused', '403'],
    ['HTTP/1.0 502 Bad Gateway\r\n\r\n', 'proxy_refused', '502'],
    ['HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n', 'proxy_refused', '302'],
    ['rubbish\r\n\r\n', 'proxy_failed', 'answer_invalid'],
    ['HTTP/1.1 2 OK\r\n\r\n', 'proxy_failed', 'answer_invalid'],
    [`${established}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`, 'proxy_failed', 'answer_invalid'],
    [`HTTP/1.1 200 OK\r\n${`X-A: ${'x'.repeat(1000)}\r\n`.repeat(40)}`, 'proxy_failed', 'answer_invalid'],
  ];
  for (const [bytes, failure, reason] of cases) {
    const proxy = await proxyThat(t, (socket) => socket.write(bytes));
    const sender = senderOf(t, { ...publicly(), proxy: proxyUrl(proxy) });
    const answer = await sender.send(outgoing(new URL('http://receiver.example/')));
    assert.deepEqual([answer.status, answer.failure, answer.reason], [null, failure, reason], bytes.slice(0, 60));
    await pause(20);
    assert.deepEqual([proxy.open, sender.pools().connections], [0, 0]);
  }
});

test('a proxy that cuts the line, hangs at any point, or is not there ends with its right outcome within the deadline', async (t) => {
  const send = async (proxy: URL) => {
    const sender = senderOf(t, { ...publicly(), proxy });
    const answer = await sender.send(outgoing(new URL('https://receiver.example/')));
    assert.ok(answer.durationMs < deadlineMs + 100, String(answer.durationMs));
    await pause(20);
    assert.equal(sender.pools().connections, 0);
    return [answer.failure, answer.reason];
  };
  for (const bytes of ['', 'HTTP/1.1 200', established.slice(0, -2)]) {
    const cutting = await proxyThat(t, (socket) => socket.end(bytes));
    assert.deepEqual(await send(proxyUrl(cutting)), ['proxy_failed', 'connection_closed'], bytes);
    const rude = await proxyThat(t, (socket) => socket.write(bytes, () => socket.resetAndDestroy()));
    assert.deepEqual(await send(proxyUrl(rude)), ['proxy_failed', 'connection_closed'], bytes);
    const hanging = await proxyThat(t, (socket) => socket.write(bytes));
    assert.deepEqual(await send(proxyUrl(hanging)), ['timeout', null], bytes);
    assert.equal(hanging.open, 0);
  }
  const silent = await proxyThat(t, (socket) => socket.write(established));
  assert.deepEqual(await send(proxyUrl(silent)), ['timeout', null], 'no TLS ever comes');
  assert.deepEqual(await send(new URL('http://127.0.0.1:1')), ['proxy_failed', 'connection_refused']);
});

test('a name that hangs in DNS, or has no address, ends as it does without a proxy', async (t) => {
  const proxy = await proxyThat(t, () => undefined);
  const hanging = senderOf(t, { allow: nothingAllowed, resolve: () => new Promise(() => undefined), proxy: proxyUrl(proxy) });
  assert.equal((await hanging.send(outgoing(new URL('http://slow.example/')))).failure, 'timeout');
  await pause(20);
  assert.equal(hanging.pools().connections, 0);
  const none = senderOf(t, { allow: nothingAllowed, resolve: async () => [], proxy: proxyUrl(proxy) });
  assert.equal((await none.send(outgoing(new URL('http://none.example/')))).failure, 'name_not_found');
});

test("where the proxy does not reach one of a receiver's addresses, the next is tried", async (t) => {
  const proxy = await proxyThat(t, (socket, request) => {
    if (!request.startsWith('CONNECT 9.9.9.9:')) socket.end('HTTP/1.1 503 Unreachable\r\n\r\n');
    else {
      socket.write(established);
      socket.on('data', () => socket.write(ok));
    }
  });
  const resolve = async () => ['2620:fe::fe', '9.9.9.10', '9.9.9.9'].map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  const sender = senderOf(t, { allow: nothingAllowed, resolve, proxy: proxyUrl(proxy) });
  assert.equal((await sender.send(outgoing(new URL('http://receiver.example/')))).status, 200);
  assert.equal(proxy.requests.length, 3);
});
