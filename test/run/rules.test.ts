// The import rules of .oxlintrc.json are tried on a small tree of files that break them, one rule each, by the linter itself.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';

const project = join(import.meta.dirname, '..', '..');
let tree = '';

before(async () => {
  tree = await mkdtemp(join(tmpdir(), 'gatepost-rules-'));
  await symlink(join(project, 'node_modules'), join(tree, 'node_modules'));
  for (const name of ['.oxlintrc.json', 'tsconfig.json', 'package.json']) await cp(join(project, name), join(tree, name));
});

after(() => rm(tree, { recursive: true, force: true }));

/** What the linter says about one file with one import in it. */
async function lint(files: Readonly<Record<string, string>>): Promise<string> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(tree, name)), { recursive: true });
    await writeFile(join(tree, name), text);
  }
  const { stdout } = spawnSync(process.execPath, [join('node_modules', 'oxlint', 'bin', 'oxlint'), '-f', 'json', ...Object.keys(files)], {
    cwd: tree,
    encoding: 'utf8',
  });
  for (const name of Object.keys(files)) await rm(join(tree, name));
  return stdout;
}

const upward: readonly (readonly [string, string, RegExp])[] = [
  ['src/errors.ts', './http/server.ts', /stands under everything/],
  ['src/storage/database/x.ts', '../../organizations/store.ts', /storage holds rows and files and knows no noun/],
  ['src/storage/artifacts/x.ts', '../../http/server.ts', /storage holds rows and files/],
  ['src/http/x.ts', '../projects/project.ts', /http knows no noun/],
  ['src/organizations/x.ts', '../projects/project.ts', /stands under every other noun/],
  ['src/projects/x.ts', '../analyses/finding.ts', /stands under what happens in a project/],
  ['src/projects/x.ts', '../events/event.ts', /stands under what happens in a project/],
  ['src/events/x.ts', '../reports/report.ts', /knows neither, nor any noun/],
  ['src/analyses/sarif/x.ts', '../../reports/report.ts', /handed in by app\.ts/],
  ['src/reports/list/x.ts', '../../webhooks/webhook.ts', /does not know who is told/],
  ['src/webhooks/delivery/x.ts', '../../reports/report.ts', /never looks into the noun/],
  ['src/reports/x.ts', '../app.ts', /see everything and are seen by nothing/],
  ['src/reports/x.ts', '../../test/databases.ts', /not in the package/],
  ['src/reports/x.ts', 'better-sqlite3', /speaks to a driver/],
  ['src/webhooks/x.ts', 'pg', /speaks to a driver/],
  ['src/app.ts', './cli/run.ts', /does not know the command line/],
];

for (const [file, target, reason] of upward) {
  test(`${file} may not import ${target}, type imports included, and is told why`, async () => {
    assert.match(await lint({ [file]: `import type { X } from '${target}';\nexport type Y = X;\n` }), reason);
  });
}

test('a ring of type imports is found', async () => {
  const found = await lint({
    'src/http/a.ts': "import type { B } from './b.ts';\nexport type A = readonly B[];\n",
    'src/http/b.ts': "import type { A } from './a.ts';\nexport type B = readonly A[];\n",
  });
  assert.match(found, /no-cycle/);
});

test('what points down is let through', async () => {
  const found = await lint({
    'src/errors.ts': 'export type E = string;\n',
    'src/storage/x.ts': "import type { E } from '../errors.ts';\nexport type S = readonly E[];\n",
    'src/webhooks/delivery/x.ts': "import type { S } from '../../storage/x.ts';\nexport type W = readonly S[];\n",
  });
  assert.equal((JSON.parse(found) as { diagnostics: unknown[] }).diagnostics.length, 0);
});

test('a function of more than 70 lines, a file of more than 400 and a promise that nobody waits for are found', async () => {
  const lines = (count: number) =>
    Array.from({ length: count }, (_, index) => `  const a${index} = ${index};\n  void a${index};\n`).join('');
  const found = await lint({
    'src/long.ts': `export function long(): void {\n${lines(36)}}\n`,
    'src/large.ts': Array.from({ length: 401 }, (_, index) => `export const b${index} = ${index};\n`).join(''),
    'src/loose.ts': 'export function loose(): void {\n  Promise.resolve(1);\n}\n',
  });
  for (const rule of [/max-lines-per-function/, /max-lines\)/, /no-floating-promises/]) assert.match(found, rule);
});
