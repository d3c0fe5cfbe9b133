// Every limit that docs/pull-requests.md tells is the constant that the program goes by, and each code it names is one that the program gives.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { assessMs, conflictPathsMax, mergeMs } from '../../src/repositories/pulls/assess.ts';
import { pullsOfPushMax } from '../../src/repositories/pulls/plan.ts';
import {
  bodyCharactersMax,
  commentCharactersMax,
  commentsMax,
  mergeabilities,
  openPullsMax,
  titleCharactersMax,
  topicCharactersMax,
} from '../../src/repositories/pulls/pull.ts';
import { pullTextBytesMax } from '../../src/repositories/pulls/pulls.ts';
import { rebaseCommitsMax } from '../../src/repositories/pulls/rebase.ts';

const page = readFileSync(new URL('../../docs/pull-requests.md', import.meta.url), 'utf8');
const number = (value: number): string => value.toLocaleString('en-US');

test('the limits are those of the program', () => {
  const limits: Readonly<Record<string, string>> = {
    title: `${titleCharactersMax} characters`,
    'text, comment': `${number(bodyCharactersMax)} characters`,
    topic: `${topicCharactersMax} characters`,
    'open pull requests of a repository': number(openPullsMax),
    'pull requests that one push opens': number(pullsOfPushMax),
    'comments of a pull request': number(commentsMax),
    'commits that a rebase replays': number(rebaseCommitsMax),
    '`diff` and `patch`': `${pullTextBytesMax / 2 ** 20} MiB`,
    "git's look whether it can be merged": `${assessMs / 1000} s`,
    'a merge': `${mergeMs / 1000} s`,
  };
  for (const [what, limit] of Object.entries(limits)) assert.ok(page.includes(`| ${what} | ${limit} |`), `${what}: ${limit}`);
  assert.equal(bodyCharactersMax, commentCharactersMax);
  assert.ok(page.includes(`at most ${conflictPathsMax} paths`));
});

test('each code and reason is one of the program', () => {
  const places = ['../../src/repositories/', '../../src/repositories/pulls/', '../../src/repositories/refs/'];
  const sources = places.flatMap((place) => {
    const folder = new URL(place, import.meta.url);
    return readdirSync(folder)
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .map((name) => readFileSync(new URL(name, folder), 'utf8'));
  });
  const table = page.slice(page.indexOf('## What cannot be'), page.indexOf('## Limits'));
  const codes = [...table.matchAll(/^\| ((?:`\w+`(?:, )?)+) \|/gm)].flatMap(([, row = '']) => row.replaceAll('`', '').split(', '));
  assert.ok(codes.length > 15);
  for (const code of codes)
    assert.ok(
      sources.some((source) => source.includes(`'${code}'`)),
      code,
    );
  for (const reason of mergeabilities) assert.ok(page.includes(`\`${reason}\``), reason);
});
