import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ListedReport } from '../../events/event.ts';
import { sizeText } from '../progress.ts';
import { createClient } from './client.ts';
import type { Client } from './client.ts';
import type { GitToured } from './git-tour.ts';
import { gitTour } from './git-tour.ts';
import { pagesOfPdf } from './pdf.ts';
import type { Receiver } from './receiver.ts';
import { startReceiver } from './receiver.ts';
import { oneReport } from './reports.ts';
import type { DemoServer } from './server.ts';
import { root, runVerb } from './server.ts';
import type { RealSonarqube, SonarqubeToured } from './sonarqube-tour.ts';
import { reachReal, realTour, standInTour } from './sonarqube-tour.ts';
import type { Teller } from './teller.ts';
import { seconds } from './teller.ts';
import type { Unpacked } from './unpack.ts';
import { kinds, unpack } from './unpack.ts';

const analysisMsMax = 120_000;
const webhookMsMax = 30_000;
const productName = 'Harbour';
/** Of the project that the client's uploads are of. */
const projectKey = 'harbour';
const versions = ['1.0.0', '1.1.0'] as const;

/** What the tour leaves behind to go on with. */
export interface Toured {
  readonly organization: { readonly id: string; readonly slug: string };
  readonly token: string;
  readonly receiver: Receiver;
  readonly sonarqube: SonarqubeToured;
  /** Null: there is no git on this machine that will do. */
  readonly git: GitToured | null;
  readonly archive: string;
  readonly folder: string;
  readonly files: readonly Unpacked[];
  readonly list: string;
  readonly archiveUrl: string;
  /** Ends what is still open: the receivers, the stand-in. */
  close(): Promise<void>;
}

export interface TourOptions {
  readonly teller: Teller;
  readonly server: DemoServer;
  readonly directory: string;
  /** Null: the stand-in is shown. */
  readonly sonarqube: RealSonarqube | null;
  readonly now: () => number;
}

/** The main job, from an empty server to an unpacked archive. Each step is told as it happens; the first that fails ends it. */
export async function tour({ teller, server, directory, sonarqube: wanted, now }: TourOptions): Promise<Toured> {
  const real = wanted === null ? null : await reachReal(teller, wanted);
  const { organization, token } = await makeOrganization(teller, directory);
  const client = createClient({ url: server.url, token, organization: organization.id });
  const receiver = await teller.step('Receiver', async () => {
    const started = await startReceiver({ now });
    return { ...started, line: `${started.url}, verifies with the published standardwebhooks package`, facts: { url: started.url } };
  });
  try {
    await addWebhook(teller, client, receiver);
    for (const version of versions) await takeIn({ teller, client, receiver, version, now });
    const reports = await list(teller, client);
    const archive = join(directory, 'harbour.zip');
    const folder = join(directory, 'harbour');
    await download({ teller, client, reports, archive });
    const files = await open({ teller, archive, folder });
    await whatChanged(teller, files);
    const further = { teller, client, receiver, directory, now };
    const sonarqube = real === null ? await standInTour(further) : await realTour(further, real);
    const git = await gitTour({ teller, url: server.url, token, slug: organization.slug, project: projectKey, directory, now }).catch(
      async (error: unknown) => {
        await sonarqube.close();
        throw error;
      },
    );
    return {
      organization,
      token,
      receiver,
      sonarqube,
      git,
      archive,
      folder,
      files,
      list: client.listUrl('minver=1.0'),
      archiveUrl: client.filesUrl(reports.map(({ id }) => id)),
      async close() {
        await git?.close();
        await sonarqube.close();
        await receiver.close();
      },
    };
  } catch (error) {
    await receiver.close();
    throw error;
  }
}

function makeOrganization(teller: Teller, directory: string) {
  return teller.step('Organization', async () => {
    const made = (await runVerb(directory, ['organization', 'create', '--name', productName])) as {
      organization: { id: string; slug: string };
      token: { token: string };
    };
    const { id, slug } = made.organization;
    return {
      organization: { id, slug },
      token: made.token.token,
      line: `${productName}, id ${id}, with a token for everything`,
      facts: { organization: id },
    };
  });
}

function addWebhook(teller: Teller, client: Client, receiver: Receiver) {
  return teller.step('Webhook', async () => {
    const { id, secret } = await client.createWebhook(receiver.url);
    receiver.useSecret(secret);
    return { line: 'tells the receiver when a report comes in or changes', facts: { webhook: id } };
  });
}

interface TakeIn {
  readonly teller: Teller;
  readonly client: Client;
  readonly receiver: Receiver;
  readonly version: string;
  readonly now: () => number;
}

/** One version: its scan goes in, its reports are made, its webhook arrives. */
async function takeIn({ teller, client, receiver, version, now }: TakeIn): Promise<void> {
  const file = join(root, 'examples/harbour', version, 'harbour.sarif');
  const { id } = await teller.step(`Scan of ${version}`, async () => {
    const log = JSON.parse(await readFile(file, 'utf8')) as ScanLog;
    const results = log.runs.reduce((sum, run) => sum + run.results.length, 0);
    const analysis = await client.upload(file, version);
    const tools = log.runs.map((run) => run.tool.driver.name).join(', ');
    return { id: analysis.id, line: `${results} results of ${tools}: accepted`, facts: { version, results, analysis: analysis.id } };
  });
  const sent = now();
  const { reports } = await teller.step('Reports', async () => {
    const analysis = await client.waitFor(id, analysisMsMax);
    const made = new Set((analysis.reports ?? []).map((report) => report.id));
    const listed = (await client.list(`version=${version}`)).reports.filter((report) => made.has(report.id));
    if (listed.length === 0) throw new Error('no report was made');
    const [first = '', ...more] = listed.map(oneReport);
    return {
      reports: listed,
      line: `${listed.length} made: ${first}`,
      more: more.map((line) => `and ${line}`),
      facts: { version, reports: listed },
    };
  });
  await teller.step('Webhook arrived', async () => {
    const { event, body, id: delivery, at } = await receiver.waitFor(reports[0]?.id ?? '', webhookMsMax);
    const line = `${event} with ${body.reports.length} reports, signature verified, ${seconds(at - sent)} after the scan was accepted`;
    return { line, facts: { event, delivery, verified: true, reports: body.reports.length } };
  });
}

interface ScanLog {
  readonly runs: readonly { readonly tool: { readonly driver: { readonly name: string } }; readonly results: readonly unknown[] }[];
}

async function list(teller: Teller, client: Client): Promise<readonly ListedReport[]> {
  const { reports } = await teller.step('List', async () => {
    const found = (await client.list('minver=1.0&maxver=1.1')).reports;
    const more = found.map((report) => `${report.projectVersion}  ${oneReport(report)}`);
    return {
      reports: found,
      line: `GET /security/report/list from 1.0 to 1.1: ${found.length} reports, no token needed`,
      more,
      facts: { reports: found },
    };
  });
  return reports;
}

function download({
  teller,
  client,
  reports,
  archive,
}: {
  teller: Teller;
  client: Client;
  reports: readonly ListedReport[];
  archive: string;
}) {
  return teller.step('Download', async () => {
    await client.download(
      reports.map(({ id }) => id),
      archive,
    );
    const { size: bytes } = await stat(archive);
    return { line: `GET /security/report/files: one ZIP of ${sizeText(bytes)}`, facts: { archive, bytes } };
  });
}

async function open({ teller, archive, folder }: { teller: Teller; archive: string; folder: string }): Promise<readonly Unpacked[]> {
  const { files } = await teller.step('Unpacked', async () => {
    const found = await unpack(archive, folder);
    return {
      files: found,
      line: `${found.length} files: ${kinds(found)}`,
      facts: { folder, files: found.map(({ name, bytes }) => ({ name, bytes })) },
    };
  });
  await teller.step('PDF', async () => {
    const pdfs = files.filter(({ name }) => name.endsWith('.pdf'));
    const told = await Promise.all(pdfs.map(async ({ name, path, bytes }) => ({ name, bytes, pages: pagesOfPdf(await readFile(path)) })));
    const [first] = told;
    if (first === undefined || first.pages === null) throw new Error('the archive holds no PDF that can be read');
    return { line: `${first.name} has ${first.pages} pages, ${sizeText(first.bytes)}`, facts: { pdfs: told } };
  });
  return files;
}

interface FindingsFile {
  readonly report: {
    readonly type: string;
    readonly edition: number;
    readonly version: string;
    readonly change: { readonly new: number; readonly fixed: number; readonly still: number } | null;
  };
}

/** What the newest version's reports say against the one before. */
async function whatChanged(teller: Teller, files: readonly Unpacked[]): Promise<void> {
  const newest = versions.at(-1);
  await teller.step('What changed', async () => {
    const lines: string[] = [];
    for (const { name, path } of files) {
      if (!name.endsWith('findings.json')) continue;
      const { report } = JSON.parse(await readFile(path, 'utf8')) as FindingsFile;
      if (report.version !== newest || report.change === null) continue;
      const { new: added, fixed, still } = report.change;
      lines.push(`${report.type} ${report.edition}: ${added} new, ${fixed} fixed, ${still} still there`);
    }
    const [first, ...more] = lines.toSorted();
    if (first === undefined) throw new Error('no report says what changed');
    return { line: `${newest} against ${versions[0]}, ${first}`, more: more.map((line) => `and ${line}`), facts: { changes: lines } };
  });
}
