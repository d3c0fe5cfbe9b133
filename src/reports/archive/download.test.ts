// Downloads as bytes: lengths, ranges, and over real connections a client that leaves, one that never reads, a file that goes away.
import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LightMyRequestResponse } from 'fastify';
import { archiveServer, ask, codeOf, listen, until } from '../../../test/archives.ts';
import type { ArchiveServer } from '../../../test/archives.ts';
import { eachDatabase } from '../../../test/databases.ts';
import { acme, insertOrganization, insertReports } from '../../../test/report-rows.ts';

/** An archive of a few files, about 3 MB, on SQLite alone: what follows is about bytes, not rows. */
function withArchive(
  name: string,
  run: (here: ArchiveServer) => Promise<void>,
  limits: { perAddress?: number; perOrganization?: number } = {},
): void {
  eachDatabase((open, engine) => {
    if (engine !== 'sqlite') return;
    test(name, async (t) => {
      const database = await open(t);
      await insertOrganization(database);
      await insertReports(database, [{ number: 1 }]);
      const here = await archiveServer(t, database, limits);
      await here.add(1, 'empty.txt', '');
      await here.add(1, 'findings.json', 'finding '.repeat(100_000));
      await here.add(1, 'report.pdf', randomBytes(2_500_000), 0);
      await here.add(1, 'report.html', `<p>${randomBytes(300_000).toString('hex')}</p>`);
      await run(here);
    });
  });
}

withArchive('exact Content-Length, ETag, Accept-Ranges; HEAD says the same and sends nothing; If-None-Match: 304', async (here) => {
  const answer = await here.get(ask(1));
  assert.equal(answer.headers['content-length'], String(answer.rawPayload.length));
  assert.equal(answer.headers['accept-ranges'], 'bytes');
  assert.ok(answer.headers['x-request-id'] !== undefined && answer.headers['x-content-type-options'] === 'nosniff');
  const head = await here.get(ask(1), { range: 'bytes=0-9' }, 'HEAD');
  assert.deepEqual([head.statusCode, head.rawPayload.length], [200, 0]);
  for (const name of ['content-length', 'etag', 'accept-ranges', 'content-type', 'content-disposition'])
    assert.equal(head.headers[name], answer.headers[name], name);
  const etag = String(answer.headers.etag);
  const again = await here.get(ask(1), { 'if-none-match': etag });
  assert.deepEqual([again.statusCode, again.rawPayload.length, again.headers.etag], [304, 0, etag]);
  // An archive is never compressed again on its way.
  assert.equal((await here.get(ask(1), { 'accept-encoding': 'gzip, br' })).headers['content-encoding'], undefined);
});

withArchive('ranges recomposed are the whole, whatever their cuts', async (here) => {
  const whole = (await here.get(ask(1))).rawPayload;
  const total = whole.length;
  const range = async (text: string): Promise<LightMyRequestResponse> => here.get(ask(1), { range: text });
  for (let round = 0; round < 15; round += 1) {
    const cuts = [0, ...Array.from({ length: randomInt(1, 6) }, () => randomInt(0, total)).toSorted((a, b) => a - b), total];
    const parts: Buffer[] = [];
    for (let i = 1; i < cuts.length; i += 1) {
      const [start = 0, end = 0] = [cuts[i - 1], cuts[i]];
      if (start === end) continue;
      const answer = await range(`bytes=${start}-${end - 1}`);
      assert.deepEqual(
        [answer.statusCode, answer.headers['content-range'], answer.headers['content-length']],
        [206, `bytes ${start}-${end - 1}/${total}`, String(end - start)],
      );
      parts.push(answer.rawPayload);
    }
    assert.ok(Buffer.concat(parts).equals(whole));
  }
  assert.ok((await range('bytes=-100')).rawPayload.equals(whole.subarray(-100)));
  assert.ok((await range(`bytes=${total - 1}-`)).rawPayload.equals(whole.subarray(-1)));
  assert.deepEqual([(await range('bytes=0-1,5-6')).statusCode, (await range('nonsense')).statusCode], [200, 200]);
  const beyond = await range(`bytes=${total}-`);
  assert.deepEqual(
    [beyond.statusCode, codeOf(beyond), beyond.headers['content-range']],
    [416, 'range_not_satisfiable', `bytes */${total}`],
  );
  assert.equal(here.open(), 0);
});

withArchive('an interrupted download resumes; with If-Range of an older archive it begins again', async (here) => {
  const whole = await here.get(ask(1));
  const etag = String(whole.headers.etag);
  const rest = await here.get(ask(1), { range: 'bytes=1000000-', 'if-range': etag });
  assert.equal(rest.statusCode, 206);
  assert.ok(rest.rawPayload.equals(whole.rawPayload.subarray(1_000_000)));
  const anew = await here.get(ask(1), { range: 'bytes=1000000-', 'if-range': '"older"' });
  assert.equal(anew.statusCode, 200);
  assert.ok(anew.rawPayload.equals(whole.rawPayload));
});

withArchive('over a real connection the bytes are the same, and it is kept alive', async (here) => {
  const expected = (await here.get(ask(1))).rawPayload;
  const url = await listen(here.server);
  for (let i = 0; i < 3; i += 1) {
    const answer = await fetch(`${url}/security/report/files?${ask(1)}`);
    assert.ok(Buffer.from(await answer.arrayBuffer()).equals(expected));
    assert.equal(answer.headers.get('connection'), 'keep-alive');
  }
});

withArchive(
  'a client that leaves, and one that never reads, leave no open file and count no longer',
  async (here) => {
    const url = new URL(await listen(here.server));
    // Large enough that the sockets' own buffers cannot take it.
    await here.add(1, 'more.bin', randomBytes(30_000_000), 0);
    const request = `GET /security/report/files?${ask(1)} HTTP/1.1\r\nHost: x\r\n\r\n`;
    const clients = Array.from({ length: 4 }, () => connect({ host: url.hostname, port: Number(url.port) }).pause());
    for (const client of clients) client.write(request);
    await until(() => here.open() > 0);
    await sleep(100);
    const held = here.open();
    assert.ok(held > 0 && held <= 4, `${held}`);
    for (const client of clients) client.destroy();
    await until(() => here.open() === 0);
    await until(async () => (await here.get(ask(1))).statusCode === 200);
  },
  { perAddress: 4 },
);

withArchive(
  'archives under way are limited per address and per organization: 429 with Retry-After',
  async (here) => {
    const url = new URL(await listen(here.server));
    await here.add(1, 'more.bin', randomBytes(30_000_000), 0);
    const slow = connect({ host: url.hostname, port: Number(url.port) });
    slow.on('error', () => undefined).pause();
    slow.write(`GET /security/report/files?${ask(1)} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await until(() => here.open() > 0);
    const refused = await here.get(ask(1));
    assert.deepEqual([refused.statusCode, codeOf(refused), refused.headers['retry-after']], [429, 'too_many_archives', '10']);
    slow.destroy();
    await once(slow, 'close');
    await until(() => here.open() === 0);
    await sleep(20);
    assert.equal((await here.get(ask(1))).statusCode, 200);
  },
  { perAddress: 1 },
);

withArchive('an artefact that goes away while it is sent breaks the connection: no part passes for the whole', async (here) => {
  const url = new URL(await listen(here.server));
  await here.add(1, 'more.bin', randomBytes(30_000_000), 0);
  const last = await here.add(1, 'zz.bin', randomBytes(1_000), 0);
  const client = connect({ host: url.hostname, port: Number(url.port) });
  client.on('error', () => undefined).pause();
  client.write(`GET /security/report/files?${ask(1)} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await until(() => here.open() > 0);
  await here.store.remove(acme, last);
  let bytes = 0;
  client.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  client.resume();
  await once(client, 'close');
  assert.ok(bytes > 30_000_000, `${bytes}`);
  await until(() => here.open() === 0);
});
