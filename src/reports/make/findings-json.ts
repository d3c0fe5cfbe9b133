import type { ReportDocument } from '../report.ts';
import { createTextFile, readLines } from './lines.ts';

/**
 * The shape of findings.json, told by its first key: `{ format, report, categories, mappingNotes, facts, findings }`.
 * `report` is the header with its counts, `findings` every finding that falls in a category directly, whatever its state, in the order of
 * the scanner's file, each on a line of its own, as `ReportedFinding` in reports/report.ts. Keys may be added under the same format: `report` has
 * `gate`, `details` and `hotspotCategories`, a category `details`, `facts` has `sonarqube` where these are known, and no such key where not.
 */
export const findingsFormat = 'gatepost.findings/1';

/** Writes findings.json from `findings`, an NDJSON file of `ReportedFinding`: complete, whatever their number, never held in memory. */
export function writeFindingsJson(options: { readonly path: string; readonly document: ReportDocument; readonly findings: string }): void {
  const file = createTextFile(options.path);
  try {
    const header = JSON.stringify(headerOf(options.document), null, 2);
    file.write(`${header.slice(0, header.lastIndexOf('\n'))},\n  "findings": [`);
    let separator = '\n    ';
    for (const line of readLines(options.findings)) {
      file.write(`${separator}${line}`);
      separator = ',\n    ';
    }
    file.write('\n  ]\n}\n');
  } finally {
    file.close();
  }
}

function headerOf(document: ReportDocument): Record<string, unknown> {
  const { findings: _shown, setAside: _aside, categories, mappingNotes, facts, ...report } = document;
  return { format: findingsFormat, report, categories, mappingNotes, facts };
}
