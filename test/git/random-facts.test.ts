import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PushFacts } from '../../src/events/git-facts.ts';
import { zeroId } from '../../src/events/git-facts.ts';
import type { MovedRef } from '../../src/repositories/facts/facts.ts';
import type { Bare, TreeEntry } from './bare.ts';
import { bare, writeTree } from './bare.ts';
import { factsBothWays } from './facts.ts';

// Random histories, with merges, roots and odd messages, and random moves in them. Facts read from files of their own and facts read from packs by git
// must be the same, and what they say must be what plain git says of the same history.

interface Commit {
  readonly id: string;
  readonly files: ReadonlyMap<string, TreeEntry>;
}

type Random = (below: number) => number;

/** The same numbers for the same seed, so that what fails once fails again. */
function randomOf(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const names = ['a', 'a.b', 'a/x', 'a/y/z', 'b/c/d/e', 'b/c/f', 'caf\xe9', 'd e', 'g'];
const modes = ['100644', '100644', '100644', '100755', '120000', '160000'] as const;
const messages = ['A change\n', '', 'no end', '\n\nlate\n\n\n', 'caf\xe9 latin\n', 'é\n'];
const zones = ['+0000', '+0200', '-0730', '+1245'];

async function changedFiles(repo: Bare, random: Random, before: Commit['files']): Promise<Commit['files']> {
  const files = new Map(before);
  for (let changes = random(4); changes > 0; changes -= 1) {
    const name = names[random(names.length)] ?? 'a';
    if (random(4) === 0) files.delete(name);
    else files.set(name, { mode: modes[random(modes.length)] ?? '100644', id: await repo.object('blob', String(random(5))) });
  }
  // A file and a directory cannot have one name: what is a file gives way.
  for (const name of files.keys()) if ([...files.keys()].some((other) => other.startsWith(`${name}/`))) files.delete(name);
  return files;
}

async function history(repo: Bare, random: Random, size: number): Promise<readonly Commit[]> {
  const commits: Commit[] = [];
  let seconds = 1_700_000_000;
  for (let made = 0; made < size; made += 1) {
    const kind = random(10);
    const pick = (): Commit[] =>
      commits
        .slice(Math.max(0, commits.length - 6))
        .slice(random(6))
        .slice(0, 1);
    const parents =
      kind === 0 ? [] : kind < 3 ? [...pick(), ...pick(), ...pick()] : commits.length > 0 && kind < 8 ? commits.slice(-1) : pick();
    const unique = [...new Set(parents)];
    const files = await changedFiles(repo, random, unique[0]?.files ?? new Map<string, TreeEntry>());
    const tree = await writeTree(repo, files);
    seconds += random(1_000) - 100;
    const who = (name: string): string => `${name} <${name}@example.com> ${seconds} ${zones[random(zones.length)]}`;
    const heads = unique.map(({ id }) => `parent ${id}\n`).join('');
    const text = `tree ${tree}\n${heads}author ${who('ada')}\ncommitter ${who('bob')}\n\n${messages[random(messages.length)]}`;
    commits.push({ id: await repo.object('commit', Buffer.from(text, 'latin1')), files });
  }
  return commits;
}

async function saysTheSame(repo: Bare, { before, after, commits, total, isForced }: PushFacts): Promise<void> {
  const listed = (await repo.sh(['rev-list', `${before}..${after}`])).split('\n').filter((line) => line !== '');
  assert.deepEqual([commits.map(({ id }) => id), total], [listed, listed.length]);
  const dropped = await repo.sh(['rev-list', '--count', `${after}..${before}`]);
  assert.equal(isForced, dropped !== '0');
  for (const { id, tree, parents, author: by, added, removed, modified } of commits.slice(0, 3)) {
    assert.equal(
      `${tree} ${parents.join(' ')} ${by.date.replace('Z', '+00:00')}`,
      await repo.sh(['log', '-1', '--format=%T %P %aI', id]).then((text) => text.replace('Z', '+00:00')),
    );
    const against = parents[0] === undefined ? ['--root', id] : [parents[0], id];
    const plain = await repo.sh([
      '-c',
      'core.quotePath=false',
      'diff-tree',
      '--no-commit-id',
      '-r',
      '-z',
      '--no-renames',
      '--name-only',
      ...against,
    ]);
    const paths = plain.split('\0').filter((path) => path !== '');
    assert.deepEqual([...added, ...removed, ...modified].sort(), paths.sort());
  }
}

for (const seed of [1, 2, 3, 4]) {
  test(`what is read from files and what git reads from packs is the same, and what plain git says (history ${seed})`, async (t) => {
    const random = randomOf(seed * 7_919);
    const repo = await bare(t);
    const commits = await history(repo, random, 30);
    const someCommit = (): string => commits[random(commits.length)]?.id ?? zeroId;
    const moved: MovedRef[] = [];
    for (let index = 0; index < 12; index += 1) {
      const [before, after] = [random(4) === 0 ? zeroId : someCommit(), someCommit()];
      moved.push({ ref: `refs/heads/b${index}`, before: before === after ? zeroId : before, after });
    }
    const last = commits.slice(-4).map(({ id }) => id);
    moved.push({ ref: 'refs/heads/last', before: last[0] ?? zeroId, after: last[3] ?? zeroId });
    await repo.sh(['update-ref', '--stdin'], moved.map(({ ref, after }) => `create ${ref} ${after}\n`).join(''));
    const told = await factsBothWays(repo, moved);
    for (const push of told.filter(({ before }) => before !== zeroId).slice(0, 4)) await saysTheSame(repo, push);
    for (const { head, after } of told) assert.equal(head?.id, after);
  });
}
