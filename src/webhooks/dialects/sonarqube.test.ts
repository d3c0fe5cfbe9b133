// Payloads are compared byte for byte with texts that were written after the contract's sentences (sections 1 and 2), not made by the writer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnalysisCompletedFacts, GatepostEvent } from '../../events/event.ts';
import { dialectOf, requireEventsOfDialect } from './all.ts';
import { formEncoded, sonarqubeDate, sonarqubeJson } from './sonarqube-json.ts';
import { payload, sample, sonarqubeDialect } from './sonarqube.ts';

const facts: AnalysisCompletedFacts = {
  organization: 'harbour',
  analysis: 'a1',
  origin: 'sarif',
  serverUrl: 'https://gatepost.example.test/sub',
  task: '0b6e7d3a-13a4-4e1c-8d0c-5f5a6b7c8d9e',
  status: 'SUCCESS',
  analysedAt: '2026-03-02T09:15:04.987654+01:00',
  changedAt: '2026-03-02T09:15:04.987654+01:00',
  revision: '9b1f6a0c2d3e4f5061728394a5b6c7d8e9f00112',
  project: { key: 'harbour:api v2', name: `Häfen & <b>'=' "\\/` },
  branch: { name: 'feature/pay~now', type: 'BRANCH', isMain: false },
  gate: {
    name: 'House <strict>',
    status: 'ERROR',
    conditions: [
      { metric: 'new_violations', operator: 'GREATER_THAN', value: '4', status: 'ERROR', errorThreshold: '0' },
      { metric: 'coverage', operator: 'LESS_THAN', status: 'NO_VALUE', errorThreshold: '80' },
    ],
  },
  properties: { 'sonar.analysis.empty': '', 'sonar.analysis.odd': 'a\tb\u2028c\u2029d\u00a0e\u007f😀' },
  relayed: null,
};

const eventOf = (facts: GatepostEvent['facts'], kind: GatepostEvent['kind'] = 'analysis.completed'): GatepostEvent => ({
  id: 'e',
  organization: 'o',
  kind,
  project: null,
  facts,
  created: 1,
});
const written = (change: Partial<AnalysisCompletedFacts> = {}) => sonarqubeDialect.body(eventOf({ ...facts, ...change })).toString('utf8');
const headersOf = (body: Buffer | string) =>
  sonarqubeDialect.headers({ delivery: 'd1', kind: 'analysis.completed', attempt: 3, body: Buffer.from(body) });

test('the body has SonarQube’s fields in its order, its escapes and its dates, and says which conditions are about new code', () => {
  const dashboard = String.raw`https://gatepost.example.test/sub/dashboard?id\u003dharbour%3Aapi+v2`;
  const expected = [
    String.raw`{"serverUrl":"https://gatepost.example.test/sub","taskId":"0b6e7d3a-13a4-4e1c-8d0c-5f5a6b7c8d9e","status":"SUCCESS",`,
    String.raw`"analysedAt":"2026-03-02T09:15:04+0100","revision":"9b1f6a0c2d3e4f5061728394a5b6c7d8e9f00112","changedAt":"2026-03-02T09:15:04+0100",`,
    String.raw`"project":{"key":"harbour:api v2","name":"Häfen \u0026 \u003cb\u003e\u0027\u003d\u0027 \"\\/","url":"${dashboard}"},`,
    String.raw`"branch":{"name":"feature/pay~now","type":"BRANCH","isMain":false,"url":"${dashboard}\u0026branch\u003dfeature%2Fpay%7Enow"},`,
    String.raw`"qualityGate":{"name":"House \u003cstrict\u003e","status":"ERROR","conditions":[`,
    String.raw`{"metric":"new_violations","operator":"GREATER_THAN","value":"4","status":"ERROR","errorThreshold":"0","onLeakPeriod":true},`,
    String.raw`{"metric":"coverage","operator":"LESS_THAN","status":"NO_VALUE","errorThreshold":"80","onLeakPeriod":false}]},`,
    `"properties":{"sonar.analysis.empty":"","sonar.analysis.odd":"a\\tb\\u2028c\\u2029d\u00a0e\u007f😀"}}`,
  ];
  assert.equal(written(), expected.join(''));
  assert.equal(sonarqubeDialect.contentType, 'application/json; charset=utf-8');
});

test('what is not there is left out, and a failed analysis has no gate', () => {
  const bare = { revision: null, branch: null, properties: {}, project: { key: 'k', name: 'n' }, serverUrl: 'http://x' } as const;
  const project = String.raw`"project":{"key":"k","name":"n","url":"http://x/dashboard?id\u003dk"}`;
  const at = '"changedAt":"2026-03-02T09:15:04+0100"';
  assert.equal(
    written({ ...bare, task: null, gate: null }),
    `{"serverUrl":"http://x","status":"SUCCESS","analysedAt":"2026-03-02T09:15:04+0100",${at},${project},"properties":{}}`,
  );
  // Without a known analysis there is no revision either.
  assert.equal(
    written({ ...bare, task: 't', status: 'FAILED', analysedAt: null, revision: 'r' }),
    `{"serverUrl":"http://x","taskId":"t","status":"FAILED",${at},${project},"properties":{}}`,
  );
  assert.match(
    written({ gate: { name: 'Empty', status: 'OK', conditions: [] } }),
    /"qualityGate":\{"name":"Empty","status":"OK","conditions":\[\]\},/,
  );
});

test('a branch leads where it is: the main one to the project, another by its name, a pull request by its key', () => {
  const url = (branch: AnalysisCompletedFacts['branch']) => {
    const shown = JSON.parse(written({ branch })) as { branch: Record<string, unknown>; project: { url: string } };
    return [shown.branch['name'], String(shown.branch['url']).replace(shown.project.url, '…')];
  };
  assert.deepEqual(url({ name: 'main', type: 'BRANCH', isMain: true }), ['main', '…']);
  assert.deepEqual(url({ name: null, type: 'BRANCH', isMain: true }), [undefined, '…']);
  assert.deepEqual(url({ name: 'a b&c=d', type: 'BRANCH', isMain: false }), ['a b&c=d', '…&branch=a+b%26c%3Dd']);
  assert.deepEqual(url({ name: '45', type: 'PULL_REQUEST', isMain: false }), ['45', '…&pullRequest=45']);
});

test('the payload without what we add is what a real server would have written', () => {
  assert.doesNotMatch(sonarqubeJson(payload(facts, { onLeakPeriod: false })), /onLeakPeriod/);
});

test('what SonarQube wrote goes on byte for byte, whatever it is', () => {
  for (const relayed of ['{"status":"SUCCESS" , "project":{}}', '{"a":"\u2028<é😀"}\n']) assert.equal(written({ relayed }), relayed);
});

test('dates lose their fraction and the colon of their offset, and keep the offset', () => {
  const dates = {
    '2026-03-02T09:15:04Z': '2026-03-02T09:15:04+0000',
    '2026-03-02t09:15:04.5946432z': '2026-03-02T09:15:04+0000',
    '2026-03-02T09:15:04.999+05:30': '2026-03-02T09:15:04+0530',
    '2026-11-22T17:53:01-0330': '2026-11-22T17:53:01-0330',
    '2026-11-22T17:53:01-00:00': '2026-11-22T17:53:01+0000',
    '2016-12-31T23:59:60+00:00': '2016-12-31T23:59:60+0000',
    yesterday: 'yesterday',
  };
  for (const [text, expected] of Object.entries(dates)) assert.equal(sonarqubeDate(text), expected);
});

test('keys are form-encoded as Java does it', () => {
  assert.equal(formEncoded(`aZ09*-._ ~!'()/:+%&=é😀`), 'aZ09*-._+%7E%21%27%28%29%2F%3A%2B%25%26%3D%C3%A9%F0%9F%98%80');
  assert.equal(formEncoded('a\ud800b'), 'a%EF%BF%BDb');
});

test('the headers name the project and the event, and count the attempts', () => {
  assert.deepEqual(Object.entries(headersOf(written())), [
    ['X-SonarQube-Project', 'harbour:api v2'],
    ['x-gatepost-event', 'analysis.completed'],
    ['x-gatepost-delivery', 'd1'],
    ['x-gatepost-attempt', '3'],
  ]);
});

test('the key is read from the body as it goes out, whoever wrote it and however', () => {
  const key = (body: Buffer | string) => headersOf(body)['X-SonarQube-Project'];
  for (const project of ['a', 'org.example:api-1_x', '%', `a=b<c>'`, 'quote"back\\slash', 'z'.repeat(400)]) {
    assert.equal(key(written({ project: { key: project, name: '"project":{"key":"no"}' } })), project);
  }
  // Another order, blanks, and names that look like it.
  assert.equal(key('{ "properties": {"a": "\\"project\\":{\\"key\\":\\"no\\"}"}, "project": {"name": "n", "key": "yes"} }'), 'yes');
  for (const body of ['', '{}', '[]', 'null', 'no JSON', '{"project":null}', '{"project":{"key":7}}', '{"project":{"key":"cut']) {
    assert.equal(key(body), undefined, body);
  }
});

test('a key that no header holds is encoded as in the URL, so that its deliveries are not lost', () => {
  const key = (project: string) => headersOf(written({ project: { key: project, name: 'n' } }))['X-SonarQube-Project'];
  assert.equal(key('порт:api'), '%D0%BF%D0%BE%D1%80%D1%82%3Aapi');
  assert.equal(key('é'), '%C3%A9');
  assert.equal(key('a\r\nx-more: 1'), 'a%0D%0Ax-more%3A+1');
  assert.equal(key(' a'), '+a');
});

test('a receiver’s rules hold: Jenkins requires the task, the project’s name and URL, and reads status and gate', () => {
  const made = sample({
    organization: { id: 'o', slug: 'harbour' },
    serverUrl: 'https://gatepost.example.test',
    project: null,
    id: '01890a5d-ac96-774b-bcce-b302099a8057',
    created: 1_800_000_000_000,
  });
  for (const body of [written(), written({ gate: null }), sonarqubeDialect.body(eventOf(made, 'webhook.test')).toString('utf8')]) {
    const { taskId, status, project, qualityGate } = JSON.parse(body) as Record<string, Record<string, unknown>>;
    for (const text of [taskId, status, project?.['name'], project?.['url']]) assert.ok(typeof text === 'string' && text !== '', body);
    assert.ok(URL.canParse(String(project?.['url'])));
    if (qualityGate !== undefined) assert.match(String(qualityGate['status']), /^(OK|ERROR)$/);
  }
  assert.match(JSON.stringify(made), /"analysedAt":"2027-01-15T08:00:00.000\+00:00"/);
});

test('it tells of analyses alone: other events are refused where a webhook is made, and lose nobody else’s deliveries', () => {
  requireEventsOfDialect('sonarqube', ['analysis.completed']);
  requireEventsOfDialect('report', ['report.ingested', 'analysis.completed', 'webhook.failing']);
  assert.throws(() => requireEventsOfDialect('sonarqube', ['analysis.completed', 'report.updated']), { code: 'event_not_of_dialect' });
  assert.equal(
    dialectOf('sonarqube')
      .body(eventOf({ organizationId: 'o', reports: [] }, 'report.ingested'))
      .toString(),
    '{}',
  );
});
