// The scanners' files of examples/ are read as JSON, without our reader, and compared with what examples/README.md says of them.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

interface Log {
  readonly version: string;
  readonly runs: readonly { readonly tool: { readonly driver: { readonly name: string } }; readonly results?: readonly unknown[] }[];
}

const examples = fileURLToPath(new URL('../../examples', import.meta.url));
const versions = ['1.0.0', '1.1.0'] as const;
const scanners = ['flawfinder', 'bandit', 'njsscan', 'gosec', 'eslint'] as const;

function read(path: string): Log {
  return JSON.parse(readFileSync(join(examples, 'harbour', path), 'utf8')) as Log;
}

function resultsOf(log: Log): number {
  return log.runs.reduce((sum, run) => sum + (run.results?.length ?? 0), 0);
}

test('the merged log of a version holds the runs of every scanner, and nothing else', () => {
  for (const version of versions) {
    const merged = read(`${version}/harbour.sarif`);
    assert.equal(merged.version, '2.1.0');
    assert.deepEqual(
      merged.runs,
      scanners.flatMap((name) => read(`${version}/scans/${name}.sarif`).runs),
    );
  }
});

test("the counts in the examples' README are those of the files", () => {
  const readme = readFileSync(join(examples, 'README.md'), 'utf8');
  const rows = readme.split('\n').filter((line) => line.startsWith('| '));
  for (const name of [...scanners, 'all']) {
    const row = rows.find((line) => line.toLowerCase().startsWith(`| ${name} `)) ?? '';
    const cells = row.split('|').slice(-3, -1);
    const file = name === 'all' ? 'harbour.sarif' : `scans/${name}.sarif`;
    const counts = versions.map((version) => resultsOf(read(`${version}/${file}`)));
    assert.deepEqual(
      cells.map((text) => Number.parseInt(text, 10)),
      counts,
      name,
    );
  }
});

test('no scan names a path of the machine it was made on', () => {
  for (const file of globSync('harbour/**/*.sarif', { cwd: examples })) {
    const text = readFileSync(join(examples, file), 'utf8');
    const uris = [...text.matchAll(/"uri":\s*"([^"]*)"/g)].map((match) => match[1] ?? '');
    assert.deepEqual(
      uris.filter((uri) => uri.startsWith('/') || uri.startsWith('file:')),
      [],
      file,
    );
  }
});
