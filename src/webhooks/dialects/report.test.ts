import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  comments,
  commit,
  goneBranch,
  html,
  idOf,
  mergedPull,
  person,
  pullRequest,
  pullRequests,
  push,
} from '../../../test/webhooks/git-facts.ts';
import { report } from '../../../test/webhooks/listed-report.ts';
import type { GatepostEvent, ReportFacts } from '../../events/event.ts';
import { reportDialect } from './report.ts';

function eventOf(reports: ReportFacts['reports']): GatepostEvent {
  const facts = { organizationId: '00000000-0000-0000-0000-000000000001', reports };
  return { id: 'e', organization: 'o', kind: 'report.ingested', project: null, facts, created: 1 };
}

test('the body has exactly the shape of the list answer, whatever order the facts came in', () => {
  const { projectName, id, ...rest } = report;
  const turned = { more: 1, ...rest, id, projectName };
  assert.equal(
    reportDialect.body(eventOf([turned, { ...report, securityRating: null }])).toString('utf8'),
    `{"organizationId":"00000000-0000-0000-0000-000000000001","reports":[${JSON.stringify(report)},${JSON.stringify({ ...report, securityRating: null })}]}`,
  );
  assert.equal(
    JSON.stringify(report),
    '{"projectName":"Test product","id":"00000000-0000-0000-0000-000000000002","reportType":"CWE Top 25","reportVersion":2024,"projectVersion":"1.0","date":"2025-12-17T09:05:48.5946432+00:00","uploadDate":"2025-12-17T09:05:48.5946432+00:00","vulnerabilitiesCount":0,"securityRating":"A"}',
  );
});

test('the headers name the event and count the attempts', () => {
  assert.deepEqual(reportDialect.headers({ delivery: 'd', kind: 'report.updated', attempt: 7, body: Buffer.alloc(0) }), {
    'x-gatepost-event': 'report.updated',
    'x-gatepost-attempt': '7',
  });
  assert.equal(reportDialect.contentType, 'application/json');
});

test('what happens to a webhook has a type, a time and its facts, in an order that stays, and nothing else of what is known', () => {
  const facts = {
    reason: 'gone',
    lastError: null,
    lastStatus: 410,
    failures: 3,
    since: '2026-11-22T10:00:00.000+00:00',
    webhook: { url: 'https://example.com/?token=***', name: 'a webhook', id: 'w', secret: 'x' },
    organization: 'example',
  } as const;
  const event = { id: 'e', organization: 'o', kind: 'webhook.disabled', project: null, facts, created: 1_800_000_000_000 } as const;
  const webhook = '"webhook":{"id":"w","name":"a webhook","url":"https://example.com/?token=***"}';
  const rest = '"since":"2026-11-22T10:00:00.000+00:00","failures":3,"lastStatus":410,"lastError":null';
  const head = '"timestamp":"2027-01-15T08:00:00.000+00:00","data":{"organization":"example",';
  assert.equal(reportDialect.body(event).toString('utf8'), `{"type":"webhook.disabled",${head}${webhook},${rest},"reason":"gone"}}`);
  const failing = { ...event, kind: 'webhook.failing', facts: { ...facts, reason: null } } as const;
  assert.equal(reportDialect.body(failing).toString('utf8'), `{"type":"webhook.failing",${head}${webhook},${rest}}}`);
});

const gitEvent = (kind: GatepostEvent['kind'], facts: GatepostEvent['facts']) => {
  const event = { id: 'e', organization: 'o', kind, project: null, facts, created: 1_800_000_000_000 };
  return JSON.parse(reportDialect.body(event).toString('utf8')) as { type: string; timestamp: string; data: Record<string, unknown> };
};

const shownRepository = {
  id: '01920000-0000-7000-8000-000000000001',
  name: 'crane',
  description: 'lifts <things>',
  project: 'harbour:crane',
  defaultBranch: 'main',
  isEmpty: false,
  isArchived: false,
  url: html,
  cloneUrl: `${html}.git`,
};
const shownPerson = { login: person.login, name: person.name, email: person.email };

test('a push says which ref moved, from where to where, with all commits that are known, in an order that stays', () => {
  const { type, timestamp, data } = gitEvent('push', push());
  const shownCommit = { ...commit(), url: `${html}/commit/${idOf('b')}` };
  const names = [
    'organization',
    'repository',
    'push',
    'ref',
    'before',
    'after',
    'isCreated',
    'isDeleted',
    'isForced',
    'compareBase',
    'total',
  ];
  assert.deepEqual(Object.keys(data), [...names, 'commits', 'head', 'pusher']);
  assert.deepEqual([type, timestamp], ['push', '2027-01-15T08:00:00.000+00:00']);
  assert.deepEqual(data['commits'], [shownCommit]);
  assert.deepEqual([data['repository'], data['head'], data['pusher']], [shownRepository, shownCommit, shownPerson]);
  const gone = gitEvent('push', goneBranch).data;
  assert.deepEqual([gone['ref'], gone['isDeleted'], gone['head'], gone['commits']], ['refs/heads/gone/#1', true, null, []]);
});

test('a pull request and a comment on one say what was done, and how all is now', () => {
  const opened = gitEvent('pull_request', pullRequest()).data;
  assert.deepEqual(Object.keys(opened), ['organization', 'repository', 'action', 'changes', 'pull', 'sender']);
  const pull = opened['pull'] as Record<string, unknown>;
  assert.deepEqual([pull['url'], pull['merged'], pull['author']], [`${html}/pulls/4`, null, shownPerson]);
  assert.deepEqual(pull['head'], { ref: 'dev', sha: idOf('c'), name: 'dev' });
  const edited = gitEvent('pull_request', pullRequests.edited).data;
  assert.deepEqual([edited['action'], edited['changes']], ['edited', pullRequests.edited.changes]);
  const merged = gitEvent('pull_request', pullRequests.closed).data['pull'] as Record<string, unknown>;
  assert.deepEqual(merged['merged'], { at: mergedPull.mergedAt, commit: idOf('f'), by: { ...shownPerson, login: 'bob' } });
  const { action, changes, comment } = gitEvent('pull_request_comment', comments.edited).data;
  assert.deepEqual([action, changes], ['edited', { body: { from: 'Fine' } }]);
  assert.equal((comment as Record<string, unknown>)['url'], `${html}/pulls/4#issuecomment-31`);
});
