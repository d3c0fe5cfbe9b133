// Where a finding is: the same path on every machine, never one that leaves the project.
import assert from 'node:assert/strict';
import test from 'node:test';
import { oneResult, readOne } from '../../../test/sarif/log.ts';
import { nameCharactersMax, snippetCharactersMax } from '../finding.ts';
import { uriBaseStepsMax } from './limits.ts';

async function pathOf(uri: unknown, run: object = {}, uriBaseId?: string): Promise<string | undefined> {
  const locations = [{ physicalLocation: { artifactLocation: { uri, uriBaseId } } }];
  return (await readOne(oneResult({ locations }, {}, { ...run }))).place?.path;
}

const plain: readonly (readonly [string, string])[] = [
  ['src/main.c', 'src/main.c'],
  ['./src//main.c', 'src/main.c'],
  ['src/./a/../main.c', 'src/main.c'],
  ['../../etc/passwd', 'etc/passwd'],
  ['a/../../../b', 'b'],
  ['%2e%2e/%2e%2e/etc/passwd', 'etc/passwd'],
  ['..%2f..%2fetc/passwd', 'etc/passwd'],
  ['..\\..\\windows\\system.ini', 'windows/system.ini'],
  ['..%5C..%5Cx', 'x'],
  ['src\\a\\main.c', 'src/a/main.c'],
  ['with%20space/%C3%A9.c', 'with space/é.c'],
  ['100%.c', '100%.c'],
  ['bad%FFbytes.c', 'bad%FFbytes.c'],
  ['%41%FF', '%41%FF'],
  [' src/main.c ', 'src/main.c'],
  ['.', '.'],
  ['', '.'],
  ['..', '.'],
  ['/src/main.c', '/src/main.c'],
  ['file:///src/main.c', '/src/main.c'],
  ['file:////src/main.c', '/src/main.c'],
  ['FILE:///src/../../main.c', '/main.c'],
  ['file:/src/main.c', '/src/main.c'],
  ['file://localhost/src/main.c', '/src/main.c'],
  ['file://build.example.org/src/main.c', '//build.example.org/src/main.c'],
  ['file:///C:/code/main.c', 'C:/code/main.c'],
  ['file:///c%3A/code/main.c', 'C:/code/main.c'],
  ['c:\\code\\..\\main.c', 'C:/main.c'],
  ['C:/code/main.c', 'C:/code/main.c'],
  ['https://example.org/a/../b.c', 'https://example.org/b.c'],
  ['git:repo/../x', 'git:x'],
  ['a:b', 'a:b'],
  ['nul\u0000byte\ud800', 'nul\ufffdbyte\ufffd'],
];
for (const [uri, path] of plain) {
  test(`the path of ${JSON.stringify(uri)} is ${JSON.stringify(path)}`, async () => {
    assert.equal(await pathOf(uri), path);
  });
}

test('a base without a URI is the project', async () => {
  for (const bases of [undefined, {}, { '%SRCROOT%': {} }, { '%SRCROOT%': { description: { text: 'root' } } }]) {
    assert.equal(await pathOf('src/main.c', { originalUriBaseIds: bases }, '%SRCROOT%'), 'src/main.c');
  }
});

test('what a base says is put before, and the machine it names is taken off', async () => {
  const bases = { ROOT: { uri: 'file:///builds/team/shop/' }, SRC: { uri: ' src/', uriBaseId: 'ROOT' }, LOGS: { uri: 'file:///C:/logs/' } };
  assert.equal(await pathOf('main.c', { originalUriBaseIds: bases }, 'SRC'), 'src/main.c');
  assert.equal(await pathOf('main.c', { originalUriBaseIds: bases }, 'ROOT'), 'main.c');
  assert.equal(await pathOf('file:///builds/team/shop/lib/a.c', { originalUriBaseIds: bases }), 'lib/a.c');
  assert.equal(await pathOf('a.log', { originalUriBaseIds: bases }, 'LOGS'), 'a.log');
  assert.equal(await pathOf('file:///builds/team/shopping/a.c', { originalUriBaseIds: bases }), '/builds/team/shopping/a.c');
  assert.equal(await pathOf('../../../etc/passwd', { originalUriBaseIds: bases }, 'SRC'), '/builds/etc/passwd');
});

test('a base without a slash at its end is a directory all the same', async () => {
  assert.equal(await pathOf('main.c', { originalUriBaseIds: { ROOT: { uri: 'src' } } }, 'ROOT'), 'src/main.c');
});

test('of nested bases the outermost is the project, and the file system root only where a base says so', async () => {
  const nested = { SRC: { uri: 'file:///builds/app/src/' }, ROOT: { uri: 'file:///builds/app/' } };
  assert.equal(await pathOf('main.c', { originalUriBaseIds: nested }, 'SRC'), 'src/main.c');
  assert.equal(
    await pathOf('package-lock.json', { originalUriBaseIds: { ROOTPATH: { uri: 'file:///' } } }, 'ROOTPATH'),
    'package-lock.json',
  );
  assert.equal(await pathOf('main.c', { originalUriBaseIds: { ...nested, ROOTPATH: { uri: 'file:///' } } }, 'SRC'), 'src/main.c');
});

test('the directory that version control is mapped to goes before other bases', async () => {
  const run = {
    originalUriBaseIds: { HOME: { uri: 'file:///home/' }, REPO: { uri: 'file:///home/ci/repo/' } },
    versionControlProvenance: [{ repositoryUri: 'https://example.org/r', mappedTo: { uriBaseId: 'REPO' } }],
  };
  assert.equal(await pathOf('file:///home/ci/repo/src/a.c', run), 'src/a.c');
  assert.equal(await pathOf('file:///home/other/a.c', run), 'other/a.c');
});

test('where no base tells, the directory the tool was started in does', async () => {
  const run = { invocations: [{ workingDirectory: { uri: 'file:///home/ci/repo' } }] };
  assert.equal(await pathOf('file:///home/ci/repo/src/a.c', run), 'src/a.c');
  assert.equal(await pathOf('file:///home/ci/repo', run), '.');
});

test('bases that lead to each other, or on and on, end', async () => {
  const ring = { A: { uri: 'a/', uriBaseId: 'B' }, B: { uri: 'b/', uriBaseId: 'A' } };
  assert.match((await pathOf('x.c', { originalUriBaseIds: ring }, 'A')) ?? '', /^(?:[ab]\/)+x\.c$/);
  const chain = (steps: number) =>
    Object.fromEntries(Array.from({ length: steps }, (_, index) => [`B${index}`, { uri: `d${index}/`, uriBaseId: `B${index + 1}` }]));
  const path = async (steps: number) => (await pathOf('x.c', { originalUriBaseIds: chain(steps) }, 'B0'))?.split('/').length;
  assert.equal(await path(uriBaseStepsMax), uriBaseStepsMax + 1);
  assert.equal(await path(uriBaseStepsMax + 1), uriBaseStepsMax + 1);
});

test('a base may have any name', async () => {
  for (const name of ['__proto__', 'constructor', '']) {
    const run = JSON.parse(`{"originalUriBaseIds":{${JSON.stringify(name)}:{"uri":"src/"}}}`) as object;
    assert.equal(await pathOf('main.c', run, name === '' ? undefined : name), name === '' ? 'main.c' : 'src/main.c');
  }
  assert.equal(await pathOf('main.c', {}, 'constructor'), 'main.c');
});

test('a file named by index alone is found among the artifacts, which may stand behind the results', async () => {
  const locations = [{ physicalLocation: { artifactLocation: { index: 1 } } }];
  const artifacts = [{ location: { uri: 'a.c' } }, { contents: { text: 'x' }, location: { uri: 'b.c', uriBaseId: 'SRC' } }, {}];
  const bases = { SRC: { uri: 'src/' } };
  assert.equal((await readOne(oneResult({ locations }, {}, { artifacts, originalUriBaseIds: bases }))).place?.path, 'src/b.c');
  const log = {
    version: '2.1.0',
    runs: [{ results: [{ locations }], artifacts, originalUriBaseIds: bases, tool: { driver: { name: 'S' } } }],
  };
  assert.equal((await readOne(log)).place?.path, 'src/b.c');
  for (const index of [2, 3, -1, 1.5, '1']) {
    const elsewhere = [{ physicalLocation: { artifactLocation: { index } } }];
    assert.equal((await readOne(oneResult({ locations: elsewhere }, {}, { artifacts }))).place, undefined);
  }
});

test('the first location with a file counts; without one there is no place', async () => {
  const file = (uri: string) => ({ physicalLocation: { artifactLocation: { uri } } });
  assert.equal(
    (await readOne(oneResult({ locations: [{ logicalLocations: [{ name: 'f' }] }, {}, null, 7, file('a.c'), file('b.c')] }))).place?.path,
    'a.c',
  );
  for (const locations of [undefined, null, [], [{}], {}, 'x', [{ physicalLocation: { artifactLocation: { uri: 7 } } }]]) {
    assert.equal((await readOne(oneResult({ locations }))).place, undefined);
  }
});

function located(physical: object): object {
  return oneResult({ locations: [{ physicalLocation: { artifactLocation: { uri: 'a.c' }, ...physical } }] });
}

test('lines and columns are kept where they are such', async () => {
  const region = { startLine: 3, startColumn: 0, endLine: 4, endColumn: 9 };
  assert.deepEqual((await readOne(located({ region }))).place, { path: 'a.c', startLine: 3, endLine: 4, endColumn: 9 });
  const odd = { startLine: 1e300, startColumn: -3, endLine: '4', endColumn: 2.5 };
  assert.deepEqual((await readOne(located({ region: odd }))).place, { path: 'a.c' });
  assert.deepEqual((await readOne(located({ region: { startLine: 2_147_483_647, endLine: 2_147_483_648 } }))).place, {
    path: 'a.c',
    startLine: 2_147_483_647,
  });
});

test('the snippet is that of the region, else its line in the context', async () => {
  const contextRegion = { startLine: 9, snippet: { text: 'one\r\ntwo\nthree' } };
  const snippet = async (physical: object) => (await readOne(located(physical))).place?.snippet;
  assert.equal(await snippet({ region: { startLine: 10, snippet: { text: 'mine' } }, contextRegion }), 'mine');
  assert.equal(await snippet({ region: { startLine: 10 }, contextRegion }), 'two');
  for (const startLine of [8, 12, undefined, 1e9]) assert.equal(await snippet({ region: { startLine }, contextRegion }), undefined);
  assert.equal(await snippet({ region: { startLine: 10, snippet: { text: 'requires login' } } }), undefined);
});

test('long paths and snippets are cut, never in the middle of a character', async () => {
  assert.equal((await pathOf('p'.repeat(nameCharactersMax + 1)))?.length, nameCharactersMax);
  const exact = await readOne(located({ region: { snippet: { text: 'x'.repeat(snippetCharactersMax) } } }));
  assert.equal(exact.place?.snippet?.length, snippetCharactersMax);
  const cut = await readOne(located({ region: { snippet: { text: `${'x'.repeat(snippetCharactersMax - 1)}😀` } } }));
  assert.equal(cut.place?.snippet, 'x'.repeat(snippetCharactersMax - 1));
});
