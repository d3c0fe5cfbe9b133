// The commands of docs/pipelines.md are taken out of the page and run as they stand, in a shell, against a real server; the scanner alone is a
// stand-in that writes a small log.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { call, configure, startApp, tenant } from '../app.ts';
import { temporaryFolder } from '../cli/command-line.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(join(root, 'docs/pipelines.md'), 'utf8');

/** The blocks of a section, by its heading. */
function blocks(heading: string, language: string): readonly string[] {
  const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? assert.fail(`no section ${heading}`);
  return [...section.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g'))].map((match) => match[1] ?? '');
}

const only = (list: readonly string[]): string => (list.length === 1 ? (list[0] ?? '') : assert.fail(`${list.length} blocks`));

/** `run:` of each step, whether on its line or below it. */
function commandsOfGithub(): readonly string[] {
  const text = only(blocks('GitHub Actions', 'yaml'));
  return [...text.matchAll(/^( +)run: (?:\|\n((?:\1 +.*\n)+)|(.+)\n)/gm)].map((match) => match[2] ?? match[3] ?? '');
}

function commandsOfGitlab(): readonly string[] {
  const script = /^ {2}script:\n((?: {4}- .*\n)+)/m.exec(only(blocks('GitLab CI', 'yaml')))?.[1] ?? '';
  return script.split('\n').flatMap((line) => (line === '' ? [] : [line.replace(/^ {4}- /, '')]));
}

function commandsOfJenkins(): readonly string[] {
  return [...only(blocks('Jenkins', 'groovy')).matchAll(/^ +sh '([^']*)'$/gm)].map((match) => match[1] ?? '');
}

const result = (rule: string, level: string) => ({
  ruleId: rule,
  level,
  message: { text: `Found by ${rule}` },
  locations: [{ physicalLocation: { artifactLocation: { uri: `src/${rule}.js` }, region: { startLine: 7 } } }],
  properties: { tags: ['CWE-79'] },
});
const log = (...results: readonly unknown[]) =>
  JSON.stringify({ version: '2.1.0', runs: [{ tool: { driver: { name: 'Stand-in', version: '1.0' } }, results }] });

/** A checkout in a folder, with the command line and a scanner on the path. */
async function checkout(t: TestContext, environment: Readonly<Record<string, string>>) {
  const folder = await temporaryFolder(t);
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const program = (name: string, text: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  program('gatepost', `exec "${process.execPath}" "${join(root, 'bin/gatepost.js')}" "$@"`);
  program('semgrep', `test "$*" = "scan --config auto --sarif --output scan.sarif" && cp "${join(folder, 'found.sarif')}" scan.sarif`);
  writeFileSync(join(folder, 'VERSION'), '1.0\n');
  const run = (script: string) =>
    new Promise<{ readonly code: number; readonly said: string }>((resolve, reject) => {
      const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}`, HOME: folder, ...environment };
      const child = spawn('bash', ['-e', '-o', 'pipefail', '-c', script], { cwd: folder, env, timeout: 60_000 });
      let said = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (said += text.toString()));
      child.once('error', reject);
      child.once('close', (code) => resolve({ code: code ?? -1, said }));
    });
  return {
    run,
    finds: (text: string) => writeFileSync(join(folder, 'found.sarif'), text),
    /** A pipeline: each command in a shell of its own, until one fails. */
    async pipeline(commands: readonly string[]) {
      let last = { code: -1, said: 'no command' };
      for (const command of commands) {
        last = await run(command);
        if (last.code !== 0) break;
      }
      return last;
    },
  };
}

async function bench(t: TestContext) {
  const { app, base } = await startApp(t, await configure(t, 'sqlite'));
  const { token } = await tenant(app, 'Acme');
  // One report is enough to see a pipeline through.
  const body = { standards: [{ type: 'CWE Top 25', edition: 2025 }] };
  assert.equal((await call(app, 'PATCH', '/v1/organization', { as: token, body })).status, 200);
  const given = await call(app, 'POST', '/v1/tokens', { as: token, body: { name: 'pipeline', scopes: ['read', 'ingest'] } });
  const pipeline = await checkout(t, {
    GATEPOST_URL: base,
    GATEPOST_TOKEN: String(given.json['token']),
    ADMIN_TOKEN: token,
    GITHUB_REPOSITORY: 'acme/github-shop',
    GITHUB_REF_NAME: 'main',
    GITHUB_SHA: 'a'.repeat(40),
    GITHUB_RUN_ID: '7',
    CI_PROJECT_NAME: 'gitlab-shop',
    CI_COMMIT_REF_NAME: 'main',
    CI_COMMIT_SHA: 'b'.repeat(40),
    CI_PIPELINE_ID: '8',
    JOB_BASE_NAME: 'jenkins-shop',
    GIT_COMMIT: 'c'.repeat(40),
    BUILD_NUMBER: '9',
  });
  return { ...pipeline, app, token };
}

const warned = log(result('xss', 'warning'));
const blocked = log(result('xss', 'warning'), { ...result('sqli', 'error'), properties: { tags: ['CWE-89'], 'security-severity': '9.8' } });

test('each pipeline passes a scan that the house gate takes, and ends with 3 and the reason where it does not', async (t) => {
  const { run, pipeline, finds, app, token } = await bench(t);
  const made = await run(only(blocks('What it needs', 'sh')));
  assert.equal(made.code, 0, made.said);
  const pipelines = { github: commandsOfGithub(), gitlab: commandsOfGitlab(), jenkins: commandsOfJenkins() };
  for (const [name, commands] of Object.entries(pipelines)) {
    assert.equal(commands.length, 2, `${name}: a scan and an upload`);
    finds(name === 'github' ? warned : blocked);
    const { code, said } = await pipeline(commands);
    assert.equal(code, name === 'github' ? 0 : 3, `${name}: ${said}`);
    assert.match(said, name === 'github' ? /Quality gate "House gate" passed\./ : /failed:\n {2}blocker_violations is 1, greater than 0\n/);
    const { json } = await call(app, 'GET', `/v1/projects/${name}-shop/analyses`, { as: token });
    const [analysis] = json['analyses'] as { version: string; revision: string; properties: object; qualityGate: { status: string } }[];
    assert.deepEqual(
      [analysis?.version, analysis?.revision.length, analysis?.qualityGate.status],
      ['1.0', 40, code === 0 ? 'OK' : 'ERROR'],
    );
    assert.equal(Object.keys(analysis?.properties ?? {}).length, 1);
  }
  const goesOn = await run(only(blocks('Any other', 'sh')));
  assert.deepEqual([goesOn.code, goesOn.said.trimEnd().split('\n').at(-1)], [0, 'The quality gate failed; going on.']);
});

test('SonarQube is made known by the command as it stands', async (t) => {
  const { run } = await bench(t);
  const { code, said } = await run(only(blocks('With SonarQube', 'sh')));
  assert.equal(code, 0, said);
  assert.match(said, /"ingestUrl":"http[^"]+\/ingest\/sonarqube\/[^"]+"/);
  assert.match(said, /"secret":"[^"]{16,}"/);
});
