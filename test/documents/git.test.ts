// What docs/git.md says of a repository's limits and names is what the program goes by, and each of its contents' lines leads somewhere.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readConfiguration } from '../../src/configuration.ts';
import { settleWaitMs } from '../../src/repositories/receive/git-push.ts';
import { uploadBusyBytesMin, uploadBusyMs, uploadBytesMin, uploadLookMs } from '../../src/repositories/receive/push-body.ts';
import { commandsMax, headBytesMax, optionBytesMax, optionsMax } from '../../src/repositories/receive/push-head.ts';
import { lockWaitMs } from '../../src/repositories/refs/journal.ts';
import { descriptionCharactersMax, refNameBytesMax, repositoryNameCharactersMax } from '../../src/repositories/repository.ts';
import { fetchBodyBytesMax, fetchBodyMs } from '../../src/repositories/fetch/body.ts';
import type { Progress } from '../../src/repositories/fetch/stall.ts';
import { stallLimits } from '../../src/repositories/fetch/stall.ts';
import { servingQueueMax, servingWaitMs } from '../../src/repositories/git/create.ts';
import { oldestVersion } from '../../src/repositories/git/version.ts';
import { diffShownBytesMax } from '../../src/repositories/pages/parts.ts';
import { pageRowsMax } from '../../src/repositories/pages/routes.ts';

const page = readFileSync(new URL('../../docs/git.md', import.meta.url), 'utf8');
const usual = readConfiguration({});
const progress = ({ looks, bytesMin }: Progress): string => `${bytesMin / 1024} KiB in ${(stallLimits.everyMs * looks) / 1000} s`;
const number = (value: number): string => value.toLocaleString('en-US');

test('docs/git.md tells the limits of a repository as the program goes by them', () => {
  const expected: Readonly<Record<string, string>> = {
    'on disk': `\`GATEPOST_REPOSITORY_MAX\`, ${usual.repositoryBytesMax / 2 ** 30} GiB`,
    'a file, unpacked': `\`GATEPOST_REPOSITORY_OBJECT_MAX\`, ${usual.objectBytesMax / 2 ** 30} GiB`,
    'branches, tags and other refs': `\`GATEPOST_REPOSITORY_REFS_MAX\`, ${number(usual.refsMax)}`,
    'refs of one push': number(commandsMax),
    'commands and push options of a push': `${headBytesMax / 2 ** 20} MiB; ${optionsMax} options of ${number(optionBytesMax)} bytes`,
    'a push that stops arriving': `${uploadBytesMin / 2 ** 10} KiB in ${uploadLookMs / 1000} s; while others wait for its place ${uploadBusyBytesMin / 2 ** 10} KiB in ${uploadBusyMs / 1000} s`,
    'a ref that another push is moving': `waits up to ${lockWaitMs / 1000} s`,
    "bytes of a ref's name": String(refNameBytesMax),
    'characters of a name': String(repositoryNameCharactersMax),
    'characters of a description': number(descriptionCharactersMax),
    'what a fetch asks with, unpacked': `${fetchBodyBytesMax / 2 ** 20} MiB, within ${fetchBodyMs / 1000} s`,
    'requests that wait for their turn': String(servingQueueMax),
    'a client that takes its answer slowly': `${progress(stallLimits.always)}; while others wait ${progress(stallLimits.whileOthersWait)}`,
    'clones, fetches and pushes at once': `\`GATEPOST_GIT_AT_ONCE\`, ${usual.gitAtOnce}`,
  };
  for (const [what, limit] of Object.entries(expected)) assert.ok(page.includes(`| ${what} | ${limit} |`), `${what}: ${limit}`);
  assert.ok(page.includes(`it is told so after ${settleWaitMs / 1000} s`));
  assert.ok(page.includes(`others wait up to ${servingWaitMs / 1000} s`));
  assert.ok(page.includes(`at most ${pageRowsMax} rows of each list and the first ${diffShownBytesMax / 1024} KiB`));
  assert.ok(page.includes(`(${oldestVersion.replace(/\.0$/, '')} or newer`));
});

test('each line of its contents leads to a heading', () => {
  const headings = [...page.matchAll(/^## (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
  const leads = [...page.matchAll(/^- \[[^\]]+\]\(#([\w-]+)\)$/gm)].map(([, anchor = '']) => anchor);
  assert.deepEqual(leads, headings);
});
