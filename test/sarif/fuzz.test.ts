// Broken logs by the thousand: what is no JSON is refused, what is JSON is read or refused, and nothing else ever happens. Bytes are flipped,
// cut, doubled and swapped; values are replaced by ones nobody expects. `FUZZ_ROUNDS` and `FUZZ_SEED` make it longer, or the same again.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Finding } from '../../src/analyses/finding.ts';
import { GatepostError } from '../../src/errors.ts';
import { read } from './log.ts';
import { sample } from './sample.ts';

const rounds = Number(process.env.FUZZ_ROUNDS ?? 500);
const seed = Number(process.env.FUZZ_SEED ?? 1);
const roundMsMax = 5_000;

test('the sample itself says what it should', async () => {
  const { facts, findings } = await read(sample);
  assert.deepEqual(facts.totals, { results: 5, open: 1, review: 1, suppressed: 1, absent: 1, ignored: 1, withCwe: 3 });
  assert.deepEqual(
    findings.map((finding) => [finding.rule, finding.severity, finding.cwes, finding.message, finding.place?.path]),
    [
      ['inject', 'CRITICAL', [89], 'name reaches query.', 'src/a b.c'],
      ['pack/one', 'MAJOR', [79], 'é "quoted" \\ \u2028 😀', 'b.c'],
      ['style/sub', 'INFO', [22], 'look', undefined],
      ['style', 'MINOR', [], 'gone', undefined],
    ],
  );
});

test(`${rounds} logs with broken bytes (seed ${seed})`, async () => {
  const random = randomOf(seed);
  const sound = Buffer.from(JSON.stringify(sample, null, 1));
  for (let round = 0; round < rounds; round += 1)
    await tryBytes(broken(sound, random), 1 + pick(random, 300), `seed ${seed}, round ${round}`);
});

test(`${rounds} logs with values of other kinds (seed ${seed})`, async () => {
  const random = randomOf(seed + 1);
  for (let round = 0; round < rounds; round += 1) {
    const log = structuredClone(sample);
    for (let change = pick(random, 4); change >= 0; change -= 1) replaceOne(log, random);
    await tryBytes(Buffer.from(JSON.stringify(log)), 4_096, `seed ${seed}, round ${round}`);
  }
});

async function tryBytes(bytes: Buffer, partBytes: number, name: string): Promise<void> {
  const isJson = parses(bytes);
  const start = performance.now();
  try {
    const { facts, findings } = await read(bytes, partBytes);
    const { results, open, review, suppressed, absent, ignored } = facts.totals;
    assert.ok(isJson, `${name}: read, though it is no JSON`);
    assert.equal(open + review + suppressed + absent + ignored, results, name);
    assert.equal(findings.length, results - ignored, name);
    for (const finding of findings) check(finding, name);
    assert.equal(new Set(findings.map((finding) => finding.fingerprint)).size, findings.length, name);
  } catch (error) {
    if (!(error instanceof GatepostError)) throw new Error(`${name}: ${bytes.toString('latin1').slice(0, 200)}`, { cause: error });
    assert.equal(error.kind, 'invalid', name);
    if (isJson)
      assert.ok(!['not_json', 'sarif_truncated'].includes(error.code), `${name}: ${error.code}, though it is JSON: ${error.message}`);
  }
  assert.ok(performance.now() - start < roundMsMax, `${name}: took too long`);
}

/** What every finding keeps, whatever it was made of. */
function check(finding: Finding, name: string): void {
  assert.match(finding.fingerprint, /^[0-9a-f]{32}$/, name);
  assert.ok(typeof finding.rule === 'string' && typeof finding.message === 'string', name);
  assert.ok(
    finding.cwes.every((cwe) => Number.isInteger(cwe) && cwe > 0),
    name,
  );
  assert.ok(!finding.place?.path.split('/').includes('..'), name);
  assert.ok(JSON.stringify(finding).isWellFormed() && !JSON.stringify(finding).includes('\\u0000'), name);
}

function parses(bytes: Buffer): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8').decode(bytes));
    return true;
  } catch {
    return false;
  }
}

function broken(sound: Buffer, random: () => number): Buffer {
  let bytes = Buffer.from(sound);
  for (let change = pick(random, 3); change >= 0; change -= 1) {
    const at = pick(random, bytes.length);
    const to = Math.min(bytes.length, at + pick(random, 40));
    const tokens = [
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      'null',
      '0',
      '-',
      '\n',
      '\ufeff',
      '\u0000',
      '{"a":[',
      '"runs":',
      '"results":[],',
      '1e999',
      '\\ud800',
    ];
    const kind = pick(random, 5);
    if (kind === 0) bytes[at] = pick(random, 256);
    else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]);
    else if (kind === 3)
      bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(tokens[pick(random, tokens.length)] ?? ''), bytes.subarray(at)]);
    else bytes = bytes.subarray(0, at);
  }
  return bytes;
}

const odd: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  '',
  'x',
  'CWE-79',
  'A01:2021',
  '\u0000\ud800',
  '../../x',
  '__proto__',
  'y'.repeat(20_000),
  '{0}{1}{{}}',
  [],
  {},
  [[[['CWE-1']]]],
  [null, 7, 'x'],
  { uri: '%', uriBaseId: 'SRC' },
  { text: 7 },
  { id: 'constructor' },
  { index: 1e9 },
  { toolComponent: { index: -1, name: 'Pack' } },
];

/** Puts something odd in place of one value, somewhere in the log, or under a name of the prototype. */
function replaceOne(log: object, random: () => number): void {
  const places: (readonly [Record<string, unknown>, string])[] = [];
  const walk = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return;
    for (const key of Object.keys(value)) {
      places.push([value as Record<string, unknown>, key]);
      walk((value as Record<string, unknown>)[key]);
    }
  };
  walk(log);
  const [holder, key] = places[pick(random, places.length)] ?? [{}, ''];
  const value = structuredClone(odd[pick(random, odd.length)]);
  if (pick(random, 10) === 0) Object.defineProperty(holder, '__proto__', { value, enumerable: true, configurable: true, writable: true });
  else holder[key] = value;
}

function pick(random: () => number, below: number): number {
  return Math.floor(random() * below);
}

/** The same numbers for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
