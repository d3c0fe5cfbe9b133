// Archives are made by hand, then broken in one way each.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gatepost, gatepostJson, temporaryFolder } from '../../test/cli/command-line.ts';
import type { ZipEntry } from '../../test/cli/zip.ts';
import { zipOf } from '../../test/cli/zip.ts';

const report: ZipEntry = { name: 'shop/1.0/CWE Top 25 2025/report.html', bytes: Buffer.from('<!doctype html>'.repeat(1000)) };
const scan: ZipEntry = { name: 'shop/1.0/scan.sarif', bytes: Buffer.from('{"version":"2.1.0"}') };

function manifestOf(entries: readonly ZipEntry[]): ZipEntry {
  const files = entries.map(({ name, bytes }) => ({
    path: name,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }));
  return {
    name: 'manifest.json',
    bytes: Buffer.from(JSON.stringify({ format: 'gatepost-archive', formatVersion: 1, reports: [{ files }], scans: [] })),
  };
}

const whole = [report, scan, manifestOf([report, scan])];

test('a whole archive is whole', async (t) => {
  const file = join(await temporaryFolder(t), 'a.zip');
  await writeFile(file, zipOf(whole));
  const { code, json } = await gatepostJson(['verify', file]);
  assert.deepEqual([code, json['ok'], json['files'], json['problems']], [0, true, 2, []]);
  assert.match((await gatepost(['verify', file])).stdout, /2 files, .*all as the manifest says/);
});

const other: ZipEntry = { ...report, bytes: Buffer.from(report.bytes.toString().replace('d', 'D')) };
const broken: readonly (readonly [string, readonly ZipEntry[], RegExp])[] = [
  ['a file of another content', [other, ...whole.slice(1)], /another SHA-256/],
  ['a file of another size', [{ ...report, bytes: Buffer.from('short') }, ...whole.slice(1)], /has 5 bytes, not 15000/],
  ['a missing file', whole.slice(1), /is missing/],
  [
    'a file that the manifest does not name',
    [...whole, { name: 'extra.exe', bytes: Buffer.from('MZ') }],
    /extra\.exe.*not in the manifest/,
  ],
  ['a wrong CRC-32', [{ ...report, crc: 1 }, ...whole.slice(1)], /CRC-32/],
  ['an entry that is there twice', [report, ...whole], /twice/],
];
for (const [what, entries, expected] of broken) {
  test(`an archive with ${what} is found out`, async (t) => {
    const file = join(await temporaryFolder(t), 'a.zip');
    await writeFile(file, zipOf(entries));
    const { code, json } = await gatepostJson(['verify', file]);
    assert.deepEqual([code, json['ok']], [1, false]);
    assert.match(JSON.stringify(json['problems']), expected);
  });
}

const refused: readonly (readonly [string, Buffer, string])[] = [
  ['no ZIP at all', Buffer.from('hello'), 'zip_unreadable'],
  ['a ZIP without a manifest', zipOf([report]), 'manifest_missing'],
  ['a ZIP that was cut off', zipOf(whole).subarray(0, 300), 'zip_unreadable'],
  ['a ZIP with an entry that leads out of the folder', zipOf([{ name: '../../evil', bytes: Buffer.from('x') }, ...whole]), 'zip_damaged'],
  [
    'a ZIP of a form to come',
    zipOf([{ name: 'manifest.json', bytes: Buffer.from('{"format":"gatepost-archive","formatVersion":2}') }]),
    'manifest_unreadable',
  ],
  ['a ZIP whose manifest is not JSON', zipOf([{ name: 'manifest.json', bytes: Buffer.from('{') }]), 'manifest_unreadable'],
];
for (const [what, bytes, expected] of refused) {
  test(`${what} is refused by its own code`, async (t) => {
    const file = join(await temporaryFolder(t), 'a.zip');
    await writeFile(file, bytes);
    const { code, json } = await gatepostJson(['verify', file]);
    assert.deepEqual([code, json['code']], [1, expected]);
  });
}
