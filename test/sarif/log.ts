import { type GatepostError } from '../../src/errors.ts';
import type { AnalysisFacts, Finding } from '../../src/analyses/finding.ts';
import { readSarif } from '../../src/analyses/sarif/read.ts';

/** A log of one run, as an object: the given parts of the run, and what every log has. */
export function logOf(run: object, driver: object = {}): Record<string, unknown> {
  return { version: '2.1.0', runs: [{ tool: { driver: { name: 'Scanner', ...driver } }, ...run }] };
}

/** The log of one result. */
export function oneResult(result: object, driver: object = {}, run: object = {}): Record<string, unknown> {
  return logOf({ ...run, results: [{ message: { text: 'Something is wrong.' }, ...result }] }, driver);
}

/** Reads a log that is given as text, bytes or object, in parts of so many bytes. */
export async function read(
  log: string | Uint8Array | object,
  partBytes = 65_536,
): Promise<{ readonly facts: AnalysisFacts; readonly findings: readonly Finding[] }> {
  const bytes = log instanceof Uint8Array ? log : Buffer.from(typeof log === 'string' ? log : JSON.stringify(log));
  const findings: Finding[] = [];
  const facts = await readSarif({
    open: () => parts(bytes, partBytes),
    onFinding: (finding) => {
      findings.push(finding);
    },
  });
  return { facts, findings };
}

// oxlint-disable-next-line typescript/require-await -- a stream, of what is there already
export async function* parts(bytes: Uint8Array, partBytes: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += partBytes) yield bytes.subarray(from, from + partBytes);
}

/** The one finding of a log. */
export async function readOne(log: object): Promise<Finding> {
  const { findings } = await read(log);
  if (findings[0] === undefined || findings.length > 1) throw new Error(`expected one finding, not ${findings.length}`);
  return findings[0];
}

/** For `assert.rejects`: our error, with this code and, where given, this place. */
export function refusal(code: string, place: Readonly<Record<string, unknown>> = {}): (error: GatepostError) => boolean {
  return (error) => {
    const told = Object.fromEntries(Object.keys(place).map((key) => [key, error.details?.[key]]));
    if (error.name !== 'GatepostError' || error.code !== code || JSON.stringify(told) !== JSON.stringify(place)) {
      throw new Error(`expected ${code} ${JSON.stringify(place)}, not ${error.code} ${JSON.stringify(error.details)}: ${error.stack}`);
    }
    return true;
  };
}
