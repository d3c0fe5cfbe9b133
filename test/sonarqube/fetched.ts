// What tests of fetching share: a stand-in, a client of it, a folder, and what the fetched file holds.
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { AnalysisFacts, Finding } from '../../src/analyses/finding.ts';
import type { ClientLimits, SonarqubeClient } from '../../src/analyses/sonarqube/client/client.ts';
import { createSonarqubeClient } from '../../src/analyses/sonarqube/client/client.ts';
import type { Fetched, FetchJob } from '../../src/analyses/sonarqube/fetch/fetch.ts';
import { fetchAnalysis } from '../../src/analyses/sonarqube/fetch/fetch.ts';
import { readSonarqube } from '../../src/analyses/sonarqube/read.ts';
import { cwesOfStandards } from '../../src/reports/standards/standard.ts';
import { systemClock } from '../../src/clock.ts';
import { type FactsOptions, makeFacts } from './facts.ts';
import type { Stub } from './stub.ts';
import { startStub } from './stub.ts';

/** No waiting between tries, and no budget in the way. */
export const quickLimits: Partial<ClientLimits> = { perMinuteMax: 1_000_000, retryWaitMs: 1 };

export interface Fetching {
  readonly stub: Stub;
  readonly client: SonarqubeClient;
  readonly directory: string;
  fetch(job?: Partial<FetchJob>): Promise<Fetched>;
}

export async function fetching(test: TestContext, options: FactsOptions & { readonly limits?: Partial<ClientLimits> }): Promise<Fetching> {
  const stub = await startStub({ facts: makeFacts(options) });
  const client = createSonarqubeClient({
    url: stub.url,
    token: stub.token,
    clock: systemClock,
    limits: { ...quickLimits, ...options.limits },
  });
  const directory = await mkdtemp(join(tmpdir(), 'gatepost-fetch-'));
  test.after(async () => {
    await client.close();
    await stub.close();
    await rm(directory, { recursive: true, force: true });
  });
  const fetch = (job: Partial<FetchJob> = {}) => fetchAnalysis({ ...jobOf({ client, directory }), ...job });
  return { stub, client, directory, fetch };
}

export function jobOf({ client, directory }: Pick<FetchJob, 'client' | 'directory'>): FetchJob {
  return {
    client,
    project: 'shop:api',
    branch: { name: 'main', type: 'BRANCH', isMain: true },
    task: null,
    analysis: null,
    analysedAt: null,
    revision: null,
    properties: {},
    versionFrom: 'revision',
    cwes: cwesOfStandards,
    directory,
    signal: new AbortController().signal,
    onProgress: () => undefined,
  };
}

export async function readFetched(file: string): Promise<{ readonly findings: readonly Finding[]; readonly facts: AnalysisFacts }> {
  const findings: Finding[] = [];
  const facts = await readSonarqube({
    open: () => createReadStream(file),
    onFinding: (finding) => {
      findings.push(finding);
    },
  });
  return { findings, facts };
}

/** The notices of a fetch, by code. */
export function codesOf(fetched: Fetched): Readonly<Record<string, number>> {
  return Object.fromEntries(fetched.notices.map(({ code, count }) => [code, count]));
}
