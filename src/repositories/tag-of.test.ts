import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientRuns, startGitHost } from '../../test/git-host.ts';
import { systemClock } from '../clock.ts';
import { createIdentifiers } from '../identifiers.ts';
import { findOrCreateProject } from '../projects/store.ts';
import { tagOf } from './tag-of.ts';

// The version of an analysis may be the tag of its commit: which one of several, and that no answer is an error.

test('of several tags of a commit the highest version is taken, of repositories of the project alone', async (t) => {
  const host = await startGitHost(t);
  const { database, git, repository, directory } = host;
  const { organization } = repository;
  const work = `${directory}/work`;
  await clientRuns(directory, 'init', '-q', work);
  await clientRuns(work, 'commit', '-q', '--allow-empty', '-m', 'one');
  for (const tag of ['latest', 'v1.9', 'v1.10']) await clientRuns(work, 'tag', tag);
  await clientRuns(work, 'tag', '-am', 'annotated', 'v1.2');
  const one = await clientRuns(work, 'rev-parse', 'HEAD');
  await clientRuns(work, 'commit', '-q', '--allow-empty', '-m', 'two');
  const two = await clientRuns(work, 'rev-parse', 'HEAD');
  await clientRuns(work, 'tag', 'nightly');
  await clientRuns(work, 'push', '-q', host.remote('write'), 'main', '--tags');
  const ids = createIdentifiers();
  const made = { organization, key: 'shop', onlyProject: null, actor: 'cli', ids, clock: systemClock } as const;
  const { id: project } = await database.write((tx) => findOrCreateProject({ tx, ...made }));
  const ask = (revision: string) => tagOf({ database, git, organization, project, revision });
  assert.equal(await ask(one), null, 'the repository is tied to no project yet');
  await database.write((tx) => tx.updateTable('repositories').set({ project }).where('id', '=', repository.id).execute());
  assert.equal(await ask(one), 'v1.10');
  assert.equal(await ask(two), 'nightly');
  for (const revision of ['f'.repeat(40), 'main', '--all', '']) assert.equal(await ask(revision), null, revision);
  assert.equal(await tagOf({ database, git: { ...git, problem: 'none' }, organization, project, revision: one }), null);
});
