// The deliveries that a recorded server had, as far as its answer tells: those on the page, and as many others as it counts.
import type { Recorded, ShownDelivery, ShownWebhook, Tenant } from './sonarqube-api-set-up.ts';
import { parseTimestamp } from '../../src/timestamps.ts';
import { timestampText } from '../../src/clock.ts';

interface Page {
  readonly paging: { readonly pageIndex: number; readonly pageSize: number; readonly total: number };
  readonly deliveries: readonly Delivery[];
}

type Delivery = ShownDelivery & { readonly name: string; readonly url: string };

/** Answers what the recorded ids are called here. */
export async function prepareDeliveries(tenant: Tenant, { request, response }: Recorded, name: string): Promise<Map<string, string>> {
  const named = new Map<string, string>();
  await tenant.project('flip');
  const query = new URLSearchParams(request.query ?? '');
  if (response.status === 200 && response.body.startsWith('{"webhooks"'))
    await fromList(tenant, JSON.parse(response.body) as object, query);
  else if (response.status === 200 && response.body.startsWith('{"delivery"')) {
    const { delivery } = JSON.parse(response.body) as { readonly delivery: Delivery };
    const webhook = await tenant.webhook({ name: delivery.name, url: delivery.url, hasSecret: false });
    named.set(delivery.id, await tenant.attempt({ webhook, project: delivery.componentKey ?? '', delivery }));
  } else if (response.status === 200) await fromPage(tenant, JSON.parse(response.body) as Page, { query, named });
  // Somebody without the rights finds something, too.
  else if (response.status === 403) await fromPage(tenant, hiddenOf(query.get('ceTaskId')), { query, named });
  if (name === 'after-delete-delivery') named.clear();
  return named;
}

function hiddenOf(task: string | null): Page {
  const delivery = { id: 'x', name: 'x', url: 'http://127.0.0.1/', componentKey: 'flip', at: '2026-11-22T18:00:46+0000', httpStatus: 200 };
  const told = { ...delivery, durationMs: 1, ...(task === null ? {} : { ceTaskId: task }) };
  return { paging: { pageIndex: 1, pageSize: 1, total: 1 }, deliveries: [told] };
}

async function fromList(tenant: Tenant, list: object, query: URLSearchParams): Promise<void> {
  const project = query.get('project') ?? undefined;
  for (const each of (list as { readonly webhooks: readonly ShownWebhook[] }).webhooks) {
    const webhook = await tenant.webhook(each, project);
    const { latestDelivery: delivery } = each;
    if (delivery !== undefined) await tenant.attempt({ webhook, project: project ?? 'flip', delivery });
  }
}

interface Of {
  readonly query: URLSearchParams;
  readonly named: Map<string, string>;
}

async function fromPage(tenant: Tenant, { paging, deliveries }: Page, { query, named }: Of): Promise<void> {
  const [first] = deliveries;
  const webhooks = new Map<string, string>();
  const webhookOf = async ({ name, url }: { readonly name: string; readonly url: string }): Promise<string> => {
    // What is asked for is one webhook, whatever it was called.
    const of = query.get('webhook') ?? name;
    const known = webhooks.get(of) ?? (await tenant.webhook({ name, url, hasSecret: false }));
    webhooks.set(of, known);
    return known;
  };
  const task = query.get('ceTaskId');
  const filler = first ?? { name: 'x', url: 'http://127.0.0.1/', componentKey: 'flip', at: '2026-11-22T18:00:46+0000', durationMs: 1 };
  const fill = async (at: string): Promise<void> => {
    const taskOf = task === null ? {} : { ceTaskId: task };
    const delivery = { id: '', at, httpStatus: 200, durationMs: 1, ...taskOf };
    await tenant.attempt({ webhook: await webhookOf(filler), project: filler.componentKey ?? 'flip', delivery });
  };
  const before = Math.min((paging.pageIndex - 1) * paging.pageSize, paging.total);
  for (let n = 0; n < before; n += 1) await fill(moved(deliveries[0]?.at ?? filler.at, 1));
  // The oldest first: of one moment, the one that came later is the newer.
  for (const delivery of deliveries.toReversed()) {
    named.set(delivery.id, await tenant.attempt({ webhook: await webhookOf(delivery), project: delivery.componentKey ?? '', delivery }));
  }
  for (let n = before + deliveries.length; n < paging.total; n += 1) await fill(moved(deliveries.at(-1)?.at ?? filler.at, -1));
  const [given, ours] = [query.get('webhook'), [...webhooks.values()][0]];
  if (given !== null && given !== '' && ours !== undefined) named.set(given, ours);
  if (task !== null && first !== undefined) await knowTask(tenant, task, first);
}

/** The analysis that the task was of. */
async function knowTask(tenant: Tenant, task: string, { componentKey = '', at }: Delivery): Promise<void> {
  const project = await tenant.project(componentKey);
  await tenant.analysis({
    project,
    date_text: moved(at, -1),
    source: tenant.organization,
    source_key: `task:${task}`,
    source_task: task,
  });
}

function moved(at: string, seconds: number): string {
  return timestampText((parseTimestamp(at)?.ms ?? 0) + seconds * 1_000);
}
