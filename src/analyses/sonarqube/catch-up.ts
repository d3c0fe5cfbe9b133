import { GatepostError } from '../../errors.ts';
import { readOrganization } from '../../organizations/store.ts';
import { objectIn, textIn } from './answers.ts';
import type { ListedDelivery } from './catch-up-list.ts';
import { knowsBranches, listFailedDeliveries, listProjects } from './catch-up-list.ts';
import type { CatchUpDeps, Look } from './catch-up-project.ts';
import { endedSince, overlapMs, projectSince } from './catch-up-project.ts';
import { isFault } from './client/client.ts';
import { readPayload } from './payload.ts';
import { probe } from './probe.ts';
import type { OpenSource } from './source.ts';
import { ingestPath, takesProject } from './source.ts';
import { findWebhook } from './webhook-there.ts';

export interface CaughtUp {
  /** Analyses that no webhook had brought. */
  readonly analyses: number;
  /** Analyses that are left to their webhooks for now. */
  readonly left: number;
  /** Webhooks that had failed over there and were taken in now. */
  readonly deliveries: number;
  readonly projects: number;
  /** Projects that could not be looked at: the token may not see them, they went meanwhile, or what the server says of them cannot be read. */
  readonly skipped: number;
}

/**
 * Brings in what a source's webhooks did not: first the webhooks that failed, exactly as they were sent; then the analyses since the last known
 * one of each branch, and those whose tasks ended since the last look, however they are dated. Each is made once, whichever way it came. Fails with what is wrong with the source.
 */
export async function catchUp(deps: CatchUpDeps, look: Omit<Look, 'deps'>): Promise<CaughtUp> {
  const whole: Look = { ...look, deps };
  await probe(look.client, { signal: look.signal });
  const deliveries = await takeFailed(whole);
  const ended = await endedSince(whole);
  const counts = { analyses: 0, left: 0, projects: 0, skipped: 0 };
  let hasBranches: boolean | null = null;
  for await (const project of listProjects(look)) {
    if (!takesProject(look.source.settings, project.key)) continue;
    counts.projects += 1;
    try {
      hasBranches ??= await knowsBranches({ ...look, project: project.key });
      const { brought, left } = await projectSince(whole, { project, hasBranches, ended });
      counts.analyses += brought;
      counts.left += left;
    } catch (error) {
      if (!isFault(error, 'source_forbidden', 'source_not_found', 'source_refused', 'source_answer_invalid')) throw error;
      counts.skipped += 1;
    }
  }
  return { ...counts, deliveries };
}

/** Webhooks that failed since the last look, by the server's own log of them: their very bytes. */
async function takeFailed(look: Look): Promise<number> {
  const { source, client, signal } = look;
  const ingestUrl = look.deps.publicUrl() + ingestPath(source.id);
  const webhook = source.webhook ?? (await findWebhook(client, { source, ingestUrl, signal })).key;
  if (webhook === null) return 0;
  const since = (source.caughtUp ?? source.created) - overlapMs;
  const failed = await listFailedDeliveries({ client, signal, webhook, since });
  let taken = 0;
  for (const delivery of failed ?? []) if (await takeOne(look, delivery)) taken += 1;
  return taken;
}

async function takeOne({ deps, source, client, signal }: Look, delivery: ListedDelivery): Promise<boolean> {
  const { database, clock, log, intake } = deps;
  const { organization } = source;
  if (delivery.project !== null && !takesProject(source.settings, delivery.project)) return false;
  if (delivery.task !== null && (await isKnown(deps, source, delivery.task))) return false;
  try {
    const answer = objectIn(await client.get('api/webhooks/delivery', { deliveryId: delivery.id }, { signal }));
    const text = textIn(objectIn(answer['delivery']), 'payload');
    if (text === null) return false;
    const bytes = Buffer.from(text, 'utf8');
    const payload = readPayload(bytes);
    const tenant = await readOrganization({ read: database.read, organization });
    if (tenant === null || !takesProject(source.settings, payload.project.key)) return false;
    const arrived = { organization, slug: tenant.slug, source: source.id, payload, bytes, publicUrl: deps.publicUrl() };
    return (await intake.take(arrived)).isNew;
  } catch (error) {
    const isOfThisOne = error instanceof GatepostError && (isFault(error, 'source_not_found', 'source_forbidden') || isUnreadable(error));
    if (!isOfThisOne) throw error;
    log.warn({ source: source.id, delivery: delivery.id, code: error.code, at: clock.now() }, 'source.delivery.unreadable');
    return false;
  }
}

function isUnreadable({ code }: GatepostError): boolean {
  return ['not_utf8', 'not_json', 'invalid_payload', 'invalid_project_key'].includes(code);
}

async function isKnown({ database }: CatchUpDeps, source: OpenSource, task: string): Promise<boolean> {
  const row = await database.read
    .selectFrom('analyses')
    .select('id')
    .where('organization', '=', source.organization)
    .where('source', '=', source.id)
    .where('source_key', '=', `task:${task}`)
    .executeTakeFirst();
  return row !== undefined;
}
