import { appendFileSync, readFileSync } from 'node:fs';

export type Counts = Readonly<Record<string, string | number>>;

interface Diagnostics {
  diagnostic(message: string): void;
}

interface Row {
  readonly fault: string;
  readonly counts: Counts;
}

/** Tells what came of a fault: beside its test, and in the table at the end of `npm run test:faults`. */
export function tell(t: Diagnostics, fault: string, counts: Counts): void {
  t.diagnostic(`${fault}: ${JSON.stringify(counts)}`);
  const file = process.env['FAULT_COUNTS'];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ fault, counts } satisfies Row)}\n`);
}

/** What was told into this file, as one Markdown table for each fault. */
export function countTables(file: string): string {
  const rows = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
  const faults = [...new Set(rows.map((row) => row.fault))].toSorted();
  return faults
    .map((fault) =>
      tableOf(
        fault,
        rows.filter((row) => row.fault === fault).map((row) => row.counts),
      ),
    )
    .join('\n');
}

function tableOf(fault: string, all: readonly Counts[]): string {
  const names = [...new Set(all.flatMap((counts) => Object.keys(counts)))];
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |\n`;
  const rule = names.map((name) => (typeof all[0]?.[name] === 'number' ? '---:' : '---'));
  const rows = all.map((counts) => line(names.map((name) => counts[name] ?? '')));
  return `### ${fault}\n\n${line(names)}${line(rule)}${rows.join('')}`;
}
