// The import rules of .oxlintrc.json are tried on a small tree of files that break them, one rule each, by the linter itself.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';

const project = join(import.meta.dirname, '..', '..');
const tree = await mkdtemp(join(tmpdir(), 'gatepost-rules-'));
after(() => rm(tree, { recursive: true, force: true }));
await symlink(join(project, 'node_modules'), join(tree, 'node_modules'));

type Files = Readonly<Record<string, string>>;

/** What the linter says about each of these files. */
async function lint(files: Files): Promise<(name: string) => string> {
  const folder = await mkdtemp(join(tree, 'case-'));
  for (const name of ['.oxlintrc.json', 'tsconfig.json']) await cp(join(project, name), join(folder, name));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  const linter = join(tree, 'node_modules', 'oxlint', 'bin', 'oxlint');
  const { stdout } = spawnSync(process.execPath, [linter, '-f', 'json'], { cwd: folder, encoding: 'utf8' });
  const { diagnostics } = JSON.parse(stdout) as { readonly diagnostics: readonly { readonly filename: string }[] };
  return (name) => JSON.stringify(diagnostics.filter((one) => one.filename === name));
}

const upward: readonly (readonly [string, string, RegExp])[] = [
  ['src/errors.ts', './http/server.ts', /stands under everything/],
  ['src/storage/database/x1.ts', '../../organizations/store.ts', /storage holds rows and files and knows no noun/],
  ['src/storage/artifacts/x2.ts', '../../http/server.ts', /storage holds rows and files/],
  ['src/http/x3.ts', '../projects/project.ts', /http knows no noun/],
  ['src/organizations/x4.ts', '../projects/project.ts', /stands under every other noun/],
  ['src/projects/x5.ts', '../analyses/finding.ts', /stands under what happens in a project/],
  ['src/projects/x6.ts', '../events/event.ts', /stands under what happens in a project/],
  ['src/events/x7.ts', '../reports/report.ts', /knows neither, nor any noun/],
  ['src/analyses/sarif/x8.ts', '../../reports/report.ts', /handed in by app\.ts/],
  ['src/reports/list/x9.ts', '../../webhooks/webhook.ts', /does not know who is told/],
  ['src/webhooks/delivery/x10.ts', '../../reports/report.ts', /never looks into the noun/],
  ['src/reports/x11.ts', '../app.ts', /see everything and are seen by nothing/],
  ['src/reports/x12.ts', '../../test/databases.ts', /not in the package/],
  ['src/reports/x13.ts', 'better-sqlite3', /speaks to a driver/],
  ['src/webhooks/x14.ts', 'pg', /speaks to a driver/],
  ['src/mail/x15.ts', '../webhooks/deletion.ts', /mail sends what is written down/],
  ['src/app.ts', './cli/run.ts', /does not know the command line/],
];

const files = Object.fromEntries(upward.map(([file, target]) => [file, `import type { X } from '${target}';\nexport type Y = X;\n`]));
// All at once: the linter takes longer to start than to read them.
const said = lint(files);

for (const [file, target, reason] of upward) {
  test(`${file} may not import ${target}, type imports included, and is told why`, async () => {
    assert.match((await said)(file), reason);
  });
}

test('a ring of type imports is found', async () => {
  const found = await lint({
    'src/http/a.ts': "import type { B } from './b.ts';\nexport type A = readonly B[];\n",
    'src/http/b.ts': "import type { A } from './a.ts';\nexport type B = readonly A[];\n",
  });
  assert.match(found('src/http/a.ts'), /no-cycle/);
});

test('what points down is let through', async () => {
  const down = {
    'src/errors.ts': 'export type E = string;\n',
    'src/storage/x.ts': "import type { E } from '../errors.ts';\nexport type S = readonly E[];\n",
    'src/webhooks/delivery/x.ts': "import type { S } from '../../storage/x.ts';\nexport type W = readonly S[];\n",
  };
  const found = await lint(down);
  for (const name of Object.keys(down)) assert.equal(found(name), '[]');
});

test('a function of more than 70 lines, a file of more than 400 and a promise that nobody waits for are found', async () => {
  const lines = (count: number) =>
    Array.from({ length: count }, (_, index) => `  const a${index} = ${index};\n  void a${index};\n`).join('');
  const found = await lint({
    'src/long.ts': `export function long(): void {\n${lines(36)}}\n`,
    'src/large.ts': Array.from({ length: 401 }, (_, index) => `export const b${index} = ${index};\n`).join(''),
    'src/loose.ts': 'export function loose(): void {\n  Promise.resolve(1);\n}\n',
  });
  assert.match(found('src/long.ts'), /max-lines-per-function/);
  assert.match(found('src/large.ts'), /max-lines\)/);
  assert.match(found('src/loose.ts'), /no-floating-promises/);
});
