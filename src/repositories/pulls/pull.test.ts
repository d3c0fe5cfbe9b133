import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engines } from '../../../test/databases.ts';
import { startPullHost } from '../../../test/pulls.ts';
import { addComment } from './comments.ts';
import { identityOf } from './commits.ts';
import { editPull } from './edit.ts';
import { withCoAuthors } from './messages.ts';
import {
  bodyCharactersMax,
  checkedText,
  checkedTitle,
  commentCharactersMax,
  commentsMax,
  isDraft,
  openPullsMax,
  titleCharactersMax,
} from './pull.ts';
import { pullOptions } from './push-options.ts';

// The rules of titles, texts, push options and identities; and the limits of how many there are, at their edges.

test('a draft says so in front of its title', () => {
  for (const title of ['WIP: x', 'wip:x', '[WIP] x', 'Draft: x', '[draft]x', ' Wip : x']) assert.ok(isDraft({ title }), title);
  for (const title of ['Wipe it', 'Drafts', 'x WIP: y', '(wip) x', 'draft x']) assert.ok(!isDraft({ title }), title);
});

test('a title is one line, a text anything that a database and git take', () => {
  assert.equal(checkedTitle(` ${'ü'.repeat(titleCharactersMax)} `), 'ü'.repeat(titleCharactersMax));
  for (const title of ['', ' ', 'a\nb', 'a\u0000', 'a\u{1b}[0m', '\ud800', 'x'.repeat(titleCharactersMax + 1)])
    assert.throws(() => checkedTitle(title), { code: 'invalid_title' }, JSON.stringify(title));
  const longest = `\r\n\t${'x'.repeat(bodyCharactersMax - 3)}`;
  assert.equal(checkedText(longest, bodyCharactersMax), longest);
  for (const text of ['\0', '\udc00', `${longest}x`])
    assert.throws(() => checkedText(text, bodyCharactersMax), { code: 'invalid_body' }, JSON.stringify(text.slice(0, 9)));
});

test('push options are read as they are sent; what is odd in them is made fit', () => {
  const none = { create: false, target: null, topic: null, title: null, body: null, notes: [] };
  assert.deepEqual(pullOptions([]), none);
  assert.deepEqual(pullOptions(['topic=', 'title']), none);
  const odd = pullOptions(['ci.skip', 'pull_request.craete=1', 'a\u0007=x', `${'y'.repeat(100)}=1`, 'b', 'c', 'd=']);
  assert.deepEqual({ ...odd, notes: [] }, none, 'one that is not known is no wish for a pull request');
  assert.deepEqual(odd.notes, [
    `Not known here, and passed over: push option "ci.skip", "pull_request.craete", "a ", "${'y'.repeat(60)}", "b" and 2 more.`,
  ]);
  assert.deepEqual(pullOptions(['topic=a=b', 'title=A\u0007title', 'description=text', 'pull_request.create']), {
    create: true,
    target: null,
    topic: 'a=b',
    title: 'A title',
    body: 'text',
    notes: [],
  });
  const long = pullOptions([`pull_request.title=${'x'.repeat(titleCharactersMax + 1)}`, 'title=other', 'pull_request.target=main']);
  assert.deepEqual([long.title?.length, long.create, long.target], [titleCharactersMax, true, 'main']);
  assert.deepEqual(long.notes, [`The title of the pull request was cut to ${titleCharactersMax} characters.`]);
});

test('a token stands in commits by a name that git takes, and never by a mail address of somebody else', () => {
  const person = { number: 7, login: 'l', email: '', created: '' };
  const of = (name: string, email = '') => identityOf({ ...person, name, email }, 1_700_000_000_999);
  assert.deepEqual(of('Ci <bot>\n'), { name: 'Ci  bot', email: 'token-7@noreply.invalid', date: '1700000000 +0000' });
  assert.equal(of('...').name, 'token 7');
  assert.equal(of('Ada', 'ada@example.org').email, 'ada@example.org');
});

test('a squash names each further author once', () => {
  const commit = (name: string, email: string) => {
    const author = { name, email, login: '', date: '' };
    return {
      id: '',
      tree: '',
      parents: [],
      message: '',
      author,
      committer: author,
      added: [],
      removed: [],
      modified: [],
      arePathsCut: false,
    };
  };
  const commits = [commit('A', 'a@x'), commit('B', 'b@x'), commit('A again', 'A@x'), commit('B', 'B@x'), commit('C', 'c@x')];
  assert.equal(withCoAuthors('Title\n', commits), 'Title\n\nCo-authored-by: B <b@x>\nCo-authored-by: C <c@x>\n');
  assert.equal(withCoAuthors('Title\n', commits.slice(0, 1)), 'Title\n');
});

for (const engine of engines) {
  test(`no repository has more open pull requests, no pull request more comments, than it may (${engine})`, async (t) => {
    const host = await startPullHost(t, engine);
    const main = await host.commit({ files: { a: '1\n' } });
    const dev = await host.commit({ parents: [main], files: { b: '1\n' } });
    await host.point({ main, dev, two: dev });
    const pull = await host.open({ head: 'dev' });
    const { database } = host.deps;
    const row = await database.read.selectFrom('pulls').selectAll().executeTakeFirstOrThrow();
    const like = (n: number) => ({ ...row, id: `x${n}`, number: 10_000 + n, serial: 10_000 + n, head: `h${n}` });
    await database.write(async (tx) => {
      for (let from = 0; from < openPullsMax - 2; from += 300) {
        const rows = Array.from({ length: Math.min(300, openPullsMax - 2 - from) }, (_, index) => like(from + index));
        await tx.insertInto('pulls').values(rows).execute();
      }
    });
    const second = await host.open({ head: 'two' });
    await host.point({ three: dev });
    await assert.rejects(host.open({ head: 'three' }), { code: 'too_many_pull_requests' });
    const doing = await host.doing();
    await editPull(host.deps, { ...doing, pull: second, change: { state: 'closed' } });
    await host.open({ head: 'three' });
    const again = editPull(host.deps, { ...doing, pull: await host.pull(second.number), change: { state: 'open' } });
    await assert.rejects(again, { code: 'too_many_pull_requests' });
    await database.write((tx) =>
      tx
        .updateTable('pulls')
        .set({ comments: commentsMax - 1 })
        .where('id', '=', pull.id)
        .execute(),
    );
    await addComment(host.deps, { ...doing, pull, body: 'y'.repeat(commentCharactersMax) });
    await assert.rejects(addComment(host.deps, { ...doing, pull, body: 'z' }), { code: 'too_many_comments' });
    await assert.rejects(addComment(host.deps, { ...doing, pull, body: 'y'.repeat(commentCharactersMax + 1) }), { code: 'invalid_body' });
  });
}
