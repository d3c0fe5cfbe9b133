// What a webhook of SonarQube says, of every version and in every case of its contract (section 1): read from raw bytes; what is wrong is refused
// with a code and its place.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatepostError } from '../../errors.ts';
import { branchCharactersMax } from '../analysis.ts';
import {
  conditionsMax,
  payloadPropertiesMax,
  payloadPropertyCharactersMax,
  payloadPropertyNameCharactersMax,
  projectNameCharactersMax,
  readPayload,
  taskCharactersMax,
} from './payload.ts';

const whole = {
  serverUrl: 'https://sonar.example.test',
  taskId: '3f0c1f0e-5a0f-4f0e-9a35-0b8c2f7f6d11',
  status: 'SUCCESS',
  analysedAt: '2026-03-02T09:15:04+0100',
  revision: '9b1f6a0c2d3e4f5061728394a5b6c7d8e9f00112',
  changedAt: '2026-03-02T09:15:04+0100',
  project: { key: 'shop:api', name: 'Shop API', url: 'https://sonar.example.test/dashboard?id=shop%3Aapi' },
  branch: { name: 'feature/pay', type: 'BRANCH', isMain: false, url: 'https://sonar.example.test/dashboard?id=shop%3Aapi' },
  qualityGate: {
    name: 'House gate',
    status: 'ERROR',
    conditions: [
      { metric: 'new_coverage', operator: 'LESS_THAN', status: 'NO_VALUE', errorThreshold: '80' },
      { metric: 'new_security_rating', operator: 'GREATER_THAN', value: '4', status: 'ERROR', errorThreshold: '1' },
      { metric: 'new_security_hotspots_reviewed', operator: 'LESS_THAN', status: 'OK', errorThreshold: '100' },
    ],
  },
  properties: { 'sonar.analysis.buildNumber': '412', 'sonar.analysis.detectedci': 'Jenkins' },
};

type Changes = Readonly<Record<string, unknown>>;
const bytesOf = (changes: Changes = {}) => Buffer.from(JSON.stringify({ ...whole, ...changes }));
const read = (changes: Changes = {}) => readPayload(bytesOf(changes));

function refusal(bytes: Buffer): readonly [string, unknown] {
  try {
    readPayload(bytes);
  } catch (error) {
    if (error instanceof GatepostError) return [error.code, error.details?.['pointer'] ?? error.details?.['offset']];
    throw error;
  }
  return ['none', null];
}

test('an analysis that is done: every field, each condition with or without a value whatever its status', () => {
  const { text, task, status, analysedAt, changedAt, revision, project, branch, gate, properties } = read();
  assert.equal(text, JSON.stringify(whole));
  assert.deepEqual([task, status, revision], [whole.taskId, 'SUCCESS', whole.revision]);
  assert.deepEqual(analysedAt, {
    given: '2026-03-02T09:15:04+0100',
    text: '2026-03-02T09:15:04+01:00',
    ms: Date.UTC(2026, 2, 2, 8, 15, 4),
  });
  assert.deepEqual(changedAt, analysedAt);
  assert.deepEqual(project, { key: 'shop:api', name: 'Shop API' });
  assert.deepEqual(branch, { name: 'feature/pay', type: 'BRANCH', isMain: false });
  assert.deepEqual(gate, whole.qualityGate);
  assert.deepEqual(properties, whole.properties);
});

test('escapes of the five HTML characters and of line separators, plain UTF-8 and emoji are one and the same text', () => {
  const escaped = String.raw`{"status":"SUCCESS","project":{"key":"k","name":"\u003cb\u003e\u0026\u003d\u0027 \u2028 Проект 🚀"},"properties":{"sonar.analysis.x":"\u003d\t\"\\"}}`;
  const payload = readPayload(Buffer.from(escaped));
  assert.equal(payload.project.name, "<b>&=' \u2028 Проект 🚀");
  assert.equal(payload.properties['sonar.analysis.x'], '=\t"\\');
  assert.equal(payload.text, escaped);
});

test('a failure, early and late, has no gate; early it has no date either', () => {
  const late = read({ status: 'FAILED', qualityGate: undefined });
  assert.deepEqual([late.status, late.gate, late.analysedAt?.given], ['FAILED', null, whole.analysedAt]);
  const early = read({ status: 'FAILED', qualityGate: undefined, analysedAt: undefined, revision: undefined, properties: {} });
  assert.deepEqual([early.analysedAt, early.revision, early.properties], [null, null, {}]);
});

test('an edited issue has no task; no gate, no conditions, no branch, no times and no properties are no fault', () => {
  assert.equal(read({ taskId: undefined, changedAt: '2026-03-02T10:00:00+0100' }).task, null);
  assert.equal(read({ qualityGate: undefined }).gate, null);
  assert.deepEqual(read({ qualityGate: { name: 'Empty', status: 'OK', conditions: [] } }).gate?.conditions, []);
  assert.equal(read({ branch: undefined }).branch, null);
  const least = readPayload(Buffer.from('{"status":"SUCCESS","project":{"key":"a"}}'));
  assert.deepEqual([least.project, least.changedAt, least.analysedAt, least.properties], [{ key: 'a', name: 'a' }, null, null, {}]);
  assert.equal(read({ taskId: null, revision: null }).revision, null);
});

test('branches of all kinds: old LONG and SHORT, a main one without a name, a pull request by its key, a kind to come', () => {
  const branch = (given: object) => read({ branch: given }).branch;
  assert.deepEqual(branch({ name: 'b', type: 'LONG', isMain: true }), { name: 'b', type: 'BRANCH', isMain: true });
  assert.deepEqual(branch({ name: 'b', type: 'SHORT', isMain: false }), { name: 'b', type: 'BRANCH', isMain: false });
  assert.deepEqual(branch({ type: 'BRANCH', isMain: true }), { name: null, type: 'BRANCH', isMain: true });
  assert.deepEqual(branch({}), { name: null, type: 'BRANCH', isMain: true });
  assert.deepEqual(branch({ name: '45', type: 'PULL_REQUEST', isMain: false }), { name: '45', type: 'PULL_REQUEST', isMain: false });
  assert.deepEqual(branch({ name: 'b', type: 'LATER', isMain: false }), { name: 'b', type: 'BRANCH', isMain: false });
});

test('old servers: WARN, EQUALS, onLeakPeriod and warningThreshold, a condition with a warning alone', () => {
  const conditions = [
    { metric: 'new_bugs', operator: 'EQUALS', value: '1', status: 'WARN', onLeakPeriod: true, errorThreshold: '2', warningThreshold: '1' },
    { metric: 'coverage', operator: 'NOT_EQUALS', value: '1', status: 'WARN', onLeakPeriod: false, warningThreshold: '1' },
  ];
  const { gate, text } = read({ qualityGate: { name: 'g', status: 'WARN', conditions } });
  assert.equal(gate?.status, 'WARN');
  assert.deepEqual(gate.conditions, [
    { metric: 'new_bugs', operator: 'EQUALS', value: '1', status: 'WARN', errorThreshold: '2' },
    { metric: 'coverage', operator: 'NOT_EQUALS', value: '1', status: 'WARN', errorThreshold: '' },
  ]);
  assert.match(text, /"onLeakPeriod":true.*"warningThreshold":"1"/, 'what we do not read is in the bytes still');
});

test('times of every offset are understood, and kept as they were written', () => {
  const ms = (given: string) => read({ analysedAt: given }).analysedAt?.ms;
  const noon = Date.UTC(2026, 9, 25, 12);
  for (const given of [
    '2026-10-25T12:00:00+0000',
    '2026-10-25T17:30:00+0530',
    '2026-10-25T08:30:00-0330',
    '2026-10-25T13:00:00+01:00',
    '2026-10-25T12:00:00Z',
    '2026-10-26T02:00:00+1400',
  ])
    assert.equal(ms(given), noon, given);
});

test('a property called __proto__ is a property, and a field called so harms nobody', () => {
  const payload = readPayload(
    Buffer.from('{"__proto__":{"taskId":"x"},"status":"SUCCESS","project":{"key":"a"},"properties":{"__proto__":"p"}}'),
  );
  assert.equal(payload.task, null);
  assert.deepEqual(Object.entries(payload.properties), [['__proto__', 'p']]);
});

test('what is no text or no JSON is refused with its offset', () => {
  const bad = Buffer.from(JSON.stringify({ a: 'ä' }), 'latin1');
  assert.deepEqual(refusal(bad), ['not_utf8', 6]);
  assert.equal(refusal(Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d]))[0], 'not_json', 'a byte order mark is no JSON');
  assert.deepEqual(refusal(Buffer.from('{a:1}')), ['not_json', 1]);
  assert.equal(refusal(Buffer.from('{"a":}'))[0], 'not_json');
  assert.equal(refusal(Buffer.alloc(0))[0], 'not_json');
  assert.equal(refusal(Buffer.from('['.repeat(1_000_000)))[0], 'not_json');
  assert.deepEqual(refusal(Buffer.from('[]')), ['invalid_payload', '']);
});

const wrong: readonly (readonly [Changes, string])[] = [
  [{ status: 'CANCELED' }, '/status'],
  [{ status: undefined }, '/status'],
  [{ taskId: 7 }, '/taskId'],
  [{ taskId: 'a\0b' }, '/taskId'],
  [{ analysedAt: 'yesterday' }, '/analysedAt'],
  [{ changedAt: '2026-02-30T00:00:00+0000' }, '/changedAt'],
  [{ revision: {} }, '/revision'],
  [{ project: 'x' }, '/project'],
  [{ project: {} }, '/project/key'],
  [{ project: { key: 'a', name: 1 } }, '/project/name'],
  [{ branch: [] }, '/branch'],
  [{ branch: { name: 'b', isMain: 'yes' } }, '/branch/isMain'],
  [{ branch: { type: 'PULL_REQUEST' } }, '/branch/name'],
  [{ qualityGate: { status: 'OK', conditions: [] } }, '/qualityGate/name'],
  [{ qualityGate: { name: 'g', status: 'OK', conditions: {} } }, '/qualityGate/conditions'],
  [{ qualityGate: { name: 'g', status: 'OK', conditions: [{ metric: 'm' }] } }, '/qualityGate/conditions/0/operator'],
  [{ properties: [] }, '/properties'],
  [{ properties: { 'a/b~c': 1 } }, '/properties/a~1b~0c'],
];
for (const [changes, pointer] of wrong) {
  test(`refused at ${pointer}: ${JSON.stringify(changes).slice(0, 60)}`, () => {
    assert.deepEqual(refusal(bytesOf(changes)), ['invalid_payload', pointer]);
  });
}

test('a key that no project can have is refused by its own code', () => {
  assert.equal(refusal(bytesOf({ project: { key: '123' } }))[0], 'invalid_project_key');
  assert.equal(read({ project: { key: 'a'.repeat(400) } }).project.key.length, 400);
  assert.equal(refusal(bytesOf({ project: { key: 'a'.repeat(401) } }))[0], 'invalid_project_key');
});

const text = (length: number) => 'x'.repeat(length);
const atEdges: readonly (readonly [string, number, (length: number) => Changes])[] = [
  ['taskId', taskCharactersMax, (n) => ({ taskId: text(n) })],
  ['project.name', projectNameCharactersMax, (n) => ({ project: { key: 'a', name: text(n) } })],
  ['branch.name', branchCharactersMax, (n) => ({ branch: { name: text(n) } })],
  ['a property', payloadPropertyCharactersMax, (n) => ({ properties: { p: text(n) } })],
  ['the name of a property', payloadPropertyNameCharactersMax, (n) => ({ properties: { [text(n)]: '' } })],
  ['properties', payloadPropertiesMax, (n) => ({ properties: Object.fromEntries(Array.from({ length: n }, (_, i) => [`p${i}`, ''])) })],
  [
    'conditions',
    conditionsMax,
    (n) => ({ qualityGate: { name: 'g', status: 'OK', conditions: Array.from({ length: n }, () => whole.qualityGate.conditions[0]) } }),
  ],
];
for (const [what, max, make] of atEdges) {
  test(`${what} may be ${max} and no more`, () => {
    assert.equal(refusal(bytesOf(make(max)))[0], 'none');
    assert.equal(refusal(bytesOf(make(max + 1)))[0], 'invalid_payload');
  });
}
