// Whose connections are whose, how many there are, and what stays of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deadlineMs, ok, outgoing, pause, receive, senderOf } from '../../../test/webhooks/raw-receiver.ts';

test('a webhook that hangs holds connections of its own alone, never more than its limit', async (t) => {
  const hanging = await receive(t, () => undefined);
  const healthy = await receive(t, (socket) => socket.write(ok));
  const sender = senderOf(t);
  const stuck = Array.from({ length: 12 }, () => sender.send(outgoing(hanging.url, 'hanging')));
  const before = performance.now();
  const answer = await sender.send(outgoing(healthy.url, 'healthy'));
  assert.equal(answer.status, 200);
  assert.ok(performance.now() - before < deadlineMs / 2);
  for (const each of await Promise.all(stuck)) assert.equal(each.failure, 'timeout');
  await pause(30);
  assert.equal(hanging.requests.length, 4, 'what waited for a connection past the deadline never goes out');
});

test('an idle pool is closed, and opened again when it is needed', async (t) => {
  const receiver = await receive(t, (socket) => socket.write(ok));
  const sender = senderOf(t, { poolIdleMs: 0 });
  await sender.send(outgoing(receiver.url));
  assert.deepEqual(sender.pools(), { pools: 1, connections: 1, underWay: 0 });
  await sender.sweep();
  await pause(30);
  assert.equal(receiver.open, 0);
  assert.deepEqual(sender.pools(), { pools: 0, connections: 0, underWay: 0 });
  assert.equal((await sender.send(outgoing(receiver.url))).status, 200);
});

test('a pool that something is under way through is not closed', async (t) => {
  const receiver = await receive(t, (socket) => setTimeout(() => socket.write(ok), 60));
  const sender = senderOf(t, { poolIdleMs: 0 });
  const sending = sender.send(outgoing(receiver.url));
  assert.deepEqual(sender.pools(), { pools: 1, connections: 1, underWay: 1 });
  await sender.sweep();
  assert.equal((await sending).status, 200);
});

test('a changed origin, revision, proxy or authority opens new connections; what is under way ends over the old', async (t) => {
  const slow = await receive(t, (socket) => setTimeout(() => socket.write(ok), 60));
  const other = await receive(t, (socket) => socket.write(ok));
  const sender = senderOf(t);
  const underWay = sender.send(outgoing(slow.url));
  assert.equal((await sender.send(outgoing(other.url))).status, 200);
  assert.equal((await underWay).status, 200);
  await pause(20);
  assert.equal(slow.open, 0, 'the old connection is not kept');
  const again = await sender.send(outgoing(new URL('/else?x', other.url)));
  assert.equal(again.status, 200);
  assert.equal(other.connections, 1, 'another path of the same origin is the same pool');
  assert.equal((await sender.send(outgoing(other.url, 'w', { revision: 1 }))).status, 200);
  assert.equal((await sender.send(outgoing(other.url, 'w', { revision: 1 }))).status, 200);
  await pause(20);
  assert.deepEqual([other.connections, other.open], [2, 1]);
});

test('connections are bounded in all: for a new one the one that is idle longest is closed', async (t) => {
  const receiver = await receive(t, (socket) => socket.write(ok));
  const sender = senderOf(t, { connectionsInAllMax: 3 });
  for (let round = 0; round < 10; round += 1) {
    const answer = await sender.send(outgoing(receiver.url, `w${round}`));
    assert.equal(answer.status, 200, String(round));
    await pause(2);
    assert.ok(receiver.open <= 3, String(receiver.open));
  }
  assert.equal((await sender.send(outgoing(receiver.url, 'w8'))).status, 200);
  assert.equal(receiver.connections, 10, 'what was used last is kept');
});

test('where all connections are in use, an attempt waits for one, and says at its deadline that it was not the receiver', async (t) => {
  const hanging = await receive(t, () => undefined);
  const slow = await receive(t, (socket) => setTimeout(() => socket.end(ok), 80));
  const sender = senderOf(t, { connectionsInAllMax: 2 });
  const stuck = sender.send(outgoing(hanging.url, 'a'));
  const first = sender.send(outgoing(slow.url, 'b'));
  const second = sender.send(outgoing(slow.url, 'c'));
  assert.equal((await first).status, 200);
  assert.equal((await second).status, 200, 'it got the place of the first');
  const third = [sender.send(outgoing(hanging.url, 'd')), sender.send(outgoing(hanging.url, 'e'))];
  assert.equal((await stuck).failure, 'timeout');
  const failures = (await Promise.all(third)).map((answer) => answer.failure);
  assert.ok(failures.includes('timeout'), String(failures));
  const none = senderOf(t, { connectionsInAllMax: 1 });
  const holding = none.send(outgoing(hanging.url, 'a'));
  const refused = none.send(outgoing(hanging.url, 'b'));
  const seen = hanging.requests.length;
  assert.deepEqual([(await holding).failure, (await refused).failure], ['timeout', 'out_of_connections']);
  await pause(30);
  assert.ok(hanging.requests.length <= seen + 1);
  assert.deepEqual(none.pools(), { pools: 2, connections: 0, underWay: 0 }, 'no place is lost');
});

test('thousands of webhooks come and go, and nothing of them stays', async (t) => {
  const receiver = await receive(t, (socket) => socket.write(ok));
  const sender = senderOf(t, { connectionsInAllMax: 50, poolIdleMs: 0, deadlineMs: 10_000 });
  const webhooks = 2_000;
  let next = 0;
  const work = async () => {
    while (next < webhooks) {
      next += 1;
      assert.equal((await sender.send(outgoing(receiver.url, `w${next}`))).status, 200);
    }
  };
  // By the work it takes, not by a clock that others' work moves on: about a millisecond each, the receiver's part included.
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: 20 }, work));
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < webhooks * 4_000, `${user + system} microseconds`);
  assert.equal(sender.pools().pools, webhooks);
  assert.ok(sender.pools().connections <= 50);
  await sender.sweep();
  await pause(50);
  assert.deepEqual(sender.pools(), { pools: 0, connections: 0, underWay: 0 });
  assert.equal(receiver.open, 0);
});

test('a closed sender has broken everything off, and sends nothing more', async (t) => {
  const hanging = await receive(t, () => undefined);
  const sender = senderOf(t, { deadlineMs: 10_000 });
  const stuck = Array.from({ length: 6 }, () => sender.send(outgoing(hanging.url)));
  await pause(30);
  const before = performance.now();
  await sender.close();
  for (const answer of await Promise.all(stuck)) assert.deepEqual([answer.status, answer.failure], [null, 'send_failed']);
  assert.equal((await sender.send(outgoing(hanging.url))).failure, 'send_failed');
  assert.ok(performance.now() - before < 1_000);
  await pause(20);
  assert.equal(hanging.open, 0);
});
