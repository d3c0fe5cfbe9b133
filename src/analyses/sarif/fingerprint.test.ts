// Fingerprints: the same for the same issue in the next analysis, one for each issue.
import assert from 'node:assert/strict';
import test from 'node:test';
import { logOf, read, readOne } from '../../../test/sarif/log.ts';
import type { Finding } from '../finding.ts';
import { createFingerprints, createOccurrences } from './fingerprint.ts';

function result(options: { path?: string; line?: number; text?: string; rule?: string; message?: string; more?: object } = {}): object {
  const { path = 'a.c', line = 1, text = 'strcpy(a, b);', rule = 'r', message = 'm', more = {} } = options;
  const region = { startLine: line, snippet: { text } };
  return {
    ruleId: rule,
    message: { text: message },
    locations: [{ physicalLocation: { artifactLocation: { uri: path }, region } }],
    ...more,
  };
}

async function fingerprints(...results: object[]): Promise<readonly string[]> {
  return (await read(logOf({ results }))).findings.map((finding) => finding.fingerprint);
}

async function same(one: object, other: object): Promise<boolean> {
  return (await fingerprints(one))[0] === (await fingerprints(other))[0];
}

const given = (value: string, name = 'hash/v1') => ({ more: { fingerprints: { [name]: value } } });
const partial = (value: string) => ({ more: { partialFingerprints: { primaryLocationLineHash: value } } });

test('a fingerprint is 32 hexadecimal digits', async () => {
  for (const one of await fingerprints(result(), result(given('x')), result(partial('x')), {})) assert.match(one, /^[0-9a-f]{32}$/);
});

test('the line an issue has moved to makes no difference', async () => {
  assert.ok(await same(result({ line: 1 }), result({ line: 900 })));
  assert.ok(await same(result({ line: 1, ...given('x') }), result({ line: 900, ...given('x') })));
  assert.ok(await same(result({ line: 1, ...partial('x') }), result({ line: 900, ...partial('x') })));
});

test('white space and the way a path is written make no difference', async () => {
  assert.ok(await same(result({ text: '  strcpy(a,  b);\r\n' }), result({ text: '\tstrcpy(a, b);' })));
  assert.ok(await same(result({ path: './src//a.c' }), result({ path: 'src/b/../a.c' })));
});

test('rule, file and text of the line tell issues apart', async () => {
  for (const other of [{ rule: 's' }, { path: 'b.c' }, { text: 'strcpy(c, d);' }]) assert.ok(!(await same(result(), result(other))));
  assert.ok(await same(result({ message: 'one' }), result({ message: 'another' })), 'the message counts only where there is no text');
});

test('where there is no text of the line, the context’s line counts, then the message', async () => {
  const context = (before: string) => ({ startLine: 4, snippet: { text: `${before}\nthe line` } });
  const place = (physical: object) => ({
    ruleId: 'r',
    message: { text: 'm' },
    locations: [{ physicalLocation: { artifactLocation: { uri: 'a.c' }, ...physical } }],
  });
  assert.ok(
    await same(
      place({ region: { startLine: 5 }, contextRegion: context('x') }),
      place({ region: { startLine: 5 }, contextRegion: context('y') }),
    ),
  );
  assert.ok(!(await same({ message: { text: 'one' } }, { message: { text: 'another' } })));
});

test('a given fingerprint identifies: file, line, text and message may change', async () => {
  assert.ok(await same(result(given('x')), result({ path: 'moved.c', line: 7, text: 'other', message: 'other', ...given('x') })));
  assert.ok(!(await same(result(given('x')), result(given('y')))));
  assert.ok(
    !(await same(result(given('x')), result({ rule: 's', ...given('x') }))),
    'tools hash the line alone: two rules may see the same',
  );
});

test('of several given fingerprints the first name’s newest version counts, in whatever order they stand', async () => {
  const many = (fingerprints: object) => result({ more: { fingerprints } });
  assert.ok(await same(many({ 'a/v1': '1', 'a/v10': '10', 'b/v99': 'b' }), many({ 'b/v1': 'c', 'a/v10': '10', 'a/v9': '9' })));
  assert.ok(!(await same(many({ 'a/v1': '1' }), many({ 'a/v2': '1' }))));
});

test('a partial fingerprint stands in for the text, beside rule and file', async () => {
  assert.ok(await same(result({ text: 'one', ...partial('x') }), result({ text: 'another', ...partial('x') })));
  assert.ok(!(await same(result(partial('x')), result({ path: 'b.c', ...partial('x') }))));
  assert.ok(!(await same(result(partial('x')), result({ rule: 's', ...partial('x') }))));
  const two = (partialFingerprints: object) => result({ more: { partialFingerprints } });
  assert.ok(await same(two({ a: '1', b: '2' }), two({ b: '2', a: '1' })));
});

test('a fingerprint that is none (no text, a notice that one must sign in) is as none at all', async () => {
  for (const value of [7, '', null, 'requires login', ' Requires Login']) {
    assert.ok(await same(result(), result({ more: { fingerprints: { 'matchBasedId/v1': value }, partialFingerprints: { hash: value } } })));
  }
  for (const odd of [[], 'x', 7, null, {}])
    assert.ok(await same(result(), result({ more: { fingerprints: odd, partialFingerprints: odd } })));
});

test('issues that are alike get one fingerprint each, and when one is mended exactly one is gone', async () => {
  for (const more of [{}, given('x'), partial('x')]) {
    const three = await fingerprints(result(more), result({ line: 2, ...more }), result({ line: 3, ...more }));
    assert.equal(new Set(three).size, 3);
    assert.deepEqual(await fingerprints(result(more), result({ line: 3, ...more })), three.slice(0, 2));
  }
});

test('one given fingerprint in several files: mending one in the middle leaves the others as they were', async () => {
  const files = ['a.c', 'b.c', 'c.c', 'd.c'].map((path) => result({ path, ...given('x') }));
  const all = await fingerprints(...files);
  assert.equal(new Set(all).size, 4);
  assert.deepEqual(
    await fingerprints(...files.filter((_, index) => index !== 2)),
    all.filter((_, index) => index !== 2),
  );
});

test('alike in two runs of one log are two issues', async () => {
  const run = { tool: { driver: { name: 'S' } }, results: [result()] };
  const { findings } = await read({ version: '2.1.0', runs: [run, run] });
  assert.equal(new Set(findings.map((finding: Finding) => finding.fingerprint)).size, 2);
});

test('the tool tells issues apart', async () => {
  const of = async (name: string) => (await readOne(logOf({ results: [result()] }, { name }))).fingerprint;
  assert.notEqual(await of('one'), await of('another'));
});

test('results that count for nothing take no number', async () => {
  assert.deepEqual(await fingerprints(result({ more: { kind: 'pass' } }), result()), await fingerprints(result()));
});

test('a fingerprint stays what it is from release to release', async () => {
  // Should this fail, every finding of every project would be new again: then the way they are made must get a version.
  assert.deepEqual(
    await fingerprints(result(), result({ line: 2 }), result(given('x')), result({ path: 'b.c', ...given('x') }), result(partial('x'))),
    pinned,
  );
});
const pinned = [
  '035a9f8d35cde38707368b9c92a24adb',
  '8dbccdd1588782ade924c46ac492ba8d',
  'df3bc2b27cb4bb36e91368603b820d21',
  '3c919803ab5f74e28139bef4a0437734',
  '65955256e10a7e8984b0d6359e6ab481',
];

test('the parts of an identity cannot be shifted from one to the next', () => {
  const of = (identity: { tool: string; rule: string; path: string; text: string }) => createFingerprints().next({}, identity);
  assert.notEqual(of({ tool: 't', rule: 'a', path: 'b","c', text: '' }), of({ tool: 't', rule: 'a","b', path: 'c', text: '' }));
});

test('the table of occurrences counts as a Map does, however full it gets', () => {
  const table = createOccurrences();
  const map = new Map<string, number>();
  let state = 7;
  for (let index = 0; index < 60_000; index += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    // Few different low bits, so that many keys want the same slot.
    const key = `${(state % 30_000).toString(16).padStart(8, '0')}${(state % 3).toString(16).padStart(8, '0')}`;
    assert.equal(table.next(key), map.get(key) ?? 0);
    map.set(key, (map.get(key) ?? 0) + 1);
  }
  assert.equal(table.next('0'.repeat(32)), map.get('0'.repeat(16)) ?? 0);
});
