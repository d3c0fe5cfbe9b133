import type { SonarqubeFacts } from '../../finding.ts';
import type { ActiveRules, RuleStandards } from './rules.ts';

/**
 * The file that a fetch makes and `readSonarqube` reads: NDJSON, UTF-8. The first line is the header, each further line one finding. Nothing in
 * it names a person but who set a finding aside, which is part of what a reader of the report is told.
 */
export const fileFormat = 1;

export interface FileHeader {
  readonly format: typeof fileFormat;
  readonly sonarqube: SonarqubeFacts;
  readonly project: string;
  /** For links: the branch's name or the pull request's key. */
  readonly branch?: { readonly name: string; readonly type: 'BRANCH' | 'PULL_REQUEST' };
  readonly revision?: string;
  /** RFC 3339: when the analysis was made. */
  readonly analysedAt?: string;
  /** How many lines follow, by what they are. */
  readonly issues: number;
  readonly hotspots: number;
  readonly rules: readonly RuleStandards[];
  /** Left out where the server does not tell which rules were active. */
  readonly active?: ActiveRules;
  readonly notices: readonly { readonly code: string; readonly count: number; readonly pointer?: string }[];
}

/** Who set a finding aside, when and with what comment; all of it as far as the server tells. */
export interface Reason {
  readonly by?: string;
  readonly at?: string;
  readonly comment?: string;
}

export interface PlacedLine {
  readonly key: string;
  readonly rule: string;
  readonly message: string;
  readonly path?: string;
  readonly line?: number;
  /** startLine, startOffset, endLine, endOffset as the server counts: lines from 1, offsets from 0. */
  readonly range?: readonly [number, number, number, number];
  /** RFC 3339. */
  readonly created?: string;
  readonly new?: boolean;
  readonly reason?: Reason;
}

/** An issue in the server's own words. */
export interface IssueLine extends PlacedLine {
  readonly kind: 'issue';
  readonly type: string;
  readonly severity: string;
  /** Software quality to severity; there from 10.2 on. */
  readonly impacts?: Readonly<Record<string, string>>;
  readonly status: string;
  readonly resolution?: string;
  readonly issueStatus?: string;
  readonly effortMinutes?: number;
}

export interface HotspotLine extends PlacedLine {
  readonly kind: 'hotspot';
  readonly category: string;
  readonly probability: string;
  readonly status: string;
  readonly resolution?: string;
}

export type FindingLine = IssueLine | HotspotLine;
