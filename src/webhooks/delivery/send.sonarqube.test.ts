// What a webhook of the dialect sonarqube puts on the wire (its contract, section 2), to receivers made of bare sockets: the very bytes of the head,
// and how each answer ends. Redirects in all their forms are in send.redirect.test.ts.
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { deadlineMs, ok, receive, senderOf } from '../../../test/webhooks/raw-receiver.ts';
import { sonarqubeRequest } from '../../../test/webhooks/sonarqube-request.ts';
import { createHmac } from 'node:crypto';

const body = String.raw`{"serverUrl":"http://x","status":"SUCCESS","project":{"key":"a:b","name":"ключ","url":"http://x/dashboard?id\u003da%3Ab"}}`;
const secret = 'секрет';
const signature = createHmac('sha256', secret).update(body).digest('hex');

test('the head has SonarQube’s names, spelled and ordered as there, but for what the client places itself', async (t) => {
  const receiver = await receive(t, (socket) => socket.write(ok));
  const url = new URL(`http://us%65r:p%40ss:@127.0.0.1:${receiver.port}/some%20path//x?a=b&c#part`);
  const sender = senderOf(t);
  await sender.send(sonarqubeRequest({ url, body, secret, addedHeaders: ['x-added', '1'] }));
  await sender.send(sonarqubeRequest({ url: receiver.url, body }));
  const length = Buffer.byteLength(body);
  const ours = ['x-gatepost-event: analysis.completed', 'x-gatepost-delivery: the-delivery', 'x-gatepost-attempt: 1'];
  const named = ['Content-Type: application/json; charset=utf-8', 'User-Agent: SonarQube/26.9.0.129388'];
  const expected = [
    'POST /some%20path//x?a=b&c HTTP/1.1',
    `host: 127.0.0.1:${receiver.port}`,
    'connection: keep-alive',
    'X-SonarQube-Project: a:b',
    ...ours,
    `Authorization: Basic ${Buffer.from('user:p@ss:').toString('base64')}`,
    `X-Sonar-Webhook-HMAC-SHA256: ${signature}`,
    ...named,
    'x-added: 1',
    `content-length: ${length}`,
    '',
    Buffer.from(body).toString('latin1'),
  ];
  assert.deepEqual(receiver.requests[0]?.split('\r\n'), expected);
  const plain = receiver.requests[1]?.split('\r\n').slice(3, -2);
  assert.deepEqual(plain, ['X-SonarQube-Project: a:b', ...ours, ...named, `content-length: ${length}`]);
});

test('another origin is told of the project, and gets neither login, nor signature, nor what people have added', async (t) => {
  const target = await receive(t, (socket) => socket.write(ok));
  const moved = `HTTP/1.1 308 Moved\r\nLocation: http://other:pw2@localhost:${target.port}/after\r\nContent-Length: 0\r\n\r\n`;
  const first = await receive(t, (socket) => socket.write(moved));
  const url = new URL(`http://user:pw@127.0.0.1:${first.port}/`);
  const sender = senderOf(t, { resolve: async () => [{ address: '127.0.0.1', family: 4 }] });
  const answer = await sender.send(sonarqubeRequest({ url, body, secret, addedHeaders: ['x-api-key', 'added'] }));
  assert.equal(answer.status, 200);
  const [came = ''] = target.requests;
  assert.match(came, /^POST \/after HTTP\/1\.1\r\n[^]*X-SonarQube-Project: a:b\r\n[^]*Content-Type: application\/json; charset=utf-8\r\n/);
  assert.doesNotMatch(came, /authorization|hmac|api-key/i);
  assert.equal(came.split('\r\n\r\n')[1], Buffer.from(body).toString('latin1'));
});

async function outcome(t: TestContext, answer: (socket: Socket) => void): Promise<string> {
  const receiver = await receive(t, answer);
  const { status, failure, reason } = await senderOf(t).send(sonarqubeRequest({ url: receiver.url, body, secret }));
  return [status, failure, reason].filter((part) => part !== null).join(' ');
}

test('each answer ends as it does there; one that trickles ends at the deadline', async (t) => {
  const empty = (status: number, head = '') => `HTTP/1.1 ${status} X\r\n${head}Content-Length: 0\r\n\r\n`;
  const answers: readonly (readonly [text: string, expected: string])[] = [
    [empty(200), '200'],
    [empty(204), '204'],
    [empty(299), '299'],
    [empty(300), '300 redirect_not_followed'],
    [empty(303, 'Location: /after\r\n'), '303 redirect_not_followed'],
    [empty(304), '304 redirect_not_followed'],
    [empty(404), '404'],
    [empty(500), '500'],
    [empty(302), '302 redirect_invalid location_missing'],
    [empty(301, 'Location: ftp://127.0.0.1/x\r\n'), '301 redirect_invalid protocol_unsupported'],
    [empty(307, 'Location: /hook\r\n'), '307 redirect_not_followed'],
    ['this is not http\r\n\r\n', 'answer_invalid'],
  ];
  for (const [text, expected] of answers) assert.equal(await outcome(t, (socket) => socket.write(text)), expected, text);
  assert.equal(await outcome(t, (socket) => socket.destroy()), 'connection_closed');
  const late = await outcome(t, (socket) => void setTimeout(() => socket.write(ok), deadlineMs * 0.8));
  assert.equal(late, '200');
  const trickled = await outcome(t, (socket) => {
    let at = 0;
    const timer = setInterval(() => socket.write(ok[at++] ?? ''), deadlineMs / 20);
    socket.on('close', () => clearInterval(timer));
  });
  assert.equal(trickled, 'timeout');
});
