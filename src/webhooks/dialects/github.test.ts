// What is written compiles against GitHub's published types, which are what receivers in TypeScript read; the values that these cannot say follow.
// That a receiver takes it is in test/webhooks/octokit.test.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  Commit,
  Issue,
  IssueComment,
  IssueCommentEditedEvent,
  PingEvent,
  PullRequest,
  PullRequestEditedEvent,
  PushEvent,
  Repository,
  User,
} from '@octokit/webhooks-types';
import {
  comment,
  comments,
  commit,
  eventOf,
  gitEvents,
  goneBranch,
  html,
  idOf,
  mergedPull,
  movedTag,
  newTag,
  person,
  pull,
  pullRequest,
  pullRequests,
  push,
  pushOf,
  repository,
  serverUrl,
} from '../../../test/webhooks/git-facts.ts';
import type { PingFacts } from '../../events/event.ts';
import { zeroId } from '../../events/git-facts.ts';
import { commentPayload, githubDialect, pingPayload, pullPayload, pushPayload } from './github.ts';

const ping: PingFacts = {
  organization: 'harbour',
  serverUrl,
  hook: {
    id: '01920000-0000-7000-8000-0000000000aa',
    name: 'a webhook',
    url: 'https://receiver.example/?token=***',
    events: ['push', 'pull_request_comment'],
    hasSecret: true,
    created: '2026-07-03T18:40:21.000+00:00',
  },
  repository,
  sender: person,
};

test('every payload is of the published type', () => {
  const pushed: PushEvent = pushPayload(push());
  const [only]: Commit[] = pushed.commits;
  assert.equal(only?.id, idOf('b'));
  const opened: {
    readonly number: number;
    readonly pull_request: PullRequest;
    readonly repository: Repository;
    readonly sender: User;
    readonly changes?: PullRequestEditedEvent['changes'];
  } = pullPayload(pullRequest());
  assert.equal(opened.pull_request.number, 4);
  const commented: {
    readonly issue: Issue & { state: 'open' | 'closed'; locked: boolean };
    readonly comment: IssueComment;
    readonly repository: Repository;
    readonly sender: User;
    readonly changes?: IssueCommentEditedEvent['changes'];
  } = commentPayload(comment());
  assert.equal(commented.comment.id, 31);
  const greeted: PingEvent = pingPayload(ping);
  assert.equal(greeted.hook.config.url, ping.hook.url);
});

test('commits are oldest first, and the head says whether it is new', () => {
  const { commits, head_commit, created, deleted, forced, after } = pushPayload(pushOf(12));
  assert.deepEqual([commits.length, commits.at(-1)?.id, head_commit?.id, head_commit?.distinct], [12, after, after, true]);
  assert.deepEqual([created, deleted, forced], [false, false, false]);
  assert.equal(pushPayload(newTag).head_commit?.distinct, false);
  const [only] = pushPayload(push()).commits;
  assert.deepEqual([only?.message, only?.timestamp, only?.tree_id], ['Lift less', '2026-07-03T18:30:00Z', idOf('e')]);
  assert.deepEqual(only?.author, {
    name: 'Ada',
    email: 'ada@example.com',
    date: '2026-07-03T20:27:38+02:00',
    username: 'ada@example.com',
  });
  assert.deepEqual(only.committer, { name: 'Bob', email: 'bob@example.com', date: '2026-07-03T18:30:00Z' });
});

test('what was made, gone and forced is said, of tags too', () => {
  const of = (facts: typeof newTag) => {
    const { before, after, created, deleted, forced, head_commit: head } = pushPayload(facts);
    return [before, after, created, deleted, forced, head?.id];
  };
  assert.deepEqual(of(goneBranch), [idOf('a'), zeroId, false, true, false, undefined]);
  assert.deepEqual(of(newTag), [zeroId, idOf('d'), true, false, false, idOf('b')]);
  assert.deepEqual(of(movedTag), [idOf('a'), idOf('d'), false, false, true, idOf('b')]);
});

test('links lead to this server', () => {
  const { compare, repository: shown } = pushPayload(push());
  assert.equal(compare, `${html}/compare/${idOf('a')}...${idOf('b')}`);
  assert.deepEqual([shown.url, shown.html_url, shown.clone_url, shown.ssh_url], [html, html, `${html}.git`, '']);
  assert.deepEqual([shown.created_at, shown.master_branch], [Date.parse('2026-06-06T20:34:36Z') / 1000, 'main']);
  const compared = (change: Partial<typeof goneBranch>) => pushPayload(push({ before: zeroId, ref: 'refs/heads/dev', ...change })).compare;
  assert.equal(compared({ compareBase: idOf('5') }), `${html}/compare/${idOf('5')}...${idOf('b')}`);
  assert.equal(compared({}), `${html}/compare/main...${idOf('b')}`);
  assert.equal(compared({ ref: 'refs/heads/main' }), html);
  assert.equal(compared({ ref: 'refs/tags/v1' }), html);
  const { pull_request: about } = pullPayload(pullRequest());
  assert.deepEqual([about.html_url, about.url], [`${html}/pulls/4`, `${serverUrl}/v1/repositories/crane/pulls/4`]);
});

test('the actions are GitHub’s words, with what changed where GitHub has it', () => {
  const { opened, closed, edited, synchronized } = pullRequests;
  assert.deepEqual(
    Object.values(pullRequests).map((facts) => pullPayload(facts).action),
    ['opened', 'closed', 'reopened', 'edited', 'synchronize'],
  );
  const { before, after } = pullPayload(synchronized);
  assert.deepEqual([before, after], [idOf('8'), idOf('c')]);
  assert.deepEqual(pullPayload(edited).changes, { title: { from: 'Lift' }, base: { ref: { from: 'old' }, sha: { from: idOf('9') } } });
  assert.ok(!('changes' in pullPayload(opened)) && !('before' in pullPayload(opened)));
  const { pull_request: merged } = pullPayload(closed);
  assert.deepEqual([merged.state, merged.merged, merged.merged_by?.login], ['closed', true, 'bob']);
  assert.deepEqual([merged.merge_commit_sha, merged.closed_at], [idOf('f'), '2026-07-04T08:00:00Z']);
});

test('whether it can be merged is true, false or not known yet', () => {
  const of = (change: Partial<typeof pull>) => {
    const { mergeable, mergeable_state: state } = pullPayload(pullRequest({ pull: { ...pull, ...change } })).pull_request;
    return [mergeable, state];
  };
  assert.deepEqual(of({}), [true, 'clean']);
  assert.deepEqual(of({ mergeable: false, mergeableReason: 'conflicts' }), [false, 'dirty']);
  assert.deepEqual(of({ mergeable: null, mergeableReason: 'unknown' }), [null, 'unknown']);
  assert.deepEqual(of(mergedPull), [null, 'unknown']);
  const gone = pullRequest({ pull: { ...pull, head: { ref: 'refs/pull/4/head', sha: idOf('c'), branch: 'dev' } } });
  assert.deepEqual(pullPayload(gone).pull_request.head.label, 'harbour:dev');
});

test('a comment is an issue’s, with the pull request named in it', () => {
  const { action, issue, changes } = commentPayload(comments.edited);
  assert.deepEqual([action, changes], ['edited', { body: { from: 'Fine' } }]);
  assert.equal(issue.pull_request.html_url, issue.html_url);
});

test('a new webhook is greeted with a ping that tells what it is', () => {
  const { hook, hook_id: id, zen } = pingPayload(ping);
  assert.deepEqual([hook.type, hook.events, hook.config.secret], ['Repository', ['push', 'issue_comment'], '********']);
  assert.deepEqual([id, hook.id, Number.isSafeInteger(id), zen !== ''], [0x0192_0000_0000, id, true, true]);
  const ofAll = pingPayload({ ...ping, repository: null, hook: { ...ping.hook, id: 'odd', hasSecret: false } });
  assert.deepEqual(
    [ofAll.hook.type, ofAll.hook_id, 'repository' in ofAll, 'secret' in ofAll.hook.config],
    ['Organization', 0, false, false],
  );
});

test('the headers name the delivery and the event as GitHub does', () => {
  const of = (kind: string) => githubDialect.headers({ delivery: 'd', kind, attempt: 2, body: Buffer.alloc(0) });
  const names = {
    push: 'push',
    pull_request: 'pull_request',
    pull_request_comment: 'issue_comment',
    'webhook.test': 'push',
    'webhook.test.pull_request': 'pull_request',
    'webhook.test.pull_request_comment': 'issue_comment',
    'webhook.ping': 'ping',
  };
  for (const [kind, name] of Object.entries(names)) {
    assert.deepEqual(of(kind), {
      'X-GitHub-Delivery': 'd',
      'X-GitHub-Event': name,
      'x-gatepost-event': kind,
      'x-gatepost-attempt': '2',
    });
  }
});

test('the body is plain JSON, the same each time, whatever texts are in it', () => {
  for (const event of gitEvents) assert.deepEqual(githubDialect.body(event), githubDialect.body(structuredClone(event)));
  const odd = push({ commits: [commit({ message: '<a>\u2028\ud800é😀\n\n' })] });
  assert.ok(githubDialect.body(eventOf('push', odd)).toString('utf8').includes('"message":"<a>\u2028\\ufffdé😀"'));
  assert.equal(githubDialect.body(eventOf('report.ingested', { organizationId: 'o', reports: [] })).toString('utf8'), '{}');
});
