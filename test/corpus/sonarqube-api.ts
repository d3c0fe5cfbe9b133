// API answers: every recorded call of api/webhooks, and of what clients call around it, is made to a Gatepost in which the same facts exist, and
// compared (sonarqube-api-compare.ts).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Check, Part, Recordings } from './part.ts';
import type { Case, Comparison } from './sonarqube-api-compare.ts';
import { compared, recordedCases, verdictOf } from './sonarqube-api-compare.ts';
import { dataCases } from './sonarqube-api-data.ts';
import { prepareDeliveries } from './sonarqube-api-deliveries.ts';
import type { Recorded, Server, ShownWebhook, Tenant } from './sonarqube-api-set-up.ts';
import { startServer, tenantOf } from './sonarqube-api-set-up.ts';

const guarded = 'refused: our guard lets webhooks go to no address that is surely not a public one';

export async function apiAnswers(recordings: Recordings): Promise<Part> {
  const checks: Check[] = [];
  const open = await startServer(recordings.version, '127.0.0.0/8');
  const strict = await startServer(recordings.version, '');
  try {
    for (const each of recordedCases(recordings.folder, 'webhooks')) checks.push(await webhookCase(open, recordings, each));
    for (const each of recordedCases(recordings.folder, 'validate')) checks.push(await validateCase(strict, recordings, each));
    for (const each of recordedCases(recordings.folder, 'deliveries')) checks.push(await deliveryCase(open, recordings, each));
    for (const each of recordedCases(recordings.folder, 'force-authentication-off')) checks.push(await openCase(open, recordings, each));
    checks.push(...(await dataCases(open, recordings)));
  } finally {
    await open.stop();
    await strict.stop();
  }
  return { title: 'API answers', checks };
}

/** The webhooks that a recorded list shows, those of one project or those of all. */
function listed(recorded: Recorded): readonly ShownWebhook[] {
  if (recorded.response.status !== 200) return [];
  return (JSON.parse(recorded.response.body) as { readonly webhooks: readonly ShownWebhook[] }).webhooks;
}

function recordedOf({ folder }: Recordings, part: string, name: string): Recorded {
  return JSON.parse(readFileSync(join(folder, `api/${part}/${name}.json`), 'utf8')) as Recorded;
}

async function webhookCase(server: Server, recordings: Recordings, { name, recorded }: Case): Promise<Check> {
  const tenant = await tenantOf(server, 'hooks.own');
  for (const key of ['hooks.own', 'hooks:limit']) await tenant.project(key);
  const named = new Map<string, string>();
  const { path } = recorded.request;
  const isList = /\/list(\.json)?$/.test(path) && recorded.response.status === 200;
  if (isList && !name.endsWith('-then-list')) {
    const project = new URLSearchParams(recorded.request.query ?? '').get('project') || undefined;
    for (const each of listed(recorded)) await tenant.webhook(each, project);
  } else if (name === 'list-after-create-url-11') {
    await tenant.webhook({ name: 'u11', url: 'http://:uu@host/', hasSecret: false });
  } else if (/-1[01]th-/.test(name)) {
    const count = name.includes('10th') ? 9 : 10;
    const project = name.includes('project') ? 'hooks:limit' : undefined;
    for (let n = 0; n < count; n += 1) await tenant.webhook({ name: `h${n}`, url: 'http://127.0.0.1:1/', hasSecret: false }, project);
  } else {
    await fillWebhooks(tenant, recordings, named);
  }
  if (name.endsWith('-then-list'))
    await tenant.call(recordedOf(recordings, 'webhooks', name.slice(0, -'-then-list'.length)).request, named);
  const answer = await tenant.call(recorded.request, named);
  if (name.endsWith('-then-list')) return changedCheck(`webhooks/${name}`, { recorded, answer, named, recordings });
  return compared(`webhooks/${name}`, { recorded, answer, recordings });
}

/** The webhooks that there were before most calls. */
async function fillWebhooks(tenant: Tenant, recordings: Recordings, named: Map<string, string>): Promise<void> {
  for (const each of listed(recordedOf(recordings, 'webhooks', 'list-global'))) {
    if (named.has(each.key)) continue;
    const url = each.url.replace('****:******', 'user:pw%40x');
    named.set(each.key, await tenant.webhook({ ...each, url }));
  }
  for (const each of listed(recordedOf(recordings, 'webhooks', 'list-project')))
    named.set(each.key, await tenant.webhook(each, 'hooks.own'));
}

/** After a change: the webhooks that were there before it, as the list shows them now. */
function changedCheck(
  name: string,
  { recorded, answer, named, recordings }: Comparison & { readonly named: ReadonlyMap<string, string> },
): Check {
  const ours = new Map(
    (JSON.parse(answer.body) as { readonly webhooks: readonly ShownWebhook[] }).webhooks.map((each) => [each.key, each]),
  );
  const changed = recordedOf(recordings, 'webhooks', name.slice('webhooks/'.length, -'-then-list'.length)).request;
  const key = new URLSearchParams(changed.body ?? changed.query ?? '').get('webhook') ?? '';
  const theirs = listed(recorded).find((each) => each.key === key);
  const mine = ours.get(named.get(key) ?? '');
  const isSame = theirs === undefined ? true : JSON.stringify({ ...mine, key: '' }) === JSON.stringify({ ...theirs, key: '' });
  return verdictOf(name, { recorded, answer, recordings }, isSame);
}

async function validateCase(server: Server, recordings: Recordings, { name, recorded }: Case): Promise<Check> {
  const tenant = await tenantOf(server, 'hooks.own');
  const named = new Map<string, string>();
  const given = new URLSearchParams(recorded.request.body ?? '').get('webhook');
  if (given !== null) named.set(given, await tenant.webhook({ name: 'v', url: 'http://example.invalid/', hasSecret: false }));
  const answer = await tenant.call(recorded.request, named);
  const check = compared(`validate/${name}`, { recorded, answer, recordings });
  const isRefused = recorded.response.status === 200 && answer.status === 400 && answer.body.includes('Invalid URL: ');
  return check.verdict === 'differs' && isRefused ? { ...check, verdict: 'better', note: guarded } : check;
}

async function deliveryCase(server: Server, recordings: Recordings, { name, recorded }: Case): Promise<Check> {
  const tenant = await tenantOf(server, 'flip');
  const named = await prepareDeliveries(tenant, recorded, name);
  const answer = await tenant.call(recorded.request, named);
  return compared(`deliveries/${name}`, { recorded, answer, recordings });
}

async function openCase(server: Server, recordings: Recordings, { name, recorded }: Case): Promise<Check> {
  const tenant = await tenantOf(server, 'hooks.own');
  const answer = await tenant.call(recorded.request, new Map());
  const check = compared(`force-authentication-off/${name}`, { recorded, answer, recordings });
  if (check.verdict !== 'differs') return check;
  return { ...check, verdict: 'not held', note: 'nothing is open to somebody without a token, and no setting makes it so' };
}
