import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkedProjectKey, projectKeyCharactersMax } from './project.ts';

test('project keys are those that SonarQube takes', () => {
  for (const key of ['a', '-', '_', '.', ':', 'org.example:shop-api_2', '1a', 'A'.repeat(projectKeyCharactersMax)])
    assert.equal(checkedProjectKey(key), key);
  for (const key of ['', '1', '0123', 'a b', 'a/b', 'é', 'a\n', 'a%', 'A'.repeat(projectKeyCharactersMax + 1)]) {
    assert.throws(() => checkedProjectKey(key), { code: 'invalid_project_key' }, JSON.stringify(key));
  }
});
