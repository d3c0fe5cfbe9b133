import assert from 'node:assert/strict';
import type { PersonFacts, PushFacts, RepositoryFacts } from '../../src/events/git-facts.ts';
import { noLogins } from '../../src/repositories/facts/facts.ts';
import type { MovedRef } from '../../src/repositories/facts/facts.ts';
import type { PushContext } from '../../src/repositories/facts/push-facts.ts';
import { factsOfPushes } from '../../src/repositories/facts/push-facts.ts';
import type { Bare } from './bare.ts';

export function aPerson(given: Partial<PersonFacts> = {}): PersonFacts {
  return { number: 7, login: 'ada@example.com', name: 'Ada', email: 'ada@example.com', created: '2026-01-02T03:04:05.000Z', ...given };
}

export function aRepository(given: Partial<RepositoryFacts> = {}): RepositoryFacts {
  return {
    id: '01890000-0000-7000-8000-000000000001',
    number: 4,
    owner: { number: 2, slug: 'acme', name: 'Acme', created: '2026-01-01T00:00:00.000Z' },
    name: 'shop',
    description: '',
    project: null,
    isEmpty: false,
    isArchived: false,
    sizeKib: 4,
    defaultBranch: 'main',
    openPulls: 0,
    tags: 0,
    created: '2026-01-02T00:00:00.000Z',
    updated: '2026-01-03T00:00:00.000Z',
    ...given,
  };
}

/** What facts of a push are made from, beside what moved. */
export function pushContext({ git, repository }: Bare): PushContext {
  return { git, repository: aRepository({ id: repository }), serverUrl: 'https://gatepost.example', pusher: aPerson(), logins: noLogins };
}

/** The facts of refs that moved in one push. */
export function factsNow(repo: Bare, moved: readonly MovedRef[], moving: readonly MovedRef[] = []): Promise<readonly PushFacts[]> {
  return factsOfPushes({ ...pushContext(repo), moved: moved.map((ref, index) => ({ ...ref, push: `push ${index}` })), moving });
}

/** The same, made first with each object in a file of its own, then with all in a pack, which are read by other ways: what comes out is the same. */
export async function factsBothWays(
  repo: Bare,
  moved: readonly MovedRef[],
  moving: readonly MovedRef[] = [],
): Promise<readonly PushFacts[]> {
  const near = await factsNow(repo, moved, moving);
  await repo.pack();
  assert.deepEqual(await factsNow(repo, moved, moving), near);
  return near;
}

/** Of one ref. */
export async function factsOf(repo: Bare, moved: MovedRef, moving: readonly MovedRef[] = []): Promise<PushFacts> {
  const [push] = await factsBothWays(repo, [moved], moving);
  assert.ok(push);
  return push;
}
