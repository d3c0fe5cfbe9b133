import { mkdir } from 'node:fs/promises';
import type { Fetched, FetchJob } from './job.ts';
import { wipe } from './pages.ts';
import { fetchRound } from './round.ts';
import { fetchServer } from './server.ts';

export type { Fetched, FetchJob, FetchNotice, FetchProgress, TagOf, VersionFrom } from './job.ts';

/** How often a fetch begins again where the server changed while it was under way. */
export const roundsMax = 3;

/**
 * Fetches all that a source knows of an analysis into one file: every issue that is there or was set aside, of whatever type (so that their
 * number is the server's own; which are about security the reader tells), every hotspot, their rules' standards, measures, gate. What the server will
 * not tell is a notice.
 *
 * The analysis and the totals are compared at the end with what they were at the start, and what was fetched with the totals; where they differ
 * all is fetched again, `roundsMax` times in all, and then said. Fails with what the client fails with, with `source_project_unknown` where the
 * project is not there (or not to be seen), and with `source_not_analysed` where it has no analysis.
 */
export async function fetchAnalysis(job: FetchJob): Promise<Fetched> {
  await mkdir(job.directory, { recursive: true, mode: 0o700 });
  const before = job.client.requests;
  const server = await fetchServer(job);
  for (let round = 1; ; round += 1) {
    const fetched = await fetchRound(job, { server, before, last: round >= roundsMax });
    if (fetched !== null) return fetched;
    await wipe(job.directory);
  }
}
