import type { AnalysisFacts, Finding } from '../finding.ts';

/** The same contract as `readSarif`, for the file that `fetchAnalysis` wrote. */
export async function readSonarqube(_options: {
  /** The file's bytes. Called once or twice, and must give the same both times. */
  readonly open: () => AsyncIterable<Uint8Array>;
  readonly onFinding: (finding: Finding) => void | Promise<void>;
}): Promise<AnalysisFacts> {
  throw new Error('Not yet.');
}
