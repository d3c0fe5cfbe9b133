// The settings in docs/operating.md are compared, cell by cell, with what the program says of itself. Where they differ, the message holds the
// table as it must be.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { describeSettings } from '../../src/configuration.ts';

const page = readFileSync(new URL('../../docs/operating.md', import.meta.url), 'utf8');

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function expectedTable(): string {
  const rows = describeSettings().map((one) => `| \`${one.name}\` | ${cell(one.type)} | ${cell(one.default)} | ${cell(one.reason)} |`);
  return ['| name | type | default | |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

test('operating.md lists every setting as the program knows it', () => {
  const found = /<!-- settings:[^>]*-->\n([\s\S]*?)\n?<!-- \/settings -->/.exec(page)?.[1];
  assert.notEqual(found, undefined, 'the table between the two marks is gone');
  assert.equal(found, expectedTable(), `docs/operating.md must hold this table:\n${expectedTable()}\n`);
});

test('a setting that the page speaks of is a setting that there is', () => {
  const known = new Set(describeSettings().map((one) => one.name));
  // Kubernetes' names stand there as what is passed over.
  const others = new Set(['GATEPOST_SERVICE_HOST']);
  const named = new Set(page.match(/\bGATEPOST_[A-Z_]*[A-Z]\b/g) ?? []);
  assert.deepEqual(
    [...named].filter((name) => !known.has(name) && !others.has(name)),
    [],
  );
});
