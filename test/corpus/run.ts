// `npm run test:corpus -- FOLDER [--markdown]`: reads every FOLDER/sarif/*.sarif and every log under examples/ with our reader, and checks
// the numbers against counts made without it (count.ts). Prints a table, and ends with `N passed, M failed`; not 0 where any differs.
// With --markdown the table is the one of docs/compatibility.md. What is recorded of SonarQube servers (FOLDER/sonarqube/<version>/) is held against
// what we take in, send and answer (sonarqube.ts), and sample requests of Secure Source Manager that lie beside it (secure-source-manager.ts).
import { createReadStream, existsSync, globSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Finding } from '../../src/analyses/finding.ts';
import { severities } from '../../src/analyses/finding.ts';
import { readSarif } from '../../src/analyses/sarif/read.ts';
import { GatepostError } from '../../src/errors.ts';
import { categoriesOf, findStandard, type Standard } from '../../src/reports/standards/standard.ts';
import { type Counts, countSarif, nothing } from './count.ts';
import type { Check } from './part.ts';
import { sampleParts } from './secure-source-manager.ts';
import { partsText, sonarqubeParts } from './sonarqube.ts';

interface Row {
  readonly name: string;
  readonly ours: Counts;
  readonly theirs: Counts;
}

const columns = [
  'log',
  'tool',
  'results',
  'open',
  'review',
  'suppressed',
  'absent',
  'no issue',
  'with CWE',
  'CWEs',
  'in Top 25 2025',
  'in OWASP 2021',
  'in OWASP 2025',
  'rating',
] as const;

const project = join(import.meta.dirname, '../..');
const { values, positionals } = parseArgs({ options: { markdown: { type: 'boolean', default: false } }, allowPositionals: true });
process.exitCode = await main(positionals);

async function main(folders: readonly string[]): Promise<number> {
  const missing = folders.find((folder) => !existsSync(folder));
  if (missing !== undefined || folders.length > 1) {
    process.stderr.write(
      missing === undefined ? 'usage: npm run test:corpus -- [FOLDER] [--markdown]\n' : `There is no folder ${missing}.\n`,
    );
    return 2;
  }
  const files = folders.flatMap((folder) => globSync(join(resolve(folder), 'sarif/*.sarif')).toSorted());
  const examples = globSync(join(project, 'examples/**/*.sarif')).toSorted();
  const rows: Row[] = [];
  for (const file of [...files, ...examples]) rows.push({ name: nameOf(file), ours: await read(file), theirs: counted(file) });
  process.stdout.write(values.markdown ? markdown(rows) : table(rows));
  const failed = rows.filter((row) => differences(row).length > 0);
  for (const row of failed) process.stdout.write(`${row.name} differs: ${differences(row).join('; ')}\n`);
  for (const folder of folders) {
    const others = globSync(join(resolve(folder), '*/')).map((path) => basename(path));
    for (const other of others.filter((name) => name !== 'sarif' && name !== 'sonarqube'))
      process.stdout.write(`Recordings in ${other}/ are not read yet.\n`);
  }
  if (rows.length === 0) process.stdout.write('There is no log to read.\n');
  const parts = [...(await Promise.all(folders.map(sonarqubeParts))).flat(), ...folders.flatMap(sampleParts)];
  process.stdout.write(partsText(parts));
  const checks = parts.flatMap((part): readonly Check[] => part.checks);
  const different = checks.filter(({ verdict }) => verdict === 'differs').length + failed.length;
  process.stdout.write(`${rows.length + checks.length - different} passed, ${different} failed\n`);
  return different > 0 || rows.length === 0 ? 1 : 0;
}

function nameOf(file: string): string {
  const inside = relative(project, file);
  return inside.startsWith('..') ? basename(file) : inside;
}

function counted(file: string): Counts {
  try {
    return countSarif(file);
  } catch (error) {
    return { ...nothing, outcome: `not counted: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** The same numbers, by the reader and the standards that the server uses. */
async function read(file: string): Promise<Counts> {
  const findings: Finding[] = [];
  try {
    const facts = await readSarif({ open: () => createReadStream(file), onFinding: (finding) => void findings.push(finding) });
    const open = findings.filter((finding) => finding.state === 'open');
    const inStandard = (standard: Standard) => open.filter((finding) => categoriesOf(standard, finding).direct.length > 0).length;
    return {
      ...facts.totals,
      outcome: 'read',
      tools: [...new Set(facts.tools.map((tool) => tool.name))].join(', '),
      cwes: new Set(findings.flatMap((finding) => finding.cwes)).size,
      top25: inStandard(standardOf('CWE Top 25', 2025)),
      owasp2021: inStandard(standardOf('OWASP Top 10', 2021)),
      owasp2025: inStandard(standardOf('OWASP Top 10', 2025)),
      rating: ['E', 'D', 'C', 'B', 'A'][severities.findIndex((severity) => open.some((finding) => finding.severity === severity))] ?? 'A',
    };
  } catch (error) {
    if (error instanceof GatepostError) return { ...nothing, outcome: error.code };
    throw error;
  }
}

function standardOf(type: string, edition: number): Standard {
  const standard = findStandard(type, edition);
  if (standard === undefined) throw new Error(`There is no ${type} ${edition}.`);
  return standard;
}

function differences(row: Row): readonly string[] {
  return (Object.keys(row.theirs) as (keyof Counts)[]).flatMap((key) =>
    row.ours[key] === row.theirs[key] ? [] : [`${key} ${row.ours[key]}, counted ${row.theirs[key]}`],
  );
}

function cells(row: Row): readonly string[] {
  const { ours } = row;
  if (ours.outcome !== 'read') return [row.name, `refused: ${ours.outcome}`, ...columns.slice(2).map(() => '–')];
  const numbers = [ours.results, ours.open, ours.review, ours.suppressed, ours.absent, ours.ignored, ours.withCwe, ours.cwes];
  return [row.name, ours.tools, ...[...numbers, ours.top25, ours.owasp2021, ours.owasp2025].map(String), ours.rating];
}

function table(rows: readonly Row[]): string {
  const lines = [columns, ...rows.map(cells)];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
    .concat('\n');
}

function markdown(rows: readonly Row[]): string {
  const line = (parts: readonly string[]) => `| ${parts.map((part) => part.replaceAll('|', '\\|')).join(' | ')} |\n`;
  return line(columns) + line(columns.map((_, column) => (column < 2 ? '---' : '---:'))) + rows.map((row) => line(cells(row))).join('');
}
