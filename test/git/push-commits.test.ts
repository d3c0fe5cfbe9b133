// Debian's git pushes over HTTP what people push; each test looks at the events that came of it, and at nothing else.
import assert from 'node:assert/strict';
import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CommitFacts } from '../../src/events/git-facts.ts';
import { clientGit } from '../git-host.ts';
import { startClient } from './client.ts';

const paths = ({ added, removed, modified }: CommitFacts) => ({ added, removed, modified });

test('files that are renamed, binary, links, programs, and names that are no UTF-8', async (t) => {
  const { work, commit, push, news, git } = await startClient(t);
  await commit({ 'old/name.txt': 'the same\n', keep: 'k', 'run.sh': 'x' });
  await push('origin', 'main');
  await news();
  await mkdir(join(work, 'new'));
  await rename(join(work, 'old/name.txt'), join(work, 'new/name.txt'));
  await commit({ 'picture.bin': Buffer.from([0, 1, 2, 255]), 'with space.txt': '1', 'línea.txt': '1' });
  await chmod(join(work, 'run.sh'), 0o755);
  await symlink('keep', join(work, 'link'));
  await commit({});
  await rm(join(work, 'keep'));
  await mkdir(join(work, 'keep'));
  await writeFile(Buffer.concat([Buffer.from(join(work, 'keep/caf')), Buffer.from([0xe9])]), 'x');
  await commit({});
  await git('-c', 'core.quotePath=false', 'ls-files');
  await push('origin', 'main');
  const [told] = await news();
  assert.deepEqual(told?.commits.map(paths), [
    { added: ['keep/caf\ufffd'], removed: ['keep'], modified: [] },
    { added: ['link'], removed: [], modified: ['run.sh'] },
    { added: ['línea.txt', 'new/name.txt', 'picture.bin', 'with space.txt'], removed: ['old/name.txt'], modified: [] },
  ]);
});

test('messages in other encodings, empty commits, an author unlike the committer, each in a zone of their own', async (t) => {
  const { work, commit, push, news, host } = await startClient(t);
  await commit({ a: '1' });
  await push('origin', 'main');
  await news();
  await commit({ a: '2' }, '--author=Grace <grace@example.org>', '--date=2024-02-29T23:30:00-0930', '-m', 'By another');
  const message = join(host.directory, 'message');
  await writeFile(message, Buffer.from('caf\xe9 im Fr\xfchling\n\nZwei\n', 'latin1'));
  assert.equal((await clientGit(work, ['-c', 'i18n.commitEncoding=ISO-8859-1', 'commit', '-q', '--allow-empty', '-F', message])).status, 0);
  assert.equal((await clientGit(work, ['commit', '-q', '--allow-empty', '--allow-empty-message', '-m', ''])).status, 0);
  await push('origin', 'main');
  const [told] = await news();
  const [silent, latin, other] = told?.commits ?? [];
  assert.deepEqual([silent?.message, latin?.message, other?.message], ['', 'café im Frühling\n\nZwei\n', 'By another\n']);
  assert.deepEqual(silent === undefined ? null : paths(silent), { added: [], removed: [], modified: [] });
  assert.deepEqual(
    [other?.author.name, other?.author.email, other?.author.date],
    ['Grace', 'grace@example.org', '2024-02-29T23:30:00-09:30'],
  );
  assert.deepEqual([other?.committer.name, other?.committer.date === other?.author.date], ['Ada', false]);
});

test('merges, and histories without a common beginning', async (t) => {
  const { commit, git, push, news } = await startClient(t);
  await commit({ a: '1' });
  await push('origin', 'main');
  await news();
  await git('checkout', '-q', '-b', 'topic');
  const topic = await commit({ b: '1' });
  await git('checkout', '-q', 'main');
  const mine = await commit({ c: '1' });
  await git('merge', '-q', '--no-ff', '-m', 'Merge topic', 'topic');
  const merge = await git('rev-parse', 'HEAD');
  await push('origin', 'main');
  const [told] = await news();
  assert.deepEqual([told?.total, told?.head?.id, told?.isForced], [3, merge, false]);
  assert.deepEqual(new Set(told?.commits.map(({ id }) => id)), new Set([merge, topic, mine]));
  assert.deepEqual(told?.commits[0] === undefined ? null : [told.commits[0].parents, paths(told.commits[0])], [
    [mine, topic],
    { added: ['b'], removed: [], modified: [] },
  ]);
  await git('checkout', '-q', '--orphan', 'apart');
  const apart = await commit({ z: '1' });
  await push('--force', 'origin', 'apart:main');
  const [forced] = await news();
  assert.deepEqual([forced?.commits.map(({ id }) => id), forced?.isForced], [[apart], true]);
});

test('a push of thousands of commits lists the newest and counts all', async (t) => {
  const { host, push, news, work, git } = await startClient(t);
  const count = 1_500;
  const stream = Array.from({ length: count }, (_, index) => {
    const date = `${1_700_000_000 + index} +0000`;
    return `commit refs/heads/main\ncommitter Ada <ada@example.org> ${date}\ndata 2\nc\nM 100644 inline f${index % 50}\ndata 6\n${String(index).padStart(5, '0')}\n\n`;
  });
  assert.equal((await clientGit(work, ['fast-import', '--quiet'], stream.join(''))).status, 0);
  await push('origin', 'main');
  const [told] = await news();
  assert.deepEqual([told?.total, told?.commits.length, told?.head?.id], [count, 1_000, await git('rev-parse', 'main')]);
  assert.ok(told?.commits.every(({ added, modified }) => added.length + modified.length === 1));
  assert.equal((await host.repository()).pushed !== null, true);
});
