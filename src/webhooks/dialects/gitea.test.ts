// Bodies are held against lists of fields that were written after what servers of today send (contract, sections 2 and 3), not made by the writer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  comments,
  eventOf,
  gitEvents,
  goneBranch,
  goneTag,
  html,
  idOf,
  movedTag,
  newTag,
  pullRequests,
  push,
  pushOf,
  repository,
  structureOf,
} from '../../../test/webhooks/git-facts.ts';
import type { GatepostEvent } from '../../events/event.ts';
import type { PushFacts } from '../../events/git-facts.ts';
import { zeroId } from '../../events/git-facts.ts';
import { giteaDialect } from './gitea.ts';

const user = [
  '{id:number login:string login_name:string source_id:number full_name:string email:string avatar_url:string html_url:string language:string',
  'is_admin:boolean last_login:string created:string restricted:boolean active:boolean prohibit_login:boolean location:string website:string',
  'description:string visibility:string followers_count:number following_count:number starred_repos_count:number username:string}',
].join(' ');
const repositoryStructure = [
  `{id:number owner:${user} name:string full_name:string description:string empty:boolean private:boolean fork:boolean template:boolean`,
  'mirror:boolean size:number language:string languages_url:string html_url:string url:string link:string ssh_url:string clone_url:string',
  'original_url:string website:string stars_count:number forks_count:number watchers_count:number open_issues_count:number',
  'open_pr_counter:number release_counter:number default_branch:string archived:boolean created_at:string updated_at:string archived_at:string',
  'permissions:{admin:boolean push:boolean pull:boolean} has_issues:boolean has_wiki:boolean has_pull_requests:boolean has_projects:boolean',
  'projects_mode:string has_releases:boolean has_packages:boolean has_actions:boolean ignore_whitespace_conflicts:boolean',
  'allow_merge_commits:boolean allow_rebase:boolean allow_rebase_explicit:boolean allow_squash_merge:boolean',
  'allow_fast_forward_only_merge:boolean allow_rebase_update:boolean allow_manual_merge:boolean autodetect_manual_merge:boolean',
  'default_delete_branch_after_merge:boolean default_merge_style:string default_allow_maintainer_edit:boolean avatar_url:string',
  'internal:boolean mirror_interval:string object_format_name:string mirror_updated:string topics:[] licenses:[]}',
].join(' ');
const signature = '{name:string email:string username:string}';
const commitStructure = `{id:string message:string url:string author:${signature} committer:${signature} verification:null timestamp:string added:[] removed:[string] modified:[string]}`;
const end = `{label:string ref:string sha:string repo_id:number repo:${repositoryStructure}}`;
const pullStructure = [
  `{id:number url:string number:number user:${user} title:string body:string labels:[] milestone:null assignee:null assignees:[]`,
  'requested_reviewers:[] requested_reviewers_teams:[] state:string draft:boolean is_locked:boolean comments:number additions:number',
  'deletions:number changed_files:number html_url:string diff_url:string patch_url:string mergeable:boolean merged:boolean merged_at:null',
  `merge_commit_sha:null merged_by:null allow_maintainer_edit:boolean base:${end} head:${end} merge_base:string due_date:null`,
  'created_at:string updated_at:string closed_at:null pin_order:number}',
].join(' ');

type Json = Readonly<Record<string, unknown>>;
const read = (event: GatepostEvent) => JSON.parse(giteaDialect.body(event).toString('utf8')) as Json;
const readPush = (facts: PushFacts) => read(eventOf('push', facts));
const named = (event: GatepostEvent) => {
  const headers = giteaDialect.headers({ delivery: 'd', kind: event.kind, attempt: 1, body: giteaDialect.body(event) });
  return [headers['X-Gitea-Event'], headers['X-Gitea-Event-Type']];
};

test('a push has the fields that servers of today send, its head among them, and no secret', () => {
  assert.equal(
    structureOf(readPush(push())),
    `{ref:string before:string after:string compare_url:string commits:[${commitStructure}] total_commits:number head_commit:${commitStructure} repository:${repositoryStructure} pusher:${user} sender:${user}}`,
  );
});

test('so have a pull request and a comment on one', () => {
  const opened = read(eventOf('pull_request', pullRequests.opened));
  const rest = `repository:${repositoryStructure} sender:${user}`;
  assert.equal(
    structureOf(opened),
    `{action:string number:number pull_request:${pullStructure} requested_reviewer:null ${rest} commit_id:string review:null}`,
  );
  const edited = read(eventOf('pull_request', pullRequests.edited));
  assert.deepEqual(edited['changes'], { title: { from: 'Lift' }, ref: { from: 'old' } });
  const issue = [
    `{id:number url:string html_url:string number:number user:${user} original_author:string original_author_id:number title:string body:string`,
    'ref:string assets:[] labels:[] milestone:null assignee:null assignees:[] state:string is_locked:boolean comments:number created_at:string',
    'updated_at:string closed_at:null due_date:null time_estimate:number',
    'pull_request:{merged:boolean merged_at:null draft:boolean html_url:string}',
    'repository:{id:number name:string owner:string full_name:string} pin_order:number}',
  ].join(' ');
  const about = `{id:number html_url:string pull_request_url:string issue_url:string user:${user} original_author:string original_author_id:number body:string assets:[] created_at:string updated_at:string}`;
  assert.equal(
    structureOf(read(eventOf('pull_request_comment', comments.created))),
    `{action:string issue:${issue} pull_request:${pullStructure} comment:${about} ${rest} is_pull:boolean}`,
  );
  assert.deepEqual(read(eventOf('pull_request_comment', comments.edited))['changes'], { body: { from: 'Fine' } });
});

test('more than five commits are listed, the newest first, and all are counted', () => {
  const body = readPush(pushOf(150));
  const commits = body['commits'] as readonly Json[];
  assert.deepEqual([commits.length, body['total_commits']], [100, 150]);
  assert.equal(commits[0]?.['id'], body['after']);
});

test('the head is there though nothing is new: of a new branch at an old commit, of a tag', () => {
  for (const facts of [pushOf(0, { head: push().head }), newTag]) {
    const body = readPush(facts);
    assert.deepEqual(body['commits'], []);
    assert.equal((body['head_commit'] as Json)['id'], idOf('b'));
  }
});

test('a new branch is compared from where its commits begin, or with the default branch; what cannot be compared leads to the repository', () => {
  const compared = (change: Partial<PushFacts>) => readPush(push(change))['compare_url'];
  const after = idOf('b');
  assert.equal(compared({}), `${html}/compare/${idOf('a')}...${after}`);
  const made = { before: zeroId, ref: 'refs/heads/dev' };
  assert.equal(compared({ ...made, compareBase: idOf('5') }), `${html}/compare/${idOf('5')}...${after}`);
  assert.equal(compared(made), `${html}/compare/main...${after}`);
  assert.equal(
    compared({ ...made, repository: { ...repository, defaultBranch: 'rel/#1 é' } }),
    `${html}/compare/rel/%231%20%C3%A9...${after}`,
  );
  assert.equal(compared({ before: zeroId }), html);
  assert.equal(readPush(movedTag)['compare_url'], html);
});

test('a branch that is gone is a deletion, a tag that is gone a push with zeros, and a moved tag looks new', () => {
  const gone = read(eventOf('push', goneBranch));
  assert.deepEqual(Object.keys(gone), ['ref', 'ref_type', 'pusher_type', 'repository', 'sender']);
  assert.deepEqual([gone['ref'], gone['ref_type'], gone['pusher_type']], ['gone/#1', 'branch', 'user']);
  assert.deepEqual([readPush(goneTag)['before'], readPush(goneTag)['after']], [idOf('a'), zeroId]);
  assert.deepEqual([readPush(movedTag)['before'], readPush(movedTag)['after']], [zeroId, idOf('d')]);
});

test('the headers tell the group and the exact event, in the names of Gitea, Gogs and GitHub', () => {
  const event = eventOf('push', push());
  const headers = giteaDialect.headers({ delivery: 'd', kind: 'push', attempt: 3, body: giteaDialect.body(event) });
  const names = ['X-Gitea', 'X-Gogs', 'X-GitHub'].flatMap((family) => [`${family}-Delivery`, `${family}-Event`, `${family}-Event-Type`]);
  assert.deepEqual(Object.keys(headers), [...names, 'x-gatepost-event', 'x-gatepost-attempt']);
  assert.deepEqual([headers['X-Gogs-Delivery'], headers['x-gatepost-attempt']], ['d', '3']);
  assert.deepEqual(named(event), ['push', 'push']);
  assert.deepEqual(named(eventOf('push', goneBranch)), ['delete', 'delete']);
  assert.deepEqual(named(eventOf('push', goneTag)), ['push', 'push']);
  assert.deepEqual(named(eventOf('webhook.test', push())), ['push', 'push']);
  assert.deepEqual(named(eventOf('pull_request', pullRequests.opened)), ['pull_request', 'pull_request']);
  assert.deepEqual(named(eventOf('pull_request', pullRequests.synchronized)), ['pull_request', 'pull_request_sync']);
  assert.deepEqual(named(eventOf('webhook.test.pull_request', pullRequests.closed)), ['pull_request', 'pull_request']);
  assert.deepEqual(named(eventOf('pull_request_comment', comments.deleted)), ['issue_comment', 'pull_request_comment']);
});

test('no ref’s name, and no commit’s words, make a push look like a deletion', () => {
  const ref = 'refs/heads/x",\n  "ref_type';
  const long = `refs/heads/${'"é/'.repeat(3_000)}`;
  for (const facts of [push({ ref }), push({ ref: long })]) assert.deepEqual(named(eventOf('push', facts)), ['push', 'push']);
  assert.deepEqual(named(eventOf('push', { ...goneBranch, ref: long })), ['delete', 'delete']);
});

test('Jenkins refuses a charset, so there is none; the same event always gives the same bytes', () => {
  assert.equal(giteaDialect.contentType, 'application/json');
  for (const event of gitEvents) assert.deepEqual(giteaDialect.body(event), giteaDialect.body(structuredClone(event)));
});
