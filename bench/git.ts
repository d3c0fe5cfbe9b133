// `npm run bench -- git [--only large,small,webhook,start,filters] [--mb 200] [--pairs 3] [--seconds 5]`: clones and pushes over our HTTP beside git's own CGI behind
// nginx and a bare git-receive-pack, how soon a push's webhook
// arrives, and how long filters of refs take.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { filters } from './git/filters.ts';
import { large } from './git/large.ts';
import type { Row } from './git/row.ts';
import { small } from './git/small.ts';
import { start } from './git/start.ts';
import { webhook } from './git/webhook.ts';
import { print } from './load/figures.ts';

const rows: readonly Row[] = [large, small, webhook, start, filters];

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    mb: { type: 'string', default: '200' },
    pairs: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '5' },
  },
});
const only = values.only?.split(',') ?? rows.map(({ name }) => name);
const size = { megabytes: Number(values.mb), pairs: Number(values.pairs), seconds: Number(values.seconds) };

for (const row of rows.filter(({ name }) => only.includes(name))) {
  const directory = mkdtempSync(join(tmpdir(), 'gatepost-bench-'));
  try {
    print(await row.run({ directory, size }));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
