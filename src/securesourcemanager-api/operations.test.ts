// Operations are kept nowhere: what their ids tell, to whom, and what they do not hold.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSealer } from '../secret-key.ts';
import { createOperationIds, operationBody } from './operations.ts';

const sealer = createSealer(Buffer.alloc(32, 7));
const ids = createOperationIds(sealer);
const done = { verb: 'create', begun: 0, ended: 1_500, repository: 'shop', repositoryId: 'r1', hook: 'build', webhook: 'w1' } as const;
const place = { project: 'example', location: 'us-central1' };

test('an id tells its own organization what was done, and nobody else', () => {
  const id = ids.idOf('ours', done);
  assert.match(id, /^operation-[\w.-]+$/);
  assert.ok(!id.includes('shop') && !Buffer.from(id.split('.').at(-1) ?? '', 'base64url').includes('shop'));
  assert.deepEqual(ids.read('ours', id), done);
  assert.equal(ids.read('theirs', id), null);
  assert.equal(createOperationIds(createSealer(Buffer.alloc(32, 8))).read('ours', id), null, 'made with another key');
});

test('an id that was changed or made up is none', () => {
  const id = ids.idOf('ours', done);
  // Not the very last: its low bits are none of the text's.
  const changed = id.slice(0, -2) + (id.at(-2) === 'A' ? 'B' : 'A') + id.slice(-1);
  for (const other of [changed, id.slice(0, -4), id.replace('operation-', ''), 'operation-', 'operation-s1.', '', 'x'])
    assert.equal(ids.read('ours', other), null, other);
});

test('an operation is done, with when, what and the type of what came of it', () => {
  const id = 'operation-1';
  const made = operationBody({ place, id, done, hook: { name: 'n' } });
  assert.deepEqual(made, {
    name: 'projects/example/locations/us-central1/operations/operation-1',
    metadata: {
      '@type': 'type.googleapis.com/google.cloud.securesourcemanager.v1.OperationMetadata',
      createTime: '1970-01-01T00:00:00.000Z',
      endTime: '1970-01-01T00:00:01.500Z',
      target: 'projects/example/locations/us-central1/repositories/shop/hooks/build',
      verb: 'create',
      requestedCancellation: false,
      apiVersion: 'v1',
    },
    done: true,
    response: { '@type': 'type.googleapis.com/google.cloud.securesourcemanager.v1.Hook', name: 'n' },
  });
  const deleted = operationBody({ place, id, done: { ...done, verb: 'delete' }, hook: null });
  assert.deepEqual('response' in deleted && deleted.response, { '@type': 'type.googleapis.com/google.protobuf.Empty' });
  const gone = operationBody({ place, id, done, hook: null });
  assert.deepEqual('error' in gone && gone.error.code, 5);
});
