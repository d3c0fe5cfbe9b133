import type { EventKind, GatepostEvent, ReportFacts } from '../../events/event.ts';
import type { EventToRecord } from './unit-rows.ts';

/** The event that a row holds. */
export function eventOf(row: EventToRecord): GatepostEvent {
  const { id, organization, project, repository, ref, created } = row;
  return { id, organization, kind: row.kind as EventKind, project, repository, ref, facts: JSON.parse(row.facts) as ReportFacts, created };
}

/** The webhook that an event is about, or null: it is not told about itself, so that what it cannot receive is not sent to it once more. */
export function aboutWebhook({ kind, facts }: Pick<EventToRecord, 'kind' | 'facts'>): string | null {
  if (!kind.startsWith('webhook.')) return null;
  const { webhook } = JSON.parse(facts) as { readonly webhook?: { readonly id?: string } };
  return webhook?.id ?? null;
}

/** Whose webhooks an event may go to: all of the organization, its project's, its repository's. */
export function scopesOf({ project, repository }: Pick<EventToRecord, 'project' | 'repository'>): readonly string[] {
  if (repository === null) return project === null ? [''] : ['', project];
  return project === null ? ['', repository] : ['', project, repository];
}
