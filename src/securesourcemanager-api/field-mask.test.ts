// Update masks as clients send them: which fields a patch overwrites.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFieldMask } from './field-mask.ts';

const fields = {
  changeable: { targetUri: ['targetUri'], pushOption: ['pushOption', 'pushOption.branchFilter'], disabled: ['disabled'] },
  fixed: ['name', 'createTime'],
};

function named(mask: string | undefined, ...inBody: readonly string[]): readonly string[] {
  const read = readFieldMask(mask, fields, new Set(inBody));
  return Object.keys(fields.changeable).filter((field) => read.names(field));
}

test('a mask names fields in either spelling, and nothing else is overwritten', () => {
  assert.deepEqual(named('targetUri'), ['targetUri']);
  assert.deepEqual(named('target_uri,push_option.branch_filter', 'disabled'), ['targetUri', 'pushOption']);
  assert.deepEqual(named('pushOption.branchFilter, disabled'), ['pushOption', 'disabled']);
  assert.deepEqual(named('push_option'), ['pushOption']);
});

test('without a mask it is what the body has; a star is every field that can be changed', () => {
  assert.deepEqual(named(undefined), []);
  assert.deepEqual(named(undefined, 'disabled', 'name'), ['disabled']);
  assert.deepEqual(named('*', 'disabled'), ['targetUri', 'pushOption', 'disabled']);
});

test('fields that no patch changes may be named, and are not changed', () => {
  assert.deepEqual(named('name,create_time,disabled'), ['disabled']);
});

test('a path that is none is refused, as is a star among others', () => {
  for (const mask of [
    'targetURI',
    'hook.targetUri',
    'targetUri,',
    ',',
    'pushOption.branch',
    'constructor',
    'disabled.x',
    '*,targetUri',
    '**',
  ])
    assert.throws(() => readFieldMask(mask, fields, new Set()), { code: 'invalid_argument', details: { field: 'updateMask' } }, mask);
  const many = Array.from({ length: 51 }, () => 'disabled').join(',');
  assert.throws(() => readFieldMask(many, fields, new Set()), /more than 50 paths/);
});
