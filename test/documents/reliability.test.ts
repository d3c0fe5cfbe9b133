// docs/reliability.md is held to the tests that it tells of: the options with their counts, and every file that it names.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { forms } from '../webhooks/address-forms.ts';
import { rounds } from '../faults/rounds.ts';
import { strangerNames } from '../faults/strangers.ts';

const root = new URL('../../', import.meta.url);
const page = readFileSync(new URL('docs/reliability.md', root), 'utf8');
const number = (value: number): string => value.toLocaleString('en-US');

test('reliability.md has every option of npm run test:faults, with its counts', () => {
  const rows = Object.values(rounds).map(
    ({ option, short, long, means }) => `| \`--${option}\` | ${number(short)} | ${number(long)} | ${means} |`,
  );
  const found = /<!-- rounds:[^>]*-->\n(?:.*\n){2}([\s\S]*?)\n<!-- \/rounds -->/.exec(page)?.[1];
  assert.equal(found, rows.join('\n'), `docs/reliability.md must hold these rows:\n${rows.join('\n')}\n`);
});

test('every test that reliability.md names is there', () => {
  const named = [...page.matchAll(/`((?:src|test)\/[^`]+)`/g)].map(([, name = '']) => name);
  assert.ok(named.length > 10);
  assert.deepEqual(
    named.filter((name) => !existsSync(new URL(name, root))),
    [],
  );
});

test('reliability.md counts what is tried as the tests do', () => {
  assert.equal(strangerNames.length, 14);
  assert.ok(page.includes(`has ${forms.length} forms of hosts`));
  const refused = forms.filter(([, reason]) => reason !== null && !reason.includes('own_interface'));
  assert.ok(page.includes(`${refused.length} of them are tried`));
});
