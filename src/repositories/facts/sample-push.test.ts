import assert from 'node:assert/strict';
import { test } from 'node:test';
import { author, bare } from '../../../test/git/bare.ts';
import type { Bare } from '../../../test/git/bare.ts';
import { pushContext } from '../../../test/git/facts.ts';
import type { SamplePushOptions } from './sample-push.ts';
import { samplePush } from './sample-push.ts';
import { zeroId } from '../../events/git-facts.ts';

// What a test delivery says of repositories with and without branches, and with filters.

const sample = (repo: Bare, more: Partial<SamplePushOptions> = {}) => samplePush({ ...pushContext(repo), push: 'p', ...more });

test('a sample is the newest commit of the default branch, as if it had just been pushed', async (t) => {
  const repo = await bare(t);
  const ada = author(repo);
  const base = await ada.commit({ a: '1' });
  const tip = await ada.commit({ a: '2' }, [base]);
  await ada.branch('main', tip);
  await ada.branch('later', await ada.commit({ a: '3' }, [tip]));
  const push = await sample(repo);
  assert.deepEqual([push?.ref, push?.before, push?.after, push?.total], ['refs/heads/main', base, tip, 1]);
  assert.deepEqual([push?.head, push?.commits[0]?.modified], [push?.commits[0], ['a']]);
});

test('where the filter keeps the default branch out, the newest other branch or tag that passes is told', async (t) => {
  const repo = await bare(t);
  const ada = author(repo);
  const tip = await ada.commit({ a: '1' });
  await ada.branch('main', tip);
  await ada.branch('feature/old', tip);
  const newer = await ada.commit({ a: '2' }, [tip]);
  await ada.branch('feature/new', newer);
  const tag = await ada.tag(tip, 'commit');
  await repo.sh(['update-ref', 'refs/tags/v1', tag]);
  const feature = await sample(repo, { passes: (ref) => ref.startsWith('refs/heads/feature/') });
  assert.deepEqual([feature?.ref, feature?.after], ['refs/heads/feature/new', newer]);
  const tagged = await sample(repo, { passes: (ref) => ref.startsWith('refs/tags/') });
  assert.deepEqual([tagged?.ref, tagged?.before, tagged?.after, tagged?.head?.id, tagged?.commits], ['refs/tags/v1', zeroId, tag, tip, []]);
  assert.equal(await sample(repo, { passes: () => false }), null);
});

test('an empty repository is told with zeros, and with a commit that says so', async (t) => {
  const repo = await bare(t);
  const push = await sample(repo);
  assert.match(push?.head?.message ?? '', /no commit yet/);
  assert.deepEqual([push?.ref, push?.before, push?.after, push?.total], ['refs/heads/main', zeroId, zeroId, 1]);
  assert.deepEqual([push?.head?.id, push?.commits], [zeroId, [push?.head]]);
  assert.match(push?.head?.author.date ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.equal(await sample(repo, { passes: () => false }), null);
});
