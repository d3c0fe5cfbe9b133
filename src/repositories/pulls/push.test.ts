import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { engines } from '../../../test/databases.ts';
import { clientGit } from '../../../test/git-host.ts';
import type { PullHost } from '../../../test/pulls.ts';
import { startPullHost } from '../../../test/pulls.ts';
import { pullsOfPushMax } from './plan.ts';

// Pull requests by pushing, with Debian's git as the client: refs/for/<base>[/<topic>] and push options.

type Work = (...args: readonly string[]) => ReturnType<typeof clientGit>;

/** A client's repository whose main is pushed, and which stands on a branch with one more commit. */
async function working(
  host: PullHost,
  name = 'work',
): Promise<{ readonly git: Work; commit(file: string, message: string): Promise<string> }> {
  const place = join(host.directory, name);
  await mkdir(place);
  const git: Work = (...args) => clientGit(place, args);
  const commit = async (file: string, message: string): Promise<string> => {
    await writeFile(join(place, file), `${message}\n`);
    await git('add', '.');
    await git('commit', '-q', '-m', message);
    return (await git('rev-parse', 'HEAD')).stdout;
  };
  await git('init', '-q');
  await git('remote', 'add', 'origin', host.remote('write'));
  if ((await host.tip('refs/heads/main')) === null) {
    await commit('readme', 'begin');
    await git('push', '-q', 'origin', 'main');
  } else {
    await git('pull', '-q', 'origin', 'main');
  }
  await git('checkout', '-q', '-b', 'mine');
  return { git, commit };
}

for (const engine of engines) {
  test(`a push to refs/for opens a pull request, the next of the topic moves it (${engine})`, async (t) => {
    const host = await startPullHost(t, engine);
    const { git, commit } = await working(host);
    await host.forget();
    const first = await commit('a', 'Make it so\n\nBecause of\nthis.');
    const pushed = await git('push', 'origin', 'HEAD:refs/for/main/bold-idea');
    assert.equal(pushed.status, 0, pushed.stderr);
    assert.match(pushed.stderr, /remote: Pull request 1: http:\/\/\S+\/git\/\S+\/pulls\/1/);
    const pull = await host.pull(1);
    assert.deepEqual(
      [pull.title, pull.body, pull.base, pull.head, pull.topic, pull.headSha, pull.mergeability],
      ['Make it so', 'Because of\nthis.', 'main', null, 'bold-idea', first, 'clean'],
    );
    assert.deepEqual(await host.story(), ['opened 1']);
    assert.deepEqual((await host.told())[0]?.pull.head, { ref: 'refs/pull/1/head', sha: first });
    // Changed after a review: no fast-forward.
    await git('commit', '-q', '--amend', '-m', 'Make it so, now');
    const amended = (await git('rev-parse', 'HEAD')).stdout;
    assert.equal((await git('push', '-q', '-o', 'topic=bold-idea', 'origin', 'HEAD:refs/for/main')).status, 0);
    assert.equal((await host.pull(1)).headSha, amended);
    assert.equal((await host.pull(1)).title, 'Make it so', 'what was said of it stays');
    assert.deepEqual(await host.story(), ['opened 1', 'synchronized 1']);
    assert.match((await git('push', 'origin', 'HEAD:refs/for/main/bold-idea')).stderr, /no new changes for pull request 1/);
    // Another topic is another one; refs can be fetched; merged, the topic begins anew.
    await git('push', '-q', '-o', 'title=Said\tso', '-o', 'description=And why', 'origin', 'HEAD:refs/for/main');
    assert.deepEqual([(await host.pull(2)).title, (await host.pull(2)).body, (await host.pull(2)).topic], ['Said so', 'And why', '']);
    assert.equal((await git('fetch', '-q', 'origin', 'refs/pull/1/head')).status, 0);
    await host.merge(await host.pull(1));
    assert.equal(await host.git1('log', '-1', '--format=%s', 'main'), 'Merge bold-idea into main (#1)');
    await commit('b', 'More');
    await git('push', '-q', 'origin', 'HEAD:refs/for/main/bold-idea');
    assert.equal((await host.pull(3)).state, 'open');
  });

  test(`push options open a pull request for a branch, and only then (${engine})`, async (t) => {
    const host = await startPullHost(t, engine);
    const { git, commit } = await working(host);
    await git('push', '-q', 'origin', 'main:release/2');
    const sha = await commit('a', 'A branch');
    await host.forget();
    await git('push', '-q', 'origin', 'mine');
    assert.deepEqual(await host.story(), ['push refs/heads/mine']);
    const next = await commit('b', 'More of it');
    const options = ['-o', 'pull_request.create', '-o', 'pull_request.target=release/2', '-o', 'pull_request.title=Told by hand'];
    const pushed = await git('push', ...options, 'origin', 'mine');
    assert.equal(pushed.status, 0, pushed.stderr);
    const pull = await host.pull(1);
    assert.deepEqual([pull.title, pull.base, pull.head, pull.headSha, pull.counts.commits], ['Told by hand', 'release/2', 'mine', next, 2]);
    assert.notEqual(sha, next);
    assert.deepEqual((await host.story()).slice(1), ['push refs/heads/mine', 'opened 1']);
    assert.equal(await host.tip('refs/pull/1/head'), next);
    await commit('c', 'And more');
    await git('push', '-q', ...options, 'origin', 'mine');
    assert.deepEqual((await host.story()).slice(3), ['push refs/heads/mine', 'synchronized 1']);
    // Nothing to merge: the branch is pushed, no pull request is made, and no number is lost.
    await git('push', '-q', '-o', 'pull_request.create', 'origin', 'main:refs/heads/same');
    await git('checkout', '-q', '-b', 'third', 'main');
    await commit('d', 'Third');
    await git('push', '-q', '-o', 'pull_request.create', 'origin', 'third');
    const numbers = (await host.told()).filter(({ pullAction }) => pullAction === 'opened').map(({ pull }) => pull.head.ref);
    assert.deepEqual(numbers, ['mine', 'third']);
    const gone = await git('push', '-o', 'pull_request.target=nowhere', 'origin', 'main:refs/heads/other');
    assert.match(gone.stderr, /no such branch for the pull request/);
    assert.equal(await host.tip('refs/heads/other'), null);
  });
}

test('what cannot become a pull request is refused to the client, ref by ref', async (t) => {
  const host = await startPullHost(t);
  const { git, commit } = await working(host);
  await commit('a', 'one');
  const refused = async (...refs: readonly string[]) => (await git('push', 'origin', ...refs)).stderr;
  assert.match(await refused('HEAD:refs/for/nowhere/x'), /no such branch to go to/);
  assert.match(await refused('HEAD:refs/for/main/a', '-o', 'topic=b'), /different topics/);
  assert.match(await refused('HEAD:refs/for/main/a', 'HEAD:refs/for/main/a'), /./);
  assert.match(await refused(`HEAD:refs/for/main/${'t'.repeat(101)}`), /at most 100 characters/);
  assert.match(await refused('HEAD:refs/pull/1/head'), /refs\/for\/ can be pushed|hidden|only branches/);
  await git('tag', '-a', '-m', 'tag', 'v1');
  await git('push', '-q', 'origin', 'v1:refs/for/main/a-tag');
  assert.deepEqual(await host.told(), [], 'a tag is no head');
  assert.match(await refused('v1:refs/for/main/a-tag'), /nothing in it to merge/);
  assert.match(await refused('main:refs/for/main/a-tag'), /the branch has all of it already/);
  assert.equal((await git('push', '-q', 'origin', 'HEAD:refs/for/main/a-tag')).status, 0, 'its number and its ref are taken up again');
  assert.deepEqual(await host.story().then((all) => all.filter((one) => !one.startsWith('push '))), ['opened 1']);
  const both = await git('push', 'origin', 'HEAD:refs/for/nowhere', 'HEAD:refs/heads/fine');
  assert.match(both.stderr, /rejected/);
  assert.notEqual(await host.tip('refs/heads/fine'), null);
});

test('a push opens a bounded number of pull requests', async (t) => {
  const host = await startPullHost(t);
  const { git, commit } = await working(host);
  await commit('a', 'one');
  const refs = Array.from({ length: pullsOfPushMax + 1 }, (_, index) => `HEAD:refs/for/main/t${index}`);
  const { stderr } = await git('push', 'origin', ...refs);
  assert.match(stderr, /a push opens at most 20 pull requests/);
  assert.equal((await host.told()).length, pullsOfPushMax);
});

test('two pushes of one topic at once make one pull request', async (t) => {
  const host = await startPullHost(t);
  const one = await working(host, 'one');
  const two = await working(host, 'two');
  await Promise.all([one.commit('a', 'a'), two.commit('b', 'b')]);
  const pushed = await Promise.all([one, two].map(({ git }) => git('push', 'origin', 'HEAD:refs/for/main/same')));
  assert.deepEqual(pushed.map(({ status }) => status).toSorted(), [0, 1], pushed.map(({ stderr }) => stderr).join('\n'));
  const opened = (await host.told()).filter(({ pullAction }) => pullAction === 'opened');
  assert.equal(opened.length, 1);
});

test('a pull request that a push does not open, or otherwise than asked for, is told to whoever pushes', async (t) => {
  const host = await startPullHost(t);
  const { git, commit } = await working(host);
  await commit('a', 'one');
  const said = async (options: readonly string[], ...refs: readonly string[]): Promise<readonly string[]> => {
    const { status, stderr } = await git('push', ...options.flatMap((one) => ['-o', one]), 'origin', ...refs);
    assert.equal(status, 0, stderr);
    return stderr.split('\n').flatMap((line) => /^remote: (.*?)\s*$/.exec(line)?.slice(1) ?? []);
  };
  const create = 'pull_request.create';
  assert.deepEqual(await said([create], 'main:refs/heads/same'), ['No pull request was opened of same: main has all of it already.']);
  await git('checkout', '-q', '--orphan', 'alone');
  await commit('z', 'alone');
  assert.deepEqual(await said([create], 'alone'), ['No pull request was opened of alone: it has no commit in common with main.']);
  await git('checkout', '-q', '-f', 'mine');
  const cut = await said([create, `pull_request.title=${'t'.repeat(300)}`], 'mine');
  assert.deepEqual([cut[0], cut.length], ['The title of the pull request was cut to 255 characters.', 2]);
  assert.match(cut[1] ?? '', /^Pull request \d+: http/);
  await commit('b', 'two');
  const again = await said([create, 'pull_request.title=New'], 'mine');
  assert.match(again[0] ?? '', /^Pull request \d+ is open for it already: its title and text stay\.$/);
  await commit('c', 's'.repeat(300));
  assert.match((await said(['topic=x'], 'HEAD:refs/for/main')).join('\n'), /The title of pull request \d+ was cut to 255 characters\./);
  assert.deepEqual(await said(['ci.skip', 'pull_request.craete=1'], 'main:refs/heads/plain'), [
    'Not known here, and passed over: push option "ci.skip", "pull_request.craete".',
  ]);
  await git('tag', 'v1');
  assert.deepEqual(await said([create], 'v1'), ['No pull request is opened: no branch is pushed.']);
  await git('checkout', '-q', 'main');
  await commit('d', 'on main');
  assert.match((await said([create], 'main'))[0] ?? '', /^No pull request is opened of main: that is the branch it would go to\.$/);
});
