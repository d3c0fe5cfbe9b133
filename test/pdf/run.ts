// `npm run test:pdf`: veraPDF (from Maven Central, so Maven and Java must be there) over the PDFs of all languages and of hostile documents, as PDF/A-2a and as
// PDF/UA-1. Not part of `npm test`, which must not need Java. The outcome is kept in docs/pdf-conformance.md.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { renderPdf } from '../../src/reports/render/pdf.ts';
import { languages } from '../../src/reports/report.ts';
import type { ReportDocument } from '../../src/reports/report.ts';
import { sampleDocument } from './document.ts';
import { hostileDocuments, hostileMany } from './hostile.ts';
import { sonarqubeDocument } from './sonarqube.ts';

const veraVersion = '1.30.2';
const flavours = ['2a', 'ua1'] as const;
const directory = mkdtempSync(join(tmpdir(), 'gatepost-pdf-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

interface Sample {
  readonly name: string;
  readonly document: ReportDocument;
}

interface Made {
  readonly name: string;
  readonly language: string;
  readonly file: string;
  readonly path: string;
  readonly findings: number;
}

function samples(): readonly Sample[] {
  return [
    ...languages.map((language) => ({ name: 'CWE Top 25', document: sampleDocument({ language }) })),
    ...languages.map((language) => ({ name: 'OWASP Top 10', document: sampleDocument({ language, type: 'OWASP Top 10', findings: 30 }) })),
    ...languages.map((language) => ({ name: 'SonarQube, 30 conditions', document: sonarqubeDocument({ language, conditions: 30 }) })),
    { name: 'SonarQube, much not readable', document: sonarqubeDocument({ poor: true, findings: 20, language: 'ru', gateStatus: 'NONE' }) },
    { name: 'SonarQube, more than one file', document: sonarqubeDocument({ findings: 2_100, setAside: 300, language: 'ja' }) },
    { name: 'not assessed', document: sampleDocument({ notAssessed: true }) },
    { name: 'no findings', document: sampleDocument({ findings: 0, setAside: 0, language: 'fr' }) },
    { name: 'more than one file', document: sampleDocument({ findings: 2_100, setAside: 30, language: 'ko' }) },
    ...hostileDocuments().map(({ name, document }) => ({ name: `hostile: ${name}`, document })),
    { name: 'hostile: 2,000 findings', document: hostileMany() },
  ];
}

function fetchVera(): string {
  const target = join(directory, 'verapdf');
  const artifact = `org.verapdf.apps:cli:${veraVersion}`;
  const { status, error } = spawnSync('mvn', ['-q', '-B', 'dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${target}`], {
    cwd: directory,
    stdio: 'inherit',
  });
  if (status !== 0) {
    throw new Error(`veraPDF could not be fetched. Maven (apt: maven) and a way to Maven Central are needed. ${error?.message ?? ''}`);
  }
  return join(target, `cli-${veraVersion}.jar`);
}

async function make(sample: Sample, index: number): Promise<readonly Made[]> {
  const folder = join(directory, String(index).padStart(2, '0'));
  mkdirSync(folder);
  const files = await renderPdf(sample.document, { directory: folder });
  return files.map(({ name, path }) => ({
    name: sample.name,
    language: sample.document.language,
    file: name,
    path,
    findings: sample.document.findings.length,
  }));
}

/** The paths that pass as a flavour. veraPDF ends with 1 where a file fails, which is no failure of ours to run it. */
function passing(jar: string, flavour: string, paths: readonly string[]): ReadonlySet<string> {
  const { stdout, stderr } = spawnSync('java', ['-Xmx1g', '-jar', jar, '-f', flavour, '--format', 'text', '-v', ...paths], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const lines = stdout.split('\n');
  for (const line of lines.filter((line) => line !== '' && !line.startsWith('PASS'))) process.stdout.write(`${line}\n`);
  if (!lines.some((line) => /^(PASS|FAIL)/.test(line))) throw new Error(`veraPDF did not run: ${stderr.slice(0, 500)}`);
  return new Set(paths.filter((path) => lines.some((line) => line.startsWith('PASS') && line.includes(path))));
}

function pagesOf(path: string): number {
  return [...readFileSync(path, 'latin1').matchAll(/\/Type \/Page\n/g)].length;
}

const jar = fetchVera();
const made: Made[] = [];
for (const [index, sample] of samples().entries()) made.push(...(await make(sample, index)));
const paths = made.map(({ path }) => path);
const passed = new Map(flavours.map((flavour) => [flavour, passing(jar, flavour, paths)] as const));

const verdict = (path: string, flavour: (typeof flavours)[number]): string => (passed.get(flavour)?.has(path) ? 'pass' : 'FAIL');
const rows = made.map(({ name, language, file, path, findings }) => [
  name,
  language,
  file,
  String(findings),
  String(pagesOf(path)),
  ...flavours.map((flavour) => verdict(path, flavour)),
]);
const results = rows.flatMap((row) => row.slice(5));
const summary = `${results.filter((result) => result === 'pass').length} passed, ${results.filter((result) => result !== 'pass').length} failed`;
const table = [['document', 'language', 'file', 'findings', 'pages', 'PDF/A-2a', 'PDF/UA-1'], Array<string>(7).fill('---'), ...rows]
  .map((row) => `| ${row.join(' | ')} |`)
  .join('\n');
writeFileSync(
  'docs/pdf-conformance.md',
  `# What veraPDF says of the PDFs

Made by \`npm run test:pdf\` with veraPDF ${veraVersion}: every file is checked as PDF/A-2a (archives) and as PDF/UA-1 (accessibility).
The hostile documents hold one kind of bad text each, wherever a text of a scanner or a caller can stand (\`test/pdf/hostile.ts\`).

${table}

${summary}.
`,
);
process.stdout.write(`${table}\n\n${summary}\n`);
process.exitCode = results.includes('FAIL') ? 1 : 0;
