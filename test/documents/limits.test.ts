// Every limit that docs/operating.md tells is compared with the constant that the program goes by.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { messageCharactersMax } from '../../src/analyses/finding.ts';
import { conditionsOfGateMax, gatesOfOrganizationMax } from '../../src/analyses/gates/gate.ts';
import { depthMax, elementBytesMax, resultsMax, rulesMax, runsMax } from '../../src/analyses/sarif/limits.ts';
import { payloadBytesMax } from '../../src/analyses/sonarqube/ingest-routes.ts';
import {
  conditionsMax,
  payloadPropertiesMax,
  payloadPropertyCharactersMax,
  payloadPropertyNameCharactersMax,
} from '../../src/analyses/sonarqube/payload.ts';
import { projectFiltersMax, sourcesOfOrganizationMax } from '../../src/analyses/sonarqube/source.ts';
import { crashesMax } from '../../src/analyses/store.ts';
import { readConfiguration } from '../../src/configuration.ts';
import { pageLimitDefault, pageLimitMax } from '../../src/http/paging.ts';
import { idleMs, jsonBytesMax, requestMs } from '../../src/http/server.ts';
import { mailRetryForMs } from '../../src/mail/send.ts';
import { mailAddressesMax } from '../../src/organizations/organization.ts';
import { archiveReportsMax } from '../../src/reports/archive/routes.ts';
import { readyMadeFilesMax } from '../../src/reports/ready-made.ts';
import { findingsOfVolumeMax, findingsShownMax } from '../../src/reports/report.ts';
import { addedHeadersMax } from '../../src/webhooks/delivery/added-headers.ts';
import { answerHeadersKeptMax } from '../../src/webhooks/delivery/attempt.ts';
import { retryAfterMsMax } from '../../src/webhooks/delivery/decide.ts';
import { fanOutInlineMax } from '../../src/webhooks/delivery/fan-out.ts';
import { inFlightOfSlowMax } from '../../src/webhooks/delivery/health.ts';
import { laneSizesDefault } from '../../src/webhooks/delivery/lanes.ts';
import { replayedWaitingMax } from '../../src/webhooks/delivery/replay.ts';
import { answerBytesMax, connectionsInAllMax, deadlineMs } from '../../src/webhooks/delivery/send.ts';
import { attemptsShownMax } from '../../src/webhooks/delivery/store.ts';
import { refFilterCharactersMax } from '../../src/webhooks/ref-filter/ref-filter.ts';
import { hookIdCharactersMax } from '../../src/webhooks/subscriptions/hook-id.ts';
import { sensitiveQueryCharactersMax } from '../../src/webhooks/subscriptions/query.ts';
import { rateCountMax, webhooksOfOrganizationMax } from '../../src/webhooks/subscriptions/webhook.ts';

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
  'a webhook of SonarQube that is taken in': size(payloadBytesMax),
  'its properties': `${number(payloadPropertiesMax)}, each of ${number(payloadPropertyCharactersMax)} characters with a name of ${number(payloadPropertyNameCharactersMax)}`,
  'conditions of its quality gate': number(conditionsMax),
  'sources of an organization': number(sourcesOfOrganizationMax),
  'projects that a source names': number(projectFiltersMax),
  'quality gates of an organization': number(gatesOfOrganizationMax),
  'conditions of a quality gate': number(conditionsOfGateMax),
  'webhooks of an organization': number(webhooksOfOrganizationMax),
  'connections of all webhooks, idle ones included': number(connectionsInAllMax),
  'attempts of a webhook, where it has a `rateLimit`': `${number(rateCountMax)} a second or minute`,
  'added headers of a webhook': number(addedHeadersMax),
  'hook ID of a webhook': `${hookIdCharactersMax} characters`,
  'sensitive query string of a webhook': `${number(sensitiveQueryCharactersMax)} characters`,
  'filter of refs of a webhook': `${refFilterCharactersMax} characters`,
  'webhooks that an event goes to with its own COMMIT': number(fanOutInlineMax),
  'one attempt of a webhook': `${deadlineMs / 1000} s`,
  'response kept with an attempt': size(answerBytesMax),
  'headers kept of it': number(answerHeadersKeptMax),
  'attempts shown of a delivery': number(attemptsShownMax),
  'what `Retry-After` of a receiver may ask for': `${retryAfterMsMax / 3_600_000} h`,
  // The database keeps it: one that runs for each webhook.
  'replays of a webhook that run at a time': '1',
  'deliveries of replays that wait, for one webhook': number(replayedWaitingMax),
  'addresses of an organization that get mail': number(mailAddressesMax),
  'how long a mail is tried': `${mailRetryForMs / 3_600_000} h`,
};

test('the limits in operating.md are those of the program', () => {
  const table = /## Limits\n([\s\S]*?)\n\n/.exec(page)?.[1] ?? '';
  const rows = table.split('\n').slice(2);
  const told = rows.map((row) => row.split(' | ').map((cell) => cell.replaceAll(/^\||\|$/g, '').trim()));
  assert.deepEqual(Object.fromEntries(told.map(([what = '', limit = '']) => [what, limit])), expected);
});

test('how webhooks share the room is told with the numbers of the program', () => {
  const table = /## How webhooks share the room\n([\s\S]*?)\n\nRaise/.exec(page)?.[1] ?? '';
  const { trial, asked, healthy, slow } = laneSizesDefault;
  assert.ok(table.includes(`${number(trial)} of them together`), 'trial');
  assert.ok(table.includes(`| ${asked}, also to a webhook that rests`), 'asked');
  assert.ok(table.includes(`of one webhook at most ${inFlightOfSlowMax}`), 'slow');
  assert.deepEqual([usual.inFlightOfAll, usual.slowLane], [healthy, slow]);
  // From here on the connections grow with the places.
  assert.equal(connectionsInAllMax / 2 - trial - slow - asked, 960);
});
