import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bare } from '../../../test/git/bare.ts';
import { eachDatabase } from '../../../test/databases.ts';
import { systemClock } from '../../clock.ts';
import { createIdentifiers } from '../../identifiers.ts';
import { createOrganization } from '../../organizations/store.ts';
import { insertRepository } from '../store.ts';
import { repositoryFacts } from './repository-facts.ts';

// Rows on both databases, refs as plain git writes them.

eachDatabase((open, engine) => {
  test(`a repository is told with its owner, its open pull requests and what its refs say (${engine})`, async (t) => {
    const database = await open(t);
    const repo = await bare(t);
    const [ids, clock] = [createIdentifiers(), systemClock];
    const { organization } = await database.write((tx) => createOrganization({ tx, name: 'Acme', actor: 'cli', ids, clock }));
    const common = { database, git: repo.git, organization: organization.id, actor: 'cli', ids, clock } as const;
    const made = await insertRepository({ ...common, name: 'Shop' });
    const other = await insertRepository({ ...common, name: 'other' });
    const facts = (bytes = 0) => repositoryFacts({ read: database.read, git: repo.git, repository: { ...made, bytes } });
    const empty = await facts();
    assert.deepEqual([empty.isEmpty, empty.tags, empty.openPulls, empty.sizeKib, empty.defaultBranch], [true, 0, 0, 0, 'main']);
    assert.deepEqual([empty.owner.slug, empty.owner.name, empty.owner.number > 0, empty.number], ['acme', 'Acme', true, made.number]);
    for (const [index, [repository, state]] of (
      [
        [made.id, 'open'],
        [made.id, 'open'],
        [made.id, 'merged'],
        [other.id, 'open'],
      ] as const
    ).entries()) {
      await database.write((tx) =>
        tx
          .insertInto('pulls')
          .values(pull({ id: ids.next(), organization: organization.id, repository, state, number: index + 1 }))
          .execute(),
      );
    }
    const place = repo.git.directory(made.id);
    const plain = { GIT_DIR: place };
    const commit = await repo.sh(['commit-tree', '-m', 'x', await repo.sh(['mktree'], '', plain)], '', plain);
    for (const ref of ['refs/heads/main', 'refs/tags/v1', 'refs/tags/v2']) await repo.sh(['update-ref', ref, commit], '', plain);
    const full = await facts(1025);
    assert.deepEqual([full.isEmpty, full.tags, full.openPulls, full.sizeKib], [false, 2, 2, 2]);
  });
});

function pull(own: {
  readonly id: string;
  readonly organization: string;
  readonly repository: string;
  readonly state: string;
  readonly number: number;
}) {
  const text = {
    title: 't',
    body: '',
    author: '{}',
    base: 'main',
    head_sha: 'a',
    base_sha: 'b',
    merge_base: 'b',
    mergeable: 'unknown',
    counts: '{}',
  };
  return {
    ...own,
    ...text,
    serial: own.number,
    head: null,
    topic: null,
    mergeable_of: null,
    merge_sha: null,
    merged_by: null,
    created: 1,
    updated: 1,
    closed: null,
  };
}
