/** A report as the list and its webhook show it: names, order and types of the report API's contract, section 3. */
export interface ListedReport {
  readonly projectName: string;
  readonly id: string;
  readonly reportType: string;
  readonly reportVersion: number;
  readonly projectVersion: string;
  readonly date: string;
  readonly uploadDate: string;
  readonly vulnerabilitiesCount: number;
  readonly securityRating: 'A' | 'B' | 'C' | 'D' | 'E' | null;
}

/** What a report event says: exactly the body of the list's answer. */
export interface ReportFacts {
  readonly organizationId: string;
  readonly reports: readonly ListedReport[];
}

/** What a webhook can ask for. */
export const eventKinds = ['report.ingested', 'report.updated'] as const;
/** `webhook.test` is never asked for: it is made for one webhook, when a person wants to see whether it works. */
export type EventKind = (typeof eventKinds)[number] | 'webhook.test';

/** Something that happened, in our words, with its facts in full. It never changes once recorded. */
export interface GatepostEvent {
  readonly id: string;
  readonly organization: string;
  readonly kind: EventKind;
  /** The project it is about, or null: what webhooks of one project are chosen by. */
  readonly project: string | null;
  readonly facts: ReportFacts;
  /** Milliseconds since 1970. */
  readonly created: number;
}
