import { setTimeout as wait } from 'node:timers/promises';
import { calls } from './calls.ts';
import type { Answered, Party } from './compare.ts';
import { ask, differences } from './compare.ts';
import type { Gatepost } from './gatepost.ts';
import { standards } from './gatepost.ts';
import type { Received, Recorder } from './recorder.ts';
import { api } from './scan.ts';
import type { RealServer } from './server.ts';

/** One thing that was compared, and what came of it. */
export interface Check {
  readonly name: string;
  readonly found: string;
  /** Empty: both agree. */
  readonly differences: readonly string[];
  /** Why a difference is meant to be; it is then none. */
  readonly why?: string;
}

const arrivedWithinMs = 30_000;

interface FindingsFile {
  readonly categories: readonly { readonly id: string; readonly direct: number; readonly review: number }[];
  readonly findings: readonly { readonly state: string; readonly url?: string; readonly categories: readonly string[] }[];
}

/** Each category's count in our reports beside the server's own search, and which issues they are. */
export async function findingsCheck(options: {
  readonly server: RealServer;
  readonly gatepost: Gatepost;
  readonly project: string;
  readonly version: string;
}): Promise<Check> {
  const { server, gatepost, project, version } = options;
  const analyses = await gatepost.settled([version]);
  const reports = analyses.find((analysis) => analysis.version === version)?.reports ?? [];
  const found: string[] = [];
  let issues = 0;
  let hotspots = 0;
  for (const { type, edition } of standards) {
    const report = reports.find(({ reportType, reportVersion }) => reportType === type && reportVersion === edition);
    if (report === undefined) {
      found.push(`there is no report of ${type} ${edition}`);
      continue;
    }
    const file = (await gatepost.get(`/v1/reports/${report.id}/artifacts/findings.json`)) as FindingsFile;
    for (const { id, direct, review } of file.categories) {
      const filter = filterOf(type, id);
      const theirs = await search(server, 'api/issues/search', { componentKeys: project, resolved: 'false', ...filter });
      const theirHotspots = await search(server, 'api/hotspots/search', { projectKey: project, status: 'TO_REVIEW', ...filter });
      issues += theirs;
      hotspots += theirHotspots;
      if (theirs !== direct) found.push(`${type} ${id}: ${theirs} issues, ours ${direct}`);
      if (theirHotspots !== review) found.push(`${type} ${id}: ${theirHotspots} hotspots, ours ${review}`);
    }
  }
  return {
    name: 'findings of each category against the server’s own search',
    found: `${issues} issues, ${hotspots} hotspots`,
    differences: found,
  };
}

function filterOf(type: string, category: string): Record<string, string> {
  const number = String(Number(category.replace(/^\D+/, '')));
  return type === 'CWE Top 25' ? { cwe: number } : { 'owaspTop10-2021': `a${number}` };
}

async function search(server: RealServer, path: string, parameters: Readonly<Record<string, string>>): Promise<number> {
  const { paging } = (await api(server, 'GET', path, { ...parameters, ps: '1' })) as { paging: { total: number } };
  return paging.total;
}

/** What the server sent to a recorder beside, and what Gatepost passed on: byte for byte. */
export async function payloadCheck(options: {
  readonly theirs: Recorder;
  readonly ours: Recorder;
  readonly least: number;
}): Promise<Check> {
  const { theirs, ours, least } = options;
  const end = Date.now() + arrivedWithinMs;
  while ((ours.received.length < theirs.received.length || theirs.received.length < least) && Date.now() < end) await wait(200);
  const found: string[] = [];
  if (theirs.received.length < least) found.push(`the server sent ${theirs.received.length}, ${least} were expected`);
  const left = [...ours.received];
  for (const sent of theirs.received) {
    const index = left.findIndex(({ body }) => body.equals(sent.body));
    if (index < 0) {
      found.push(`not passed on as it came: ${sent.body.toString('utf8').slice(0, 200)}`);
      continue;
    }
    const [same] = left.splice(index, 1);
    if (same !== undefined) found.push(...headerDifferences(sent, same));
  }
  if (left.length > 0) found.push(`${left.length} came that the server did not send`);
  return { name: 'payloads byte for byte, headers by name and value', found: `${theirs.received.length} the same`, differences: found };
}

/** By name and value; those that are about the connection, and ours under new names, are no difference. */
function headerDifferences(sent: Received, passed: Received): readonly string[] {
  const ofConnection = new Set(['host', 'connection']);
  const table = ({ rawHeaders }: Received): ReadonlyMap<string, string> =>
    new Map(rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [[name.toLowerCase(), rawHeaders[index + 1] ?? ''] as const] : [])));
  const ours = table(passed);
  return [...table(sent)].flatMap(([name, value]) =>
    ofConnection.has(name) || ours.get(name) === value ? [] : [`header ${name}: ${value}, ours ${ours.get(name) ?? 'none'}`],
  );
}

/** An analysis whose webhook nobody took. */
export async function missedCheck({ gatepost, version }: { readonly gatepost: Gatepost; readonly version: string }): Promise<Check> {
  const name = 'an analysis while Gatepost was down is brought in after its start, once';
  try {
    const analyses = (await gatepost.settled([version])).filter((analysis) => analysis.version === version);
    const found = analyses.length === 1 ? [] : [`${analyses.length} analyses of ${version}`];
    return { name, found: `${analyses[0]?.reports.length ?? 0} reports`, differences: found };
  } catch (error) {
    return { name, found: '', differences: [error instanceof Error ? error.message.slice(0, 500) : String(error)] };
  }
}

/** The web API of both, call by call. */
export async function apiCheck(options: {
  readonly server: RealServer;
  readonly gatepost: Gatepost;
  readonly project: string;
}): Promise<readonly Check[]> {
  const { server, gatepost, project } = options;
  const isOld = server.version.startsWith('9.');
  await removeAll([server, gatepost]);
  const [theirs, ours] = [server, gatepost].map(
    ({ url, token }): Party => ({ url, token, basicOnly: isOld, values: new Map([['project', project]]) }),
  );
  if (theirs === undefined || ours === undefined) return [];
  const checks: Check[] = [];
  for (const call of calls) {
    const [left, right]: readonly Answered[] = [await ask(theirs, call), await ask(ours, call)];
    if (left === undefined || right === undefined) continue;
    const found = differences(left, right);
    const name = `${call.method} ${call.path}: ${call.name}`;
    const why = call.differs ?? (isOld ? call.differsOf9 : undefined);
    if (found.length > 0 && why !== undefined) {
      checks.push({ name, found: `${left.status}, ours ${right.status}`, differences: [], why });
    } else checks.push({ name, found: `${left.status}`, differences: found });
  }
  return checks;
}

/** So that both begin with the same: no webhook. */
async function removeAll(parties: readonly Pick<RealServer, 'url' | 'token'>[]): Promise<void> {
  for (const party of parties) {
    const { webhooks } = (await api(party, 'GET', 'api/webhooks/list', {})) as { webhooks: readonly { readonly key: string }[] };
    for (const { key } of webhooks) await api(party, 'POST', 'api/webhooks/delete', { webhook: key });
  }
}
