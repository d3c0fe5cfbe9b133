import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  aheadMsMax,
  branchCharactersMax,
  parseAnalysisRequest,
  propertiesMax,
  propertyCharactersMax,
  propertyNameCharactersMax,
  propertyPrefix,
  revisionCharactersMax,
  versionCharactersMax,
} from './analysis.ts';

// Pure: what a caller may say about an analysis, and each limit at its edge.

const now = Date.parse('2026-06-01T00:00:00Z');
const refused = (query: Parameters<typeof parseAnalysisRequest>[0], code: string): void => {
  assert.throws(() => parseAnalysisRequest(query, now), { kind: 'invalid', code });
};

test('all that may be told is read', () => {
  const request = parseAnalysisRequest(
    { version: '1.0', branch: 'main', revision: 'abc', name: 'Shop', date: '2026-05-01T12:00:00Z', 'sonar.analysis.build': '7' },
    now,
  );
  assert.deepEqual(request, {
    version: '1.0',
    branch: 'main',
    revision: 'abc',
    projectName: 'Shop',
    date: { text: '2026-05-01T12:00:00+00:00', ms: Date.parse('2026-05-01T12:00:00Z') },
    properties: { 'sonar.analysis.build': '7' },
  });
});

test('a missing version is told as such', () => refused({}, 'missing_version'));
test('an empty version is no version', () => refused({ version: ' ' }, 'invalid_version'));
test('a parameter given twice is refused, since one of the two would be lost', () =>
  refused({ version: ['1', '2'] }, 'repeated_parameter'));
test('a parameter that is none of ours is refused, since a misspelt one would be lost', () =>
  refused({ version: '1', brnach: 'x' }, 'unknown_parameter'));
test('control characters are refused', () => refused({ version: '1\n0' }, 'invalid_version'));
test('a lone surrogate is refused', () => refused({ version: '1', branch: '\ud800' }, 'invalid_branch'));
test('what is no date is refused', () => refused({ version: '1', date: 'yesterday' }, 'invalid_date'));

test('a plus that a query turned into a blank is read as a plus', () => {
  assert.equal(parseAnalysisRequest({ version: '1', date: '2026-05-01T12:00:00 02:00' }, now).date?.text, '2026-05-01T12:00:00+02:00');
});

test('an analysis may be dated a day ahead and no more', () => {
  const at = (ms: number): string => new Date(now + ms).toISOString();
  assert.equal(parseAnalysisRequest({ version: '1', date: at(aheadMsMax) }, now).date?.ms, now + aheadMsMax);
  refused({ version: '1', date: at(aheadMsMax + 1) }, 'invalid_date');
});

test('texts hold at their limits', () => {
  for (const [name, max] of [
    ['version', versionCharactersMax],
    ['branch', branchCharactersMax],
    ['revision', revisionCharactersMax],
  ] as const) {
    parseAnalysisRequest({ version: '1', [name]: 'x'.repeat(max) }, now);
    refused({ version: '1', [name]: 'x'.repeat(max + 1) }, `invalid_${name}`);
  }
});

test('properties hold at their limits', () => {
  const many = (count: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, number) => [`${propertyPrefix}${number}`, '']));
  parseAnalysisRequest({ version: '1', ...many(propertiesMax) }, now);
  refused({ version: '1', ...many(propertiesMax + 1) }, 'invalid_property');
  parseAnalysisRequest({ version: '1', [`${propertyPrefix}a`]: 'x'.repeat(propertyCharactersMax) }, now);
  refused({ version: '1', [`${propertyPrefix}a`]: 'x'.repeat(propertyCharactersMax + 1) }, 'invalid_property');
  parseAnalysisRequest({ version: '1', [propertyPrefix.padEnd(propertyNameCharactersMax, 'n')]: '' }, now);
  refused({ version: '1', [propertyPrefix.padEnd(propertyNameCharactersMax + 1, 'n')]: '' }, 'invalid_property');
});
