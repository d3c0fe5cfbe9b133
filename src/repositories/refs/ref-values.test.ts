// What is read from git's files is held against what git says, however it keeps its refs.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { zeroId } from '../../events/git-facts.ts';
import { clientGit, clientRuns } from '../../../test/git-host.ts';
import { readRefs } from './ref-values.ts';

test('a ref has the value that git gives it: loose, packed, both, deleted, or a folder of others', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'gatepost-refs-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  await clientRuns(directory, 'init', '-q', '--bare', '.');
  const tree = (await clientGit(directory, ['mktree'])).stdout;
  const commit = (text: string): Promise<string> => clientRuns(directory, 'commit-tree', tree, '-m', text);
  const [one, two] = [await commit('one'), await commit('two')];
  const set = (ref: string, id: string) => clientRuns(directory, 'update-ref', ref, id);
  for (const name of ['a', 'b/c', 'gone', 'both', 'é', ...Array.from({ length: 30 }, (_, at) => `many/${at}`)])
    await set(`refs/heads/${name}`, one);
  await clientRuns(directory, 'tag', '-a', 'v1', '-m', 'annotated', one);
  await clientRuns(directory, 'pack-refs', '--all');
  await set('refs/heads/both', two);
  await set('refs/heads/loose', two);
  await clientRuns(directory, 'update-ref', '-d', 'refs/heads/gone');
  const refs = ['a', 'b', 'b/c', 'b/c/d', 'gone', 'both', 'é', 'loose', 'loose/x', 'nothing'].map((name) => `refs/heads/${name}`);
  const all = [...refs, 'refs/tags/v1', ...Array.from({ length: 30 }, (_, at) => `refs/heads/many/${at}`)];
  const told = new Map(
    (await clientRuns(directory, 'for-each-ref', '--format=%(refname) %(objectname)')).split('\n').map((line) => {
      const [ref = '', id = ''] = line.split(' ');
      return [ref, id] as const;
    }),
  );
  for (const asked of [all, refs, ['refs/tags/v1']]) {
    const read = await readRefs(directory, asked);
    assert.deepEqual(
      [...read],
      asked.map((ref) => [ref, told.get(ref) ?? zeroId]),
    );
  }
  await assert.rejects(readRefs(directory, ['../../etc/passwd']));
});
