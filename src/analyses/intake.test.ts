import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { systemClock } from '../clock.ts';
import { createArtifactDirectory } from '../storage/artifacts/directory.ts';
import { takeBody } from './intake.ts';

// Bodies against a real artefact directory: what is answered is on disk, what is refused left nothing.

const organization = '00000000-0000-4000-8000-000000000001';

async function newStore(t: TestContext) {
  const root = await mkdtemp(join(tmpdir(), 'gatepost-intake-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const artifacts = createArtifactDirectory({ root, clock: systemClock });
  const take = (body: Buffer | readonly Buffer[], options: { encoding?: string; bytesMax?: number } = {}) =>
    takeBody({
      artifacts,
      organization,
      body: Readable.from(Buffer.isBuffer(body) ? [body] : body),
      encoding: options.encoding,
      bytesMax: options.bytesMax ?? 1_000_000,
    });
  const files = async (): Promise<readonly string[]> =>
    (await readdir(root, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
      .map((entry) => entry.name);
  return { artifacts, take, files };
}

const log = Buffer.from('\ufeff \r\n{"version":"2.1.0","runs":[]}');

test('a body is kept as it came, whether packed on the way or not', async (t) => {
  const { artifacts, take } = await newStore(t);
  for (const encoding of [undefined, 'identity', 'gzip', 'x-gzip', ' GZIP ']) {
    const packed = encoding?.trim().toLowerCase().endsWith('gzip') === true ? gzipSync(log) : log;
    const object = await take(packed, encoding === undefined ? {} : { encoding });
    assert.equal(object.sha256, createHash('sha256').update(log).digest('hex'));
    const chunks: Uint8Array[] = [];
    for await (const chunk of artifacts.read(organization, object.sha256)) chunks.push(chunk);
    assert.ok(Buffer.concat(chunks).equals(log));
  }
});

test('a byte order mark cut by the network is still one', async (t) => {
  const { take } = await newStore(t);
  await take(Array.from(log, (byte) => Buffer.from([byte])));
});

for (const [what, body, options, code] of [
  ['nothing', Buffer.alloc(0), {}, 'empty_body'],
  ['blanks', Buffer.from(' \n\t'), {}, 'empty_body'],
  ['a list', Buffer.from('[1]'), {}, 'not_json'],
  ['a page', Buffer.from('<html>'), {}, 'not_json'],
  ['UTF-16', Buffer.from('\ufeff{"version":"2.1.0"}', 'utf16le'), {}, 'not_json'],
  ['gzip without saying so', gzipSync(log), {}, 'not_json'],
  ['no gzip though said so', log, { encoding: 'gzip' }, 'gzip_invalid'],
  ['half a gzip', gzipSync(Buffer.concat([log, Buffer.alloc(5000, 'ab1')])).subarray(0, 40), { encoding: 'gzip' }, 'gzip_truncated'],
  ['an encoding that is not taken', log, { encoding: 'br' }, 'unsupported_encoding'],
  ['more than the limit', Buffer.from(`{${' '.repeat(100)}`), { bytesMax: 100 }, 'body_too_large'],
  ['a gzip bomb', gzipSync(Buffer.from(`{${' '.repeat(2_000_000)}`)), { encoding: 'gzip', bytesMax: 1_000_000 }, 'body_too_large'],
  [
    'gzip members without content',
    Buffer.concat(Array.from({ length: 60 }, () => gzipSync(Buffer.alloc(0)))),
    { encoding: 'gzip', bytesMax: 1000 },
    'body_too_large',
  ],
] as const) {
  test(`${what}: refused with ${code}, nothing is left`, async (t) => {
    const { take, files } = await newStore(t);
    await assert.rejects(take(body, options), { code });
    assert.deepEqual(await files(), []);
  });
}

test('a body of exactly the limit is taken', async (t) => {
  const { take } = await newStore(t);
  assert.equal((await take(Buffer.from(`{${' '.repeat(98)}}`), { bytesMax: 100 })).bytes, 100);
});

test('a caller that goes away in the middle leaves nothing', async (t) => {
  const { artifacts, files } = await newStore(t);
  const body = Readable.from(
    (async function* cut() {
      yield log;
      throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
    })(),
  );
  await assert.rejects(takeBody({ artifacts, organization, body, encoding: undefined, bytesMax: 1000 }), { code: 'ECONNRESET' });
  assert.deepEqual(await files(), []);
});
