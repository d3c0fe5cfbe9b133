// Versions are compared through their keys and, independently, by a comparator that follows the text of SemVer 2.0.0, section 11, with
// BigInt for the numbers; both must agree on thousands of generated versions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { orderedKeysFrom, parseVersion, versionCharactersMax } from './version.ts';

const compareBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Not the code under test: splits by hand, pads to six numbers, compares as the specification words it. */
function precedence(a: string, b: string): number {
  const [left, right] = [split(a), split(b)];
  for (let i = 0; i < 6; i += 1) {
    const difference = (left.numbers[i] ?? 0n) - (right.numbers[i] ?? 0n);
    if (difference !== 0n) return difference < 0n ? -1 : 1;
  }
  if (left.pre === null || right.pre === null) return Number(left.pre === null) - Number(right.pre === null);
  for (let i = 0; i < Math.max(left.pre.length, right.pre.length); i += 1) {
    const [x, y] = [left.pre[i], right.pre[i]];
    if (x === undefined) return -1;
    if (y === undefined) return 1;
    const [xNumber, yNumber] = [/^[0-9]+$/.test(x), /^[0-9]+$/.test(y)];
    if (xNumber && yNumber && BigInt(x) !== BigInt(y)) return BigInt(x) < BigInt(y) ? -1 : 1;
    if (xNumber !== yNumber) return xNumber ? -1 : 1;
    if (!xNumber && x !== y) return x < y ? -1 : 1;
  }
  return 0;
}

function split(text: string): { numbers: bigint[]; pre: string[] | null } {
  const bare = text.replace(/^v/, '').split('+')[0] ?? '';
  const dash = bare.indexOf('-');
  const numbers = (dash < 0 ? bare : bare.slice(0, dash)).split('.').map((part) => BigInt(part));
  return { numbers, pre: dash < 0 ? null : bare.slice(dash + 1).split('.') };
}

/** A small generator with a fixed seed, so that a failure comes again. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function anyVersion(next: (below: number) => number): string {
  const number = (): string =>
    ['0', '1', '2', '9', '10', '007', '2024', '18446744073709551616', '9'.repeat(26), '1'.repeat(40)][next(10)] ?? '0';
  const word = (): string =>
    ['alpha', 'beta', 'rc', 'rc1', 'RC', '-', 'a-b', '0', '1', '2', '10', 'x0', '1a', 'zz', '99999999999999999999'][next(15)] ?? 'a';
  const list = (count: number, item: () => string): string => Array.from({ length: count }, item).join('.');
  const pre = next(2) === 0 ? '' : `-${list(1 + next(3), word)}`;
  const build = next(3) === 0 ? `+${list(1 + next(2), word)}` : '';
  return `${next(3) === 0 ? 'v' : ''}${list(1 + next(6), number)}${pre}${build}`;
}

test('keys compared byte by byte give SemVer precedence', () => {
  const next = generator(7);
  const versions = Array.from({ length: 700 }, () => anyVersion(next));
  for (const a of versions) {
    for (const b of versions.slice(0, 120)) {
      const [left, right] = [parseVersion(a), parseVersion(b)];
      assert.equal(Math.sign(compareBytes(left.key, right.key)), precedence(a, b), `${a} against ${b}`);
    }
  }
});

test('the specification’s own example is in its order', () => {
  const rising = ['1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta', '1.0.0-beta.2', '1.0.0-beta.11', '1.0.0-rc.1', '1.0.0'];
  const keys = rising.map((text) => parseVersion(text).key);
  assert.deepEqual(keys.toSorted(compareBytes), keys);
});

test('1, 1.0, v1.0 and 1.0.0 are one version; build metadata tells versions apart but not in order', () => {
  for (const text of ['1', '1.0', 'v1.0', '1.0.0', '1.0.0.0.0.0', '01.00']) {
    assert.deepEqual(parseVersion(text), parseVersion('1.0.0'), text);
  }
  assert.equal(parseVersion('v1+5').normal, '1.0.0+5');
  assert.equal(parseVersion('1.0.0+5').key, parseVersion('1.0.0+6').key);
  assert.notEqual(parseVersion('1.0.0+5').normal, parseVersion('1.0.0+6').normal);
  assert.equal(parseVersion('2024.01.15').normal, '2024.1.15');
  assert.equal(parseVersion('1.2.3.4').normal, '1.2.3.4');
});

test('a canonical text reads as itself', () => {
  const next = generator(11);
  for (let i = 0; i < 500; i += 1) {
    const version = parseVersion(anyVersion(next));
    assert.deepEqual(parseVersion(version.normal), version);
  }
});

test('what is no such version is a text: equal to itself alone, below every ordered version', () => {
  const texts = [
    '2024-Q1 hotfix',
    '',
    'vv1',
    'V1',
    '1.',
    '.1',
    '1..2',
    '1.2.3.4.5.6.7',
    '1.0.0-01',
    '1.0.0-',
    '1.0+',
    ' 1.0',
    '1.0 ',
    'release',
    '1,0',
    '1.0.0-a..b',
    '١.٢',
  ];
  for (const text of texts) {
    const version = parseVersion(text);
    assert.equal(version.ordered, false, text);
    assert.equal(version.normal, text);
    assert.ok(version.key < orderedKeysFrom, text);
  }
  assert.equal(new Set(texts.map((text) => parseVersion(text).key)).size, texts.length);
  assert.ok(parseVersion('0-0').key >= orderedKeysFrom);
});

test('the longest version of any kind gives a key that an index takes, quickly', () => {
  const longest = [
    '9'.repeat(versionCharactersMax),
    `1.0-${'a'.repeat(versionCharactersMax - 4)}`,
    `1-${'0.'.repeat(126)}0`,
    '漢'.repeat(versionCharactersMax),
  ];
  for (const text of longest) {
    assert.ok(text.length <= versionCharactersMax);
    assert.ok(Buffer.byteLength(parseVersion(text).key) <= 1_100);
  }
  const began = performance.now();
  for (let i = 0; i < 1_000; i += 1) parseVersion(`1.${'0'.repeat(100)}-${'-'.repeat(100)}0!`);
  assert.ok(performance.now() - began < 1_000);
});
