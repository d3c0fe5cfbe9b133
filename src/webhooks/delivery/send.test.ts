// Receivers that are slow, lie, fail and cut the line, made of bare sockets so that every byte is ours. Each sending must end with its right
// outcome within the deadline, which is short here.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { deadlineMs, ok, outgoing, pause, receive, senderOf } from '../../../test/webhooks/raw-receiver.ts';
import type { Receiver } from '../../../test/webhooks/raw-receiver.ts';
import { nothingAllowed } from './guard.ts';
import type { Answer } from './send.ts';
import { answerBytesMax } from './send.ts';

async function sendTo(t: TestContext, answer: (socket: Socket, nth: number) => void): Promise<Answer & { receiver: Receiver }> {
  const receiver = await receive(t, answer);
  const before = performance.now();
  const result = await senderOf(t).send(outgoing(receiver.url));
  assert.ok(performance.now() - before < deadlineMs + 200, 'the deadline was passed');
  return { ...result, receiver };
}

test('a request goes out whole and its answer is kept; the connection serves the next one', async (t) => {
  const receiver = await receive(t, (socket) => socket.write('HTTP/1.1 201 Created\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 5\r\n\r\nhello'));
  const sender = senderOf(t);
  for (let round = 0; round < 3; round += 1) {
    const answer = await sender.send(outgoing(receiver.url));
    assert.equal(answer.status, 201);
    assert.equal(answer.failure, null);
    assert.deepEqual(answer.headers, { 'x-a': '1, 2', 'content-length': '5' });
    assert.equal(answer.body?.toString(), 'hello');
  }
  assert.match(receiver.requests[0] ?? '', /^POST \/hook\?a=b HTTP\/1\.1\r\n[^]*content-length: 7[^]*\r\n\r\n\{"a":1\}$/);
  assert.equal(receiver.connections, 1);
});

test('every status is told as it came', async (t) => {
  for (const status of [200, 204, 299, 400, 404, 410, 429, 500, 503, 599]) {
    const answer = await sendTo(t, (socket) => socket.end(`HTTP/1.1 ${status} Some\r\nConnection: close\r\n\r\n`));
    assert.equal(answer.status, status);
    assert.equal(answer.failure, null);
  }
});

test('a redirect is not followed and told as the reason', async (t) => {
  const target = await receive(t, (socket) => socket.end(ok));
  for (const status of [301, 302, 303, 307, 308]) {
    const answer = await sendTo(t, (socket) =>
      socket.end(`HTTP/1.1 ${status} Moved\r\nLocation: ${target.url.href}\r\nContent-Length: 0\r\n\r\n`),
    );
    assert.equal(answer.status, status);
    assert.equal(answer.failure, 'redirect_not_followed');
  }
  assert.equal(target.connections, 0);
});

test('a line cut at any point ends with its right outcome: what came before the status is a failure, what came after it is not', async (t) => {
  const whole = 'HTTP/1.1 200 OK\r\nX-Some: header\r\nContent-Length: 10\r\n\r\n0123456789';
  const statusKnownFrom = whole.indexOf('\r\n\r\n') + 4;
  for (let cut = 0; cut < whole.length; cut += 1) {
    for (const rude of [false, true]) {
      const answer = await sendTo(t, (socket) => {
        const bytes = whole.slice(0, cut);
        if (!rude) socket.end(bytes);
        else if (cut === 0) socket.resetAndDestroy();
        else socket.write(bytes, () => setTimeout(() => socket.resetAndDestroy(), 2));
      });
      const known = cut >= statusKnownFrom;
      assert.equal(answer.status, known ? 200 : null, `${cut} ${rude}`);
      assert.equal(answer.failure, known ? null : 'connection_closed', `${cut} ${rude}`);
    }
  }
});

test('a receiver that hangs before its status times out, wherever it hangs', async (t) => {
  for (const bytes of ['', 'HTTP/1.1 200', 'HTTP/1.1 200 OK\r\nX-A: 1\r\n']) {
    const answer = await sendTo(t, (socket) => socket.write(bytes));
    assert.equal(answer.status, null);
    assert.equal(answer.failure, 'timeout');
    assert.ok(answer.durationMs >= deadlineMs - 10);
    await pause(20);
    assert.equal(answer.receiver.open, 0, 'the connection is closed');
  }
});

test('a receiver that hangs before it takes the connection times out', async (t) => {
  // A process that listens and never accepts; once its queue is full, nobody gets an answer to the first packet.
  const code =
    "const s=require('net').createServer();s.listen({port:0,host:'127.0.0.1',backlog:1},()=>{require('fs').writeSync(1,String(s.address().port));Atomics.wait(new Int32Array(new SharedArrayBuffer(4)),0,0)})";
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => child.kill('SIGKILL'));
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  const filling = Array.from({ length: 8 }, () => connect(Number(text.toString()), '127.0.0.1').on('error', () => undefined));
  t.after(() => filling.forEach((socket) => socket.destroy()));
  await pause(50);
  const sender = senderOf(t);
  const answer = await sender.send(outgoing(new URL(`http://127.0.0.1:${text.toString()}/`)));
  assert.equal(answer.failure, 'timeout');
  assert.ok(answer.durationMs < deadlineMs + 200, String(answer.durationMs));
  await pause(20);
  assert.deepEqual(sender.pools(), { pools: 1, connections: 0, underWay: 0 }, 'what was being connected is given up');
});

test('a status within the deadline decides although the body hangs, one byte at a time', async (t) => {
  const answer = await sendTo(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n');
    const timer = setInterval(() => socket.write('x'), 50);
    socket.on('close', () => clearInterval(timer));
  });
  assert.equal(answer.status, 200);
  assert.equal(answer.failure, null);
  assert.ok((answer.body?.length ?? 0) > 2 && (answer.body?.length ?? 0) < 20);
  await pause(20);
  assert.equal(answer.receiver.open, 0, 'the connection is closed');
});

test('of an answer exactly as much is kept as the limit says, and 100 MB are broken off', async (t) => {
  const exact = await sendTo(t, (socket) =>
    socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${answerBytesMax}\r\n\r\n${'x'.repeat(answerBytesMax)}`),
  );
  assert.equal(exact.body?.length, answerBytesMax);
  let written = 0;
  const piece = Buffer.alloc(65_536, 'y');
  const answer = await sendTo(t, (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${100 * 1024 * 1024}\r\n\r\n`);
    const more = () => {
      while (!socket.destroyed && written < 100 * 1024 * 1024) {
        written += piece.length;
        if (!socket.write(piece)) return;
      }
    };
    socket.on('drain', more);
    more();
  });
  assert.equal(answer.status, 200);
  assert.equal(answer.body?.length, answerBytesMax);
  assert.ok(written < 20 * 1024 * 1024, `${written} bytes were taken`);
});

test('memory stays flat over receivers that send without end', async (t) => {
  const piece = Buffer.alloc(65_536, 'y');
  const receiver = await receive(t, (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${100 * 1024 * 1024}\r\n\r\n`);
    const more = () => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on('drain', more);
    more();
  });
  const sender = senderOf(t);
  const kept: Answer[] = [];
  const held = () => process.memoryUsage().arrayBuffers;
  const round = async () => {
    const answers = await Promise.all(Array.from({ length: 4 }, () => sender.send(outgoing(receiver.url))));
    kept.push(...answers);
  };
  for (let count = 0; count < 10; count += 1) await round();
  const before = held();
  for (let count = 0; count < 40; count += 1) await round();
  assert.ok(kept.every((answer) => answer.status === 200 && answer.body?.length === answerBytesMax));
  const grown = held() - before;
  // 160 answers of 16 KiB are kept by this test itself.
  assert.ok(grown < 160 * answerBytesMax + 24 * 1024 * 1024, `${grown} bytes more`);
});

test('headers without end are refused, and so is what is no HTTP', async (t) => {
  const large = await sendTo(t, (socket) => socket.write(`HTTP/1.1 200 OK\r\n${`X-A: ${'x'.repeat(1000)}\r\n`.repeat(40)}\r\n`));
  assert.equal(large.failure, 'answer_headers_too_large');
  for (const rubbish of [
    'rubbish\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01',
    'HTTP/9.9 200 OK\r\n\r\n',
    'HTTP/1.1 20 OK\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
  ]) {
    const answer = await sendTo(t, (socket) => socket.write(rubbish));
    assert.equal(answer.status, null, rubbish);
    assert.equal(answer.failure, 'answer_invalid', rubbish);
  }
});

test('answers of 1xx are no answer: the one behind them is, and where none follows the deadline ends it', async (t) => {
  const early = await sendTo(t, (socket) =>
    socket.write(`HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${ok}`),
  );
  assert.equal(early.status, 200);
  const only = await sendTo(t, (socket) => {
    const timer = setInterval(() => socket.write('HTTP/1.1 102 Processing\r\n\r\n'), 30);
    socket.on('close', () => clearInterval(timer));
  });
  assert.equal(only.status, null);
  assert.equal(only.failure, 'timeout');
  for (const unasked of [
    'HTTP/1.1 100 Continue\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
  ]) {
    assert.equal((await sendTo(t, (socket) => socket.write(unasked))).failure, 'answer_invalid');
  }
});

test('a kept connection that is closed just as the next request goes out costs no attempt: it is sent once more on a new one', async (t) => {
  const receiver = await receive(t, (socket, nth) => (nth === 0 ? socket.write(ok) : socket.destroy()));
  const sender = senderOf(t);
  for (let round = 0; round < 8; round += 1) assert.equal((await sender.send(outgoing(receiver.url))).status, 200);
  assert.ok(receiver.requests.length > 8, 'no connection was used twice, so this test tests nothing');
  // On a new connection it is the receiver's doing, and sent once.
  const rude = await receive(t, (socket) => socket.destroy());
  assert.equal((await sender.send(outgoing(rude.url, 'other'))).failure, 'connection_closed');
  assert.equal(rude.requests.length, 1);
});

test('nobody listens, no such name, no way there: each has its own word', async (t) => {
  const gone = await receive(t, () => undefined);
  const free = createServer();
  await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
  const { port } = free.address() as AddressInfo;
  await new Promise((resolve) => free.close(resolve));
  const sender = senderOf(t, {
    resolve: async (host) => {
      if (host === 'unknown.example') throw Object.assign(new Error('unknown'), { code: 'ENOTFOUND' });
      return [{ address: '127.0.0.1', family: 4 }];
    },
  });
  assert.equal((await sender.send(outgoing(new URL(`http://127.0.0.1:${port}/`)))).failure, 'connection_refused');
  assert.equal((await sender.send(outgoing(new URL(`http://known.example:${port}/`), 'b'))).failure, 'connection_refused');
  assert.equal((await sender.send(outgoing(new URL('http://unknown.example/'), 'c'))).failure, 'name_not_found');
  assert.equal(gone.connections, 0);
});

test('a name that hangs in DNS ends by the deadline', async (t) => {
  const sender = senderOf(t, { resolve: () => new Promise(() => undefined) });
  const answer = await sender.send(outgoing(new URL('http://slow.example/')));
  assert.equal(answer.failure, 'timeout');
});

test('a refused address is never connected to, be it written or resolved', async (t) => {
  const receiver = await receive(t, (socket) => socket.end(ok));
  const sender = senderOf(t, { allow: nothingAllowed, resolve: async () => [{ address: '127.0.0.1', family: 4 }] });
  for (const host of ['127.0.0.1', '0x7f.1', '[::ffff:127.0.0.1]', 'localhost', 'rebinding.example']) {
    const answer = await sender.send(outgoing(new URL(`http://${host}:${receiver.port}/`), host));
    assert.equal(answer.failure, 'address_refused', host);
    assert.match(answer.reason ?? '', /loopback/, host);
  }
  assert.equal(receiver.connections, 0);
});
