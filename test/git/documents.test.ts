// The limits that docs/git.md tells of events are those the program goes by.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { commitsOfPushMax, pathsOfCommitMax, pathsOfPushMax } from '../../src/events/git-facts.ts';
import * as limits from '../../src/repositories/facts/limits.ts';
import { pushesOfUnitMax } from '../../src/repositories/refs/settle.ts';

const number = (value: number): string => value.toLocaleString('en-US');
const size = (bytes: number): string => (bytes >= 2 ** 20 ? `${bytes / 2 ** 20} MiB` : `${bytes / 2 ** 10} KiB`);

test('each limit of what the event of a push says is told as it is', () => {
  const page = readFileSync(new URL('../../docs/git.md', import.meta.url), 'utf8');
  const expected: Readonly<Record<string, string>> = {
    'commits that are listed of a ref': number(commitsOfPushMax),
    'commits that are listed of all refs of one push, up to a hundred refs at a time': `${number(limits.commitsOfPushesMax)}, and at least ${limits.commitsOfRefMin} of each`,
    'paths of a commit': number(pathsOfCommitMax),
    'paths of all commits of a ref': `${number(pathsOfPushMax)}, and ${size(limits.pathBytesOfPushMax)}`,
    'bytes of a path': `${number(limits.pathBytesMax)}; a longer one is not listed`,
    'bytes of a message': `${size(limits.messageBytesMax)}; a longer one ends in \`…\``,
    'bytes of all messages of a ref': `${size(limits.messagesOfPushBytesMax)}; those past that are cut to ${limits.messageOfRestBytesMax} bytes`,
    'bytes of a name or mail address': number(limits.nameBytesMax),
    'parents of a commit': number(limits.parentsMax),
    'files that a difference names one by one': number(limits.diffFilesMax),
    'time of one look at a repository': `${limits.lookTimeoutMs / 1000} s`,
  };
  for (const [name, value] of Object.entries(expected)) assert.ok(page.includes(`| ${name} | ${value} |`), `${name}: ${value}`);
  assert.equal(pushesOfUnitMax, 100);
});
