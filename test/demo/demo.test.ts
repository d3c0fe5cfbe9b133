// `gatepost demo --once` is run as a person would run it, and as a program would; what it says is compared with what it left behind.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** The promise for a second run is 30 s; a machine that also runs the other tests may take longer. */
const runMsMax = 120_000;

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function run(options: readonly string[]): Promise<Ran> {
  const child = spawn(process.execPath, [join(root, 'bin/gatepost.js'), 'demo', '--once', ...options], { cwd: root, timeout: runMsMax });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (said.out += piece));
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (said.err += piece));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...said };
}

test('the demo shows the main job, a step a line, and ends with 0', async () => {
  const { code, out, err } = await run([]);
  assert.equal(code, 0, err + out);
  const steps = [
    /✓ Server +\d.* http:\/\/127\.0\.0\.1:\d+/,
    /✓ Organization .*Harbour/,
    /✓ Receiver .*standardwebhooks/,
    /✓ Webhook /,
    /✓ Scan of 1\.0\.0 .*139 results of Flawfinder, Bandit, nodejsscan, gosec, ESLint/,
    /✓ Reports .*2 made: .*rating [A-E]/,
    /✓ Webhook arrived .*report\.ingested with 2 reports, signature verified/,
    /✓ Scan of 1\.1\.0 .*143 results/,
    /✓ Reports .*2 made/,
    /✓ Webhook arrived .*signature verified/,
    /✓ List .*4 reports/,
    /✓ Download .*one ZIP of/,
    /✓ Unpacked .*4 pdf/,
    /✓ PDF .*report\.pdf has \d+ pages/,
    /✓ What changed .*1\.1\.0 against 1\.0\.0, CWE Top 25 2025: \d+ new, \d+ fixed, \d+ still there/,
  ];
  const lines = out.split('\n').filter((line) => line.includes('✓'));
  assert.equal(lines.length, steps.length, out);
  for (const [index, step] of steps.entries()) assert.match(lines[index] ?? '', step);
  assert.ok(!out.includes('\u001B'), 'no colours and no cursor where nobody looks at a terminal');
});

test('with --json the demo prints one document, and the files it names are there', async () => {
  const { code, out, err } = await run(['--json']);
  assert.equal(code, 0, err + out);
  const told = JSON.parse(out) as {
    readonly organization: { readonly id: string };
    readonly folder: string;
    readonly files: readonly { readonly name: string; readonly bytes: number }[];
    readonly steps: readonly {
      readonly name: string;
      readonly verified?: boolean;
      readonly pdfs?: readonly { readonly pages: number }[];
    }[];
  };
  const arrived = told.steps.filter(({ name }) => name === 'Webhook arrived');
  assert.deepEqual(
    arrived.map(({ verified }) => verified),
    [true, true],
  );
  const pages = told.steps.flatMap(({ pdfs }) => pdfs ?? []).map((pdf) => pdf.pages);
  assert.equal(pages.length, 4);
  assert.ok(pages.every((count) => count > 0));
  assert.ok(told.files.some(({ name }) => name === 'manifest.json'));
  for (const { name, bytes } of told.files) {
    assert.equal(
      readFileSync(new URL(name.split('/').map(encodeURIComponent).join('/'), pathToFileURL(`${told.folder}/`))).length,
      bytes,
      name,
    );
  }
});
