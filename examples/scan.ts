// Makes the SARIF of the example product again: `node examples/scan.ts [--tools DIR]`.
//
// The scanners are installed into a temporary directory (or into DIR, and then used again from there), never into this repository. They run
// over a copy of the sources with relative paths, so that no path of this machine comes into the files. Needs python3,
// go, npm, and Debian's flawfinder. Takes some minutes the first time, most of it for building gosec.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const product = fileURLToPath(new URL('harbour', import.meta.url));

const versions = {
  bandit: '1.9.4',
  njsscan: '1.0.2',
  gosec: '2.30.0',
  eslint: '9.39.5',
  'eslint-plugin-security': '4.1.0',
  'eslint-plugin-secure-coding': '3.2.0',
  '@microsoft/eslint-formatter-sarif': '3.1.0',
} as const;

const eslintConfiguration = `import security from 'eslint-plugin-security';
import secureCoding from 'eslint-plugin-secure-coding';
export default [security.configs.recommended, secureCoding.configs.recommended];
`;

interface Scan {
  readonly name: string;
  readonly command: string;
  readonly arguments: readonly string[];
  /** Where the scanner writes its SARIF: to the file whose name it was given, or to standard output. */
  readonly writes: 'file' | 'output';
}

interface Log {
  readonly runs: readonly { readonly results?: readonly { readonly suppressions?: readonly unknown[] }[] }[];
}

function install(tools: string): void {
  mkdirSync(tools, { recursive: true });
  if (!existsSync(join(tools, 'python/bin/njsscan'))) {
    run('python3', ['-m', 'venv', 'python'], tools);
    run(join(tools, 'python/bin/pip'), ['install', '--quiet', `bandit[sarif]==${versions.bandit}`, `njsscan==${versions.njsscan}`], tools);
  }
  if (!existsSync(join(tools, 'go/gosec'))) {
    const version = `-X main.Version=${versions.gosec}`;
    const environment = { GOBIN: join(tools, 'go') };
    run('go', ['install', '-ldflags', version, `github.com/securego/gosec/v2/cmd/gosec@v${versions.gosec}`], tools, environment);
  }
  const eslint = join(tools, 'eslint');
  if (!existsSync(join(eslint, 'node_modules'))) {
    mkdirSync(eslint, { recursive: true });
    writeFileSync(join(eslint, 'package.json'), '{"private":true}\n');
    const names = ['eslint', 'eslint-plugin-security', 'eslint-plugin-secure-coding', '@microsoft/eslint-formatter-sarif'] as const;
    run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...names.map((name) => `${name}@${versions[name]}`)], eslint);
    writeFileSync(join(eslint, 'eslint.config.mjs'), eslintConfiguration);
  }
}

function run(command: string, parameters: readonly string[], cwd: string, environment: Readonly<Record<string, string>> = {}): void {
  execFileSync(command, parameters, { cwd, stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...environment } });
}

function scansOf(tools: string, output: string): readonly Scan[] {
  const eslint = join(tools, 'eslint');
  const formatter = join(eslint, 'node_modules/@microsoft/eslint-formatter-sarif/sarif.js');
  return [
    { name: 'flawfinder', command: 'flawfinder', arguments: ['--sarif', 'printer'], writes: 'output' },
    { name: 'bandit', command: 'bandit', arguments: ['-q', '-r', 'intake', '-f', 'sarif', '-o', output], writes: 'file' },
    { name: 'njsscan', command: 'njsscan', arguments: ['--sarif', '-o', output, 'front'], writes: 'file' },
    {
      name: 'gosec',
      command: join(tools, 'go/gosec'),
      arguments: ['-quiet', '-fmt', 'sarif', '-track-suppressions', '-out', output, './...'],
      writes: 'file',
    },
    {
      name: 'eslint',
      command: join(eslint, 'node_modules/.bin/eslint'),
      arguments: ['-c', join(eslint, 'eslint.config.mjs'), '-f', formatter, '-o', output, 'front'],
      writes: 'file',
    },
  ];
}

/** Runs one scanner over the sources in `source` and answers its SARIF, with paths relative to them. */
function scan(tool: Scan, source: string, tools: string, output: string): string {
  rmSync(output, { force: true });
  // njsscan calls semgrep by its name.
  const path = `${join(tools, 'python/bin')}${delimiter}${process.env['PATH'] ?? ''}`;
  const answer = spawnSync(tool.command, tool.arguments, { cwd: source, encoding: 'utf8', env: { ...process.env, PATH: path } });
  // A scanner that found something ends with 1.
  if (answer.error !== undefined || answer.status === null || answer.status > 1) {
    throw new Error(`${tool.name} failed: ${answer.error?.message ?? answer.stderr}`);
  }
  const text = tool.writes === 'file' ? readFileSync(output, 'utf8') : answer.stdout;
  const plain = text.replaceAll(`file://${source}/`, '').replaceAll(`${source}/`, '');
  if (plain.includes(source) || plain.includes(tools)) throw new Error(`${tool.name} names a path of this machine`);
  return plain;
}

function tell(version: string, name: string, log: Log): void {
  const results = log.runs.flatMap((one) => one.results ?? []);
  const suppressed = results.filter((result) => (result.suppressions?.length ?? 0) > 0).length;
  process.stdout.write(`${version}  ${name.padEnd(10)}  ${String(results.length).padStart(3)} results, ${suppressed} suppressed\n`);
}

function scanVersion(version: string, tools: string, work: string): void {
  const home = join(product, version);
  const source = join(work, version);
  cpSync(home, source, { recursive: true, filter: (path) => !path.endsWith('/scans') && !path.endsWith('.sarif') });
  mkdirSync(join(home, 'scans'), { recursive: true });
  const runs: unknown[] = [];
  const output = join(work, 'output.sarif');
  for (const tool of scansOf(tools, output)) {
    const text = scan(tool, source, tools, output);
    const log = JSON.parse(text) as Log;
    tell(version, tool.name, log);
    runs.push(...log.runs);
    writeFileSync(join(home, 'scans', `${tool.name}.sarif`), text.endsWith('\n') ? text : `${text}\n`);
  }
  // One analysis is one file, so the runs of all scanners are put into one log.
  const merged = { $schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0', runs };
  writeFileSync(join(home, 'harbour.sarif'), `${JSON.stringify(merged, null, 1)}\n`);
}

const { values } = parseArgs({ options: { tools: { type: 'string' } } });
const work = mkdtempSync(join(tmpdir(), 'harbour-'));
try {
  const tools = values.tools === undefined ? join(work, 'tools') : resolve(values.tools);
  install(tools);
  for (const version of readdirSync(product).toSorted()) scanVersion(version, tools, work);
} finally {
  rmSync(work, { recursive: true, force: true });
}
