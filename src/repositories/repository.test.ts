import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { checkedDefaultBranch, checkedRepositoryName, isBranchName, isRefName, limitsOf, refNameBytesMax } from './repository.ts';

// Names at their edges, and that git itself agrees with what we take for a ref's name.

test('a repository name at its edges', () => {
  for (const name of ['a', '0', 'a'.repeat(100), 'my-repo', 'A.b_c-d', 'x.gitty', 'git']) assert.equal(checkedRepositoryName(name), name);
  for (const name of [
    '',
    'a'.repeat(101),
    '.a',
    '-a',
    '_a',
    'a.',
    'a..b',
    'a.git',
    'a.GIT',
    'a/b',
    'a\\b',
    'a b',
    'a\n',
    'é',
    'a.lock',
    'a.atom',
  ])
    assert.throws(() => checkedRepositoryName(name), { code: 'invalid_repository_name' }, JSON.stringify(name));
});

test('what we take for a ref’s name, git does; what git refuses, we do', () => {
  const names = [
    'main',
    'a/b',
    'ä',
    'a.b',
    'a..b',
    '.a',
    'a/.b',
    'a.',
    'a.lock',
    'a.lock/b',
    'a//b',
    'a/',
    '/a',
    'a b',
    'a~',
    'a^',
    'a:',
    'a?',
    'a*',
    'a[',
    'a\\',
    'a@{b',
    '@',
    'a@',
    '{',
    '-a',
    'a\u007f',
    'a\t',
    "a'b",
    'a"b',
    'a$(b)',
    'a;b',
    'refs/heads/x',
    'HEAD',
    '日本',
  ];
  for (const name of names) {
    const ref = `refs/heads/${name}`;
    let gitTakes = true;
    try {
      execFileSync('git', ['check-ref-format', ref], { stdio: 'ignore' });
    } catch {
      gitTakes = false;
    }
    assert.equal(isRefName(ref), gitTakes, JSON.stringify(name));
  }
  assert.ok(isRefName(`refs/heads/${'x'.repeat(refNameBytesMax - 11)}`));
  assert.ok(!isRefName(`refs/heads/${'x'.repeat(refNameBytesMax - 10)}`));
  assert.ok(!isRefName('refs/heads') && !isRefName('heads/main') && !isRefName('refs/heads/\ud800'));
  for (const name of ['-x', 'HEAD', '@', '', 'a..b']) assert.ok(!isBranchName(name), name);
});

test('a repository’s own limits lower the server’s and never raise them', () => {
  const server = { bytesMax: 100, objectBytesMax: 50, refsMax: 10 };
  const own = { bytesMax: 200, objectBytesMax: 20, refsMax: null };
  assert.deepEqual(limitsOf({ limits: own }, server), { bytesMax: 100, objectBytesMax: 20, refsMax: 10 });
});

test('a default branch is named alone: what begins with refs/ is another thing', () => {
  assert.equal(checkedDefaultBranch('feature/refs'), 'feature/refs');
  for (const name of ['refs/heads/main', 'refs/main'])
    assert.throws(() => checkedDefaultBranch(name), { code: 'invalid_branch', message: /such as "main"/ });
});
