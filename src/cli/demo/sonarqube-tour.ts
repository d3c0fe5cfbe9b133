import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatepostError } from '../../errors.ts';
import type { Analysis, Client, Source } from './client.ts';
import type { Receiver } from './receiver.ts';
import { startRelayReceiver } from './relay-receiver.ts';
import type { Reached } from './sonarqube-server.ts';
import { reachSonarqube } from './sonarqube-server.ts';
import type { StandIn } from './stand-in.ts';
import { startStandIn } from './stand-in.ts';
import type { Teller } from './teller.ts';
import { seconds } from './teller.ts';
import { oneReport } from './reports.ts';
import type { Unpacked } from './unpack.ts';
import { kinds, unpack } from './unpack.ts';

/** A SonarQube of somebody's, in place of the stand-in. */
export interface RealSonarqube {
  readonly url: string;
  readonly token: string;
}

/** What the SonarQube part of the tour leaves behind. */
export interface SonarqubeToured {
  readonly url: string;
  readonly isStandIn: boolean;
  /** The source in Gatepost. */
  readonly source: string;
  /** Where its reports are unpacked. */
  readonly folder: string;
  readonly files: readonly Unpacked[];
  /** Ends what was started for it. */
  close(): Promise<void>;
}

export interface SonarqubeTourOptions {
  readonly teller: Teller;
  readonly client: Client;
  readonly receiver: Receiver;
  readonly directory: string;
  readonly now: () => number;
}

const version = '1.1.0';
/** The stand-in's only project. */
const standInProject = 'example:harbour';
const sourceName = 'The demo’s SonarQube';
const webhookMsMax = 30_000;
/** The stand-in's few findings; a real server may have a hundred thousand, and be slow. */
const standInMsMax = 60_000;
const realMsMax = 15 * 60_000;
const pollMs = 50;
const callsNamedMax = 2;

/** A SonarQube is connected, tells of an analysis, and its reports are made; what it said is passed on as it came. */
export async function standInTour(options: SonarqubeTourOptions): Promise<SonarqubeToured> {
  const { teller, client, receiver, now } = options;
  const standIn = await teller.step('SonarQube', async () => {
    const started = await startStandIn();
    const { url } = started;
    const { version, projects } = await reachSonarqube(started);
    const line = `a stand-in at ${url}, version ${version}, that has the same scanners’ findings`;
    return { ...started, line, facts: { url, standIn: true, version, projects } };
  });
  const relay = await startRelayReceiver({ secret: randomBytes(16).toString('hex') });
  const close = async () => {
    await standIn.stop();
    await relay.close();
  };
  try {
    const { url, token } = standIn;
    const source = await connect(options, { name: sourceName, url, token, webhook: 'create', projects: [] });
    await teller.step('Second webhook', async () => {
      await client.createSonarqubeWebhook({ name: 'Made for SonarQube', url: relay.url, secret: relay.secret });
      return { line: 'for a receiver that knows SonarQube alone, made by POST /api/webhooks/create', facts: { url: relay.url } };
    });
    const { payload, at } = await endAnalysis(options, standIn);
    const analysis = await arrivedAnalysis(client, standInProject, standInMsMax);
    const reports = await showReports(options, { project: standInProject, analysis, timeoutMs: standInMsMax });
    await teller.step('Webhook arrived', async () => {
      const { event, id: delivery, body, at: arrived } = await receiver.waitFor(reports[0] ?? '', webhookMsMax);
      const line = `${event} with ${body.reports.length} reports, signature verified, ${seconds(arrived - at)} after the analysis ended`;
      return { line, facts: { event, delivery, verified: true, reports: body.reports.length } };
    });
    await teller.step('Passed on', async () => {
      const bytes = await relay.waitFor(webhookMsMax);
      if (!bytes.equals(Buffer.from(payload))) throw new Error('the second receiver got other bytes than SonarQube sent');
      const line = `SonarQube’s ${bytes.length} bytes as they came, X-Sonar-Webhook-HMAC-SHA256 verified`;
      return { line, facts: { bytes: bytes.length, identical: true, verified: true } };
    });
    return { url, isStandIn: true, source: source.id, ...(await unpackReports(options, reports)), close };
  } catch (error) {
    await close();
    throw error;
  }

  function endAnalysis({ teller }: SonarqubeTourOptions, standIn: StandIn) {
    return teller.step('Analysis', async () => {
      const at = now();
      const ended = await standIn.endAnalysis(version);
      const [told] = ended.deliveries;
      if (told?.status !== 200) throw new Error(`the webhook of the stand-in was answered ${told?.status ?? 'by nobody'}`);
      const line = `${version} ended over there, ${ended.findings} findings; its signed webhook was accepted in ${told.durationMs} ms`;
      return { ...ended, at, line, facts: { version, findings: ended.findings, acceptedMs: told.durationMs } };
    });
  }
}

/** Whether somebody's server can be shown. Asked before all else: a wrong token need not be waited for. */
export function reachReal(teller: Teller, real: RealSonarqube) {
  return teller.step('SonarQube', async () => {
    const reached = await reachSonarqube(real);
    const { version, projects, total } = reached;
    if (projects.length === 0)
      throw new GatepostError('unavailable', 'sonarqube_empty', `The token sees no project at ${real.url} that was analysed.`);
    const line = `${version} at ${real.url}; the token sees ${total} ${total === 1 ? 'project' : 'projects'}, ${projects.length} shown below`;
    return { ...real, ...reached, line, facts: { url: real.url, standIn: false, version, projects } };
  });
}

/** The same with a server that is somebody's: nothing is changed over there, and what it has is caught up with. */
export async function realTour(options: SonarqubeTourOptions, real: RealSonarqube & Reached): Promise<SonarqubeToured> {
  const { teller, client } = options;
  const { url, token, projects } = real;
  const source = await connect(options, { name: sourceName, url, token, webhook: 'paste', projects });
  await teller.step('Caught up', async () => {
    await caughtUp(client, source.id);
    return { line: 'the newest analysis of each of them; webhooks would tell of the next ones', facts: { projects } };
  });
  const reports: string[] = [];
  for (const project of projects) {
    const analysis = await arrivedAnalysis(client, project, realMsMax);
    reports.push(...(await showReports(options, { project, analysis, timeoutMs: realMsMax })));
  }
  return { url, isStandIn: false, source: source.id, ...(await unpackReports(options, reports)), close: () => Promise.resolve() };
}

/** Makes the source; fails with its state where it is not well. */
function connect({ teller, client }: SonarqubeTourOptions, given: Parameters<Client['createSource']>[0]) {
  return teller.step('Source', async () => {
    const source = await client.createSource(given);
    if (source.state !== 'ok' || source.facts === null) throw notWell(source);
    const { webhook } = source.facts;
    if (given.webhook === 'create' && webhook.state !== 'there')
      throw new Error(`no webhook over there: ${webhook.message ?? webhook.state}`);
    return { ...source, line: checkText(source.facts), facts: { source: source.id, state: source.state, check: source.facts } };
  });
}

/** Its state is a stable code, such as `source_tls`. */
function notWell({ state, stateMessage }: Source): GatepostError {
  return new GatepostError('unavailable', state, `${stateMessage ?? 'The source is not well.'} (${state})`);
}

function checkText({ edition, projects, calls, webhook }: NonNullable<Source['facts']>): string {
  const kind = edition === null ? 'edition unknown' : edition.slice(0, 1).toUpperCase() + edition.slice(1);
  const refused = calls.filter(({ ok }) => !ok).map(({ path }) => path.split('/')[1] ?? path);
  const more = refused.length > callsNamedMax ? ` and ${refused.length - callsNamedMax} more` : '';
  const not = refused.length === 0 ? '' : ` (not ${refused.slice(0, callsNamedMax).join(', ')}${more})`;
  const hook = webhook.state === 'there' ? 'webhook made over there' : 'no webhook made';
  return `${kind}, ${projects ?? 'no'} ${projects === 1 ? 'project' : 'projects'}, ${hook}; answers ${calls.length - refused.length} of ${calls.length} calls${not}`;
}

async function caughtUp(client: Client, id: string): Promise<void> {
  const until = performance.now() + realMsMax;
  for (;;) {
    const source = await client.source(id);
    if (source.caughtUp !== null) return;
    if (source.state !== 'ok' && source.state !== 'unchecked') throw notWell(source);
    if (performance.now() > until) throw new Error(`not caught up after ${realMsMax / 60_000} minutes`);
    await sleep(pollMs);
  }
}

async function arrivedAnalysis(client: Client, project: string, timeoutMs: number): Promise<string> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const [newest] = await client.analysesOf(project);
    if (newest !== undefined) return newest.id;
    if (performance.now() > until) throw new Error(`no analysis of ${project} came within ${timeoutMs / 1000} s`);
    await sleep(pollMs);
  }
}

interface Shown {
  readonly project: string;
  readonly analysis: string;
  readonly timeoutMs: number;
}

/** Waits for the reports of an analysis and tells them; answers their ids, of which there is one at least. */
async function showReports({ teller, client }: SonarqubeTourOptions, { project, analysis, timeoutMs }: Shown): Promise<readonly string[]> {
  const { ids } = await teller.step('Reports', async () => {
    const done = await client.waitFor(analysis, timeoutMs);
    const query = new URLSearchParams({ project, version: done.version ?? '', limit: '1000' }).toString();
    const made = new Set((done.reports ?? []).map((report) => report.id));
    const reports = (await client.list(query)).reports.filter((report) => made.has(report.id));
    const [first] = reports;
    if (first === undefined) throw new Error(`no report was made of ${project}`);
    const more = [...reports.slice(1).map((report) => `and ${oneReport(report)}`), ...judgedText(done)];
    const facts = { project, version: done.version, reports, totals: done.totals, qualityGate: done.qualityGate };
    return {
      ids: reports.map(({ id }) => id),
      line: `${reports.length} made of ${first.projectName} ${first.projectVersion}: ${oneReport(first)}`,
      more,
      facts,
    };
  });
  return ids;
}

/** So that they can be looked at: what SonarQube alone knows, such as its gate, is in these reports. */
function unpackReports({ teller, client, directory }: SonarqubeTourOptions, reports: readonly string[]) {
  return teller.step('Unpacked', async () => {
    const archive = join(directory, 'sonarqube.zip');
    const folder = join(directory, 'sonarqube');
    await client.download(reports, archive);
    const files = await unpack(archive, folder);
    const line = `${files.length} files of what came from SonarQube: ${kinds(files)}`;
    return { folder, files, line, facts: { folder, files: files.map(({ name, bytes }) => ({ name, bytes })) } };
  });
}

/** Who else judged it: the gate, and people. */
function judgedText({ qualityGate, totals }: Analysis): readonly string[] {
  const aside = totals?.['suppressed'] ?? 0;
  const gate = qualityGate === null || qualityGate === undefined ? 'no gate' : `gate ${qualityGate.status}`;
  return [`${gate}; ${totals?.['review'] ?? 0} to be reviewed; ${aside} set aside by people`];
}
