// Bodies are held against lists of fields that were written after the contract's tables and samples (section 2), not made by the writer; values that
// the contract singles out are looked at one by one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  comments,
  commit,
  eventOf,
  gitEvents,
  goneBranch,
  goneTag,
  html,
  idOf,
  movedTag,
  newTag,
  pull,
  pullRequest,
  pullRequests,
  push,
  pushOf,
  repository,
  serverUrl,
  structureOf,
} from '../../../test/webhooks/git-facts.ts';
import type { GatepostEvent } from '../../events/event.ts';
import { zeroId } from '../../events/git-facts.ts';
import { goJson, goTime } from './go-json.ts';
import { secureSourceManagerDialect } from './secure-source-manager.ts';

const user =
  '{id:number login:string full_name:string email:string avatar_url:string language:string is_admin:boolean last_login:string created:string restricted:boolean username:string}';
const repositoryFields = [
  `id:number owner:${user} name:string full_name:string description:string empty:boolean private:boolean fork:boolean template:boolean parent:null`,
  'mirror:boolean size:number html_url:string ssh_url:string clone_url:string original_url:string website:string stars_count:number',
  'forks_count:number watchers_count:number open_issues_count:number open_pr_counter:number release_counter:number default_branch:string',
  'archived:boolean created_at:string updated_at:string permissions:{admin:boolean push:boolean pull:boolean} has_issues:boolean',
  'internal_tracker:{enable_time_tracker:boolean allow_only_contributors_to_track_time:boolean enable_issue_dependencies:boolean} has_wiki:boolean',
  'has_pull_requests:boolean has_projects:boolean ignore_whitespace_conflicts:boolean allow_merge_commits:boolean allow_rebase:boolean',
  'allow_rebase_explicit:boolean allow_squash_merge:boolean avatar_url:string internal:boolean mirror_interval:string',
  'uris:{api:string html:string git_https:string}',
];
const repositoryStructure = `{${repositoryFields.join(' ')}}`;
const signature = '{name:string email:string username:string}';
const commitStructure = `{id:string message:string url:string author:${signature} committer:${signature} verification:null timestamp:string added:[] removed:[string] modified:[string]}`;
const end = `{label:string ref:string sha:string repo_id:number repo:${repositoryStructure}}`;
const pullStructure = (merged: string, closed: string) =>
  [
    `{id:number url:string number:number user:${user} title:string body:string labels:[] milestone:null assignee:null assignees:null state:string`,
    'is_locked:boolean comments:number html_url:string diff_url:string patch_url:string mergeable:boolean merged:boolean',
    `${merged} base:${end} head:${end} merge_base:string due_date:null created_at:string updated_at:string closed_at:${closed}`,
    // What is ours.
    'draft:boolean mergeable_reason:string commits:number additions:number deletions:number changed_files:number}',
  ].join(' ');
const unmerged = 'merged_at:null merge_commit_sha:null merged_by:null';

const written = (event: GatepostEvent) => secureSourceManagerDialect.body(event).toString('utf8');
type Json = Readonly<Record<string, unknown>>;
const read = (event: GatepostEvent) => JSON.parse(written(event)) as Json;
const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Json | null | undefined)?.[key], value);

test('a push has the reference’s fields in its order and of its types; ours follow behind the last', () => {
  const theirs = `secret:string ref:string before:string after:string compare_url:string commits:[${commitStructure}] head_commit:null repository:${repositoryStructure} pusher:${user} sender:${user}`;
  const ours = 'total_commits:number created:boolean deleted:boolean forced:boolean previous:string';
  assert.equal(structureOf(read(eventOf('push', push()))), `{${theirs} ${ours}}`);
});

test('a pull request has them too, merged or not, edited or synchronized', () => {
  const structure = (head: string, body: string, tail = '') =>
    `{secret:string action:string number:number ${head}pull_request:${body} repository:${repositoryStructure} sender:${user} review:null${tail}}`;
  const open = pullStructure(unmerged, 'null');
  const merged = pullStructure(`merged_at:string merge_commit_sha:string merged_by:${user}`, 'string');
  const { opened, closed, reopened, edited, synchronized } = pullRequests;
  const of = (facts: typeof opened) => structureOf(read(eventOf('pull_request', facts)));
  assert.equal(of(opened), structure('', open));
  assert.equal(of(closed), structure('', merged));
  assert.equal(of(reopened), structure('', open));
  assert.equal(of(edited), structure('changes:{title:{from:string} ref:{from:string}} ', open));
  assert.equal(of(synchronized), structure('', open, ' before:string after:string'));
});

test('a comment has the fields of an issue’s comment', () => {
  const issue = [
    `{id:number url:string html_url:string number:number user:${user} original_author:string original_author_id:number title:string body:string`,
    'ref:string labels:[] milestone:null assignee:null assignees:null state:string is_locked:boolean comments:number created_at:string',
    'updated_at:string closed_at:null due_date:null pull_request:{merged:boolean merged_at:null}',
    'repository:{id:number name:string owner:string full_name:string}}',
  ].join(' ');
  const about = `{id:number html_url:string pull_request_url:string issue_url:string user:${user} original_author:string original_author_id:number body:string created_at:string updated_at:string}`;
  const structure = (changes: string) =>
    `{secret:string action:string issue:${issue} comment:${about} ${changes}repository:${repositoryStructure} sender:${user} is_pull:boolean}`;
  for (const [action, facts] of Object.entries(comments)) {
    const body = read(eventOf('pull_request_comment', facts));
    assert.equal(structureOf(body), structure(action === 'edited' ? 'changes:{body:{from:string}} ' : ''), action);
    assert.deepEqual([body['action'], body['is_pull']], [action, true]);
  }
});

test('of a push the newest five are listed, of a new branch too, and the whole count stands behind', () => {
  for (const before of [idOf('a'), zeroId]) {
    const body = read(eventOf('push', pushOf(12, { before })));
    const ids = (body['commits'] as readonly Json[]).map((each) => String(each['id']).slice(-2));
    assert.deepEqual(ids, ['12', '11', '10', 'c9', 'c8']);
    assert.deepEqual([body['total_commits'], body['created'], body['head_commit']], [12, before === zeroId, null]);
  }
  assert.deepEqual(read(eventOf('push', pushOf(0)))['commits'], []);
});

test('a tag is told as if it were new, moved or not, and leads to the repository; where it was before stands behind', () => {
  const of = (facts: typeof newTag) => {
    const { before, after, compare_url, commits, created, deleted, forced, previous } = read(eventOf('push', facts));
    return { before, after, compare_url, commits, created, deleted, forced, previous };
  };
  const common = { after: idOf('d'), compare_url: html, commits: [], before: zeroId, deleted: false };
  assert.deepEqual(of(newTag), { ...common, created: true, forced: false, previous: zeroId });
  assert.deepEqual(of(movedTag), { ...common, created: false, forced: true, previous: idOf('a') });
  const gone = { ...common, before: idOf('a'), after: zeroId, created: false, deleted: true, forced: false, previous: idOf('a') };
  assert.deepEqual(of(goneTag), gone);
});

test('a branch is compared from where it was, be that nowhere; one that is gone is told with zeros', () => {
  const compared = (facts: ReturnType<typeof push>) => read(eventOf('push', facts))['compare_url'];
  assert.equal(compared(push()), `${html}/compare/${idOf('a')}...${idOf('b')}`);
  assert.equal(compared(push({ before: zeroId })), `${html}/compare/${zeroId}...${idOf('b')}`);
  const gone = read(eventOf('push', goneBranch));
  assert.deepEqual([gone['after'], gone['deleted'], gone['commits']], [zeroId, true, []]);
});

test('rights and last logins are those of the samples: all of a push, to read of a pull request, none of its ends', () => {
  const body = read(eventOf('push', push()));
  const all = { admin: true, push: true, pull: true };
  assert.deepEqual(at(body, 'repository', 'permissions'), all);
  assert.equal(at(body, 'repository', 'owner', 'last_login'), '1970-01-01T00:00:00Z');
  assert.equal(at(body, 'pusher', 'last_login'), '0001-01-01T00:00:00Z');
  assert.deepEqual(body['pusher'], body['sender']);
  const opened = read(eventOf('pull_request', pullRequests.opened));
  assert.deepEqual(at(opened, 'repository', 'permissions'), { admin: false, push: false, pull: true });
  assert.equal(at(opened, 'repository', 'owner', 'last_login'), '0001-01-01T00:00:00Z');
  for (const side of ['base', 'head']) {
    assert.deepEqual(at(opened, 'pull_request', side, 'repo', 'permissions'), { admin: false, push: false, pull: false });
    assert.equal(at(opened, 'pull_request', side, 'repo_id'), repository.number);
  }
  const merged = read(eventOf('pull_request', pullRequests.closed));
  assert.deepEqual(at(merged, 'repository', 'permissions'), { admin: false, push: true, pull: true });
});

test('links lead to this server, there is no SSH, and times are whole seconds', () => {
  const body = read(eventOf('push', push()));
  const shown = body['repository'] as Json;
  assert.deepEqual(
    [shown['html_url'], shown['clone_url'], shown['ssh_url'], shown['created_at'], shown['updated_at'], shown['full_name']],
    [html, `${html}.git`, '', '2026-06-06T20:34:36Z', '2026-07-03T18:27:42Z', 'harbour/crane'],
  );
  assert.deepEqual(shown['uris'], {
    api: `${serverUrl}/securesourcemanager/v1/projects/harbour/locations/global/repositories/crane`,
    html,
    git_https: `${html}.git`,
  });
  const [only] = body['commits'] as readonly Json[];
  assert.equal(only?.['timestamp'], '2026-07-03T20:27:38+02:00', 'the author’s date, in the author’s zone');
  assert.deepEqual(only['committer'], { name: 'Bob', email: 'bob@example.com', username: '' });
});

test('a pull request can be merged only where that is known; where its branch is gone the ref is what keeps its commits, and the label the branch', () => {
  const of = (change: Partial<typeof pull>) => read(eventOf('pull_request', pullRequest({ pull: { ...pull, ...change } })))['pull_request'];
  assert.equal(at(of({ mergeable: null, mergeableReason: 'unknown' }), 'mergeable'), false);
  assert.equal(at(of({ mergeable: true }), 'mergeable'), true);
  const gone = of({ head: { ref: 'refs/pull/4/head', sha: idOf('c'), branch: 'dev' } });
  assert.deepEqual([at(gone, 'head', 'label'), at(gone, 'head', 'ref')], ['dev', 'refs/pull/4/head']);
  assert.equal(at(of({ head: { ref: 'refs/pull/4/head', sha: idOf('c') } }), 'head', 'label'), 'refs/pull/4/head');
});

test('that a commit’s paths were cut is said where they were', () => {
  const body = read(eventOf('push', push({ commits: [commit({ arePathsCut: true })] })));
  assert.equal(at((body['commits'] as readonly Json[])[0], 'paths_cut'), true);
});

test('the body is indented by two and escaped as Go does it, and no text breaks it', () => {
  const odd = '<a> & "b" \\ \u2028\u2029 \ud800 é😀 \t\u0001';
  const body = written(eventOf('push', push({ commits: [commit({ message: odd })] })));
  assert.ok(body.startsWith('{\n  "secret": "",\n  "ref": "refs/heads/main",\n'));
  assert.ok(body.includes('\\u003ca\\u003e \\u0026 \\"b\\" \\\\ \\u2028\\u2029 \\ufffd é😀 \\t\\u0001'));
  assert.equal(
    goJson({ a: '\\ud800', b: '\\\ud800', c: [], d: {} }),
    '{\n  "a": "\\\\ud800",\n  "b": "\\\\\\ufffd",\n  "c": [],\n  "d": {}\n}',
  );
});

test('a time that no reader would take costs nobody the delivery', () => {
  const times = {
    '2026-07-03T18:27:38.123456Z': '2026-07-03T18:27:38Z',
    '2026-07-03T18:27:38-00:00': '2026-07-03T18:27:38Z',
    '2026-07-03T18:27:38-0330': '2026-07-03T18:27:38-03:30',
    '2026-07-03T18:27:38+99:00': '2026-06-29T15:27:38Z',
    '2026-07-03T18:27:38-24:00': '2026-07-04T18:27:38Z',
    '2026-13-03T18:27:38Z': '0001-01-01T00:00:00Z',
    never: '0001-01-01T00:00:00Z',
  };
  for (const [text, expected] of Object.entries(times)) assert.equal(goTime(text), expected, text);
});

test('the headers name the delivery and the event; a test goes out as what it tells of', () => {
  const of = (kind: string) => secureSourceManagerDialect.headers({ delivery: 'd', kind, attempt: 2, body: Buffer.alloc(0) });
  assert.deepEqual(Object.entries(of('push')), [
    ['X-SecureSourceManager-Delivery', 'd'],
    ['X-SecureSourceManager-Event', 'push'],
    ['x-gatepost-event', 'push'],
    ['x-gatepost-attempt', '2'],
  ]);
  const names = {
    push: 'push',
    pull_request: 'pull_request',
    pull_request_comment: 'pull_request_comment',
    'webhook.test': 'push',
    'webhook.test.pull_request': 'pull_request',
    'webhook.test.pull_request_comment': 'pull_request_comment',
  };
  for (const [kind, name] of Object.entries(names)) assert.equal(of(kind)['X-SecureSourceManager-Event'], name);
  assert.equal(secureSourceManagerDialect.contentType, 'application/json');
});

test('the same event always gives the same bytes, and an event that it has no words for breaks nothing', () => {
  for (const event of gitEvents) assert.equal(written(event), written(structuredClone(event)));
  assert.equal(written(eventOf('report.ingested', { organizationId: 'o', reports: [] })), '{}');
});
