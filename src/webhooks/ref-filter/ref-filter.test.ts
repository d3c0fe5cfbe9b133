// The table was measured on the library that the contract names (1.4), but for its faults. Random filters are compared with a slow matcher that
// writes all choices out and then tries everything.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matcherOf } from './glob.ts';
import { GlobError, parseGlob } from './parse.ts';
import { checkedRefFilter, refFilterCharactersMax, refFilterOf, refPasses } from './ref-filter.ts';

const matches = (pattern: string, text: string): boolean => matcherOf(parseGlob(pattern))(text, 0);

const table: readonly (readonly [pattern: string, yes: readonly string[], no: readonly string[]])[] = [
  ['main', ['main'], ['Main', 'main2', 'refs/heads/main', '']],
  ['*', ['main', 'a/b', '.hid', ''], []],
  ['**', ['main', 'a/b', ''], []],
  ['feature*', ['feature/77', 'feature/a/b', 'feature'], ['a/feature']],
  ['feature/*', ['feature/77', 'feature/a/b'], ['feature']],
  ['feature/**', ['feature/77', 'feature/a/b'], ['features']],
  ['*/b', ['a/b', 'a/c/b'], ['b']],
  ['**/x', ['a/x'], ['x']],
  ['?', ['a', '/', 'é', '𝒳'], ['ab', '']],
  ['{main,release*}', ['main', 'release/1'], ['rel', 'main,release']],
  ['{a,{b,c}d}', ['a', 'bd', 'cd'], ['b', 'ad']],
  ['{a, b}', [' b', 'a'], ['b']],
  ['[!abc]', ['d', '/'], ['a', '']],
  ['[^a]', ['^', 'a'], ['b']],
  ['[a-z]', ['a', 'm', 'z'], ['A', '-', 'ab']],
  ['[!a-z]', ['A', '-', '/'], ['a', 'z', '']],
  ['[xa-c]', ['x', 'a', '-', 'c'], ['b']],
  ['[a\\-c]', ['-', 'c', 'a'], ['b']],
  ['[\\]]', [']'], ['\\']],
  ['[é-ü]', ['ö'], ['a']],
  ['main}', ['main}'], ['dev', 'main']],
  ['a,b', ['a,b'], ['a', 'aa', 'b']],
  ['!main', ['!main'], ['dev']],
  ['+(a)', ['+(a)'], ['aa', 'a']],
  ['{a..c}', ['a..c'], ['a', 'b']],
  ['{main', ['main'], ['{main']],
  ['{main,dev', ['main', 'dev'], ['{main']],
  ['a\\', ['a'], ['a\\']],
  ['\\*', ['*'], ['a', '\\*']],
  ['\\{a\\,b\\}', ['{a,b}'], ['a']],
  ['refs/heads/*', ['refs/heads/a/b'], ['refs/heads']],
  ['', [''], ['a']],
  // Where the library is wrong.
  ['a*a', ['aa', 'aba'], ['a']],
  ['b*bb', ['bbb', 'babb'], ['bb']],
  ['x?', ['xa'], ['x']],
  ['x[!a]', ['xb'], ['x']],
  ['{}a', ['a'], ['']],
  ['a{*,}', ['abc', 'a'], ['b']],
  ['{*b,b}', ['bb', 'b', 'ab'], ['a']],
  ['a{,b}{,c}', ['a', 'ab', 'ac', 'abc'], ['acb']],
];

test('the grammar of filters is held, line by line of what was measured', () => {
  for (const [pattern, yes, no] of table) {
    for (const text of yes) assert.ok(matches(pattern, text), `${pattern} matches ${text}`);
    for (const text of no) assert.ok(!matches(pattern, text), `${pattern} does not match ${text}`);
  }
});

test('what is no filter is refused with what is wrong and where', () => {
  const wrong = ['[', 'a[b', '[]', '[!]', '[!', '[]a]', '[a-cx]', '[c-a]', '[a-', '[a-]', '[\\', '{a,[}', 'a\0b', 'a\ud800'];
  for (const pattern of wrong) {
    assert.throws(() => parseGlob(pattern), GlobError, pattern);
    assert.throws(() => checkedRefFilter(pattern), { code: 'invalid_ref_filter', kind: 'invalid' }, pattern);
  }
  assert.throws(() => checkedRefFilter('main,[z-a]'), {
    message: 'The filter of refs is wrong: a range ends before it begins, at character 8.',
  });
  assert.equal(checkedRefFilter('a'.repeat(refFilterCharactersMax)), 'a'.repeat(refFilterCharactersMax));
  assert.throws(() => checkedRefFilter('a'.repeat(refFilterCharactersMax + 1)), { code: 'invalid_ref_filter' });
  assert.equal(checkedRefFilter(''), null);
  // Given back as they were given: who keeps settings as text would else see a change for ever.
  for (const all of ['*', '**', '***']) {
    assert.equal(checkedRefFilter(all), all);
    for (const ref of ['refs/heads/a/b', 'refs/tags/v1', 'refs/notes/commits']) assert.ok(refPasses(all, ref));
  }
});

test('a filter is held against the short name of a branch or tag, and against the whole ref where it spells that out', () => {
  const passing: readonly (readonly [filter: string, ref: string, passes: boolean])[] = [
    ['main', 'refs/heads/main', true],
    ['main', 'refs/tags/main', true],
    ['main', 'refs/heads/feature/main', false],
    ['refs/heads/main', 'refs/heads/main', true],
    ['refs/heads/main', 'refs/tags/main', false],
    ['{refs/heads/feature/*,refs/tags/release/*}', 'refs/heads/feature/a', true],
    ['{refs/heads/feature/*,refs/tags/release/*}', 'refs/tags/release/1', true],
    ['{refs/heads/feature/*,refs/tags/release/*}', 'refs/heads/release/1', false],
    ['{main,refs/tags/*}', 'refs/tags/v1', true],
    ['re{fs,p}/*/v1', 'refs/tags/v1', true],
    ['refs/*', 'refs/heads/main', true],
    // What stands for any character does not take `refs/`: these speak of short names.
    ['[!m]*', 'refs/heads/main', false],
    ['[!m]*', 'refs/heads/dev', true],
    ['????/heads/main', 'refs/heads/main', false],
    ['*/main', 'refs/heads/main', false],
    ['*/main', 'refs/heads/a/main', true],
    ['*', 'refs/heads/refs/x', true],
    ['v*', 'refs/notes/v1', false],
    ['refs/notes/*', 'refs/notes/v1', true],
  ];
  for (const [filter, ref, passes] of passing) {
    assert.equal(refFilterOf(filter).passes(ref), passes, `${filter} ${ref}`);
    assert.equal(refPasses(filter, ref), passes);
  }
  assert.equal(refPasses('main', null), true);
});

/** All patterns without braces that one with braces stands for. */
function expanded(pattern: string): readonly string[] {
  let depth = 0;
  let start = -1;
  const cuts: number[] = [];
  for (let at = 0; at < pattern.length; at += 1) {
    if (pattern[at] === '{') {
      depth += 1;
      if (depth === 1) start = at;
    } else if (depth === 1 && pattern[at] === ',') cuts.push(at);
    else if (depth > 0 && pattern[at] === '}') {
      depth -= 1;
      if (depth > 0) continue;
      const ends = [start, ...cuts, at];
      const rests = expanded(pattern.slice(at + 1));
      return ends
        .slice(1)
        .flatMap((end, index) => expanded(pattern.slice((ends[index] ?? 0) + 1, end)))
        .flatMap((choice) => rests.map((rest) => pattern.slice(0, start) + choice + rest));
    }
  }
  return [pattern];
}

function slowly(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  if (pattern.startsWith('*')) return slowly(pattern.slice(1), text) || (text !== '' && slowly(pattern, text.slice(1)));
  const set = /^\[(!?)(.)(-(.))?\]/.exec(pattern);
  if (set !== null) {
    const [{ length }, not, first = '', , last = first] = set;
    return (
      text !== '' && (text.charAt(0) >= first && text.charAt(0) <= last) !== (not === '!') && slowly(pattern.slice(length), text.slice(1))
    );
  }
  return text !== '' && (pattern.startsWith('?') || pattern[0] === text[0]) && slowly(pattern.slice(1), text.slice(1));
}

test('random filters answer as a slow matcher does that tries everything', () => {
  let seed = 20_240_703;
  const below = (limit: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * limit);
  };
  const pieces = ['a', 'b', 'ab', '*', '**', '?', '[!a]', '[a-b]', '[!b-c]', '[b]', '{'];
  const pattern = (depth: number): string => {
    let made = '';
    for (let left = below(5); left >= 0; left -= 1) {
      const piece = pieces[below(depth > 2 ? pieces.length - 1 : pieces.length)] ?? '';
      made +=
        piece === '{' ? `{${Array.from({ length: 1 + below(3) }, () => (below(4) === 0 ? '' : pattern(depth + 1))).join(',')}}` : piece;
    }
    return made;
  };
  const texts = ['', 'a', 'b', 'c', 'aa', 'ab', 'ba', 'bb', 'aab', 'aba', 'abb', 'bab', 'abc', 'a/b', 'abab', 'bbaab'];
  for (let round = 0; round < 4_000; round += 1) {
    const made = pattern(0);
    const plain = expanded(made);
    if (plain.length > 200) continue;
    const matcher = matcherOf(parseGlob(made));
    for (const text of texts)
      assert.equal(
        matcher(text, 0),
        plain.some((each) => slowly(each, text)),
        `${made} ~ ${text}`,
      );
  }
});

test('hostile filters take a time that grows with filter and ref, not faster', () => {
  const repeated = (text: string): string => text.repeat(Math.floor(refFilterCharactersMax / text.length));
  const hostile = [
    `${repeated('*a').slice(0, -1)}b`,
    repeated('{a,*}'),
    repeated('{,a}'),
    repeated('?*'),
    `${repeated('[!b]*').slice(0, -5)}b?`,
    '{'.repeat(refFilterCharactersMax),
    `${'{a*,'.repeat(120)}b`,
    `{${repeated('*a,').slice(0, -2)}`,
  ];
  for (const filter of hostile) {
    assert.ok(filter.length <= refFilterCharactersMax);
    const compiled = refFilterOf(filter);
    const ref = `refs/heads/${'a'.repeat(1_000)}`;
    const start = performance.now();
    for (let times = 0; times < 10; times += 1) compiled.passes(ref);
    // Ten of at most some milliseconds each, on a machine that does other things too; a matcher that tries everything takes years.
    assert.ok(performance.now() - start < 1_000, filter.slice(0, 20));
  }
});
