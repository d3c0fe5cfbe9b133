// Plans are put together from their segments and read by yauzl, which knows nothing of our writer: names, sizes, dates and contents must come out.
import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { test } from 'node:test';
import { crc32, deflateRawSync } from 'node:zlib';
import { fromBufferPromise } from 'yauzl';
import type { Entry } from 'yauzl';
import { collectBytes } from '../../../test/artifacts/store.ts';
import type { Zip64From, ZipEntry, ZipPlan } from './zip.ts';
import { planZip, segmentAt } from './zip.ts';

interface Given {
  readonly entry: ZipEntry;
  readonly content: Buffer;
  readonly payload: Buffer;
}

function given(name: string, content: Buffer, deflated: boolean): Given {
  const payload = deflated ? deflateRawSync(content) : content;
  const entry: ZipEntry = {
    name,
    modified: Date.UTC(2025, 11, 17, 9, 5, 48),
    method: deflated ? 'deflated' : 'stored',
    crc32: crc32(content),
    bytes: content.length,
    storedBytes: payload.length,
  };
  return { entry, content, payload };
}

function assemble(plan: ZipPlan, files: readonly Given[]): Buffer {
  const parts = plan.segments.map((segment) => ('bytes' in segment ? segment.bytes : (files[segment.entry]?.payload ?? Buffer.alloc(0))));
  return Buffer.concat(parts);
}

async function unzip(archive: Buffer): Promise<{ entry: Entry; content: Buffer }[]> {
  const zip = await fromBufferPromise(archive);
  const entries = [];
  for await (const entry of zip.eachEntry()) entries.push({ entry, content: await collectBytes(await zip.openReadStreamPromise(entry)) });
  return entries;
}

function assertPlan(plan: ZipPlan): void {
  let at = 0;
  for (const segment of plan.segments) {
    assert.equal(segment.start, at);
    assert.ok(segment.length > 0);
    if ('bytes' in segment) assert.equal(segment.bytes.length, segment.length);
    at += segment.length;
  }
  assert.equal(plan.length, at);
}

const forced: readonly (Zip64From | undefined)[] = [
  undefined,
  { bytes: 1, entries: 1 },
  { bytes: 500, entries: 3 },
  { bytes: 5_000, entries: 0xffff },
];

test('archives of random files, with and without ZIP64, have the length planned and are read back whole', async () => {
  for (const zip64From of forced) {
    for (let round = 0; round < 10; round += 1) {
      const files = Array.from({ length: randomInt(0, 12) }, (_, i) =>
        given(
          `folder ${i}/файл-${i}-報告.txt`,
          Buffer.concat([randomBytes(randomInt(0, 3_000)), Buffer.alloc(randomInt(0, 3_000), 'x')]),
          i % 2 === 0,
        ),
      );
      const plan = planZip(
        files.map((file) => file.entry),
        zip64From,
      );
      assertPlan(plan);
      const archive = assemble(plan, files);
      assert.equal(archive.length, plan.length);
      const entries = await unzip(archive);
      assert.deepEqual(
        entries.map(({ entry }) => entry.fileName),
        files.map((file) => file.entry.name),
      );
      entries.forEach(({ entry, content }, i) => {
        const file = files[i];
        assert.ok(file !== undefined && content.equals(file.content));
        assert.equal(entry.crc32, file.entry.crc32);
        assert.equal(entry.uncompressedSize, file.content.length);
        assert.equal(entry.compressedSize, file.payload.length);
        assert.equal(entry.generalPurposeBitFlag & 0x0800, 0x0800);
        assert.equal(entry.getLastModDate({ timezone: 'UTC' }).toISOString(), '2025-12-17T09:05:48.000Z');
      });
    }
  }
});

test('the same entries give the same bytes', () => {
  const files = [given('a.txt', Buffer.from('a'), false), given('b.txt', Buffer.from('b'.repeat(100)), true)];
  const entries = files.map((file) => file.entry);
  assert.ok(assemble(planZip(entries), files).equals(assemble(planZip([...entries]), files)));
});

test('sizes, offsets and counts are right on both sides of where ZIP64 begins', () => {
  // Nothing of that size is written: the plan alone is looked at.
  const huge = (bytes: number): ZipEntry => ({ name: 'x', modified: 0, method: 'stored', crc32: 0, bytes, storedBytes: bytes });
  const headerOf = (plan: ZipPlan): Buffer => {
    const segment = plan.segments[0];
    assert.ok(segment !== undefined && 'bytes' in segment);
    return segment.bytes;
  };
  const below = planZip([huge(0xfffffffe)]);
  assert.deepEqual([headerOf(below).readUInt16LE(4), headerOf(below).readUInt32LE(22)], [20, 0xfffffffe]);
  const at = headerOf(planZip([huge(0xffffffff)]));
  assert.deepEqual([at.readUInt16LE(4), at.readUInt32LE(22), at.readBigUInt64LE(35)], [45, 0xffffffff, 0xffffffffn]);
  const far = planZip([huge(0xfffffff0), huge(5), huge(5)]);
  // The second begins below 4 GiB, its end is past it, and so the third one's offset needs 64 bits.
  const last = far.directory.subarray(-(46 + 1 + 12));
  assert.deepEqual([last.readUInt32LE(0), last.readUInt32LE(42), last.readUInt16LE(30)], [0x02014b50, 0xffffffff, 12]);
  const end = far.segments.at(-1);
  assert.ok(end !== undefined && 'bytes' in end);
  assert.equal(end.bytes.readUInt32LE(far.directory.length), 0x06064b50);
  assert.equal(
    planZip(Array.from({ length: 0xfffe }, () => huge(0))).segments.at(-1)?.length,
    planZip(Array.from({ length: 0xfffe }, () => huge(0))).directory.length + 22,
  );
  assert.equal(
    planZip(Array.from({ length: 0xffff }, () => huge(0))).segments.at(-1)?.length,
    planZip(Array.from({ length: 0xffff }, () => huge(0))).directory.length + 98,
  );
});

test('dates outside what a ZIP can say are its first and last', async () => {
  const files = [0, Date.UTC(2200, 1, 1), Date.UTC(2024, 1, 29, 23, 59, 59)].map((modified, i) => ({
    ...given(`${i}`, Buffer.from('x'), false),
    modified,
  }));
  const plan = planZip(files.map((file) => ({ ...file.entry, modified: file.modified })));
  const dates = (await unzip(assemble(plan, files))).map(({ entry }) => entry.getLastModDate({ timezone: 'UTC' }).toISOString());
  assert.deepEqual(dates, ['1980-01-01T00:00:00.000Z', '2107-12-31T23:59:58.000Z', '2024-02-29T23:59:58.000Z']);
});

test('segmentAt finds the segment of every byte', () => {
  const files = Array.from({ length: 7 }, (_, i) => given(`f${i}`, randomBytes(i * 3), false));
  const plan = planZip(files.map((file) => file.entry));
  for (let position = 0; position < plan.length; position += 1) {
    const segment = plan.segments[segmentAt(plan, position)];
    assert.ok(segment !== undefined && segment.start <= position && position < segment.start + segment.length);
  }
});
