// Where a dialect asks for it, one redirect is followed: as the same POST, guarded again, within the same deadline, and without anything that
// only the first origin may have.
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { forms } from '../../../test/webhooks/address-forms.ts';
import type { Receiver } from '../../../test/webhooks/raw-receiver.ts';
import { deadlineMs, ok, outgoing, pause, receive, senderOf } from '../../../test/webhooks/raw-receiver.ts';
import { parseAllowlist } from './guard.ts';
import type { Answer, Outgoing } from './send.ts';

const redirected = (status: number, location: string, rest = 'Content-Length: 0\r\n\r\n') =>
  `HTTP/1.1 ${status} Moved\r\nLocation: ${location}\r\n${rest}`;
const following = (url: URL) => outgoing(url, 'w', { redirects: 1 });

async function sendTo(t: TestContext, answer: (socket: Socket, nth: number, request: string) => void): Promise<Answer> {
  const receiver = await receive(t, answer);
  const before = performance.now();
  const result = await senderOf(t).send(following(receiver.url));
  assert.ok(performance.now() - before < deadlineMs + 200, 'the deadline was passed');
  return result;
}

/** What came in, without the request line and what names the receiver. */
const told = (request: string | undefined) => (request ?? '').replace(/^POST \S+/, '').replace(/host: \S+/, '');

test('301, 302, 307 and 308 are followed as the same POST with the same headers and body', async (t) => {
  for (const status of [301, 302, 307, 308]) {
    for (const location of [
      '/moved?c=d',
      'moved',
      '?only=query',
      '//HOST/moved',
      'http://HOST/moved#part',
      'http://user:password@HOST/moved',
    ]) {
      const receiver: Receiver = await receive(t, (socket) => {
        const isFirst = receiver.requests.length === 1;
        socket.write(isFirst ? redirected(status, location.replace('HOST', receiver.url.host)) : ok);
      });
      const sender = senderOf(t);
      const request: Outgoing = { ...following(receiver.url), headers: ['authorization', 'Basic eDp5', 'webhook-signature', 'v1,abc'] };
      const answer = await sender.send(request);
      assert.deepEqual([answer.status, answer.failure, answer.body?.toString()], [200, null, 'ok'], `${status} ${location}`);
      assert.equal(told(receiver.requests[1]), told(receiver.requests[0]));
      assert.match(receiver.requests[1] ?? '', /^POST \/(moved\?c=d|moved|hook\?only=query) /);
      assert.match(receiver.requests[1] ?? '', /authorization: Basic eDp5\r\n/);
      assert.equal(receiver.connections, 1, 'the kept connection serves the second request');
    }
  }
});

test('another origin gets neither login, nor signature, nor what people have added', async (t) => {
  const target = await receive(t, (socket) => socket.write(ok));
  const first = await receive(t, (socket) => socket.write(redirected(307, `http://user:password@127.0.0.1:${target.port}/moved`)));
  const secrets = {
    authorization: 'Basic SECRET',
    cookie: 'SECRET',
    'webhook-signature': 'v1,SECRET',
    'x-gatepost-signature-256': 'sha256=SECRET',
    'x-gatepost-signature-256-next': 'sha256=SECRET',
    'x-sonar-webhook-hmac-sha256': 'SECRET',
    'x-api-key': 'SECRET',
  };
  const harmless = {
    'content-type': 'application/json',
    'user-agent': 'Gatepost',
    'webhook-id': 'the-id',
    'webhook-timestamp': '1',
    'x-gatepost-event': 'push',
    'x-sonarqube-project': 'key',
  };
  const sender = senderOf(t);
  const request = { ...following(first.url), headers: Object.entries({ ...secrets, ...harmless }).flat() };
  for (let round = 1; round <= 2; round += 1) {
    assert.equal((await sender.send(request)).status, 200);
    const came = target.requests.at(-1) ?? '';
    assert.doesNotMatch(came, /SECRET|password/);
    for (const [name, value] of Object.entries(harmless)) assert.ok(came.includes(`${name}: ${value}\r\n`), name);
    assert.match(came, /^POST \/moved [^]*\r\n\r\n\{"a":1\}$/);
  }
  assert.equal(target.connections, 1, 'its connection is kept as well');
  assert.deepEqual(sender.pools(), { pools: 2, connections: 2, underWay: 0 });
});

test('303 and whatever else is no redirect of that kind is not followed', async (t) => {
  const target = await receive(t, (socket) => socket.write(ok));
  for (const status of [300, 303, 304, 305, 306, 399]) {
    const answer = await sendTo(t, (socket) => socket.end(redirected(status, target.url.href)));
    assert.deepEqual([answer.status, answer.failure], [status, 'redirect_not_followed']);
  }
  assert.equal(
    (await sendTo(t, (socket) => socket.write(`HTTP/1.1 201 Created\r\nLocation: ${target.url.href}\r\nContent-Length: 0\r\n\r\n`))).status,
    201,
  );
  assert.equal(target.connections, 0);
});

test('a second redirect is not followed: it is the answer', async (t) => {
  const receiver: Receiver = await receive(t, (socket) => socket.write(redirected(receiver.requests.length === 1 ? 307 : 308, '/again')));
  const answer = await senderOf(t).send(following(receiver.url));
  assert.deepEqual([answer.status, answer.failure], [308, 'redirect_not_followed']);
  await pause(20);
  assert.equal(receiver.requests.length, 2);
});

test('a redirect that names nothing that can be sent to is told as such, and what is wrong with it', async (t) => {
  const wrong = {
    location_missing: [''],
    location_invalid: ['http://', 'http://[', 'http://x:0/', 'https://x:99999/'],
    protocol_unsupported: ['ftp://x/', 'mailto:x', 'javascript:1', 'file:///etc/passwd', 'gopher://127.0.0.1/'],
  };
  for (const [reason, locations] of Object.entries(wrong)) {
    for (const location of locations) {
      const answer = await sendTo(t, (socket) => socket.end(redirected(302, location)));
      assert.deepEqual([answer.status, answer.failure, answer.reason], [302, 'redirect_invalid', reason], location);
    }
  }
  const none = await sendTo(t, (socket) => socket.end('HTTP/1.1 302 Moved\r\nContent-Length: 0\r\n\r\n'));
  assert.deepEqual([none.status, none.failure, none.reason], [302, 'redirect_invalid', 'location_missing']);
});

test('a redirect to any form of a refused address is refused, with the redirect as the answer', async (t) => {
  // Only the receiver that redirects is allowed; nothing listens anywhere else, and nothing is asked there.
  let location = '';
  const receiver = await receive(t, (socket) => socket.write(redirected(307, location)));
  const sender = senderOf(t, {
    allow: parseAllowlist(['receiver.internal']),
    resolve: async (host) => [{ address: host === 'rebinding.example' ? '10.0.0.1' : '127.0.0.1', family: 4 }],
    ownAddresses: () => ['8.8.4.4', '2606:4700:4700::1001'],
  });
  const from = new URL(`http://receiver.internal:${receiver.port}/`);
  // A header holds no others than these.
  const refused = forms.filter(([host, reason]) => reason !== null && /^[\x21-\x7e]+$/.test(host));
  assert.ok(refused.length > 150);
  for (const [host, reason] of [...refused, ['rebinding.example', 'private']]) {
    location = `http://${host}:8080/hook`;
    const answer = await sender.send(following(from));
    assert.deepEqual([answer.status, answer.failure, answer.reason], [307, 'redirect_refused', reason], host);
  }
});

test('both ways share one deadline, and a redirect without end is followed at once', async (t) => {
  const hanging = await receive(t, () => undefined);
  const late = await sendTo(t, (socket) => setTimeout(() => socket.write(redirected(307, hanging.url.href)), deadlineMs / 2));
  assert.deepEqual([late.status, late.failure], [null, 'timeout']);
  assert.ok(late.durationMs < deadlineMs + 100, String(late.durationMs));
  await pause(20);
  assert.equal(hanging.open, 0);
  const target = await receive(t, (socket) => socket.write(ok));
  const endless = await sendTo(t, (socket) => {
    socket.write(redirected(307, target.url.href, 'Content-Length: 100000000\r\n\r\n'));
    const timer = setInterval(() => socket.write('x'), 20);
    socket.on('close', () => clearInterval(timer));
  });
  assert.equal(endless.status, 200);
  assert.ok(endless.durationMs < deadlineMs / 2, String(endless.durationMs));
});

test('where the second way fails, its failure is the outcome', async (t) => {
  const gone = await receive(t, (socket) => socket.destroy());
  const cut = await sendTo(t, (socket) => socket.write(redirected(307, gone.url.href)));
  assert.deepEqual([cut.status, cut.failure], [null, 'connection_closed']);
  assert.equal(gone.requests.length, 1);
  const failing = await receive(t, (socket) => socket.write('HTTP/1.1 503 Busy\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n'));
  const busy = await sendTo(t, (socket) => socket.write(redirected(307, failing.url.href)));
  assert.deepEqual([busy.status, busy.headers['retry-after'], busy.headers['location']], [503, '5', undefined]);
});
