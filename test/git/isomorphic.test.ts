// A second client that shares no code with git: isomorphic-git clones, commits, pushes and fetches over HTTP.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import git from 'isomorphic-git';
import http from 'isomorphic-git/http/node';
import { zeroId } from '../../src/events/git-facts.ts';
import { startPushHost } from '../push-host.ts';

test('isomorphic-git pushes branches and tags, clones them, forces and deletes; each is an event', async (t) => {
  const host = await startPushHost(t);
  const url = `${host.url}/git/acme/tool.git`;
  const onAuth = () => ({ username: 'someone', password: 'write' });
  const person = { name: 'Zoë', email: 'zoe@example.org', timestamp: 1_720_000_000, timezoneOffset: -120 };
  const dir = join(host.directory, 'first');
  const at = { fs, dir };
  const commit = async (place: string, text: string): Promise<string> => {
    await writeFile(join(place, 'file.txt'), text);
    await git.add({ fs, dir: place, filepath: 'file.txt' });
    return git.commit({ fs, dir: place, message: `${text}\n`, author: person });
  };
  await git.init({ ...at, defaultBranch: 'main' });
  await git.addRemote({ ...at, remote: 'origin', url });
  const one = await commit(dir, 'one');
  assert.equal((await git.push({ ...at, http, onAuth, remote: 'origin', ref: 'main' })).ok, true);
  await git.annotatedTag({ ...at, ref: 'v1', message: 'A release', tagger: person });
  assert.equal((await git.push({ ...at, http, onAuth, remote: 'origin', ref: 'v1' })).ok, true);

  const copy = join(host.directory, 'second');
  await git.clone({ fs, http, dir: copy, url, onAuth });
  assert.equal(await git.resolveRef({ fs, dir: copy, ref: 'HEAD' }), one);
  const two = await commit(copy, 'two');
  assert.equal((await git.push({ fs, http, dir: copy, onAuth, remote: 'origin', ref: 'main', remoteRef: 'refs/heads/topic' })).ok, true);
  await git.fetch({ ...at, http, onAuth, remote: 'origin', ref: 'topic' });
  assert.equal(await git.resolveRef({ ...at, ref: 'refs/remotes/origin/topic' }), two);
  const instead = await commit(dir, 'instead');
  assert.equal(
    (await git.push({ ...at, http, onAuth, remote: 'origin', ref: 'main', remoteRef: 'refs/heads/topic', force: true })).ok,
    true,
  );
  assert.equal(
    (await git.push({ ...at, http, onAuth, remote: 'origin', ref: 'main', remoteRef: 'refs/heads/topic', delete: true })).ok,
    true,
  );

  const tag = await git.resolveRef({ ...at, ref: 'v1' });
  const told = await host.pushes();
  assert.deepEqual(
    told.map(({ ref, before, after, commits, isForced, head }) => [
      ref,
      before,
      after,
      commits.map(({ id }) => id),
      isForced,
      head?.id ?? null,
    ]),
    [
      ['refs/heads/main', zeroId, one, [one], false, one],
      ['refs/tags/v1', zeroId, tag, [], false, one],
      ['refs/heads/topic', zeroId, two, [two], false, two],
      ['refs/heads/topic', two, instead, [instead], true, instead],
      ['refs/heads/topic', instead, zeroId, [], false, null],
    ],
  );
  const first = told[0]?.commits[0];
  assert.deepEqual([first?.author.name, first?.author.date, first?.added], ['Zoë', '2024-07-03T11:46:40+02:00', ['file.txt']]);
});
