// Every limit that docs/operating.md tells is compared with the constant that the program goes by.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { messageCharactersMax } from '../../src/analyses/finding.ts';
import { depthMax, elementBytesMax, resultsMax, rulesMax, runsMax } from '../../src/analyses/sarif/limits.ts';
import { crashesMax } from '../../src/analyses/store.ts';
import { readConfiguration } from '../../src/configuration.ts';
import { pageLimitDefault, pageLimitMax } from '../../src/http/paging.ts';
import { idleMs, jsonBytesMax, requestMs } from '../../src/http/server.ts';
import { archiveReportsMax } from '../../src/reports/archive/routes.ts';
import { readyMadeFilesMax } from '../../src/reports/ready-made.ts';
import { findingsOfVolumeMax, findingsShownMax } from '../../src/reports/report.ts';
import { retryAfterMsMax } from '../../src/webhooks/delivery/decide.ts';
import { answerBytesMax, connectionsInAllMax, deadlineMs } from '../../src/webhooks/delivery/send.ts';
import { webhooksOfOrganizationMax } from '../../src/webhooks/subscriptions/webhook.ts';

const page = readFileSync(new URL('../../docs/operating.md', import.meta.url), 'utf8');
const usual = readConfiguration({});

const number = (value: number): string => value.toLocaleString('en-US');
const size = (bytes: number): string =>
  bytes >= 2 ** 30 ? `${bytes / 2 ** 30} GiB` : bytes >= 2 ** 20 ? `${bytes / 2 ** 20} MiB` : `${bytes / 2 ** 10} KiB`;

const expected: Readonly<Record<string, string>> = {
  'a scan or a file of a ready-made report, after unpacking': `\`GATEPOST_UPLOAD_MAX\`, ${size(usual.uploadBytesMax)}`,
  'files of a ready-made report': number(readyMadeFilesMax),
  'any other body': size(jsonBytesMax),
  'request line and headers': '64 KiB each',
  'reports in one archive': number(archiveReportsMax),
  'entries of a page': `${number(pageLimitMax)}, by default ${pageLimitDefault}`,
  'open calls a second and address': `\`GATEPOST_OPEN_PER_SECOND\`, ${usual.openPerSecond}`,
  'archives under way to one address': `\`GATEPOST_ARCHIVES_PER_ADDRESS\`, ${usual.archivesPerAddress}`,
  'archives under way from one organization': `\`GATEPOST_ARCHIVES_PER_ORGANIZATION\`, ${usual.archivesPerOrganization}`,
  'a connection on which nothing moves': `${idleMs / 1000} s`,
  'a whole request': `${requestMs / 3_600_000} h`,
  'a scan: runs': number(runsMax),
  'a scan: results': number(resultsMax),
  'a scan: rules': number(rulesMax),
  'a scan: one result or rule': size(elementBytesMax),
  'a scan: nesting': `${depthMax} levels`,
  "a finding's message": `${number(messageCharactersMax)} characters`,
  'findings shown in HTML and PDF': `${number(findingsShownMax)}, worst first`,
  'findings in one PDF': number(findingsOfVolumeMax),
  'processes that may die over one analysis': number(crashesMax),
  'webhooks of an organization': number(webhooksOfOrganizationMax),
  'connections of all webhooks, idle ones included': number(connectionsInAllMax),
  'one attempt of a webhook': `${deadlineMs / 1000} s`,
  'response kept with an attempt': size(answerBytesMax),
  'what `Retry-After` of a receiver may ask for': `${retryAfterMsMax / 3_600_000} h`,
};

test('the limits in operating.md are those of the program', () => {
  const table = /## Limits\n([\s\S]*?)\n\n/.exec(page)?.[1] ?? '';
  const rows = table.split('\n').slice(2);
  const told = rows.map((row) => row.split(' | ').map((cell) => cell.replaceAll(/^\||\|$/g, '').trim()));
  assert.deepEqual(Object.fromEntries(told.map(([what = '', limit = '']) => [what, limit])), expected);
});
